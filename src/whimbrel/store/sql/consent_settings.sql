-- What decides how far consent reaches: brands, lists of numbers that are not texted, words and texts.
--
-- | statement | gives or does |
-- | --- | --- |
-- | brands_all; brands_of (account_id) | rows of `Brand` |
-- | brand_put, brand_delete (account_id, id) | |
-- | suppression_lists_all | rows of `SuppressionList` |
-- | suppression_lists_of (account_id) | those of an account, or of the operator (empty) |
-- | suppression_list_put, suppression_list_delete (id) | |
-- | suppression_put (row) | a row of `Suppression`; nothing when the number is on the list |
-- | suppression_drop (list_id, number_hash) | |
-- | suppressions_clear (list_id, limit) | some of a list's numbers removed |
-- | suppressions_after (list_id, number_hash, limit) | list_id, number_hash behind these, of all lists |
-- | suppressions_page (list_id, after_hash, limit) | rows of `Suppression` |
-- | suppression_by_hash (list_id, number_hash) | row of `Suppression` |
-- | suppressions_known (list_id, hashes) | number_hash of those that are on it |
-- | suppressions_forget (account_id, number_hash) | the number goes, the rows stay |
-- | opt_outs_turn | whoever else writes opt-outs waits, so that changes are committed in the order of their positions |
-- | suppressions_tell (number_hash, at) | other cells look again at the operator's rows of a number that is to go |
-- | consent_words_all | rows of `ConsentWord` |
-- | consent_word_put, consent_word_delete (id) | |
-- | consent_texts_all | rows of `ConsentText` |
-- | consent_text_put, consent_text_delete (id) | |

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

-- name: suppression_lists_of
SELECT id, account_id, name, reason, classes, created_at, updated_at FROM suppression_lists
WHERE COALESCE(account_id, '') = $1 ORDER BY name;

-- name: suppression_list_put
INSERT INTO suppression_lists (id, account_id, name, reason, classes, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, reason = excluded.reason, classes = excluded.classes,
    updated_at = excluded.updated_at;

-- name: suppression_list_delete
DELETE FROM suppression_lists WHERE id = $1;

-- name: suppression_put
INSERT INTO suppressions (list_id, number_hash, account_id, number, masked, reason, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (list_id, number_hash) DO NOTHING;

-- name: suppression_drop
DELETE FROM suppressions WHERE list_id = $1 AND number_hash = $2;

-- name: suppressions_clear
DELETE FROM suppressions WHERE list_id = $1 AND number_hash IN (
    SELECT number_hash FROM suppressions WHERE list_id = $1 LIMIT $2
);

-- name: suppressions_after
SELECT list_id, number_hash FROM suppressions WHERE (list_id, number_hash) > ($1, $2)
ORDER BY list_id, number_hash LIMIT $3;

-- name: suppressions_page
SELECT list_id, number_hash, account_id, number, masked, reason, created_at FROM suppressions
WHERE list_id = $1 AND number_hash > $2 ORDER BY number_hash LIMIT $3;

-- name: suppression_by_hash
SELECT list_id, number_hash, account_id, number, masked, reason, created_at FROM suppressions
WHERE list_id = $1 AND number_hash = $2;

-- name: suppressions_known
SELECT number_hash FROM suppressions WHERE list_id = $1 AND number_hash = ANY($2);

-- name: suppressions_forget
UPDATE suppressions SET number = NULL
WHERE list_id IN (SELECT id FROM suppression_lists WHERE COALESCE(account_id, '') = $1) AND number_hash = $2
  AND number IS NOT NULL;

-- name: opt_outs_turn
UPDATE configuration SET version = version + 1 WHERE kind = 'opt_outs';

-- name: suppressions_tell
INSERT INTO opt_out_changes (account_id, number_hash, stopped, at)
SELECT list_id, number_hash, 1, CAST($2 AS BIGINT) FROM suppressions
WHERE list_id IN (SELECT id FROM suppression_lists WHERE COALESCE(account_id, '') = '') AND number_hash = $1
  AND number IS NOT NULL;

-- name: consent_words_all
SELECT id, account_id, kind, language, level, word, plain, enabled, purpose, wording, created_at FROM consent_words;

-- name: consent_word_put
INSERT INTO consent_words (id, account_id, kind, language, level, word, plain, enabled, purpose, wording, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: consent_word_delete
DELETE FROM consent_words WHERE id = $1;

-- name: consent_texts_all
SELECT id, account_id, brand_id, kind, language, text, updated_at FROM consent_texts;

-- name: consent_text_put
INSERT INTO consent_texts (id, account_id, brand_id, kind, language, text, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at;

-- name: consent_text_delete
DELETE FROM consent_texts WHERE id = $1;
