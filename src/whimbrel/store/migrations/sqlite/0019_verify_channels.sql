-- expand
-- Channels of Verify beside SMS. `state` of an attempt that has no message; `reason`: why it is so; `reference`: what the
-- channel calls it; `moved_on`: why the next channel was taken; `tries`: how often it was handed over; `seq`: its version;
-- `due_at`: when it is to be looked at again, NULL when it is not.

ALTER TABLE verify_attempts ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE verify_attempts ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE verify_attempts ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE verify_attempts ADD COLUMN moved_on TEXT NOT NULL DEFAULT '';
ALTER TABLE verify_attempts ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verify_attempts ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verify_attempts ADD COLUMN due_at INTEGER;
CREATE INDEX verify_attempts_due ON verify_attempts (due_at) WHERE due_at IS NOT NULL;

-- Of each ten minutes (`slot`) and channel.
CREATE TABLE verify_channel_counts (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, slot INTEGER NOT NULL, channel TEXT NOT NULL,
    service_id TEXT NOT NULL, sends INTEGER NOT NULL, failures INTEGER NOT NULL, approvals INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, slot, channel, service_id)
) WITHOUT ROWID;
CREATE INDEX verify_channel_counts_by_age ON verify_channel_counts (slot);
