-- Contacts by lists of keys, one key after the other and locked in that order. With a list in a condition a plan that is
-- made while the table is empty reads all of an account and looks which rows are in the list; so each key has a look of
-- its own (OFFSET 0), by the one index that begins with what is compared (IS NOT DISTINCT FROM asks no index).
--
-- | statement | gives or does |
-- | --- | --- |
-- | contacts_by_ids (account_id, test, ids), contacts_by_numbers (account_id, test, numbers) | whole rows, to be written |
-- | contacts_of_ids (account_id, test, ids) | whole rows, to be read |
-- | contact_ids_of_numbers (account_id, test, numbers) | number, id |
-- | contact_zones (account_id, test, numbers) | number, zone of those who have one |

-- name: contact_zones
SELECT c.number, c.zone FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT number, zone FROM contacts WHERE number = wanted.key COLLATE "C" AND account_id IS NOT DISTINCT FROM $1
    AND test IS NOT DISTINCT FROM $2 AND zone IS NOT NULL OFFSET 0
) AS c;

-- name: contacts_by_ids
SELECT
  c.account_id, c.test, c.id, c.number, c.country, c.language, c.zone, c.labels, c.created_at, c.updated_at,
  c.import_no, c.seq, c.name, c.name_key, c.also, c.t1, c.t2, c.t3, c.t4, c.t5, c.t6, c.t7, c.t8, c.t9, c.t10, c.t11,
  c.t12, c.t13, c.t14, c.t15, c.t16, c.t17, c.t18, c.t19, c.t20, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7, c.n8,
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE account_id = $1 AND test = $2 AND id = wanted.key COLLATE "C" OFFSET 0 FOR UPDATE
) AS c;

-- name: contacts_by_numbers
SELECT
  c.account_id, c.test, c.id, c.number, c.country, c.language, c.zone, c.labels, c.created_at, c.updated_at,
  c.import_no, c.seq, c.name, c.name_key, c.also, c.t1, c.t2, c.t3, c.t4, c.t5, c.t6, c.t7, c.t8, c.t9, c.t10, c.t11,
  c.t12, c.t13, c.t14, c.t15, c.t16, c.t17, c.t18, c.t19, c.t20, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7, c.n8,
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE number = wanted.key COLLATE "C" AND account_id IS NOT DISTINCT FROM $1
    AND test IS NOT DISTINCT FROM $2 OFFSET 0 FOR UPDATE
) AS c;

-- name: contacts_of_ids
SELECT
  c.account_id, c.test, c.id, c.number, c.country, c.language, c.zone, c.labels, c.created_at, c.updated_at,
  c.import_no, c.seq, c.name, c.name_key, c.also, c.t1, c.t2, c.t3, c.t4, c.t5, c.t6, c.t7, c.t8, c.t9, c.t10, c.t11,
  c.t12, c.t13, c.t14, c.t15, c.t16, c.t17, c.t18, c.t19, c.t20, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7, c.n8,
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE account_id = $1 AND test = $2 AND id = wanted.key COLLATE "C" OFFSET 0
) AS c;

-- name: contact_ids_of_numbers
SELECT c.number, c.id FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT number, id FROM contacts WHERE number = wanted.key COLLATE "C" AND account_id IS NOT DISTINCT FROM $1
    AND test IS NOT DISTINCT FROM $2 OFFSET 0
) AS c;
