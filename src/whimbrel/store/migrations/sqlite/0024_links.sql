-- expand
-- Short links with their clicks and conversions, what they brought by group, and what accounts want of them.

-- `base`: what stands before the code. `people` and `bots`: clicks. `seq`: number of its newest event, where it has no
-- message.
CREATE TABLE links (
    id TEXT NOT NULL PRIMARY KEY, code TEXT NOT NULL, account_id TEXT NOT NULL, test INTEGER NOT NULL, message_id TEXT,
    target TEXT NOT NULL, base TEXT NOT NULL, name TEXT NOT NULL, group_id TEXT NOT NULL, variant TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, people INTEGER NOT NULL, bots INTEGER NOT NULL,
    conversions INTEGER NOT NULL, first_click_at INTEGER, last_click_at INTEGER, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX links_by_code ON links (code);
CREATE INDEX links_by_account ON links (account_id, test, id);
CREATE INDEX links_by_message ON links (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX links_by_expiry ON links (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE link_clicks (
    id TEXT NOT NULL PRIMARY KEY, link_id TEXT NOT NULL, account_id TEXT NOT NULL, test INTEGER NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, agent TEXT NOT NULL, country TEXT NOT NULL, ip TEXT NOT NULL,
    first INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, id);
CREATE INDEX link_clicks_by_age ON link_clicks (at);

CREATE TABLE link_conversions (
    link_id TEXT NOT NULL, name TEXT NOT NULL, reference TEXT NOT NULL, account_id TEXT NOT NULL, test INTEGER NOT NULL,
    click_id TEXT NOT NULL, value_micros INTEGER, currency TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (link_id, name, reference)
) WITHOUT ROWID;
CREATE INDEX link_conversions_by_age ON link_conversions (at);

-- Of links that belong together, such as those of a campaign. `recipients`: messages of which a person opened a link.
CREATE TABLE link_figures (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, group_id TEXT NOT NULL, variant TEXT NOT NULL,
    recipients INTEGER NOT NULL, people INTEGER NOT NULL, bots INTEGER NOT NULL, conversions INTEGER NOT NULL,
    PRIMARY KEY (group_id, variant, account_id, test)
) WITHOUT ROWID;

-- `host`: of the account's own domain. `document`: `domain.links.LinkSettings` as JSON.
CREATE TABLE link_settings (
    account_id TEXT NOT NULL PRIMARY KEY, host TEXT, document TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX link_settings_by_host ON link_settings (host) WHERE host IS NOT NULL;

INSERT INTO configuration (kind, version) VALUES ('link_settings', 1);

CREATE TRIGGER link_settings_inserted AFTER INSERT ON link_settings
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'link_settings'; END;
CREATE TRIGGER link_settings_updated AFTER UPDATE ON link_settings
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'link_settings'; END;
CREATE TRIGGER link_settings_deleted AFTER DELETE ON link_settings
BEGIN UPDATE configuration SET version = version + 1 WHERE kind = 'link_settings'; END;
