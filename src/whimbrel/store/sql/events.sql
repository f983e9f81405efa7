-- The event log. On PostgreSQL positions are sparse, and a read goes no further than event_horizon(), behind which
-- transactions may still commit; SQLite has one writer and no such border.
--
-- | statement | gives or does |
-- | --- | --- |
-- | event_insert (account_id, test, subject_id, seq, type, data, callback, created_at) | appended; its position is its place in commit order |
-- | events_after, events_with_callback_after (position, limit) | whole rows of `Event`, in commit order |
-- | events_of_types (position, end, types, limit) | whole rows of these types up to a position |
-- | events_with_callback_between (position, end, limit) | the same of messages with a callback |
-- | events_at (positions) | whole rows |
-- | events_last_position | 0 when there is none |
-- | events_stretch_end (position, limit) | how many events follow a position, at most so many, and the position of the last of them |
-- | events_of_subject (account_id, subject_id) | whole rows, by number |
-- | events_bounds | the first and the last position, of what happened here; 0 and 0 when there is none |
-- | events_page (account_id, test, types, after_position, until_position, limit) | whole rows of an account, oldest first |
-- | events_seconds (account_id, test, types, after, until, since) | second, type and count of those between two positions, of that time on |
-- | events_time_after (position) | created_at of the first after it |
-- | events_delete (subject_ids) | removed; the newest of all stays, so that no position is given out again |
-- | events_purge (before, limit) | the oldest ones removed, the newest of all excepted |

-- name: event_insert
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: events_after (packed)
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 AND position < event_horizon() ORDER BY position LIMIT $2;

-- name: events_with_callback_after (packed)
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 AND position < event_horizon() AND callback = 1 ORDER BY position LIMIT $2;

-- name: events_of_types (packed)
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 AND position <= $2 AND type = ANY($3) ORDER BY position LIMIT $4;

-- name: events_with_callback_between (packed)
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $1 AND position <= $2 AND callback = 1 ORDER BY position LIMIT $3;

-- name: events_at
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position = ANY($1);

-- name: events_last_position
SELECT COALESCE(MAX(position), 0) FROM events WHERE position >= 0 AND position < event_horizon();

-- name: events_stretch_end
SELECT COUNT(*), COALESCE(MAX(position), $1) FROM (
  SELECT position FROM events WHERE position > $1 AND position < event_horizon() ORDER BY position LIMIT $2
) AS stretch;

-- name: events_of_subject
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE subject_id = $2 AND account_id = $1 ORDER BY seq;

-- name: events_bounds
SELECT COALESCE((SELECT MIN(position) FROM events WHERE position >= 0), 0),
  COALESCE((SELECT MAX(position) FROM events WHERE position < event_horizon()), 0);

-- name: events_page
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE position > $4 AND position <= $5 AND account_id = $1 AND test = $2 AND type = ANY($3)
ORDER BY position LIMIT $6;

-- name: events_seconds
SELECT created_at / 1000000 AS second, type, COUNT(*) FROM events
WHERE position > $4 AND position <= $5 AND account_id = $1 AND test = $2 AND type = ANY($3) AND created_at >= $6
GROUP BY 1, 2;

-- name: events_time_after
SELECT created_at FROM events WHERE position > $1 ORDER BY position LIMIT 1;

-- name: events_delete
DELETE FROM events WHERE subject_id = ANY($1) AND position < (SELECT MAX(position) FROM events);

-- name: events_purge
DELETE FROM events WHERE position IN (
  SELECT position FROM (SELECT position, created_at FROM events ORDER BY position LIMIT $2) AS oldest
  WHERE created_at < $1
) AND position < (SELECT MAX(position) FROM events);
