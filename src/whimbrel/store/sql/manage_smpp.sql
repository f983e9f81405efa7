-- Customers' SMPP credentials. Written by `manage/smpp_credentials.py`. Columns of a whole row are in the order of
-- `SmppCredential`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | smpp_credential_insert | a row of `SmppCredential` |
-- | smpp_credentials_all, smpp_credentials_of_account (account_id) | whole rows |
-- | smpp_credential_by_id (id, account_id, test) | the whole row |
-- | smpp_credential_locked (id) | the id; other transactions that ask so wait for the end of this one |
-- | smpp_credential_by_system_id (system_id) | the whole row, whoever's it is |
-- | smpp_credentials_page (account_id, test, before_id, limit) | whole rows, newest first |
-- | smpp_credential_update (id, name, status, settings, at) | |
-- | smpp_credential_rotate (id, password, at) | |
-- | smpp_credential_delete (id) | |

-- name: smpp_credential_insert
INSERT INTO smpp_credentials (id, account_id, test, name, system_id, password, status, settings, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: smpp_credentials_all
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials ORDER BY id;

-- name: smpp_credentials_of_account
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials WHERE account_id = $1 ORDER BY id;

-- name: smpp_credential_by_id
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials WHERE id = $1 AND account_id = $2 AND test = $3;

-- name: smpp_credential_locked (locks smpp_credentials)
SELECT id FROM smpp_credentials WHERE id = $1;

-- name: smpp_credential_by_system_id
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials WHERE system_id = $1;

-- name: smpp_credentials_page
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: smpp_credential_update
UPDATE smpp_credentials SET name = $2, status = $3, settings = $4, updated_at = $5 WHERE id = $1;

-- name: smpp_credential_rotate
UPDATE smpp_credentials SET password = $2, updated_at = $3 WHERE id = $1;

-- name: smpp_credential_delete
DELETE FROM smpp_credentials WHERE id = $1;
