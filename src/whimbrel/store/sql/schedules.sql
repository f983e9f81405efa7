-- Schedules and their parts. Whole rows are in the order of the structs of `domain/schedules.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | schedules_insert | a row of `Schedule` |
-- | schedules_set (id, name, status, spec, skipped, recipients, updated_at, reason) | |
-- | schedules_delete (id), schedule_parts_delete (schedule_id) | |
-- | schedules_by_id (account_id, test, id) | the whole row |
-- | schedules_page (account_id, test, statuses, before_id, limit) | whole rows, newest first |
-- | schedules_count (account_id) | how many an account has |
-- | schedule_part_insert | a row of `SchedulePart` |
-- | schedule_parts_of (account_id, schedule_id) | whole rows |
-- | schedule_part_next (schedule_id, part, occurrence, next_occurrence, due_at) | goes on to the next one, if it stands at this one |
-- | schedule_part_read (schedule_id, part, occurrence, cursor, next_cursor) | so much of an audience was read, if it stands there |
-- | schedule_part_done (schedule_id, part, occurrence) | people who had their turn are forgotten |
-- | schedule_part_last (schedule_id) | the greatest number of its parts |
-- | schedules_ran (id, at) | counts a part that ran |
-- | schedules_ended (id, at) | finished, if none of its parts is due any more |
-- | schedules_rest (id, reason, at), schedule_parts_rest (schedule_id) | it pauses by itself |
-- | schedules_over (id, occurrence) | counts an event, if none of its parts waits for this occurrence |
-- | schedules_over_event (id, occurrence, type, data, at) | the event, if so |
-- | schedules_event (id, type, data, at) | an event with the number that the change before it gave |
-- | schedule_outcome_add | a row of `ScheduleOutcome`: its count is added |
-- | schedule_outcomes_prune (schedule_id, before), schedule_outcomes_delete (schedule_id) | |
-- | schedule_outcomes_page (account_id, schedule_id, before, limit) | whole rows of so many occurrences, the newest first |
-- | schedule_parts_due (now, limit) | rows of `DuePart`, the longest due first |
-- | schedule_part_later (schedule_id, part, occurrence, due_at) | tried again then |

-- name: schedules_insert
INSERT INTO schedules (id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at,
  seq, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: schedules_set
UPDATE schedules SET name = $2, status = $3, spec = $4, skipped = $5, recipients = $6, updated_at = $7, reason = $8
WHERE id = $1;

-- name: schedules_delete
DELETE FROM schedules WHERE id = $1;

-- name: schedule_parts_delete
DELETE FROM schedule_parts WHERE schedule_id = $1;

-- name: schedules_by_id
SELECT id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at,
  seq, reason
FROM schedules WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: schedules_page
SELECT id, account_id, test, name, status, spec, skipped, recipients, runs, last_at, created_at, updated_at,
  seq, reason
FROM schedules WHERE account_id = $1 AND test = $2 AND status = ANY($3) AND id < $4 ORDER BY id DESC LIMIT $5;

-- name: schedules_count
SELECT COUNT(*) FROM schedules WHERE account_id = $1;

-- name: schedule_part_insert
INSERT INTO schedule_parts (schedule_id, part, account_id, zone, recipients, occurrence, due_at, kind, cursor, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: schedule_parts_of
SELECT schedule_id, part, account_id, zone, recipients, occurrence, due_at, kind, cursor, since FROM schedule_parts
WHERE schedule_id = $2 AND account_id = $1 ORDER BY part;

-- name: schedule_part_next
UPDATE schedule_parts SET occurrence = $4, due_at = $5, cursor = ''
WHERE schedule_id = $1 AND part = $2 AND occurrence = $3 AND due_at IS NOT NULL;

-- name: schedule_part_read
UPDATE schedule_parts SET cursor = $5
WHERE schedule_id = $1 AND part = $2 AND occurrence = $3 AND cursor = $4 AND due_at IS NOT NULL;

-- name: schedule_part_done
DELETE FROM schedule_parts WHERE schedule_id = $1 AND part = $2 AND occurrence = $3 AND due_at IS NOT NULL;

-- name: schedule_part_last
SELECT COALESCE(MAX(part), -1) FROM schedule_parts WHERE schedule_id = $1;

-- name: schedules_ran
UPDATE schedules SET runs = runs + 1, last_at = $2 WHERE id = $1;

-- name: schedules_ended
UPDATE schedules SET status = 'finished', updated_at = $2 WHERE id = $1 AND status = 'active' AND NOT EXISTS (
  SELECT 1 FROM schedule_parts WHERE schedule_id = $1 AND due_at IS NOT NULL
);

-- name: schedule_parts_due
SELECT p.schedule_id, p.part, p.account_id, p.zone, p.recipients, p.occurrence, p.due_at, p.kind, p.cursor,
  p.since, s.test, s.spec, s.skipped
FROM schedule_parts AS p JOIN schedules AS s ON s.id = p.schedule_id
WHERE p.due_at <= $1 ORDER BY p.due_at LIMIT $2;

-- name: schedule_part_later
UPDATE schedule_parts SET due_at = $4 WHERE schedule_id = $1 AND part = $2 AND occurrence = $3;

-- name: schedules_rest
UPDATE schedules SET status = 'paused', reason = $2, updated_at = $3, seq = seq + 1 WHERE id = $1 AND status = 'active';

-- name: schedule_parts_rest
UPDATE schedule_parts SET due_at = NULL WHERE schedule_id = $1;

-- name: schedules_over
UPDATE schedules SET seq = seq + 1 WHERE id = $1 AND NOT EXISTS (
  SELECT 1 FROM schedule_parts WHERE schedule_id = $1 AND occurrence = $2 AND due_at IS NOT NULL
);

-- name: schedules_over_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, seq, $3, $4, 0, $5 FROM schedules WHERE id = $1 AND NOT EXISTS (
  SELECT 1 FROM schedule_parts WHERE schedule_id = $1 AND occurrence = $2 AND due_at IS NOT NULL
);

-- name: schedules_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, seq, $2, $3, 0, $4 FROM schedules WHERE id = $1;

-- name: schedule_outcome_add
INSERT INTO schedule_outcomes (schedule_id, occurrence, code, account_id, count, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (schedule_id, occurrence, code) DO UPDATE SET count = schedule_outcomes.count + excluded.count,
  at = excluded.at;

-- name: schedule_outcomes_prune
DELETE FROM schedule_outcomes WHERE schedule_id = $1 AND at < $2;

-- name: schedule_outcomes_delete
DELETE FROM schedule_outcomes WHERE schedule_id = $1;

-- name: schedule_outcomes_page
SELECT schedule_id, occurrence, code, account_id, count, at FROM schedule_outcomes
WHERE account_id = $1 AND schedule_id = $2 AND occurrence IN (
  SELECT DISTINCT occurrence FROM schedule_outcomes WHERE schedule_id = $2 AND occurrence < $3
  ORDER BY occurrence DESC LIMIT $4
)
ORDER BY occurrence DESC, code;
