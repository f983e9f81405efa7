-- Messages. Columns of a whole row are always in the order of the struct `Message`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | message_insert | a row of `Message` |
-- | messages_by_ids (ids) | whole rows |
-- | message_sending (id, carrier_id, at) | `sending` if it is still queued, next event number; gives what a claim needs |
-- | messages_to_finish (ids) | what ending a message needs |
-- | message_finish (id, state, reason, final_at, charged, at) | ended, nothing held any more, next event number |
-- | messages_to_enqueue (ids) | what a scheduled message needs when it falls due |
-- | message_enqueue (id, candidates, route_id, price, held, rank, at) | `queued`, next event number |
-- | messages_to_put_off (ids) | what a queued message needs that is to be sent later |
-- | message_put_off (id, due_at, reason, at) | `scheduled` for another time, next event number |
-- | messages_to_erase (ids) | id, account_id, test, seq, flags, state and hashes |
-- | message_redact (id, flag, at) | text, numbers and options erased, flagged, next event number; hashes stay |
-- | messages_delete (ids), message_number_delete (hash, id) | removed |
-- | messages_old (before_id, limit) | id, recipient_hash, sender_hash of final messages with a smaller id |
-- | messages_stretch (account_id, from_id, before_id, limit) | how many of an account stand before an id, at most so many, and the oldest of them |
-- | message_numbers_stretch (number_hash, from_id, before_id, limit) | the same of those with a number |
-- | messages_stretch_oldest, message_numbers_stretch_oldest (the same) | how many stand from an id on, at most so many, and the newest of them |
-- | message_numbers_follow (position, end) | look-ups by both numbers of all messages that are new in this stretch of the log; a second time does nothing |

-- name: message_insert
INSERT INTO messages (id, account_id, test, direction, door, message_class, state, recipient, sender, text, encoding,
  segments, price_micros, held_micros, charged_micros, currency, carrier_id, route_id, candidates, priority, rank,
  created_at, due_at, expires_at, updated_at, sent_at, final_at, reason, flags, seq, recipient_hash, sender_hash, options)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
  $25, $26, $27, $28, $29, $30, $31, $32, $33);

-- name: messages_by_ids (packed)
SELECT id, account_id, test, direction, door, message_class, state, recipient, sender, text, encoding, segments,
  price_micros, held_micros, charged_micros, currency, carrier_id, route_id, candidates, priority, rank, created_at,
  due_at, expires_at, updated_at, sent_at, final_at, reason, flags, seq, recipient_hash, sender_hash, options
FROM messages WHERE id = ANY($1);

-- name: message_sending (distinct)
UPDATE messages SET state = 'sending', carrier_id = $2, updated_at = $3, seq = seq + 1
WHERE id = $1 AND state = 'queued'
RETURNING id, account_id, test, seq, flags, candidates, priority, rank;

-- name: messages_to_finish (packed, locks messages)
SELECT id, account_id, test, state, seq, flags, held_micros, charged_micros, candidates, priority, rank, due_at,
  carrier_id
FROM messages WHERE id = ANY($1);

-- name: message_finish (distinct)
UPDATE messages SET state = $2, reason = $3, final_at = $4, held_micros = 0, charged_micros = $5, updated_at = $6,
  seq = seq + 1 WHERE id = $1;

-- name: messages_to_enqueue (packed, locks messages)
SELECT id, account_id, test, seq, flags, held_micros, priority, due_at, expires_at
FROM messages WHERE id = ANY($1) AND state = 'scheduled';

-- name: message_enqueue (distinct)
UPDATE messages SET state = 'queued', candidates = $2, route_id = $3, price_micros = $4, held_micros = $5, rank = $6,
  updated_at = $7, reason = NULL, seq = seq + 1 WHERE id = $1;

-- name: messages_to_put_off (packed, locks messages)
SELECT id, account_id, test, seq, flags, candidates, priority, rank FROM messages WHERE id = ANY($1) AND state = 'queued';

-- name: message_put_off (distinct)
UPDATE messages SET state = 'scheduled', due_at = $2, reason = $3, updated_at = $4, seq = seq + 1 WHERE id = $1;

-- name: messages_to_erase (locks messages)
SELECT id, account_id, test, seq, flags, state, recipient_hash, sender_hash FROM messages WHERE id = ANY($1);

-- name: message_redact
UPDATE messages SET text = '', recipient = '', sender = '', options = '{}', flags = flags | $2, updated_at = $3,
  seq = seq + 1 WHERE id = $1;

-- name: messages_delete
DELETE FROM messages WHERE id = ANY($1);

-- name: messages_old (locks messages)
SELECT id, recipient_hash, sender_hash FROM messages
WHERE id < $1 AND state NOT IN ('scheduled', 'queued', 'sending', 'sent', 'in_doubt') ORDER BY id LIMIT $2;

-- name: message_numbers_follow
INSERT INTO message_numbers (number_hash, message_id)
SELECT number_hash, message_id FROM (
  SELECT m.recipient_hash AS number_hash, m.id AS message_id FROM events AS e JOIN messages AS m ON m.id = e.subject_id
  WHERE e.position > $1 AND e.position <= $2 AND e.seq = 1
  UNION ALL
  SELECT m.sender_hash, m.id FROM events AS e JOIN messages AS m ON m.id = e.subject_id
  WHERE e.position > $1 AND e.position <= $2 AND e.seq = 1
) AS new WHERE true ORDER BY number_hash, message_id
ON CONFLICT DO NOTHING;

-- name: message_number_delete
DELETE FROM message_numbers WHERE number_hash = $1 AND message_id = $2;

-- name: messages_stretch
SELECT COUNT(*), COALESCE(MIN(id), $2) FROM (
  SELECT id FROM messages WHERE account_id = $1 AND id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4
) AS stretch;

-- name: message_numbers_stretch
SELECT COUNT(*), COALESCE(MIN(message_id), $2) FROM (
  SELECT message_id FROM message_numbers WHERE number_hash = $1 AND message_id >= $2 AND message_id < $3
  ORDER BY message_id DESC LIMIT $4
) AS stretch;

-- name: messages_stretch_oldest
SELECT COUNT(*), COALESCE(MAX(id), $3) FROM (
  SELECT id FROM messages WHERE account_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4
) AS stretch;

-- name: message_numbers_stretch_oldest
SELECT COUNT(*), COALESCE(MAX(message_id), $3) FROM (
  SELECT message_id FROM message_numbers WHERE number_hash = $1 AND message_id >= $2 AND message_id < $3
  ORDER BY message_id LIMIT $4
) AS stretch;
