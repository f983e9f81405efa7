-- Customers that bind over SMPP, and what waits for them to bind.

CREATE TABLE smpp_credentials (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL, system_id TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL, status TEXT NOT NULL, settings TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX smpp_credentials_by_account ON smpp_credentials (account_id, id);

-- Receipts and inbound texts that a credential is owed. `kind`: the event's type; a row goes when a bind acknowledged it.
CREATE TABLE smpp_owed (
    credential_id TEXT NOT NULL, position INTEGER NOT NULL, message_id TEXT NOT NULL, kind TEXT NOT NULL,
    data TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (credential_id, position)
) WITHOUT ROWID;
