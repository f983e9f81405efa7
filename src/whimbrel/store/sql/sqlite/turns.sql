-- Turns that nodes take: one process writes, so everybody has his.
--
-- | statement | gives or does |
-- | --- | --- |
-- | parking_shared (carriers) | nothing |
-- | parking_alone (carriers) | nothing: no answer can have been recorded |
-- | inbound_alone (source hashes) | nothing |
-- | frequency_alone (number hashes) | nothing |

-- name: frequency_alone
SELECT 1 WHERE 1 = 0 AND '' = ANY($1);

-- name: parking_shared
SELECT 1 WHERE 1 = 0 AND '' = ANY($1);

-- name: parking_alone
SELECT 1 WHERE 1 = 0 AND '' = ANY($1);

-- name: inbound_alone
SELECT 1 WHERE 1 = 0 AND '' = ANY($1);
