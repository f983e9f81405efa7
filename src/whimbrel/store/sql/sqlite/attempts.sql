-- | statement | gives or does |
-- | --- | --- |
-- | attempts_reserve (count) | so many new attempt numbers, growing; one writer, so the greatest number is the last one |

-- name: attempts_reserve (packed)
WITH RECURSIVE numbers (number) AS (
  SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $1
)
SELECT number + (SELECT COALESCE(MAX(position), 0) FROM attempts) FROM numbers;
