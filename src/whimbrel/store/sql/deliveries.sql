-- Deliveries of events to webhooks: tries, what waits for another one, cursors.
--
-- | statement | gives or does |
-- | --- | --- |
-- | delivery_try_insert | a row of `Try` |
-- | delivery_put | a row of `Wait`; replaces the row of the same id |
-- | deliveries_done (ids) | rows that wait no more |
-- | deliveries_due (now, limit) | rows of `Wait`, the longest due first |
-- | deliveries_postpone (ids, next_at) | they could not be posted now |
-- | webhook_cursor_set (webhook_id, position) | forward only |
-- | webhook_cursor (webhook_id) | position |
-- | cursor_set (name, position) | forward only |
-- | cursor_begin (name, position) | where a new one begins; nothing when it stands somewhere already |
-- | cursor_move (name, from, to) | from where it was left; nothing when somebody moved it meanwhile |
-- | cursor_by_name (name) | position |
-- | deliveries_purge (before, limit) | dead ones among the oldest rows, removed |
-- | delivery_tries_purge (before, limit), parked_receipts_purge, inbound_seen_purge | the oldest ones removed |

-- name: delivery_try_insert
INSERT INTO delivery_tries (delivery_id, webhook_id, account_id, event_position, event_id, event_type, number, at,
  latency_ms, status, error, answer, ok)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: delivery_put
INSERT INTO deliveries (id, webhook_id, account_id, event_position, event_id, event_type, url, format, tries, next_at,
  created_at, last_error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET tries = excluded.tries, next_at = excluded.next_at, last_error = excluded.last_error,
  url = excluded.url;

-- name: deliveries_done
DELETE FROM deliveries WHERE id = ANY($1);

-- name: deliveries_due
SELECT id, webhook_id, account_id, event_position, event_id, event_type, url, format, tries, next_at, created_at,
  last_error
FROM deliveries WHERE next_at <= $1 ORDER BY next_at LIMIT $2;

-- name: deliveries_postpone
UPDATE deliveries SET next_at = $2 WHERE id = ANY($1) AND next_at IS NOT NULL;

-- name: webhook_cursor_set
UPDATE webhooks SET cursor = $2 WHERE id = $1 AND cursor < $2;

-- name: webhook_cursor
SELECT cursor FROM webhooks WHERE id = $1;

-- name: cursor_set
INSERT INTO cursors (name, position) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE cursors.position < excluded.position;

-- name: cursor_begin
INSERT INTO cursors (name, position) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING;

-- name: cursor_move
UPDATE cursors SET position = $3 WHERE name = $1 AND position = $2;

-- name: cursor_by_name
SELECT position FROM cursors WHERE name = $1;

-- name: deliveries_purge
DELETE FROM deliveries WHERE id IN (
  SELECT id FROM (SELECT id, next_at, created_at FROM deliveries ORDER BY id LIMIT $2) AS oldest
  WHERE next_at IS NULL AND created_at < $1
);

-- name: delivery_tries_purge
DELETE FROM delivery_tries WHERE position IN (
  SELECT position FROM (SELECT position, at FROM delivery_tries ORDER BY position LIMIT $2) AS oldest WHERE at < $1
);

-- name: parked_receipts_purge
DELETE FROM parked_receipts WHERE position IN (
  SELECT position FROM (SELECT position, received_at FROM parked_receipts ORDER BY position LIMIT $2) AS oldest
  WHERE received_at < $1
);

-- name: inbound_seen_purge
DELETE FROM inbound_seen WHERE (carrier_id, fingerprint, received_at) IN (
  SELECT carrier_id, fingerprint, received_at FROM inbound_seen WHERE received_at < $1 LIMIT $2
);
