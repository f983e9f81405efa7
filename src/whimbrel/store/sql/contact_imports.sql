-- Imports of contacts: the file in pieces, how far it has come, and what was wrong. Whole rows are in the order of
-- `ContactImport`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | contact_import_insert | a row of `ContactImport` |
-- | contact_import_newest (account_id, test) | the number of the newest, 0 where there is none |
-- | contact_imports_open (account_id) | how many are not over |
-- | contact_import_by_id (account_id, test, id) | the whole row |
-- | contact_imports_page, contact_imports_page_oldest (account_id, test, before_id, limit) | whole rows, newest first |
-- | contact_import_grow (id, size, octets) | a piece came, where the file had this size and is still uploaded |
-- | contact_import_part_insert (import_id, part, account_id, data) | the piece |
-- | contact_import_part (import_id, part) | data |
-- | contact_import_begin (id, spec, state, at) | it may begin, where the file was being uploaded |
-- | contact_import_end (id, state, reason, at) | it is over, where it was not |
-- | contact_import_finished_event (id, at) | its one event, with the figures |
-- | contact_imports_due () | whole rows of those that are to be worked on, oldest first |
-- | contact_imports_forgotten (before_id) | ids of those older than that whose file never came whole |
-- | contact_import_stand (id) | state, position, failed; it stays so until the end of the commit |
-- | contact_import_run (id, rows, at) | it is being worked on |
-- | contact_import_advance (id, position, created, updated, skipped, duplicates, failed) | so many rows more are done |
-- | contact_import_error_insert | import_id, row, account_id, field, value, problem |
-- | contact_import_errors (account_id, import_id, after_row, limit) | row, field, value, problem: in order |
-- | contact_start_insert | a row of `ContactStart` |
-- | contact_start_next (account_id) | the whole row of the oldest page of the next account that has one |
-- | contact_start_take (account_id, import_id, position) | it is removed; changes a row once |
-- | contact_import_parts_delete, contact_import_errors_delete, contact_import_delete (id) | |

-- name: contact_import_insert
INSERT INTO contact_imports (
  id, account_id, test, number, name, state, spec, parts, size, rows, position, created, updated, skipped,
  duplicates, failed, reason, created_at, started_at, finished_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20);

-- name: contact_import_newest
SELECT COALESCE(MAX(number), 0) FROM contact_imports WHERE account_id = $1 AND test = $2;

-- name: contact_imports_open
SELECT COUNT(*) FROM contact_imports WHERE account_id = $1 AND state IN ('uploading', 'queued', 'running');

-- name: contact_import_by_id
SELECT id, account_id, test, number, name, state, spec, parts, size, rows, position, created, updated, skipped,
  duplicates, failed, reason, created_at, started_at, finished_at
FROM contact_imports WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: contact_imports_page (both ways)
SELECT id, account_id, test, number, name, state, spec, parts, size, rows, position, created, updated, skipped,
  duplicates, failed, reason, created_at, started_at, finished_at
FROM contact_imports WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: contact_import_grow
UPDATE contact_imports SET parts = parts + 1, size = size + $3 WHERE id = $1 AND size = $2 AND state = 'uploading';

-- name: contact_import_part_insert
INSERT INTO contact_import_parts (import_id, part, account_id, data) VALUES ($1, $2, $3, $4);

-- name: contact_import_part
SELECT data FROM contact_import_parts WHERE import_id = $1 AND part = $2;

-- name: contact_import_begin
UPDATE contact_imports SET spec = $2, state = $3, started_at = $4 WHERE id = $1 AND state = 'uploading';

-- name: contact_import_end
UPDATE contact_imports SET state = $2, reason = $3, finished_at = $4
WHERE id = $1 AND state IN ('uploading', 'queued', 'running');

-- name: contact_imports_due
SELECT id, account_id, test, number, name, state, spec, parts, size, rows, position, created, updated, skipped,
  duplicates, failed, reason, created_at, started_at, finished_at
FROM contact_imports WHERE id >= '' AND state IN ('queued', 'running') ORDER BY id LIMIT 20;

-- name: contact_imports_forgotten
SELECT id FROM contact_imports WHERE id < $1 AND state = 'uploading' ORDER BY id LIMIT 20;

-- name: contact_import_stand (locks contact_imports)
SELECT state, position, failed FROM contact_imports WHERE id = $1;

-- name: contact_import_run
UPDATE contact_imports SET state = 'running', rows = $2 WHERE id = $1 AND state IN ('queued', 'running');

-- name: contact_import_advance
UPDATE contact_imports SET position = position + $2, created = created + $3, updated = updated + $4,
  skipped = skipped + $5, duplicates = duplicates + $6, failed = failed + $7
WHERE id = $1;

-- name: contact_import_error_insert
INSERT INTO contact_import_errors (import_id, row, account_id, field, value, problem) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (import_id, row) DO NOTHING;

-- name: contact_import_errors
SELECT row, field, value, problem FROM contact_import_errors
WHERE import_id = $2 AND account_id = $1 AND row > $3 ORDER BY row LIMIT $4;

-- name: contact_import_parts_delete
DELETE FROM contact_import_parts WHERE import_id = $1;

-- name: contact_import_errors_delete
DELETE FROM contact_import_errors WHERE import_id = $1;

-- name: contact_import_delete
DELETE FROM contact_imports WHERE id = $1 AND state NOT IN ('uploading', 'queued', 'running');

-- name: contact_import_finished_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, 1, 'contact_import.finished', '{"import_id":"' || id || '","status":"' || state ||
  '","created":' || created || ',"updated":' || updated || ',"skipped":' || skipped || ',"duplicates":' || duplicates ||
  ',"failed":' || failed || '}', 0, $2
FROM contact_imports WHERE id = $1;

-- name: contact_start_insert
INSERT INTO contact_starts (account_id, import_id, position, test, contacts, at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: contact_start_next
SELECT account_id, import_id, position, test, contacts, at FROM contact_starts
WHERE account_id > $1 ORDER BY account_id, import_id, position LIMIT 1;

-- name: contact_start_take
DELETE FROM contact_starts WHERE account_id = $1 AND import_id = $2 AND position = $3;
