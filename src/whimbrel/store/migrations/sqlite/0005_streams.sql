-- expand
-- How each stream of events to a broker is doing; where it stands is in `cursors`, as `stream:<name>`.
-- `caught_up_at`: when it had all there was. `gaps`: how often events were purged before it had them.
CREATE TABLE streams (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, error TEXT NOT NULL, since INTEGER NOT NULL, caught_up_at INTEGER NOT NULL,
    gaps INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
