-- Messages. Columns of a whole row are always in the order of the struct `Message`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | message_insert | a row of `Message` |
-- | messages_by_ids (ids) | whole rows |
-- | messages_to_claim (ids) | id, account_id, test, seq, flags, candidates, priority, rank of those still queued |
-- | message_sending (id, carrier_id, at) | taken from the queue: `sending`, next event number |
-- | messages_to_finish (ids) | what ending a message needs |
-- | message_finish (id, state, reason, final_at, charged, at) | ended, nothing held any more, next event number |

-- name: message_insert
INSERT INTO messages (id, account_id, test, direction, door, message_class, state, recipient, sender, text, encoding,
  segments, price_micros, held_micros, charged_micros, currency, carrier_id, route_id, candidates, priority, rank,
  created_at, due_at, expires_at, updated_at, sent_at, final_at, reason, flags, seq, recipient_hash, sender_hash, options)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
  $25, $26, $27, $28, $29, $30, $31, $32, $33);

-- name: messages_by_ids
SELECT id, account_id, test, direction, door, message_class, state, recipient, sender, text, encoding, segments,
  price_micros, held_micros, charged_micros, currency, carrier_id, route_id, candidates, priority, rank, created_at,
  due_at, expires_at, updated_at, sent_at, final_at, reason, flags, seq, recipient_hash, sender_hash, options
FROM messages WHERE id = ANY($1);

-- name: messages_to_claim
SELECT id, account_id, test, seq, flags, candidates, priority, rank FROM messages
WHERE id = ANY($1) AND state = 'queued';

-- name: message_sending
UPDATE messages SET state = 'sending', carrier_id = $2, updated_at = $3, seq = seq + 1 WHERE id = $1;

-- name: messages_to_finish
SELECT id, account_id, test, state, seq, flags, held_micros, charged_micros, candidates, priority, rank, due_at,
  carrier_id
FROM messages WHERE id = ANY($1);

-- name: message_finish
UPDATE messages SET state = $2, reason = $3, final_at = $4, held_micros = 0, charged_micros = $5, updated_at = $6,
  seq = seq + 1 WHERE id = $1;
