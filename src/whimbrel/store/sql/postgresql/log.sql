-- | statement | gives or does |
-- | --- | --- |
-- | log_horizon () | oldest, next: numbers of the oldest transaction that writes now, and of the next one |

-- name: log_horizon
SELECT pg_snapshot_xmin(now.taken)::text::bigint AS oldest, pg_snapshot_xmax(now.taken)::text::bigint AS next
FROM pg_current_snapshot() AS now (taken);
