-- expand
-- Figures of usage, added up from the event log: by hour and by day (UTC) in which a message was accepted, for each
-- account and, under the account '', for the whole installation. Nothing here can be found by a number or a message.

-- `hours`: the length of the period, 1 or 24. `carrier_id`: '' where no carrier had it. `took_n`: delivered within the
-- nth bound of domain/usage.py, `took_ms`: what all delivered ones took together. The rows of the present hour and day
-- are written every second: pages have room for their versions.
CREATE TABLE usage_figures (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, hours bigint NOT NULL, starts_at bigint NOT NULL,
    direction text COLLATE "C" NOT NULL, message_class text COLLATE "C" NOT NULL, country text COLLATE "C" NOT NULL,
    carrier_id text COLLATE "C" NOT NULL, currency text COLLATE "C" NOT NULL, accepted bigint NOT NULL,
    sent bigint NOT NULL, delivered bigint NOT NULL, undelivered bigint NOT NULL, failed bigint NOT NULL,
    expired bigint NOT NULL, rejected bigint NOT NULL, canceled bigint NOT NULL, unknown bigint NOT NULL,
    in_doubt bigint NOT NULL, received bigint NOT NULL, segments bigint NOT NULL, charged_micros bigint NOT NULL,
    took_ms bigint NOT NULL, took_1 bigint NOT NULL, took_2 bigint NOT NULL, took_3 bigint NOT NULL,
    took_4 bigint NOT NULL, took_5 bigint NOT NULL, took_6 bigint NOT NULL, took_7 bigint NOT NULL,
    took_8 bigint NOT NULL, took_9 bigint NOT NULL, took_10 bigint NOT NULL, took_11 bigint NOT NULL,
    took_12 bigint NOT NULL,
    PRIMARY KEY (account_id, test, hours, starts_at, direction, message_class, country, carrier_id, currency)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX usage_figures_by_age ON usage_figures (hours, starts_at);

ALTER TABLE usage_figures ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON usage_figures
    USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON usage_figures TO whimbrel_reader;
    END IF;
END $$;
