-- Flows, their versions, runs and steps. Whole rows are in the order of the structs of `domain/flows.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | flow_insert | a row of `Flow` |
-- | flow_set (id, name, status, version, kind, starter, active_from, updated_at) | |
-- | flow_delete (id), flow_versions_delete (flow_id) | |
-- | flow_by_id (account_id, id), flow_by_name (account_id, name) | the whole row, unless it is deleted |
-- | flows_standing (ids) | those that are not deleted |
-- | flows_deleted (after_id, limit) | whole rows of those whose runs are being ended, oldest first |
-- | flows_page (account_id, statuses, before_id, limit) | whole rows, newest first |
-- | flows_of_kind (kind) | whole rows of active ones of all accounts, oldest first |
-- | flows_of_accounts (account_ids) | whole rows of active ones that begin with a text, oldest first |
-- | flow_count (account_id) | how many an account has |
-- | flow_version_insert | a row of `FlowVersion` |
-- | flow_version (flow_id, version), flow_versions_page (flow_id, before_version, limit) | whole rows |
-- | flow_versions_trim (flow_id, before_version) | older ones that no run is on, removed |
-- | flow_run_start | a row of `FlowRun`; nothing where the flow had this origin before |
-- | flow_run_advance (id, turn, …, next turn) | what a turn changes, where the run is still at that turn |
-- | flow_run_sent | the same of a turn with a text, which an answer that came meanwhile does not undo |
-- | flow_run_answered (id, answer_key, answer_id, at) | the text that it waited for has come; changes a row once |
-- | flow_run_postpone (id, turn, due_at) | later, if it is still at that turn |
-- | flow_run_stop (account_id, test, id, at) | it ends here, unless it has ended |
-- | flow_run_gone (id, turn, at) | it ends because its flow is deleted, if it is still at that turn |
-- | flow_run_stands (id, turn) | changes nothing of a run that can still send the text of that turn, and counts it |
-- | flow_runs_marks (flow_id, before_id, limit) | id, account_id, version, test, turn, state of its runs, newest first |
-- | flow_run_skip (account_id, test, id, at) | what it waits for has passed |
-- | flow_run_erase (account_id, test, id, at) | numbers, variables and tags of one that has ended are gone, and an origin that names the phone |
-- | flow_run_event (id, turn, seq, type, data, at) | an event of a run that is at this turn |
-- | flow_step_add (…, turn) | a row of `FlowStep` of a run that is at this turn; a second time does nothing |
-- | flow_runs_turns (ids) | id, turn |
-- | flow_runs_due (now, limit) | whole rows, the longest due first |
-- | flow_runs_waiting (keys) | whole rows that wait for a text by these keys, oldest first |
-- | flow_runs_recent (flow_ids, phone_hashes, since) | flow_id, phone_hash, how many began since |
-- | flow_runs_depths (ids) | id, depth |
-- | flow_verifications (ids) | id, recipient, service_id |
-- | flow_run_by_id (account_id, test, id), flow_run_by_origin (flow_id, origin) | the whole row |
-- | flow_runs_page, flow_runs_page_oldest (account_id, test, states, before_id, limit), flow_runs_of_flow, flow_runs_of_flow_oldest (flow_id, account_id, test, states, before_id, limit) | whole rows, newest first |
-- | flow_steps_page (account_id, run_id, after_seq, limit) | whole rows, in order |
-- | flow_runs_purge (before, limit) | those that ended before, removed |
-- | flow_steps_purge (before, limit) | steps of the same |

-- name: flow_insert
INSERT INTO flows (id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: flow_set
UPDATE flows SET name = $2, status = $3, version = $4, kind = $5, starter = $6, active_from = $7, updated_at = $8
WHERE id = $1;

-- name: flow_delete
DELETE FROM flows WHERE id = $1;

-- name: flow_versions_delete
DELETE FROM flow_versions WHERE flow_id = $1;

-- name: flow_by_id
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE id = $2 AND account_id = $1 AND status <> 'deleted';

-- name: flows_standing
SELECT id FROM flows WHERE id = ANY($1) AND status <> 'deleted';

-- name: flows_deleted
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE status = 'deleted' AND id > $1 ORDER BY id LIMIT $2;

-- name: flow_by_name
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE account_id = $1 AND name = $2;

-- name: flows_page
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE account_id = $1 AND status = ANY($2) AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: flows_of_kind
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE kind = $1 AND status = 'active' ORDER BY id;

-- name: flows_of_accounts
SELECT id, account_id, name, status, version, kind, starter, active_from, created_at, updated_at FROM flows
WHERE account_id = ANY($1) AND status = 'active' AND kind IN ('keyword', 'text') ORDER BY id;

-- name: flow_count
SELECT COUNT(*) FROM flows WHERE account_id = $1 AND status <> 'deleted';

-- name: flow_version_insert
INSERT INTO flow_versions (flow_id, version, account_id, document, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: flow_version
SELECT flow_id, version, account_id, document, created_at FROM flow_versions WHERE flow_id = $1 AND version = $2;

-- name: flow_versions_page
SELECT flow_id, version, account_id, document, created_at FROM flow_versions
WHERE flow_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3;

-- name: flow_versions_trim
DELETE FROM flow_versions WHERE flow_id = $1 AND version < $2 AND NOT EXISTS (
  SELECT 1 FROM flow_runs AS r WHERE r.flow_id = $1 AND r.version = flow_versions.version AND r.state = 'running'
);

-- name: flow_run_start
INSERT INTO flow_runs (id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key,
  answer_id, last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at,
  updated_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
  $25, $26)
ON CONFLICT (flow_id, origin) DO NOTHING;

-- name: flow_run_advance
UPDATE flow_runs SET turn = $16, state = $3, step = $4, waits_for = $5, steps = $6, due_at = $7, answer_key = $8,
  answer_id = NULL, last_id = $9, number = $10, variables = $11, tags = $12, reason = $13, updated_at = $14,
  ended_at = $15
WHERE id = $1 AND turn = $2;

-- name: flow_run_sent
UPDATE flow_runs SET turn = $16, state = $3, step = $4, waits_for = $5, steps = $6, due_at = $7, answer_key = $8,
  answer_id = NULL, last_id = $9, number = $10, variables = $11, tags = $12, reason = $13, updated_at = $14,
  ended_at = $15
WHERE id = $1 AND turn BETWEEN $2 AND $2 + 1;

-- name: flow_run_answered
UPDATE flow_runs SET answer_id = $3, answer_key = NULL, due_at = $4, turn = turn + 1
WHERE id = $1 AND answer_key = $2;

-- name: flow_run_postpone
UPDATE flow_runs SET due_at = $3 WHERE id = $1 AND turn = $2;

-- name: flow_run_stop
UPDATE flow_runs SET state = 'stopped', turn = -1, due_at = NULL, answer_key = NULL, waits_for = '', updated_at = $4,
  ended_at = $4
WHERE id = $3 AND account_id = $1 AND test = $2 AND state = 'running';

-- name: flow_run_gone
UPDATE flow_runs SET state = 'stopped', turn = -1, due_at = NULL, answer_key = NULL, waits_for = '', step = '',
  reason = 'flow_gone', updated_at = $3, ended_at = $3
WHERE id = $1 AND turn = $2 AND state = 'running';

-- name: flow_run_stands
UPDATE flow_runs SET turn = turn
WHERE id = $1 AND turn BETWEEN $2 AND $2 + 1
  AND EXISTS (SELECT 1 FROM flows AS f WHERE f.id = flow_runs.flow_id AND f.status <> 'deleted');

-- name: flow_run_skip
UPDATE flow_runs SET due_at = $4, answer_key = NULL, turn = turn + 1
WHERE id = $3 AND account_id = $1 AND test = $2 AND state = 'running' AND waits_for IN ('time', 'answer')
  AND answer_id IS NULL;

-- name: flow_run_erase
UPDATE flow_runs SET phone = '', number = '', variables = '{}', tags = '[]', updated_at = $4,
  origin = CASE WHEN phone <> '' AND origin LIKE '%' || substr(phone, 2) || '%' THEN 'erased:' || id ELSE origin END
WHERE id = $3 AND account_id = $1 AND test = $2 AND state <> 'running';

-- name: flow_run_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, $3, $4, $5, 0, $6 FROM flow_runs WHERE id = $1 AND turn = $2;

-- name: flow_step_add
INSERT INTO flow_steps (run_id, seq, account_id, step, kind, outcome, message_id, detail, at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM flow_runs WHERE id = $1 AND turn = $10
ON CONFLICT (run_id, seq) DO NOTHING;

-- name: flow_runs_turns (locks flow_runs)
SELECT id, turn FROM flow_runs WHERE id = ANY($1) ORDER BY id;

-- name: flow_runs_due
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE due_at <= $1 ORDER BY due_at LIMIT $2;

-- name: flow_runs_waiting
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE answer_key = ANY($1) ORDER BY id;

-- name: flow_runs_recent
SELECT flow_id, phone_hash, COUNT(*) FROM flow_runs
WHERE flow_id = ANY($1) AND phone_hash = ANY($2) AND started_at >= $3 GROUP BY flow_id, phone_hash;

-- name: flow_runs_depths
SELECT id, depth FROM flow_runs WHERE id = ANY($1);

-- name: flow_verifications
SELECT id, recipient, service_id FROM verifications WHERE id = ANY($1);

-- name: flow_run_by_id
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: flow_run_by_origin
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE flow_id = $1 AND origin = $2;

-- name: flow_runs_page (both ways)
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE account_id = $1 AND test = $2 AND state = ANY($3) AND id < $4 ORDER BY id DESC LIMIT $5;

-- name: flow_runs_of_flow (both ways)
SELECT id, account_id, flow_id, version, test, state, step, waits_for, turn, steps, due_at, answer_key, answer_id,
  last_id, phone, number, phone_hash, variables, tags, origin, depth, skip_waits, reason, started_at, updated_at,
  ended_at
FROM flow_runs WHERE flow_id = $1 AND account_id = $2 AND test = $3 AND state = ANY($4) AND id < $5
ORDER BY id DESC LIMIT $6;

-- name: flow_runs_marks
SELECT id, account_id, version, test, turn, state FROM flow_runs
WHERE flow_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: flow_steps_page
SELECT run_id, seq, account_id, step, kind, outcome, message_id, detail, at FROM flow_steps
WHERE run_id = $2 AND account_id = $1 AND seq > $3 ORDER BY seq LIMIT $4;

-- name: flow_runs_purge
DELETE FROM flow_runs WHERE id IN (
  SELECT id FROM flow_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2
);

-- name: flow_steps_purge
DELETE FROM flow_steps WHERE run_id IN (
  SELECT id FROM flow_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2
);
