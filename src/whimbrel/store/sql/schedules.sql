-- Schedules and their parts. Whole rows are in the order of the structs of `domain/schedules.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | schedules_insert | a row of `Schedule` |
-- | schedules_set (id, name, status, spec, skipped, recipients, updated_at) | |
-- | schedules_delete (id), schedule_parts_delete (schedule_id) | |
-- | schedules_by_id (account_id, test, id) | the whole row |
-- | schedules_page (account_id, test, statuses, before_id, limit) | whole rows, newest first |
-- | schedules_count (account_id) | how many an account has |
-- | schedule_part_insert | a row of `SchedulePart` |
-- | schedule_parts_of (account_id, schedule_id) | whole rows |
-- | schedule_part_next (schedule_id, part, occurrence, next_occurrence, due_at) | goes on to the next one, if it stands at this one |
-- | schedules_ran (id, at) | counts a part that ran |
-- | schedules_ended (id, at) | finished, if none of its parts is due any more |
-- | schedule_parts_due (now, limit) | rows of `DuePart`, the longest due first |
-- | schedule_part_later (schedule_id, part, occurrence, due_at) | tried again then |

-- name: schedules_insert
INSERT INTO schedules (id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: schedules_set
UPDATE schedules SET name = $2, status = $3, spec = $4, skipped = $5, recipients = $6, updated_at = $7 WHERE id = $1;

-- name: schedules_delete
DELETE FROM schedules WHERE id = $1;

-- name: schedule_parts_delete
DELETE FROM schedule_parts WHERE schedule_id = $1;

-- name: schedules_by_id
SELECT id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at
FROM schedules WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: schedules_page
SELECT id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at
FROM schedules WHERE account_id = $1 AND test = $2 AND status = ANY($3) AND id < $4 ORDER BY id DESC LIMIT $5;

-- name: schedules_count
SELECT COUNT(*) FROM schedules WHERE account_id = $1;

-- name: schedule_part_insert
INSERT INTO schedule_parts (schedule_id, part, account_id, zone, recipients, occurrence, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: schedule_parts_of
SELECT schedule_id, part, account_id, zone, recipients, occurrence, due_at FROM schedule_parts
WHERE schedule_id = $2 AND account_id = $1 ORDER BY part;

-- name: schedule_part_next
UPDATE schedule_parts SET occurrence = $4, due_at = $5 WHERE schedule_id = $1 AND part = $2 AND occurrence = $3;

-- name: schedules_ran
UPDATE schedules SET runs = runs + 1, last_at = $2 WHERE id = $1;

-- name: schedules_ended
UPDATE schedules SET status = 'finished', updated_at = $2 WHERE id = $1 AND status = 'active' AND NOT EXISTS (
  SELECT 1 FROM schedule_parts WHERE schedule_id = $1 AND due_at IS NOT NULL
);

-- name: schedule_parts_due
SELECT p.schedule_id, p.part, p.account_id, p.zone, p.recipients, p.occurrence, p.due_at, s.test, s.spec, s.skipped
FROM schedule_parts AS p JOIN schedules AS s ON s.id = p.schedule_id
WHERE p.due_at <= $1 ORDER BY p.due_at LIMIT $2;

-- name: schedule_part_later
UPDATE schedule_parts SET due_at = $4 WHERE schedule_id = $1 AND part = $2 AND occurrence = $3;
