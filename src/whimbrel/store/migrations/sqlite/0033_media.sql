-- expand
-- Media: files that are sent in messages, their octets, and in which messages they stand.

-- `sha256`: of the octets, in hex. `source`: how it came. `expires_at`: it goes then.
CREATE TABLE media (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    content_type TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, source TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX media_by_octets ON media (account_id, test, sha256);
CREATE INDEX media_by_account ON media (account_id, test, id);
CREATE INDEX media_by_expiry ON media (expires_at);

CREATE TABLE media_data (media_id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX media_data_by_account ON media_data (account_id);

CREATE TABLE message_media (
    message_id TEXT NOT NULL, place INTEGER NOT NULL, media_id TEXT NOT NULL, account_id TEXT NOT NULL,
    PRIMARY KEY (message_id, place)
) WITHOUT ROWID;
CREATE INDEX message_media_by_medium ON message_media (media_id);
