-- | statement | gives or does |
-- | --- | --- |
-- | attempts_reserve (count, floor) | so many new attempt numbers above the floor, growing; one writer, so the greatest number is the last one |

-- name: attempts_reserve (packed)
WITH RECURSIVE numbers (number) AS (
  SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $1
)
SELECT number + MAX(COALESCE((SELECT MAX(position) FROM attempts), 0), $2) FROM numbers;
