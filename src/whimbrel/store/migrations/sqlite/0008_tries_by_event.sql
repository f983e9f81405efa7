-- expand
-- What became of a message's events at webhooks. Tries come in nearly the order of events, so that the keys grow.

CREATE INDEX delivery_tries_by_event ON delivery_tries (event_position);
CREATE INDEX deliveries_by_event ON deliveries (event_position);
