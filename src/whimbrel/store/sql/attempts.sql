-- Attempts. `attempts_reserve` stands in each dialect's own folder. PostgreSQL partitions by position: a floor keeps a
-- look-up out of the days before it. from_day() is nothing to SQLite, where older files have attempts without a day.
--
-- | statement | gives or does |
-- | --- | --- |
-- | attempt_insert | position, message_id, account_id, part, parts, carrier_id, bind, state, throttled, tail_hash, committed_at, receipts |
-- | attempts_unanswered (carrier_id or NULL) | columns of `Owed`: committed, and nothing was recorded since |
-- | attempts_of_message (message_id, floor) | whole rows of `Attempt`, as they were made |
-- | messages_with_carrier_ids (carriers, keys, account_id, limit) | ids of an account's messages that a carrier gave one of these ids to, newest first |
-- | attempts_delete (message_ids, floor) | removed; the newest of all stays, so that its number is not given out again |

-- name: attempt_insert
INSERT INTO attempts (position, message_id, account_id, part, parts, carrier_id, bind, state, throttled, tail_hash,
  committed_at, receipts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: attempts_unanswered
SELECT position, message_id, carrier_id, tail_hash, committed_at FROM attempts
WHERE state = 'committed' AND (CAST($1 AS TEXT) IS NULL OR carrier_id = $1) ORDER BY position;

-- name: attempts_of_message
SELECT position, message_id, account_id, part, parts, carrier_id, bind, state, carrier_message_id, carrier_key,
  status_code, reason, throttled, tail_hash, committed_at, answered_at, receipt_state, receipt_error, receipts,
  resolved_at
FROM attempts WHERE message_id = $1 AND position >= from_day($2) ORDER BY position;

-- name: messages_with_carrier_ids
SELECT DISTINCT message_id FROM attempts
WHERE carrier_id = ANY($1) AND carrier_key = ANY($2) AND account_id = $3 ORDER BY message_id DESC LIMIT $4;

-- name: attempts_delete
DELETE FROM attempts WHERE message_id = ANY($1) AND position >= from_day($2)
  AND position < (SELECT MAX(position) FROM attempts);
