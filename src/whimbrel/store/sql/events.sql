-- The event log.
--
-- | statement | gives or does |
-- | --- | --- |
-- | event_insert (account_id, test, subject_id, seq, type, data, callback, created_at) | appended; its position is its place in commit order |

-- name: event_insert
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: events_after
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 ORDER BY position LIMIT $2;

-- name: events_with_callback_after
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 AND callback = 1 ORDER BY position LIMIT $2;

-- name: events_last_position
SELECT COALESCE(MAX(position), 0) FROM events;
