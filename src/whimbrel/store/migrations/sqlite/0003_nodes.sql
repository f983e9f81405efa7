-- expand
-- Processes that share the database, what each of them does alone, and what the others need to know of it.

-- A row for each process that runs. It renews `alive_until` every few seconds; one that is past is dead.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, roles TEXT NOT NULL, started_at INTEGER NOT NULL,
    alive_until INTEGER NOT NULL, draining INTEGER NOT NULL
);

-- Who does what one node does for all: carrier:<id>, duty:<name>, customer:<credential id>. Free when `node_id` is empty
-- or names no node. `fence` grows with each taking; rows stay, so that it never starts anew.
CREATE TABLE leases (
    name TEXT PRIMARY KEY, node_id TEXT NOT NULL, fence INTEGER NOT NULL, taken_at INTEGER NOT NULL
);
CREATE INDEX leases_by_node ON leases (node_id);

-- What the owner of a carrier tells the others: how it is, and how far each class of its lane is served (JSON both).
CREATE TABLE lanes (
    carrier_id TEXT PRIMARY KEY, node_id TEXT NOT NULL, served TEXT NOT NULL, health TEXT NOT NULL, at INTEGER NOT NULL
);

-- Binds of customers at each node. Those of a node that is gone do not count.
CREATE TABLE smpp_seats (
    credential_id TEXT NOT NULL, node_id TEXT NOT NULL, binds INTEGER NOT NULL, receivers INTEGER NOT NULL,
    PRIMARY KEY (credential_id, node_id)
) WITHOUT ROWID;
CREATE INDEX smpp_seats_by_node ON smpp_seats (node_id);
