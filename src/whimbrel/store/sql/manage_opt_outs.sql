-- Opt-outs as the control plane writes and reads them. Columns of a whole row are in the order of `OptOut`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | opt_outs_after (account_id, number_hash, limit) | account_id, number_hash behind these, of all accounts |
-- | opt_out_record | a row of `OptOut`; nothing when the number has opted out |
-- | opt_out_created_event (id, account_id, data, at) | the first event of an opt-out, if it was stored |
-- | opt_out_deleted_event (id, account_id, at) | its second event, while it is still stored |
-- | opt_out_delete (account_id, number_hash) | |
-- | opt_out_by_id (account_id, id), opt_out_by_hash (account_id, number_hash) | the whole row |
-- | opt_outs_known (account_id, hashes) | whole rows |
-- | opt_outs_of_person (account_id, number_hash) | whole rows of every scope |
-- | opt_outs_forget (account_id, number_hash) | the number goes, the rows stay |
-- | opt_outs_page, opt_outs_page_oldest (account_id, before_id, limit) | whole rows, newest first |

-- name: opt_outs_after
SELECT account_id, number_hash FROM opt_outs WHERE (account_id, number_hash) > ($1, $2)
ORDER BY account_id, number_hash LIMIT $3;

-- name: opt_out_record
INSERT INTO opt_outs (id, account_id, number_hash, masked, source, created_at, scope, person_hash, number)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, number_hash) DO NOTHING;

-- name: opt_out_created_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, 0, id, 1, 'opt_out.created', $3, 0, $4 FROM opt_outs WHERE account_id = $2 AND id = $1;

-- name: opt_out_deleted_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, 0, id, 2, 'opt_out.deleted', '{}', 0, $3 FROM opt_outs WHERE account_id = $2 AND id = $1;

-- name: opt_out_delete
DELETE FROM opt_outs WHERE account_id = $1 AND number_hash = $2;

-- name: opt_out_by_id
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND id = $2;

-- name: opt_out_by_hash
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND number_hash = $2;

-- name: opt_outs_known
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND number_hash = ANY($2);

-- name: opt_outs_page (both ways)
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: opt_outs_of_person
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND number_hash = $2
UNION ALL
SELECT id, account_id, number_hash, masked, source, created_at, scope, person_hash, number FROM opt_outs
WHERE account_id = $1 AND person_hash = $2;

-- name: opt_outs_forget
UPDATE opt_outs SET number = NULL WHERE account_id = $1 AND number IS NOT NULL AND number_hash IN (
  SELECT $2 UNION
  SELECT number_hash FROM opt_outs /* by opt_outs_by_person */ WHERE account_id = $1 AND person_hash = $2
);
