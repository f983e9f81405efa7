-- expand
-- Media: files that are sent in messages, their octets, and in which messages they stand.

-- `sha256`: of the octets, in hex. `source`: how it came. `expires_at`: it goes then.
CREATE TABLE media (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    name text NOT NULL, content_type text COLLATE "C" NOT NULL, size bigint NOT NULL, sha256 text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX media_by_octets ON media (account_id, test, sha256);
CREATE INDEX media_by_account ON media (account_id, test, id);
CREATE INDEX media_by_expiry ON media (expires_at);

CREATE TABLE media_data (
    media_id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, data bytea NOT NULL
);
CREATE INDEX media_data_by_account ON media_data (account_id);

CREATE TABLE message_media (
    message_id text COLLATE "C" NOT NULL, place bigint NOT NULL, media_id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, place)
);
CREATE INDEX message_media_by_medium ON message_media (media_id);
CREATE INDEX message_media_by_account ON message_media (account_id);

ALTER TABLE media ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON media USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE media_data ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON media_data USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE message_media ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON message_media USING (account_id = (SELECT current_setting('whimbrel.account', true)));
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader') THEN
        GRANT SELECT ON media, media_data, message_media TO whimbrel_reader;
    END IF;
END $$;
