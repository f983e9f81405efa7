-- Keywords of accounts. Columns of whole rows are in the order of `Keyword`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | keyword_insert | a row of `Keyword` |
-- | keyword_by_id (id, account_id) | the whole row |
-- | keywords_page (account_id, before_id, limit) | whole rows, newest first |
-- | keywords_of_accounts (accounts) | whole rows, oldest first |
-- | keyword_update (id, name, owner_id, enabled, rule, at) | |
-- | keyword_delete (id), keyword_count_drop (id) | |
-- | keyword_count (id, account_id, at) | it was said once more |
-- | keyword_counts_of (ids) | keyword_id, uses, last_at |
-- | keyword_paces_of (number hashes) | number_hash, account_id, since, answers |
-- | keyword_pace_set | a row of `keyword_paces`; replaces the one that is there |
-- | keyword_paces_purge (before) | old ones removed |
-- | contact_language (account_id, test, number) | language of a contact |

-- name: keyword_insert
INSERT INTO keywords (id, account_id, name, owner_id, enabled, rule, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: keyword_by_id
SELECT id, account_id, name, owner_id, enabled, rule, created_at, updated_at
FROM keywords WHERE id = $1 AND account_id = $2;

-- name: keywords_page
SELECT id, account_id, name, owner_id, enabled, rule, created_at, updated_at
FROM keywords WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: keywords_of_accounts
SELECT id, account_id, name, owner_id, enabled, rule, created_at, updated_at
FROM keywords WHERE account_id = ANY($1) ORDER BY id;

-- name: keyword_update
UPDATE keywords SET name = $2, owner_id = $3, enabled = $4, rule = $5, updated_at = $6 WHERE id = $1;

-- name: keyword_delete
DELETE FROM keywords WHERE id = $1;

-- name: keyword_count_drop
DELETE FROM keyword_counts WHERE keyword_id = $1;

-- name: keyword_count
INSERT INTO keyword_counts (keyword_id, account_id, uses, last_at)
SELECT $1, $2, CAST(1 AS BIGINT), CAST($3 AS BIGINT) WHERE true
ON CONFLICT (keyword_id) DO UPDATE SET uses = keyword_counts.uses + 1, last_at = excluded.last_at;

-- name: keyword_counts_of
SELECT keyword_id, uses, last_at FROM keyword_counts WHERE keyword_id = ANY($1);

-- name: keyword_paces_of
SELECT number_hash, account_id, since, answers FROM keyword_paces WHERE number_hash = ANY($1);

-- name: keyword_pace_set
INSERT INTO keyword_paces (number_hash, account_id, since, answers) VALUES ($1, $2, $3, $4)
ON CONFLICT (number_hash, account_id) DO UPDATE SET since = excluded.since, answers = excluded.answers;

-- name: keyword_paces_purge
DELETE FROM keyword_paces WHERE since < $1;

-- name: contact_language
SELECT language FROM contacts WHERE number = $3 AND account_id = $1 AND test = $2;
