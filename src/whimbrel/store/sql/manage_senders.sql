-- Senders, numbers among them. Columns of a whole row are in the order of `Sender`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | sender_insert | a row of `Sender` |
-- | senders_all, senders_of_account (account_id), senders_by_value (value) | whole rows |
-- | senders_names (account_id) | id, value: names of other accounts |
-- | sender_by_id (id, account_id) | the whole row |
-- | senders_page (account_id, before_id, limit, kind, approval, value) | whole rows, newest first; NULL: any |
-- | numbers_page (account_id, before_id, limit, kind, approval, country, part) | the same; `part`: digits in it |
-- | numbers_page_of_all (before_id, limit, kind, approval, country, part) | the same, of all accounts |
-- | sender_update (id, is_default, countries, sms_url, sms_method, sms_fallback_url, at, label, capabilities, carrier_id, approval, approval_reason, sms_fallback_method, per_minute, per_day, seq) | where it stands one event before `seq` |
-- | sender_unmark (id, is_default, countries, at) | it is no default any more, or for fewer countries |
-- | sender_delete (id, seq) | where it still stands there |
-- | sender_rules_all | id, country, rule, enabled, updated_at |
-- | sender_rule_put (the same) | there, or in its place |
-- | sender_rule_delete (id) | |

-- name: sender_insert
INSERT INTO senders (id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url,
  created_at, updated_at, label, capabilities, country, carrier_id, approval, approval_reason, sms_fallback_method,
  per_minute, per_day, seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21);

-- name: senders_all
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders ORDER BY id;

-- name: senders_of_account
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE account_id = $1 ORDER BY id;

-- name: senders_by_value
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE value = $1;

-- name: senders_names
SELECT id, value FROM senders WHERE kind = 'alphanumeric' AND account_id <> $1;

-- name: sender_by_id
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE id = $1 AND account_id = $2;

-- name: senders_page
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE account_id = $1 AND id < $2
  AND (CAST($4 AS TEXT) IS NULL OR kind = $4)
  AND (CAST($5 AS TEXT) IS NULL OR COALESCE(approval, 'approved') = $5)
  AND (CAST($6 AS TEXT) IS NULL OR value = $6)
ORDER BY id DESC LIMIT $3;

-- name: numbers_page
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE account_id = $1 AND id < $2 AND kind <> 'alphanumeric'
  AND (CAST($4 AS TEXT) IS NULL OR kind = $4)
  AND (CAST($5 AS TEXT) IS NULL OR COALESCE(approval, 'approved') = $5)
  AND (CAST($6 AS TEXT) IS NULL OR COALESCE(country, '') = $6)
  AND (CAST($7 AS TEXT) IS NULL OR value LIKE '%' || $7 || '%')
ORDER BY id DESC LIMIT $3;

-- name: numbers_page_of_all
SELECT id, account_id, value, kind, is_default, countries, sms_url, sms_method, sms_fallback_url, created_at, updated_at,
  COALESCE(label, ''), COALESCE(capabilities, '["sms"]'), COALESCE(country, ''), carrier_id,
  COALESCE(approval, 'approved'), COALESCE(approval_reason, ''), COALESCE(sms_fallback_method, 'POST'), per_minute,
  per_day, COALESCE(seq, 0)
FROM senders WHERE id < $1 AND kind <> 'alphanumeric'
  AND (CAST($3 AS TEXT) IS NULL OR kind = $3)
  AND (CAST($4 AS TEXT) IS NULL OR COALESCE(approval, 'approved') = $4)
  AND (CAST($5 AS TEXT) IS NULL OR COALESCE(country, '') = $5)
  AND (CAST($6 AS TEXT) IS NULL OR value LIKE '%' || $6 || '%')
ORDER BY id DESC LIMIT $2;

-- name: sender_update
UPDATE senders SET is_default = $2, countries = $3, sms_url = $4, sms_method = $5, sms_fallback_url = $6,
  updated_at = $7, label = $8, capabilities = $9, carrier_id = $10, approval = $11, approval_reason = $12,
  sms_fallback_method = $13, per_minute = $14, per_day = $15, seq = $16
WHERE id = $1 AND COALESCE(seq, 0) = $16 - 1;

-- name: sender_unmark
UPDATE senders SET is_default = $2, countries = $3, updated_at = $4 WHERE id = $1;

-- name: sender_delete
DELETE FROM senders WHERE id = $1 AND COALESCE(seq, 0) = $2;

-- name: sender_rules_all
SELECT id, country, rule, enabled, updated_at FROM sender_rules ORDER BY id;

-- name: sender_rule_put
INSERT INTO sender_rules (id, country, rule, enabled, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET country = excluded.country, rule = excluded.rule, enabled = excluded.enabled,
  updated_at = excluded.updated_at;

-- name: sender_rule_delete
DELETE FROM sender_rules WHERE id = $1;
