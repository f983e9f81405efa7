-- | statement | gives or does |
-- | --- | --- |
-- | attempts_reserve (count, floor) | so many new attempt numbers above the floor, growing; no other node is given them |

-- name: attempts_reserve
SELECT $2 + nextval('attempt_numbers') FROM generate_series(1, $1);
