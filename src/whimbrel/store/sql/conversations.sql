-- Conversations by our number and theirs. Rows are in the order of the struct `Conversation`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | conversation_received | a row of `Conversation`: it begins, or what is new is added to the one of the same numbers |
-- | conversation_answered (id, message_id) | the newest message, if there is no newer one |
-- | conversation_read (id, message_id) | nothing is unread any more, unless the phone wrote again after this message; changes a row then only |
-- | conversation_by_id (account_id, test, id) | the whole row |
-- | conversations_page, conversations_unread_page (account_id, test, before_id, limit) | whole rows, the newest message first |
-- | conversations_of_number (account_id, test, their_hash, unread, before_id, limit) | the same, with at least so many unread |
-- | conversation_thread (account_id, test, their_hash, our_hash, from_id, before_id, limit) | whole rows of messages between the two, newest first |
-- | conversations_purge (before_id, limit) | those whose newest message is older, removed |
-- | message_numbers_add (message_ids) | look-ups by both numbers, at once; a second time does nothing |

-- name: conversation_received
INSERT INTO conversations (id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_id, test, their_hash, our_hash) DO UPDATE SET
  last_id = CASE WHEN excluded.last_id > conversations.last_id THEN excluded.last_id ELSE conversations.last_id END,
  last_in_id = CASE WHEN excluded.last_in_id > conversations.last_in_id THEN excluded.last_in_id
    ELSE conversations.last_in_id END,
  unread = conversations.unread + excluded.unread;

-- name: conversation_answered
UPDATE conversations SET last_id = $2 WHERE id = $1 AND last_id < $2;

-- name: conversation_read
UPDATE conversations SET unread = 0 WHERE id = $1 AND last_in_id <= $2;

-- name: conversation_by_id
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread FROM conversations
WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: conversations_page
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread FROM conversations
WHERE account_id = $1 AND test = $2 AND last_id < $3 ORDER BY last_id DESC LIMIT $4;

-- name: conversations_unread_page
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread FROM conversations
WHERE account_id = $1 AND test = $2 AND last_id < $3 AND unread > 0 ORDER BY last_id DESC LIMIT $4;

-- name: conversations_of_number
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread FROM conversations
WHERE account_id = $1 AND test = $2 AND their_hash = $3 AND unread >= $4 AND last_id < $5
ORDER BY last_id DESC LIMIT $6;

-- name: conversation_thread
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM message_numbers AS n JOIN messages AS m ON m.id = n.message_id
WHERE n.number_hash = $3 AND n.message_id >= $5 AND n.message_id < $6 AND m.account_id = $1 AND m.test = $2
  AND (m.recipient_hash = $4 OR m.sender_hash = $4)
ORDER BY n.message_id DESC LIMIT $7;

-- name: conversations_purge
DELETE FROM conversations WHERE id IN (
  SELECT id FROM conversations WHERE last_id < $1 ORDER BY last_id LIMIT $2
);

-- name: message_numbers_add
INSERT INTO message_numbers (number_hash, message_id)
SELECT number_hash, message_id FROM (
  SELECT recipient_hash AS number_hash, id AS message_id FROM messages WHERE id = ANY($1)
  UNION ALL
  SELECT sender_hash, id FROM messages WHERE id = ANY($1)
) AS new WHERE true ORDER BY number_hash, message_id
ON CONFLICT DO NOTHING;
