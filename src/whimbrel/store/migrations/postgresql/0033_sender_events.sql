-- expand
-- What becomes of a sender is told as events.

-- The number of its last event; NULL: it has none yet.
ALTER TABLE senders ADD COLUMN seq bigint;
