-- | statement | gives or does |
-- | --- | --- |
-- | leases_held (names) | name, fence; no node can take them before this transaction ends |

-- name: leases_held
SELECT name, fence FROM leases WHERE name = ANY($1) ORDER BY name FOR SHARE;
