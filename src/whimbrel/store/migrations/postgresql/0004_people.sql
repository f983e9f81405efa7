-- expand
-- People who use the console, and what they sign in with. Secrets are sealed or hashed, as of accounts and keys.

-- `account_id` NULL: they work for the operator and see every account. `password` empty: none yet. `totp`: the sealed
-- secret of an authenticator that is in use, `totp_step` the newest step that was used (RFC 6238). `preferences`: JSON.
CREATE TABLE users (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C", email text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL, role text NOT NULL, status text NOT NULL, password text NOT NULL, totp bytea,
    totp_step bigint NOT NULL, failures bigint NOT NULL, locked_until bigint NOT NULL, preferences text NOT NULL,
    created_at bigint NOT NULL, updated_at bigint NOT NULL, signed_in_at bigint
);
CREATE INDEX users_by_account ON users (COALESCE(account_id, ''), id);

-- `digest`: SHA-256 of what the cookie holds. `acting_for`: the account whose things are shown. `test`: those of test
-- keys, instead of the live ones. `stage`: whole, or what is still missing. `confirmed_at`: when they last proved who
-- they are.
CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY, digest bytea NOT NULL UNIQUE, user_id text COLLATE "C" NOT NULL,
    acting_for text COLLATE "C", test bigint NOT NULL, stage text NOT NULL,
    created_at bigint NOT NULL, seen_at bigint NOT NULL, expires_at bigint NOT NULL, confirmed_at bigint NOT NULL,
    address text NOT NULL, agent text NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE passkeys (
    id text COLLATE "C" PRIMARY KEY, user_id text COLLATE "C" NOT NULL, credential bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL, sign_count bigint NOT NULL, name text NOT NULL, created_at bigint NOT NULL,
    used_at bigint
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- `purpose`: link (signs in once), recovery (a code in place of the second factor), or challenge (of a passkey).
CREATE TABLE sign_in_codes (
    digest bytea PRIMARY KEY, user_id text COLLATE "C" NOT NULL, purpose text NOT NULL, expires_at bigint NOT NULL
);
CREATE INDEX sign_in_codes_by_user ON sign_in_codes (user_id, purpose);
CREATE INDEX sign_in_codes_by_expiry ON sign_in_codes (expires_at);

-- A page with its filters, under a name.
CREATE TABLE saved_views (
    id text COLLATE "C" PRIMARY KEY, user_id text COLLATE "C" NOT NULL, page text NOT NULL, name text NOT NULL,
    query text NOT NULL, created_at bigint NOT NULL
);
CREATE INDEX saved_views_by_user ON saved_views (user_id, page);

CREATE TABLE canned_answers (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    text text NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (account_id, name)
);
