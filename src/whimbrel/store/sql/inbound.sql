-- Inbound texts: what was seen, parts that wait for others, opt-outs by keyword. Written by `verbs/inbound.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | inbound_seen_since (carriers, fingerprints, since) | carrier_id, fingerprint, session, received_at, oldest first |
-- | inbound_seen_insert (carrier_id, fingerprint, session, received_at) | |
-- | messages_existing (ids) | which of the ids are taken |
-- | inbound_parts_from (carrier_id, source hashes) | row: parts that wait for others |
-- | inbound_parts_overdue (before) | row: all parts of the sets whose oldest part came before |
-- | inbound_part_insert (carrier_id, source_hash, destination_hash, reference, total, number, row, received_at) | |
-- | inbound_parts_drop (carrier_id, source_hash, destination_hash, reference, total) | a whole set |
-- | opt_outs_of (accounts, number hashes) | account_id, number_hash, id |
-- | opt_out_keyword_insert (id, account_id, number_hash, masked, source, created_at, scope, person_hash, number) | |
-- | opt_out_keyword_delete (account_id, number_hash) | |

-- name: inbound_seen_since
SELECT carrier_id, fingerprint, session, received_at FROM inbound_seen
WHERE carrier_id = ANY($1) AND fingerprint = ANY($2) AND received_at >= $3 ORDER BY received_at;

-- name: inbound_seen_insert
INSERT INTO inbound_seen (carrier_id, fingerprint, session, received_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (carrier_id, fingerprint, received_at) DO UPDATE SET session = excluded.session;

-- name: messages_existing
SELECT id FROM messages WHERE id = ANY($1);

-- name: inbound_parts_from
SELECT row FROM inbound_parts WHERE carrier_id = $1 AND source_hash = ANY($2);

-- name: inbound_parts_overdue
SELECT row FROM inbound_parts WHERE (carrier_id, source_hash, destination_hash, reference, total) IN (
  SELECT carrier_id, source_hash, destination_hash, reference, total FROM inbound_parts
  GROUP BY carrier_id, source_hash, destination_hash, reference, total HAVING MIN(received_at) < $1
);

-- name: inbound_part_insert
INSERT INTO inbound_parts (carrier_id, source_hash, destination_hash, reference, total, number, row, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: inbound_parts_drop
DELETE FROM inbound_parts
WHERE carrier_id = $1 AND source_hash = $2 AND destination_hash = $3 AND reference = $4 AND total = $5;

-- name: opt_outs_of
SELECT account_id, number_hash, id FROM opt_outs WHERE account_id = ANY($1) AND number_hash = ANY($2);

-- name: opt_out_keyword_insert
INSERT INTO opt_outs (id, account_id, number_hash, masked, source, created_at, scope, person_hash, number)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: opt_out_keyword_delete
DELETE FROM opt_outs WHERE account_id = $1 AND number_hash = $2;
