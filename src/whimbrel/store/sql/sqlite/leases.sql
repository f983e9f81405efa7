-- | statement | gives or does |
-- | --- | --- |
-- | leases_held (names) | name, fence; no node can take them before this transaction ends (there is one writer) |

-- name: leases_held
SELECT name, fence FROM leases WHERE name = ANY($1);
