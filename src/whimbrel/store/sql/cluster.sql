-- Nodes, and the leases by which one of them does what must be done once. Written by `verbs/leases.py`. A node is alive
-- while it has a row: whoever takes leases removes the rows of nodes that did not renew theirs in time, in the same
-- transaction, so that a late renewal finds out. `leases_held` stands in each dialect's own folder.
--
-- | statement | gives or does |
-- | --- | --- |
-- | node_insert | a row of `Node` |
-- | node_renew (id, alive_until, draining) | alive until then, unless it was removed: one that is late and that nobody missed goes on |
-- | node_delete (id) | gone |
-- | nodes_bury (now) | removes nodes whose time has passed; gives their ids |
-- | nodes_all | rows of `Node`, the longest running first |
-- | nodes_ids | ids of nodes |
-- | leases_to_take (names) | name, node_id, fence, in the order of their names |
-- | lease_new (name, node_id, at) | the first taking; gives name, fence; nothing where another node was quicker |
-- | lease_move (name, fence, node_id, at) | taken from the holder that had this fence; gives name, fence |
-- | lease_release (name, node_id) | free, when it is this node's |
-- | leases_release_of (node_id) | the same of all that a node has |
-- | leases_between (from, below) | rows of `Lease` by name |
-- | leases_named (names) | the same of these |
-- | lane_tell | a row of `LaneStatus`; replaces the one before |
-- | lanes_all | rows of `LaneStatus` |
-- | seats_set (credential_id, node_id, binds) | so many binds at this node |
-- | seats_none (credential_id, node_id) | none |
-- | seats_of (credential_id) | node_id, binds, also of nodes that are gone |
-- | seats_delete_of (node_ids) | none at these nodes |

-- name: node_insert
INSERT INTO nodes (id, name, version, roles, started_at, alive_until, draining) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: node_renew
UPDATE nodes SET alive_until = $2, draining = $3 WHERE id = $1;

-- name: node_delete
DELETE FROM nodes WHERE id = $1;

-- name: nodes_bury
DELETE FROM nodes WHERE alive_until <= $1 RETURNING id;

-- name: nodes_all
SELECT id, name, version, roles, started_at, alive_until, draining FROM nodes ORDER BY started_at, id;

-- name: nodes_ids
SELECT id FROM nodes;

-- name: leases_to_take (locks leases)
SELECT name, node_id, fence FROM leases WHERE name = ANY($1) ORDER BY name;

-- name: lease_new
INSERT INTO leases (name, node_id, fence, taken_at) VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO NOTHING
RETURNING name, fence;

-- name: lease_move
UPDATE leases SET node_id = $3, fence = fence + 1, taken_at = $4 WHERE name = $1 AND fence = $2
RETURNING name, fence;

-- name: lease_release
UPDATE leases SET node_id = '' WHERE name = $1 AND node_id = $2;

-- name: leases_release_of
UPDATE leases SET node_id = '' WHERE node_id = $1;

-- name: seats_delete_of
DELETE FROM smpp_seats WHERE node_id = ANY($1);

-- name: leases_between
SELECT name, node_id, fence, taken_at FROM leases WHERE name >= $1 AND name < $2 ORDER BY name;

-- name: leases_named
SELECT name, node_id, fence, taken_at FROM leases WHERE name = ANY($1) ORDER BY name;

-- name: lane_tell
INSERT INTO lanes (carrier_id, node_id, served, health, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (carrier_id) DO UPDATE SET node_id = excluded.node_id, served = excluded.served, health = excluded.health,
  at = excluded.at;

-- name: lanes_all
SELECT carrier_id, node_id, served, health, at FROM lanes ORDER BY carrier_id;

-- name: seats_set
INSERT INTO smpp_seats (credential_id, node_id, binds, receivers) VALUES ($1, $2, $3, 0)
ON CONFLICT (credential_id, node_id) DO UPDATE SET binds = excluded.binds;

-- name: seats_none
DELETE FROM smpp_seats WHERE credential_id = $1 AND node_id = $2;

-- name: seats_of
SELECT node_id, binds FROM smpp_seats WHERE credential_id = $1;
