-- Keys of requests, one row for each chunk of a request.
--
-- | statement | gives or does |
-- | --- | --- |
-- | idempotency_take (account_id, door, key, chunk, fingerprint, chunks, verdicts, created_at) | gives account_id, door, key, chunk when it was free |
-- | idempotency_verdicts (account_id, door, key, chunk, verdicts) | the verdicts as they became |
-- | idempotency_drop (account_id, door, key, chunk) | a refusal is not stored |
-- | idempotency_kept (account_id, door, key) | columns of `Kept`, by chunk |
-- | idempotency_at (created_at, account_id, door) | key, verdicts of the requests of a moment |
-- | idempotency_purge (before, limit) | the oldest ones removed |

-- name: idempotency_take
INSERT INTO idempotency (account_id, door, key, chunk, fingerprint, chunks, verdicts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_id, door, key, chunk) DO NOTHING
RETURNING account_id, door, key, chunk;

-- name: idempotency_verdicts
UPDATE idempotency SET verdicts = $5 WHERE account_id = $1 AND door = $2 AND key = $3 AND chunk = $4;

-- name: idempotency_drop
DELETE FROM idempotency WHERE account_id = $1 AND door = $2 AND key = $3 AND chunk = $4;

-- name: idempotency_kept
SELECT fingerprint, chunk, chunks, verdicts FROM idempotency
WHERE account_id = $1 AND door = $2 AND key = $3 ORDER BY chunk;

-- name: idempotency_at
SELECT key, verdicts FROM idempotency WHERE created_at = $1 AND account_id = $2 AND door = $3;

-- name: idempotency_purge
DELETE FROM idempotency WHERE (account_id, door, key, chunk) IN (
  SELECT account_id, door, key, chunk FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2
);
