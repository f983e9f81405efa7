-- expand
-- optional
-- concurrently
-- What became of a message's events at webhooks. Tries come in nearly the order of events, so that the keys grow.

CREATE INDEX CONCURRENTLY IF NOT EXISTS delivery_tries_by_event ON delivery_tries (event_position);
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_by_event ON deliveries (event_position);
