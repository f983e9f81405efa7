-- expand
-- Channels of Verify beside SMS. `state` of an attempt that has no message; `reason`: why it is so; `reference`: what the
-- channel calls it; `moved_on`: why the next channel was taken; `tries`: how often it was handed over; `seq`: its version;
-- `due_at`: when it is to be looked at again, NULL when it is not.

ALTER TABLE verify_attempts
    ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN reference text NOT NULL DEFAULT '', ADD COLUMN moved_on text NOT NULL DEFAULT '',
    ADD COLUMN tries bigint NOT NULL DEFAULT 0, ADD COLUMN seq bigint NOT NULL DEFAULT 0, ADD COLUMN due_at bigint;
CREATE INDEX verify_attempts_due ON verify_attempts (due_at) WHERE due_at IS NOT NULL;

-- Of each ten minutes (`slot`) and channel.
CREATE TABLE verify_channel_counts (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, slot bigint NOT NULL, channel text COLLATE "C" NOT NULL,
    service_id text COLLATE "C" NOT NULL, sends bigint NOT NULL, failures bigint NOT NULL, approvals bigint NOT NULL,
    PRIMARY KEY (account_id, test, slot, channel, service_id)
);
CREATE INDEX verify_channel_counts_by_age ON verify_channel_counts (slot);
