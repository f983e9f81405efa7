-- Accounts, their keys, and the audit trail. Columns of a whole row are always in the order of its struct.
--
-- | statement | gives or does |
-- | --- | --- |
-- | account_insert | a row of `Account` |
-- | accounts_all | whole rows |
-- | account_by_id (id) | the whole row |
-- | accounts_page (within, before_id, limit) | whole rows of an account and its sub-accounts, or (NULL) of all, newest first |
-- | accounts_ids_after (id, limit) | ids, in their order |
-- | account_set_profile (id, name, dedupe_s, at) | |
-- | account_set_status (id, status, at) | |
-- | account_set_token, account_set_callback_secret (id, sealed, at) | |
-- | balance_open (account_id, currency) | an empty balance |
-- | key_insert | a row of `Key` |
-- | keys_active | whole rows |
-- | key_by_id (id, account_id) | the whole row; account '' is the operator |
-- | keys_page (account_id, before_id, limit) | whole rows, newest first |
-- | keys_by_name (account_id, name) | whole rows of active keys, newest first |
-- | key_revoke (id, at) | |
-- | audit_insert | a row of `AuditRow` |
-- | audit_page, audit_page_oldest (account_id, before_id, limit) | whole rows of an account, or (NULL) all, newest first |

-- name: account_insert
INSERT INTO accounts (id, parent_id, name, status, currency, dedupe_s, auth_token, callback_secret, created_at,
  updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: accounts_all
SELECT id, parent_id, name, status, currency, dedupe_s, auth_token, callback_secret, created_at, updated_at
FROM accounts;

-- name: account_by_id
SELECT id, parent_id, name, status, currency, dedupe_s, auth_token, callback_secret, created_at, updated_at
FROM accounts WHERE id = $1;

-- name: accounts_ids_after
SELECT id FROM accounts WHERE id > $1 ORDER BY id LIMIT $2;

-- name: accounts_page
SELECT id, parent_id, name, status, currency, dedupe_s, auth_token, callback_secret, created_at, updated_at
FROM accounts WHERE (CAST($1 AS TEXT) IS NULL OR id = $1 OR parent_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: account_set_profile
UPDATE accounts SET name = $2, dedupe_s = $3, updated_at = $4 WHERE id = $1;

-- name: account_set_status
UPDATE accounts SET status = $2, updated_at = $3 WHERE id = $1;

-- name: account_set_token
UPDATE accounts SET auth_token = $2, updated_at = $3 WHERE id = $1;

-- name: account_set_callback_secret
UPDATE accounts SET callback_secret = $2, updated_at = $3 WHERE id = $1;

-- name: balance_open
INSERT INTO balances (account_id, currency, available, held, spent) VALUES ($1, $2, 0, 0, 0);

-- name: key_insert
INSERT INTO keys (id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at,
  expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: keys_active
SELECT id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at
FROM keys WHERE status = 'active';

-- name: key_by_id
SELECT id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at
FROM keys WHERE id = $1 AND COALESCE(account_id, '') = $2;

-- name: keys_page
SELECT id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at
FROM keys WHERE COALESCE(account_id, '') = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: keys_by_name
SELECT id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at
FROM keys WHERE COALESCE(account_id, '') = $1 AND name = $2 AND status = 'active' ORDER BY id DESC;

-- name: key_revoke
UPDATE keys SET status = 'revoked', revoked_at = $2 WHERE id = $1;

-- name: audit_insert
INSERT INTO audit (id, account_id, actor, action, subject_id, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: audit_page (both ways)
SELECT id, account_id, actor, action, subject_id, detail, created_at
FROM audit WHERE (CAST($1 AS TEXT) IS NULL OR account_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3;
