-- Streams of events to brokers: where each stands, and how it is doing.
--
-- | statement | gives or does |
-- | --- | --- |
-- | stream_cursor_set (name, position) | wherever it was |
-- | stream_put (name, state, error, since, caught_up_at, gaps, updated_at) | how it is doing |
-- | stream_rewound (name, caught_up_at) | it has all up to then, and no more |
-- | stream_by_name (name) | the same |
-- | events_lowest_after (subject_ids, position) | the lowest number of each among events beyond a position |
-- | streams_all | the same of all, by name |

-- name: stream_cursor_set
UPDATE cursors SET position = $2 WHERE name = $1;

-- name: stream_put
INSERT INTO streams (name, state, error, since, caught_up_at, gaps, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, error = excluded.error, since = excluded.since,
  caught_up_at = excluded.caught_up_at, gaps = excluded.gaps, updated_at = excluded.updated_at;

-- name: stream_rewound
UPDATE streams SET caught_up_at = $2 WHERE name = $1;

-- name: stream_by_name
SELECT name, state, error, since, caught_up_at, gaps, updated_at FROM streams WHERE name = $1;

-- name: events_lowest_after (packed)
SELECT subject_id, MIN(seq) FROM events WHERE subject_id = ANY($1) AND position > $2 GROUP BY subject_id;

-- name: streams_all
SELECT name, state, error, since, caught_up_at, gaps, updated_at FROM streams ORDER BY name;
