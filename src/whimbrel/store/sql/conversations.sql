-- Conversations by our number and theirs. Rows are in the order of the struct `Conversation`. An event is written after its
-- change and in its commit: the change took a number (`seq`) that no event has yet.
--
-- | statement | gives or does |
-- | --- | --- |
-- | conversations_between (account_ids, their_hashes) | whole rows of these phones, also those of other numbers of ours |
-- | conversation_received (an `Arrival`) | it begins, or what is new is added to the one of the same numbers |
-- | conversation_opened_event (account_id, test, our_hash, their_hash, at) | told, if it was opened then |
-- | conversation_away (account_id, test, our_hash, their_hash, at) | when the phone got the automatic answer |
-- | conversation_rated_day (account_id, test, our_hash, their_hash, score, day) | counted for whoever saw to it |
-- | conversation_rated (account_id, test, our_hash, their_hash, score, at) | the phone gave this rating |
-- | conversation_rated_event (account_id, test, our_hash, their_hash, at) | told |
-- | conversation_reply_day (id, at, day, user_id) | counted: how long a text waited for this answer |
-- | conversation_answered (id, message_id) | the newest message, if there is no newer one; nothing waits for an answer |
-- | conversation_closed_day (id, day) | counted for whoever saw to it, unless it is closed |
-- | conversation_state (id, state, at) | it stands so from now on |
-- | conversation_state_event (id, at, actor) | told, if it stands so since then |
-- | conversation_assignee (id, user_id, at) | who sees to it |
-- | conversation_assignee_event (id, at, actor) | told, if so since then |
-- | conversation_given (account_id, test, our_hash, their_hash, user_id, at) | who sees to the one of these numbers |
-- | conversation_given_event (account_id, test, our_hash, their_hash, at, actor) | told, if so since then |
-- | conversation_tags (id, tags) | JSON |
-- | conversation_asked (id, at) | when the phone was asked for a rating |
-- | conversation_read (id, message_id) | nothing is unread any more, unless the phone wrote again after this message; changes a row then only |
-- | conversation_by_id (account_id, test, id) | the whole row |
-- | conversations_page, conversations_unread_page (account_id, test, before_id, limit) | whole rows, the newest message first |
-- | conversations_page_oldest, conversations_unread_page_oldest, conversations_state_page_oldest, conversations_assignee_page_oldest, conversations_of_number_oldest, conversation_notes_page_oldest | the same from the other end |
-- | conversations_state_page (account_id, test, state, before_id, limit) | those that stand so |
-- | conversations_assignee_page (account_id, test, user_id, before_id, limit) | those that somebody sees to |
-- | conversations_of_number (account_id, test, their_hash, before_id, limit) | those of one phone |
-- | conversation_thread (account_id, test, their_hash, our_hash, from_id, before_id, limit) | whole rows of messages between the two, newest first |
-- | conversations_purge (before_id, limit) | those whose newest message is older, removed |
-- | conversation_note_insert, conversation_note_by_id (account_id, test, id), conversation_note_delete (id) | notes; rows of `Note` |
-- | conversation_note_between (id, account_id, test, our_hash, their_hash, author, text, at, most) | a note beside the one of these numbers, if it has fewer |
-- | conversation_notes_page (account_id, test, conversation_id, before_id, limit) | the newest first |
-- | conversation_notes_count (conversation_id) | how many there are |
-- | conversation_notes_purge (before_id, limit) | notes of those that go next, removed |
-- | conversation_days_purge (before_day) | older figures, removed |
-- | conversation_notes_erase (account_id, test, their_hash) | notes about one person, removed |
-- | conversation_days (account_id, test, from_day, to_day) | rows of `ConversationDay`, by day |
-- | desk_set (account_id, settings, updated_at), desks_of (account_ids) | how accounts serve their conversations |
-- | message_numbers_add (message_ids) | look-ups by both numbers, at once; a second time does nothing |

-- name: conversations_between
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = ANY($1) AND test IN (0, 1) AND their_hash = ANY($2);

-- name: conversation_received
INSERT INTO conversations (id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, waits_from, seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (account_id, test, their_hash, our_hash) DO UPDATE SET
  last_id = CASE WHEN excluded.last_id > conversations.last_id THEN excluded.last_id ELSE conversations.last_id END,
  last_in_id = CASE WHEN excluded.last_in_id > conversations.last_in_id THEN excluded.last_in_id
    ELSE conversations.last_in_id END,
  unread = conversations.unread + excluded.unread,
  state = CASE WHEN excluded.seq = 1 THEN 'open' ELSE conversations.state END,
  state_at = CASE WHEN excluded.seq = 1 AND conversations.state <> 'open' THEN excluded.state_at
    ELSE conversations.state_at END,
  waits_from = CASE WHEN conversations.waits_from = 0 THEN excluded.waits_from ELSE conversations.waits_from END,
  asked_at = CASE WHEN excluded.seq = 1 THEN 0 ELSE conversations.asked_at END,
  seq = conversations.seq + CASE WHEN excluded.seq = 1 AND conversations.state <> 'open' THEN 1 ELSE 0 END;

-- name: conversation_opened_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT c.account_id, c.test, c.id, c.seq, 'conversation.opened', '{"conversation_id":"' || c.id || '","message_id":"' || c.last_in_id || '"}', 0, $5
FROM conversations AS c
WHERE c.account_id = $1 AND c.test = $2 AND c.their_hash = $4 AND c.our_hash = $3
  AND c.state = 'open' AND c.state_at = $5 AND c.seq BETWEEN 1 AND 65534
  AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_id = c.id AND e.seq = c.seq);

-- name: conversation_away
UPDATE conversations SET away_at = $5 WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3;

-- name: conversation_rated_day
INSERT INTO conversation_days (account_id, test, day, user_id, replies, reply_us, closed, rated, score)
SELECT account_id, test, $6, assignee, 0, 0, 0, 1, $5 FROM conversations WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3 AND asked_at > 0
ON CONFLICT (account_id, test, day, user_id) DO UPDATE SET
  rated = conversation_days.rated + 1, score = conversation_days.score + excluded.score;

-- name: conversation_rated
UPDATE conversations SET rating = $5, rated_at = $6, asked_at = 0, seq = seq + 1
WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3 AND asked_at > 0;

-- name: conversation_rated_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT c.account_id, c.test, c.id, c.seq, 'conversation.rated', '{"conversation_id":"' || c.id || '","score":' || c.rating || ',"assignee":"' || c.assignee || '"}', 0, $5
FROM conversations AS c
WHERE c.account_id = $1 AND c.test = $2 AND c.their_hash = $4 AND c.our_hash = $3 AND c.rated_at = $5 AND c.seq BETWEEN 1 AND 65534
  AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_id = c.id AND e.seq = c.seq);

-- name: conversation_reply_day
INSERT INTO conversation_days (account_id, test, day, user_id, replies, reply_us, closed, rated, score)
SELECT account_id, test, $3, $4, 1, $2 - waits_from, 0, 0, 0 FROM conversations
WHERE id = $1 AND waits_from > 0 AND waits_from <= $2
ON CONFLICT (account_id, test, day, user_id) DO UPDATE SET
  replies = conversation_days.replies + 1, reply_us = conversation_days.reply_us + excluded.reply_us;

-- name: conversation_answered
UPDATE conversations SET last_id = CASE WHEN last_id < $2 THEN $2 ELSE last_id END, waits_from = 0 WHERE id = $1;

-- name: conversation_closed_day
INSERT INTO conversation_days (account_id, test, day, user_id, replies, reply_us, closed, rated, score)
SELECT account_id, test, $2, assignee, 0, 0, 1, 0, 0 FROM conversations WHERE id = $1 AND state <> 'closed'
ON CONFLICT (account_id, test, day, user_id) DO UPDATE SET closed = conversation_days.closed + 1;

-- name: conversation_state
UPDATE conversations SET state = $2, state_at = $3, seq = seq + 1,
  waits_from = CASE WHEN $2 = 'closed' THEN 0 ELSE waits_from END WHERE id = $1 AND state <> $2;

-- name: conversation_state_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT c.account_id, c.test, c.id, c.seq, 'conversation.' || CASE WHEN c.state = 'open' THEN 'opened' ELSE c.state END, '{"conversation_id":"' || c.id || '","by":"' || $3 || '"}', 0, $2
FROM conversations AS c
WHERE c.id = $1 AND c.state_at = $2 AND c.seq BETWEEN 1 AND 65534
  AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_id = c.id AND e.seq = c.seq);

-- name: conversation_assignee
UPDATE conversations SET assignee = $2, assigned_at = $3, seq = seq + 1 WHERE id = $1 AND assignee <> $2;

-- name: conversation_assignee_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT c.account_id, c.test, c.id, c.seq, 'conversation.assigned', '{"conversation_id":"' || c.id || '","assignee":"' || c.assignee || '","by":"' || $3 || '"}', 0, $2
FROM conversations AS c
WHERE c.id = $1 AND c.assigned_at = $2 AND c.seq BETWEEN 1 AND 65534
  AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_id = c.id AND e.seq = c.seq);

-- name: conversation_given
UPDATE conversations SET assignee = $5, assigned_at = $6, seq = seq + 1
WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3 AND assignee <> $5;

-- name: conversation_given_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT c.account_id, c.test, c.id, c.seq, 'conversation.assigned', '{"conversation_id":"' || c.id || '","assignee":"' || c.assignee || '","by":"' || $6 || '"}', 0, $5
FROM conversations AS c
WHERE c.account_id = $1 AND c.test = $2 AND c.their_hash = $4 AND c.our_hash = $3 AND c.assigned_at = $5
  AND c.seq BETWEEN 1 AND 65534
  AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_id = c.id AND e.seq = c.seq);

-- name: conversation_tags
UPDATE conversations SET tags = $2 WHERE id = $1;

-- name: conversation_asked
UPDATE conversations SET asked_at = $2 WHERE id = $1;

-- name: conversation_read
UPDATE conversations SET unread = 0 WHERE id = $1 AND last_in_id <= $2;

-- name: conversation_by_id
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: conversations_page (both ways)
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = $1 AND test = $2 AND last_id < $3 ORDER BY last_id DESC LIMIT $4;

-- name: conversations_unread_page (both ways)
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = $1 AND test = $2 AND unread > 0 AND last_id < $3 ORDER BY last_id DESC LIMIT $4;

-- name: conversations_state_page (both ways)
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = $1 AND test = $2 AND state = $3 AND last_id < $4 ORDER BY last_id DESC LIMIT $5;

-- name: conversations_assignee_page (both ways)
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = $1 AND test = $2 AND assignee = $3 AND last_id < $4 ORDER BY last_id DESC LIMIT $5;

-- name: conversations_of_number (both ways)
SELECT id, account_id, test, our_hash, their_hash, last_id, last_in_id, unread, state, state_at, assignee, assigned_at, tags,
  waits_from, away_at, asked_at, rating, rated_at, seq
FROM conversations WHERE account_id = $1 AND test = $2 AND their_hash = $3 AND last_id < $4 ORDER BY last_id DESC LIMIT $5;

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

-- name: conversation_note_insert
INSERT INTO conversation_notes (id, account_id, test, conversation_id, author, text, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: conversation_note_between
INSERT INTO conversation_notes (id, account_id, test, conversation_id, author, text, created_at)
SELECT $1, c.account_id, c.test, c.id, $6, $7, $8 FROM conversations AS c
WHERE c.account_id = $2 AND c.test = $3 AND c.their_hash = $5 AND c.our_hash = $4
  AND (SELECT count(*) FROM conversation_notes AS n WHERE n.conversation_id = c.id) < $9;

-- name: conversation_note_by_id
SELECT id, account_id, test, conversation_id, author, text, created_at FROM conversation_notes
WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: conversation_note_delete
DELETE FROM conversation_notes WHERE id = $1;

-- name: conversation_notes_page (both ways)
SELECT id, account_id, test, conversation_id, author, text, created_at FROM conversation_notes
WHERE conversation_id = $3 AND account_id = $1 AND test = $2 AND id < $4 ORDER BY id DESC LIMIT $5;

-- name: conversation_notes_count
SELECT count(*) FROM conversation_notes WHERE conversation_id = $1;

-- name: conversation_notes_purge
DELETE FROM conversation_notes WHERE conversation_id IN (
  SELECT id FROM conversations WHERE last_id < $1 ORDER BY last_id LIMIT $2
);

-- name: conversation_days_purge
DELETE FROM conversation_days WHERE day < $1;

-- name: conversation_notes_erase
DELETE FROM conversation_notes WHERE conversation_id IN (
  SELECT id FROM conversations WHERE account_id = $1 AND test = $2 AND their_hash = $3
);

-- name: conversation_days
SELECT day, user_id, replies, reply_us, closed, rated, score FROM conversation_days
WHERE account_id = $1 AND test = $2 AND day >= $3 AND day <= $4 ORDER BY day, user_id;

-- name: desk_set
INSERT INTO desks (account_id, settings, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at;

-- name: desks_of
SELECT account_id, settings, updated_at FROM desks WHERE account_id = ANY($1);

-- name: message_numbers_add
INSERT INTO message_numbers (number_hash, message_id)
SELECT number_hash, message_id FROM (
  SELECT recipient_hash AS number_hash, id AS message_id FROM messages WHERE id = ANY($1)
  UNION ALL
  SELECT sender_hash, id FROM messages WHERE id = ANY($1)
) AS new WHERE true ORDER BY number_hash, message_id
ON CONFLICT DO NOTHING;
