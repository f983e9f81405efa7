-- Registrations and documents. Columns of whole rows are in the order of `Registration` and `Document`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | registration_insert | a row of `Registration` |
-- | registration_update (id, seq before, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at, decided_at, expires_at, updated_at) | where nothing has changed since |
-- | registration_delete (id) | |
-- | registration_by_id (id, account_id) | the whole row |
-- | registrations_page (account_id, before_id, limit, regime), registrations_page_of_state (account_id, before_id, limit, regime, state) | whole rows, newest first; NULL: any regime |
-- | registrations_of_all (state, before_id, limit, regime) | whole rows of all accounts, newest first |
-- | registrations_under (parent_id, account_id) | whole rows |
-- | registrations_approved | whole rows, in order |
-- | registrations_over (now, limit) | id, account_id: approved ones whose time is over |
-- | document_insert | a row of `Document`, and its octets |
-- | documents_of (subject_id, account_id), documents_of_all (subject ids) | whole rows, in order |
-- | document_data (id, account_id) | data |
-- | document_by_id (id, account_id) | the whole row |
-- | document_delete (id) | |
-- | documents_delete (subject_id, account_id) | |

-- name: registration_insert
INSERT INTO registrations (id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason,
  seq, submitted_at, decided_at, expires_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: registration_update
UPDATE registrations SET country = $3, name = $4, state = $5, parent_id = $6, senders = $7, answers = $8, decision = $9,
  reason = $10, seq = $11, submitted_at = $12, decided_at = $13, expires_at = $14, updated_at = $15
WHERE id = $1 AND seq = $2;

-- name: registration_delete
DELETE FROM registrations WHERE id = $1;

-- name: registration_by_id
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE id = $1 AND account_id = $2;

-- name: registrations_page
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE account_id = $1 AND id < $2 AND (CAST($4 AS TEXT) IS NULL OR regime = $4) ORDER BY id DESC LIMIT $3;

-- name: registrations_page_of_state
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE account_id = $1 AND id < $2 AND state = $5 AND (CAST($4 AS TEXT) IS NULL OR regime = $4) ORDER BY id DESC LIMIT $3;

-- name: registrations_of_all
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE state = $1 AND id < $2 AND (CAST($4 AS TEXT) IS NULL OR regime = $4) ORDER BY id DESC LIMIT $3;

-- name: registrations_under
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE parent_id = $1 AND account_id = $2;

-- name: registrations_approved
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE state = 'approved' ORDER BY id;

-- name: registrations_over
SELECT id, account_id FROM registrations WHERE state = 'approved' AND expires_at <= $1 ORDER BY id LIMIT $2;

-- name: document_insert
INSERT INTO documents (id, account_id, subject_id, purpose, name, content_type, size, sha256, created_at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: documents_of
SELECT id, account_id, subject_id, purpose, name, content_type, size, sha256, created_at FROM documents
WHERE subject_id = $1 AND account_id = $2 ORDER BY id;

-- name: documents_of_all
SELECT id, account_id, subject_id, purpose, name, content_type, size, sha256, created_at FROM documents
WHERE subject_id = ANY($1) ORDER BY id;

-- name: document_data
SELECT data FROM documents WHERE id = $1 AND account_id = $2;

-- name: document_by_id
SELECT id, account_id, subject_id, purpose, name, content_type, size, sha256, created_at FROM documents
WHERE id = $1 AND account_id = $2;

-- name: document_delete
DELETE FROM documents WHERE id = $1;

-- name: documents_delete
DELETE FROM documents WHERE subject_id = $1 AND account_id = $2;
