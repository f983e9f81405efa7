-- expand
-- Short links with their clicks and conversions, what they brought by group, and what accounts want of them.

-- `base`: what stands before the code. `people` and `bots`: clicks. `seq`: number of its newest event, where it has no
-- message.
CREATE TABLE links (
    id text COLLATE "C" NOT NULL PRIMARY KEY, code text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL,
    test bigint NOT NULL, message_id text COLLATE "C",
    target text NOT NULL, base text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL, variant text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL, expires_at bigint, people bigint NOT NULL, bots bigint NOT NULL,
    conversions bigint NOT NULL, first_click_at bigint, last_click_at bigint, seq bigint NOT NULL
);
CREATE UNIQUE INDEX links_by_code ON links (code);
CREATE INDEX links_by_account ON links (account_id, test, id);
CREATE INDEX links_by_message ON links (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX links_by_expiry ON links (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE link_clicks (
    id text COLLATE "C" NOT NULL PRIMARY KEY, link_id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL,
    test bigint NOT NULL,
    kind text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL, agent text NOT NULL,
    country text COLLATE "C" NOT NULL, ip text COLLATE "C" NOT NULL,
    first bigint NOT NULL, at bigint NOT NULL
);
CREATE INDEX link_clicks_by_link ON link_clicks (link_id, id);
CREATE INDEX link_clicks_by_account ON link_clicks (account_id);
CREATE INDEX link_clicks_by_age ON link_clicks (at);

CREATE TABLE link_conversions (
    link_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, reference text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    click_id text COLLATE "C" NOT NULL, value_micros bigint, currency text COLLATE "C" NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (link_id, name, reference)
);
CREATE INDEX link_conversions_by_account ON link_conversions (account_id);
CREATE INDEX link_conversions_by_age ON link_conversions (at);

-- Of links that belong together, such as those of a campaign. `recipients`: messages of which a person opened a link.
CREATE TABLE link_figures (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, group_id text COLLATE "C" NOT NULL,
    variant text COLLATE "C" NOT NULL,
    recipients bigint NOT NULL, people bigint NOT NULL, bots bigint NOT NULL, conversions bigint NOT NULL,
    PRIMARY KEY (group_id, variant, account_id, test)
);
CREATE INDEX link_figures_by_account ON link_figures (account_id);

-- `host`: of the account's own domain. `document`: `domain.links.LinkSettings` as JSON.
CREATE TABLE link_settings (
    account_id text COLLATE "C" NOT NULL PRIMARY KEY, host text COLLATE "C", document text NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX link_settings_by_host ON link_settings (host) WHERE host IS NOT NULL;

INSERT INTO configuration (kind, version) VALUES ('link_settings', 1);

CREATE FUNCTION link_settings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE configuration SET version = version + 1 WHERE kind = 'link_settings';
    RETURN NULL;
END $$;
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON link_settings
    FOR EACH STATEMENT EXECUTE FUNCTION link_settings_changed();

ALTER TABLE links ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON links USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE link_clicks ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON link_clicks USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON links, link_clicks TO whimbrel_reader;
    END IF;
END $$;
