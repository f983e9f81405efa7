-- expand
-- Figures of usage, added up from the event log: by hour and by day (UTC) in which a message was accepted, for each
-- account and, under the account '', for the whole installation. Nothing here can be found by a number or a message.

-- `hours`: the length of the period, 1 or 24. `carrier_id`: '' where no carrier had it. `took_n`: delivered within the
-- nth bound of domain/usage.py, `took_ms`: what all delivered ones took together.
CREATE TABLE usage_figures (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, hours INTEGER NOT NULL, starts_at INTEGER NOT NULL,
    direction TEXT NOT NULL, message_class TEXT NOT NULL, country TEXT NOT NULL, carrier_id TEXT NOT NULL,
    currency TEXT NOT NULL, accepted INTEGER NOT NULL, sent INTEGER NOT NULL, delivered INTEGER NOT NULL,
    undelivered INTEGER NOT NULL, failed INTEGER NOT NULL, expired INTEGER NOT NULL, rejected INTEGER NOT NULL,
    canceled INTEGER NOT NULL, unknown INTEGER NOT NULL, in_doubt INTEGER NOT NULL, received INTEGER NOT NULL,
    segments INTEGER NOT NULL, charged_micros INTEGER NOT NULL, took_ms INTEGER NOT NULL, took_1 INTEGER NOT NULL,
    took_2 INTEGER NOT NULL, took_3 INTEGER NOT NULL, took_4 INTEGER NOT NULL, took_5 INTEGER NOT NULL,
    took_6 INTEGER NOT NULL, took_7 INTEGER NOT NULL, took_8 INTEGER NOT NULL, took_9 INTEGER NOT NULL,
    took_10 INTEGER NOT NULL, took_11 INTEGER NOT NULL, took_12 INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, hours, starts_at, direction, message_class, country, carrier_id, currency)
) WITHOUT ROWID;
CREATE INDEX usage_figures_by_age ON usage_figures (hours, starts_at);
