-- What belongs to the installation and is copied from the cell that leads.
--
-- | statement | gives or does |
-- | --- | --- |
-- | keys_of_operators | whole rows of `Key` |
-- | policies_of_operators, quiet_rules_whole | whole rows |
-- | suppression_lists_of_operators, consent_words_of_operators, consent_texts_of_operators | whole rows of `SuppressionList`, `ConsentWord`, `ConsentText` |
-- | suppressions_some (list_id, hashes) | whole rows of `Suppression` that are on the list |
-- | suppression_copy | a whole row, new or in place of the one of its list and number |
-- | key_copy, carrier_copy, route_copy, price_copy | a whole row, new or in place of the one of its id |
-- | key_drop, policy_drop (id) | is there no more |

-- name: keys_of_operators
SELECT id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at
FROM keys WHERE account_id IS NULL ORDER BY id;

-- name: key_copy
INSERT INTO keys (id, account_id, name, hint, digest, mode, scopes, rate_per_s, status, created_at, revoked_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, rate_per_s = excluded.rate_per_s,
  status = excluded.status, revoked_at = excluded.revoked_at, expires_at = excluded.expires_at;

-- name: key_drop
DELETE FROM keys WHERE id = $1 AND account_id IS NULL;

-- name: policies_of_operators
SELECT id, account_id, document, updated_at FROM policies WHERE account_id IS NULL;

-- name: policy_drop
DELETE FROM policies WHERE id = $1 AND account_id IS NULL;

-- name: quiet_rules_whole
SELECT id, document, updated_at FROM quiet_rules;

-- name: suppression_lists_of_operators
SELECT id, account_id, name, reason, classes, created_at, updated_at FROM suppression_lists WHERE account_id IS NULL;

-- name: consent_words_of_operators
SELECT id, account_id, kind, language, level, word, plain, enabled, purpose, wording, created_at FROM consent_words
WHERE account_id IS NULL;

-- name: consent_texts_of_operators
SELECT id, account_id, brand_id, kind, language, text, updated_at FROM consent_texts WHERE account_id IS NULL;

-- name: suppressions_some
SELECT list_id, number_hash, account_id, number, masked, reason, created_at FROM suppressions
WHERE list_id = $1 AND number_hash = ANY($2);

-- name: suppression_copy
INSERT INTO suppressions (list_id, number_hash, account_id, number, masked, reason, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (list_id, number_hash)
DO UPDATE SET number = excluded.number, masked = excluded.masked, reason = excluded.reason
WHERE suppressions.number IS DISTINCT FROM excluded.number;

-- name: carrier_copy
INSERT INTO carriers (id, name, kind, status, sandbox, settings, password, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, status = excluded.status,
  sandbox = excluded.sandbox, settings = excluded.settings, password = excluded.password,
  updated_at = excluded.updated_at;

-- name: route_copy
INSERT INTO routes (id, position, prefix, country, account_id, carriers, enabled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET position = excluded.position, prefix = excluded.prefix, country = excluded.country,
  account_id = excluded.account_id, carriers = excluded.carriers, enabled = excluded.enabled,
  updated_at = excluded.updated_at;

-- name: price_copy
INSERT INTO prices (id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET price_micros = excluded.price_micros, currency = excluded.currency,
  updated_at = excluded.updated_at, mms_price_micros = excluded.mms_price_micros;
