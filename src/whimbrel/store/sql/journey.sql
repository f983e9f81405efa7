-- What the followers of the event log and the sweep read.
--
-- | statement | gives or does |
-- | --- | --- |
-- | events_received_after (position, limit) | position, subject_id of inbound texts, in commit order |
-- | messages_without_receipt (after_id, before_id, limit) | id, state, expires_at of messages that are not final or in doubt |
-- | messages_to_reroute (ids) | what a queued message needs to change its lane |
-- | message_reroute (id, candidates, route_id, price, held, rank, at) | goes another way; no event |
-- | queue_ends (lane, priority) | the smallest and the greatest rank, a step in the key each; NULL when nothing waits |
-- | queue_accounts (lane, priority, before rank, before message_id, limit) | account_id, rank, message_id, from the end |
-- | webhook_disable (webhook_id, reason, at) | switched off by its own answers |
-- | webhook_hold (webhook_id) | no other node appends an event of this endpoint before this transaction ends |
-- | webhook_event (webhook_id, type, data, at) | the next event of an active endpoint, as long as its numbers last; after webhook_hold |

-- name: events_received_after
SELECT position, subject_id FROM events
WHERE position > $1 AND position < event_horizon() AND type = 'message.received' ORDER BY position LIMIT $2;

-- name: messages_without_receipt
SELECT id, state, expires_at FROM messages
WHERE id > $1 AND id < $2 AND state IN ('scheduled', 'queued', 'sending', 'sent') ORDER BY id LIMIT $3;

-- name: messages_to_reroute (locks messages)
SELECT id, account_id, test, seq, flags, held_micros, priority, due_at, expires_at, candidates, rank
FROM messages WHERE id = ANY($1) AND state = 'queued';

-- name: message_reroute
UPDATE messages SET candidates = $2, route_id = $3, price_micros = $4, held_micros = $5, rank = $6, updated_at = $7
WHERE id = $1;

-- name: queue_ends
SELECT (SELECT MIN(rank) FROM queue WHERE lane = $1 AND priority = $2),
  (SELECT MAX(rank) FROM queue WHERE lane = $1 AND priority = $2);

-- name: queue_accounts
SELECT COALESCE(m.account_id, ''), q.rank, q.message_id
FROM (SELECT rank, message_id FROM queue WHERE lane = $1 AND priority = $2 AND (rank, message_id) < ($3, $4)
  ORDER BY rank DESC, message_id DESC LIMIT $5) AS q
LEFT JOIN messages AS m ON m.id = q.message_id ORDER BY q.rank DESC, q.message_id DESC;

-- name: webhook_disable
UPDATE webhooks SET status = 'disabled', disabled_reason = $2, updated_at = $3 WHERE id = $1 AND status = 'active';

-- name: webhook_hold
UPDATE webhooks SET cursor = cursor WHERE id = $1;

-- name: webhook_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE subject_id = $1), $2, $3, 0, $4
FROM webhooks WHERE id = $1 AND status = 'active'
  AND NOT EXISTS (SELECT 1 FROM events WHERE subject_id = $1 AND seq >= 65535);
