-- Senders. Columns of a whole row are in the order of `Sender`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | sender_insert | a row of `Sender` |
-- | senders_all, senders_of_account (account_id), senders_by_value (value) | whole rows |
-- | sender_by_id (id, account_id) | the whole row |
-- | senders_page (account_id, before_id, limit) | whole rows, newest first |
-- | sender_update (id, is_default, countries, sms_url, sms_method, sms_fallback_url, at) | |
-- | sender_delete (id) | |

-- name: sender_insert
INSERT INTO senders (id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url,
  created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: senders_all
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at
FROM senders ORDER BY id;

-- name: senders_of_account
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at
FROM senders WHERE account_id = $1 ORDER BY id;

-- name: senders_by_value
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at
FROM senders WHERE value = $1;

-- name: sender_by_id
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at
FROM senders WHERE id = $1 AND account_id = $2;

-- name: senders_page
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at
FROM senders WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: sender_update
UPDATE senders SET is_default = $2, countries = $3, sms_url = $4, sms_method = $5, sms_fallback_url = $6,
  updated_at = $7
WHERE id = $1;

-- name: sender_delete
DELETE FROM senders WHERE id = $1;
