-- expand
-- How each stream of events to a broker is doing; where it stands is in `cursors`, as `stream:<name>`.
-- `caught_up_at`: when it had all there was. `gaps`: how often events were purged before it had them.
CREATE TABLE streams (
    name text PRIMARY KEY, state text NOT NULL, error text NOT NULL, since bigint NOT NULL, caught_up_at bigint NOT NULL,
    gaps bigint NOT NULL, updated_at bigint NOT NULL
);
