-- expand
-- People who use the console, and what they sign in with. Secrets are sealed or hashed, as of accounts and keys.

-- `account_id` NULL: they work for the operator and see every account. `password` empty: none yet. `totp`: the sealed
-- secret of an authenticator that is in use, `totp_step` the newest step that was used (RFC 6238). `preferences`: JSON.
CREATE TABLE users (
    id TEXT PRIMARY KEY, account_id TEXT, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL,
    status TEXT NOT NULL, password TEXT NOT NULL, totp BLOB, totp_step INTEGER NOT NULL, failures INTEGER NOT NULL,
    locked_until INTEGER NOT NULL, preferences TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    signed_in_at INTEGER
);
CREATE INDEX users_by_account ON users (COALESCE(account_id, ''), id);

-- `digest`: SHA-256 of what the cookie holds. `acting_for`: the account whose things are shown. `test`: those of test
-- keys, instead of the live ones. `stage`: whole, or what is still missing. `confirmed_at`: when they last proved who
-- they are.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, user_id TEXT NOT NULL, acting_for TEXT, test INTEGER NOT NULL,
    stage TEXT NOT NULL,
    created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, confirmed_at INTEGER NOT NULL,
    address TEXT NOT NULL, agent TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE passkeys (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, credential BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- `purpose`: link (signs in once), recovery (a code in place of the second factor), or challenge (of a passkey).
CREATE TABLE sign_in_codes (
    digest BLOB PRIMARY KEY, user_id TEXT NOT NULL, purpose TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_in_codes_by_user ON sign_in_codes (user_id, purpose);
CREATE INDEX sign_in_codes_by_expiry ON sign_in_codes (expires_at);

-- A page with its filters, under a name.
CREATE TABLE saved_views (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, page TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX saved_views_by_user ON saved_views (user_id, page);

CREATE TABLE canned_answers (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, UNIQUE (account_id, name)
);
