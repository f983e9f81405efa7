-- What decides how far consent reaches: brands, lists of numbers that are not texted, words and texts.
--
-- | statement | gives or does |
-- | --- | --- |
-- | brands_all; brands_of (account_id) | rows of `Brand` |
-- | brand_put, brand_delete (account_id, id) | |
-- | suppression_lists_all | rows of `SuppressionList` |
-- | suppressions_after (list_id, number_hash, limit) | list_id, number_hash behind these, of all lists |
-- | suppressions_forget (account_id, number_hash) | the number goes, the rows stay |
-- | consent_words_all | rows of `ConsentWord` |
-- | consent_texts_all | rows of `ConsentText` |

-- name: brands_all
SELECT id, account_id, name, senders, created_at, updated_at FROM brands;

-- name: brands_of
SELECT id, account_id, name, senders, created_at, updated_at FROM brands WHERE account_id = $1 ORDER BY id;

-- name: brand_put
INSERT INTO brands (id, account_id, name, senders, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, senders = excluded.senders, updated_at = excluded.updated_at;

-- name: brand_delete
DELETE FROM brands WHERE account_id = $1 AND id = $2;

-- name: suppression_lists_all
SELECT id, account_id, name, reason, classes, created_at, updated_at FROM suppression_lists;

-- name: suppressions_after
SELECT list_id, number_hash FROM suppressions WHERE (list_id, number_hash) > ($1, $2)
ORDER BY list_id, number_hash LIMIT $3;

-- name: suppressions_forget
UPDATE suppressions SET number = NULL
WHERE list_id IN (SELECT id FROM suppression_lists WHERE COALESCE(account_id, '') = $1) AND number_hash = $2;

-- name: consent_words_all
SELECT id, account_id, kind, language, level, word, plain, enabled, purpose, wording, created_at FROM consent_words;

-- name: consent_texts_all
SELECT id, account_id, brand_id, kind, language, text, updated_at FROM consent_texts;
