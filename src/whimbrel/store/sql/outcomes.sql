-- What happens after the submit: attempts and messages under way, parked receipts. Written by `verbs/progress.py`,
-- `verbs/answers.py` and `verbs/receipts.py`. Writes by position are told the lowest one of their list:
-- PostgreSQL then passes over older partitions. Only the lowest: two borders look to its planner like few rows.
--
-- | statement | gives or does |
-- | --- | --- |
-- | attempts_by_positions (positions) | columns of `Tried`, then of `Course` |
-- | attempts_by_keys (carrier_id, keys, floor) | the same: those above a position that the carrier answered with one of the keys |
-- | attempts_by_keys_below (carrier_id, keys, floor) | the same: those below it |
-- | attempts_in_doubt (carrier_id, tails) | the same: those in doubt |
-- | attempts_of_messages (message ids, floor) | columns of `Tried`: all attempts of each message |
-- | tails_unanswered (carrier_id, tails) | which of the tails have an attempt without an answer |
-- | message_taken (id, at, carrier_id, attempt, lowest attempt) | `sent` and charged where the answer is an ordinary one; gives what follows |
-- | attempt_taken | the same for its attempt |
-- | attempt_delivered (carrier_id, key, error, at, floor) | resolved where the receipt is an ordinary one; gives carrier_id, key, message_id |
-- | message_delivered (id, at) | the same for its message; gives what follows |
-- | attempt_answered, attempt_learned, attempt_reported, attempt_counted | what changed of an attempt |
-- | course_moved | what changed of a message |
-- | parked_page (after_position, before, limit) | position, received_at, receipt of the next ones, oldest first; empty where it came later |
-- | parked_any () | a row when any receipt is parked |
-- | parked_for (carrier_id, keys, tails) | position, receipt of those that may be meant |
-- | parked_of (carrier_id, keys) | receipt of those with one of these ids, oldest first |
-- | parked_insert, parked_delete | |

-- name: attempts_by_positions (packed, locks m, a)
SELECT a.position, a.message_id, a.part, a.parts, a.carrier_id, a.state, a.carrier_key, a.reason, a.tail_hash,
  a.committed_at, a.receipt_state, a.receipts, m.id, m.account_id, m.test, m.message_class, m.state, m.price_micros,
  m.held_micros, m.charged_micros, m.carrier_id, m.candidates, m.priority, m.rank, m.expires_at, m.sent_at, m.final_at,
  m.reason, m.flags, m.seq, m.options
FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
WHERE a.position = ANY($1);

-- name: attempts_by_keys (packed, locks m, a)
SELECT a.position, a.message_id, a.part, a.parts, a.carrier_id, a.state, a.carrier_key, a.reason, a.tail_hash,
  a.committed_at, a.receipt_state, a.receipts, m.id, m.account_id, m.test, m.message_class, m.state, m.price_micros,
  m.held_micros, m.charged_micros, m.carrier_id, m.candidates, m.priority, m.rank, m.expires_at, m.sent_at, m.final_at,
  m.reason, m.flags, m.seq, m.options
FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
WHERE a.carrier_id = $1 AND a.carrier_key = ANY($2) AND a.position >= $3;

-- name: attempts_by_keys_below (packed, locks m, a)
SELECT a.position, a.message_id, a.part, a.parts, a.carrier_id, a.state, a.carrier_key, a.reason, a.tail_hash,
  a.committed_at, a.receipt_state, a.receipts, m.id, m.account_id, m.test, m.message_class, m.state, m.price_micros,
  m.held_micros, m.charged_micros, m.carrier_id, m.candidates, m.priority, m.rank, m.expires_at, m.sent_at, m.final_at,
  m.reason, m.flags, m.seq, m.options
FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
WHERE a.carrier_id = $1 AND a.carrier_key = ANY($2) AND a.position < $3;

-- name: attempts_in_doubt (locks m, a)
SELECT a.position, a.message_id, a.part, a.parts, a.carrier_id, a.state, a.carrier_key, a.reason, a.tail_hash,
  a.committed_at, a.receipt_state, a.receipts, m.id, m.account_id, m.test, m.message_class, m.state, m.price_micros,
  m.held_micros, m.charged_micros, m.carrier_id, m.candidates, m.priority, m.rank, m.expires_at, m.sent_at, m.final_at,
  m.reason, m.flags, m.seq, m.options
FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
WHERE a.state = 'in_doubt' AND a.carrier_id = $1 AND a.tail_hash = ANY($2);

-- name: attempts_of_messages
SELECT position, message_id, part, parts, carrier_id, state, carrier_key, reason, tail_hash, committed_at,
  receipt_state, receipts
FROM attempts WHERE message_id = ANY($1) AND position >= from_day($2);

-- name: tails_unanswered
SELECT DISTINCT tail_hash FROM attempts WHERE state = 'committed' AND carrier_id = $1 AND tail_hash = ANY($2);

-- name: message_taken (distinct, whole 5)
UPDATE messages SET state = 'sent', sent_at = $2, updated_at = $2, carrier_id = $3, reason = NULL, seq = seq + 1,
  charged_micros = held_micros, held_micros = 0
WHERE id = $1 AND state = 'sending' AND segments = 1 AND charged_micros = 0 AND (flags & 256) = 0
  AND (SELECT a.state FROM attempts a WHERE a.position = $4 AND a.position >= $5) = 'committed'
RETURNING id, account_id, test, seq, flags, charged_micros;

-- name: attempt_taken (distinct, whole 8)
UPDATE attempts SET state = 'accepted', bind = $2, carrier_message_id = $3, carrier_key = $4, status_code = $5,
  throttled = $6, answered_at = $7
WHERE position = $1 AND answered_at IS NULL AND position >= $8;

-- name: attempt_delivered (distinct, whole 5)
UPDATE attempts SET state = 'resolved', receipt_state = 'delivered', receipt_error = $3, receipts = receipts + 1,
  resolved_at = $4
WHERE carrier_id = $1 AND carrier_key = $2 AND position >= $5 AND state = 'accepted' AND parts = 1 AND receipts = 0
  AND NOT EXISTS (SELECT 1 FROM attempts b WHERE b.carrier_id = $1 AND b.carrier_key = $2 AND b.position >= $5
    AND b.position <> attempts.position)
  AND EXISTS (SELECT 1 FROM messages m WHERE m.id = attempts.message_id AND m.state = 'sent' AND m.held_micros = 0
    AND (m.flags & 768) = 0)
RETURNING carrier_id, carrier_key, message_id;

-- name: message_delivered (distinct)
UPDATE messages SET state = 'delivered', final_at = $2, updated_at = $2, reason = NULL, seq = seq + 1
WHERE id = $1 AND state = 'sent' AND held_micros = 0 AND (flags & 768) = 0
RETURNING id, account_id, test, seq, flags;

-- name: attempt_answered (distinct, whole 10)
UPDATE attempts SET bind = $2, state = $3, carrier_message_id = $4, carrier_key = $5, status_code = $6, reason = $7,
  throttled = $8, answered_at = $9 WHERE position = $1 AND position >= $10;

-- name: attempt_learned
UPDATE attempts SET carrier_key = $2 WHERE position = $1;

-- name: attempt_reported (distinct, whole 8)
UPDATE attempts SET state = $2, reason = $3, receipt_state = $4, receipt_error = $5, receipts = $6, resolved_at = $7
WHERE position = $1 AND position >= $8;

-- name: attempt_counted
UPDATE attempts SET receipts = $2 WHERE position = $1;

-- name: course_moved (distinct)
UPDATE messages SET state = $2, held_micros = $3, charged_micros = $4, carrier_id = $5, candidates = $6, updated_at = $7,
  sent_at = $8, final_at = $9, reason = $10, flags = $11, seq = $12 WHERE id = $1;

-- name: parked_any
SELECT 1 FROM parked_receipts LIMIT 1;

-- name: parked_for (locks parked_receipts)
SELECT position, receipt FROM parked_receipts WHERE position IN (
  SELECT position FROM parked_receipts WHERE carrier_id = $1 AND carrier_key = ANY($2)
  UNION
  SELECT position FROM parked_receipts WHERE carrier_id = $1 AND tail_hash = ANY($3)
) ORDER BY position;

-- name: parked_of
SELECT receipt FROM parked_receipts WHERE carrier_id = $1 AND carrier_key = ANY($2) ORDER BY position LIMIT 20;

-- name: parked_page
SELECT position, received_at, CASE WHEN received_at <= $2 THEN receipt ELSE '' END AS receipt FROM parked_receipts
WHERE position > $1 ORDER BY position LIMIT $3;

-- name: parked_insert
INSERT INTO parked_receipts (carrier_id, carrier_key, keys, tail_hash, receipt, received_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: parked_delete
DELETE FROM parked_receipts WHERE position = $1;
