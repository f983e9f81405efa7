-- Hooks and the log of their calls. Rows are in the order of `Hook`, `HookCall` and `HookOutcome`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | hook_insert | a row of `Hook` |
-- | hook_called (id) | the whole row, for whoever calls it |
-- | hook_by_id (id, account_id, test) | the whole row |
-- | hooks_of_account (account_id, test) | whole rows, the newest first |
-- | hook_update (id, name, status, settings, at) | |
-- | hook_rotate (id, secret, old_secret, old_secret_until, at) | |
-- | hook_delete (id), hook_calls_delete (hook_id), hook_outcomes_delete (hook_id), hook_latest_delete (hook_id) | |
-- | hook_call_insert | a row of `HookCall`; nothing when it is there |
-- | hook_call_counted (id, verdict, events, sent) | what came of it in all |
-- | hook_call_by_id (id, hook_id) | the whole row |
-- | hook_calls_page, hook_calls_page_oldest (hook_id, before_id, limit) | rows without the payload, the newest first |
-- | hook_calls_page_of_verdict, hook_calls_page_of_verdict_oldest (hook_id, verdict, before_id, limit) | the same of one verdict |
-- | hook_outcome_insert | a row of `HookOutcome`; nothing when the same was sent for before |
-- | hook_outcomes_of (call_ids) | whole rows, in order |
-- | hook_taken (hook_id, taken) | what of these was sent for before: taken, message_id |
-- | hook_latest_of (hook_id, subjects) | subject, at |
-- | hook_latest_put (hook_id, subject, account_id, at, seen_at) | the newest event stays; changes a row unless a newer one is there |
-- | hook_payloads_purge, hook_calls_purge, hook_outcomes_purge, hook_latest_purge (before, limit) | old ones go |

-- name: hook_insert
INSERT INTO hooks (id, account_id, test, name, preset, status, secret, old_secret, old_secret_until, settings, created_at,
  updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: hook_called
SELECT id, account_id, test, name, preset, status, secret, old_secret, old_secret_until, settings, created_at,
  updated_at
FROM hooks WHERE id = $1;

-- name: hook_by_id
SELECT id, account_id, test, name, preset, status, secret, old_secret, old_secret_until, settings, created_at,
  updated_at
FROM hooks WHERE id = $1 AND account_id = $2 AND test = $3;

-- name: hooks_of_account
SELECT id, account_id, test, name, preset, status, secret, old_secret, old_secret_until, settings, created_at,
  updated_at
FROM hooks WHERE account_id = $1 AND test = $2 ORDER BY created_at DESC;

-- name: hook_update
UPDATE hooks SET name = $2, status = $3, settings = $4, updated_at = $5 WHERE id = $1;

-- name: hook_rotate
UPDATE hooks SET secret = $2, old_secret = $3, old_secret_until = $4, updated_at = $5 WHERE id = $1;

-- name: hook_delete
DELETE FROM hooks WHERE id = $1;

-- name: hook_calls_delete
DELETE FROM hook_calls WHERE hook_id = $1;

-- name: hook_outcomes_delete
DELETE FROM hook_outcomes WHERE call_id IN (SELECT id FROM hook_calls WHERE hook_id = $1);

-- name: hook_latest_delete
DELETE FROM hook_latest WHERE hook_id = $1;

-- name: hook_call_insert
INSERT INTO hook_calls (id, account_id, hook_id, verdict, detail, events, sent, octets, replay_of, payload, payload_until,
  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING;

-- name: hook_call_counted
UPDATE hook_calls SET verdict = $2, events = $3, sent = $4 WHERE id = $1;

-- name: hook_call_by_id
SELECT id, account_id, hook_id, verdict, detail, events, sent, octets, replay_of, payload, payload_until,
  created_at
FROM hook_calls WHERE id = $1 AND hook_id = $2;

-- name: hook_calls_page (both ways)
SELECT id, account_id, hook_id, verdict, detail, events, sent, octets, replay_of, NULL, payload_until, created_at
FROM hook_calls WHERE hook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: hook_calls_page_of_verdict (both ways)
SELECT id, account_id, hook_id, verdict, detail, events, sent, octets, replay_of, NULL, payload_until, created_at
FROM hook_calls WHERE hook_id = $1 AND verdict = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: hook_outcome_insert
INSERT INTO hook_outcomes (call_id, number, account_id, hook_id, event_type, event_id, rule, verdict, reason, detail, message_id, taken,
  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING;

-- name: hook_outcomes_of
SELECT call_id, number, account_id, hook_id, event_type, event_id, rule, verdict, reason, detail, message_id, taken,
  created_at
FROM hook_outcomes WHERE call_id = ANY($1) ORDER BY call_id, number;

-- name: hook_taken
SELECT taken, message_id FROM hook_outcomes WHERE hook_id = $1 AND taken = ANY($2) AND taken IS NOT NULL;

-- name: hook_latest_of
SELECT subject, at FROM hook_latest WHERE hook_id = $1 AND subject = ANY($2);

-- name: hook_latest_put
INSERT INTO hook_latest (hook_id, subject, account_id, at, seen_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (hook_id, subject) DO UPDATE SET at = excluded.at, seen_at = excluded.seen_at
WHERE hook_latest.at <= excluded.at;

-- name: hook_payloads_purge
UPDATE hook_calls SET payload = NULL WHERE id IN (
  SELECT id FROM hook_calls WHERE payload IS NOT NULL AND payload_until < $1 ORDER BY payload_until LIMIT $2
);

-- name: hook_calls_purge
DELETE FROM hook_calls WHERE id IN (
  SELECT id FROM hook_calls WHERE created_at < $1 ORDER BY created_at LIMIT $2
);

-- name: hook_outcomes_purge
DELETE FROM hook_outcomes WHERE (call_id, number) IN (
  SELECT call_id, number FROM hook_outcomes WHERE created_at < $1 ORDER BY created_at LIMIT $2
);

-- name: hook_latest_purge
DELETE FROM hook_latest WHERE (hook_id, subject) IN (
  SELECT hook_id, subject FROM hook_latest WHERE seen_at < $1 ORDER BY seen_at LIMIT $2
);
