-- Contacts by lists of keys.
--
-- | statement | gives or does |
-- | --- | --- |
-- | contacts_by_ids (account_id, test, ids), contacts_by_numbers (account_id, test, numbers) | whole rows, to be written |
-- | contacts_of_ids (account_id, test, ids) | whole rows, to be read |
-- | contact_ids_of_numbers (account_id, test, numbers) | number, id |
-- | contact_zones (account_id, test, numbers) | number, zone of those who have one |

-- name: contact_zones
SELECT number, zone FROM contacts WHERE account_id = $1 AND test = $2 AND number = ANY($3) AND zone IS NOT NULL;

-- name: contacts_by_ids (locks contacts)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20
FROM contacts WHERE account_id = $1 AND test = $2 AND id = ANY($3) ORDER BY id;

-- name: contacts_by_numbers (locks contacts)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20
FROM contacts WHERE account_id = $1 AND test = $2 AND number = ANY($3) ORDER BY number;

-- name: contacts_of_ids
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20
FROM contacts WHERE account_id = $1 AND test = $2 AND id = ANY($3) ORDER BY id;

-- name: contact_ids_of_numbers
SELECT number, id FROM contacts WHERE account_id = $1 AND test = $2 AND number = ANY($3) ORDER BY number;
