-- | statement | gives or does |
-- | --- | --- |
-- | log_horizon () | oldest, next: alike, because there is one writer, and what is seen is followed by nothing older |

-- name: log_horizon
SELECT 0 AS oldest, 0 AS next;
