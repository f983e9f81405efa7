-- expand
-- How often each kind of configuration has changed, so that each process that shares the database reads what is new. Only
-- tables of the control plane have triggers.

CREATE TABLE configuration (kind TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO configuration (kind, version) VALUES ('accounts', 1), ('keys', 1), ('senders', 1), ('carriers', 1),
    ('routes', 1), ('prices', 1), ('opt_outs', 1), ('webhooks', 1), ('smpp_credentials', 1);

-- Who opted out (stopped = 1) or in again (0), oldest first: a process reads what is new and not millions of rows. `at` is
-- the machine's time and serves retention only.
CREATE TABLE opt_out_changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL,
    stopped INTEGER NOT NULL, at INTEGER NOT NULL
);

CREATE TRIGGER accounts_inserted AFTER INSERT ON accounts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'accounts'; END;
CREATE TRIGGER accounts_updated AFTER UPDATE ON accounts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'accounts'; END;
CREATE TRIGGER accounts_deleted AFTER DELETE ON accounts
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'accounts'; END;

CREATE TRIGGER keys_inserted AFTER INSERT ON keys
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'keys'; END;
CREATE TRIGGER keys_updated AFTER UPDATE ON keys
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'keys'; END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'keys'; END;

CREATE TRIGGER senders_inserted AFTER INSERT ON senders
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER senders_updated AFTER UPDATE ON senders
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;
CREATE TRIGGER senders_deleted AFTER DELETE ON senders
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'senders'; END;

CREATE TRIGGER carriers_inserted AFTER INSERT ON carriers
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'carriers'; END;
CREATE TRIGGER carriers_updated AFTER UPDATE ON carriers
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'carriers'; END;
CREATE TRIGGER carriers_deleted AFTER DELETE ON carriers
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'carriers'; END;

CREATE TRIGGER routes_inserted AFTER INSERT ON routes
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'routes'; END;
CREATE TRIGGER routes_updated AFTER UPDATE ON routes
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'routes'; END;
CREATE TRIGGER routes_deleted AFTER DELETE ON routes
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'routes'; END;

CREATE TRIGGER prices_inserted AFTER INSERT ON prices
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'prices'; END;
CREATE TRIGGER prices_updated AFTER UPDATE ON prices
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'prices'; END;
CREATE TRIGGER prices_deleted AFTER DELETE ON prices
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'prices'; END;

CREATE TRIGGER smpp_credentials_inserted AFTER INSERT ON smpp_credentials
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'smpp_credentials'; END;
CREATE TRIGGER smpp_credentials_updated AFTER UPDATE ON smpp_credentials
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'smpp_credentials'; END;
CREATE TRIGGER smpp_credentials_deleted AFTER DELETE ON smpp_credentials
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'smpp_credentials'; END;

-- How far an endpoint has come, and how often it failed, is not configuration.
CREATE TRIGGER webhooks_inserted AFTER INSERT ON webhooks
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'webhooks'; END;
CREATE TRIGGER webhooks_updated AFTER UPDATE OF url, events, description, secret, old_secret, old_secret_until, status,
    disabled_reason ON webhooks
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'webhooks'; END;
CREATE TRIGGER webhooks_deleted AFTER DELETE ON webhooks
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'webhooks'; END;

CREATE TRIGGER opt_outs_inserted AFTER INSERT ON opt_outs
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
    VALUES (NEW.account_id, NEW.number_hash, 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER opt_outs_deleted AFTER DELETE ON opt_outs
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';
    INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
    VALUES (OLD.account_id, OLD.number_hash, 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
