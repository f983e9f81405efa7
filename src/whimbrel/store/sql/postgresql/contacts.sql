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
-- | contacts_seen (position, end) | when people were last written to, wrote or clicked, by this stretch of the log; a second time does nothing |
-- | contacts_stopped (account_id, numbers) | number and when it opted out of all senders |

-- name: contacts_seen
WITH seen AS (
  SELECT m.account_id, m.test, CASE WHEN e.type = 'message.received' THEN m.sender ELSE m.recipient END AS number,
    MAX(CASE WHEN e.type IN ('message.sent', 'message.delivered') THEN e.created_at END) AS sent_at,
    MAX(CASE WHEN e.type = 'message.received' THEN e.created_at END) AS received_at,
    MAX(CASE WHEN e.type = 'link.clicked' THEN e.created_at END) AS clicked_at
  FROM events AS e JOIN messages AS m ON m.id = e.subject_id
  WHERE e.position > $1 AND e.position <= $2
    AND e.type IN ('message.sent', 'message.delivered', 'message.received', 'link.clicked')
    AND EXISTS (SELECT 1 FROM contacts AS c WHERE c.account_id = e.account_id AND c.test = e.test)
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
)
UPDATE contacts AS c SET
  last_sent_at = CASE WHEN seen.sent_at > COALESCE(c.last_sent_at, 0) THEN seen.sent_at ELSE c.last_sent_at END,
  last_received_at = CASE WHEN seen.received_at > COALESCE(c.last_received_at, 0) THEN seen.received_at
    ELSE c.last_received_at END,
  last_clicked_at = CASE WHEN seen.clicked_at > COALESCE(c.last_clicked_at, 0) THEN seen.clicked_at
    ELSE c.last_clicked_at END
FROM seen CROSS JOIN LATERAL (
  SELECT id FROM contacts WHERE number = seen.number COLLATE "C" AND account_id IS NOT DISTINCT FROM seen.account_id
    AND test IS NOT DISTINCT FROM seen.test OFFSET 0
) AS found
WHERE c.account_id = seen.account_id AND c.test = seen.test AND c.id = found.id;

-- name: contacts_stopped
SELECT o.number, MIN(o.created_at) FROM unnest($2::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT number, created_at FROM opt_outs WHERE number = wanted.key COLLATE "C" AND scope IS NULL
    AND account_id IS NOT DISTINCT FROM $1 OFFSET 0
) AS o GROUP BY o.number;

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
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20, c.last_sent_at,
  c.last_received_at, c.last_clicked_at, c.opted_out_at
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE account_id = $1 AND test = $2 AND id = wanted.key COLLATE "C" OFFSET 0 FOR UPDATE
) AS c;

-- name: contacts_by_numbers
SELECT
  c.account_id, c.test, c.id, c.number, c.country, c.language, c.zone, c.labels, c.created_at, c.updated_at,
  c.import_no, c.seq, c.name, c.name_key, c.also, c.t1, c.t2, c.t3, c.t4, c.t5, c.t6, c.t7, c.t8, c.t9, c.t10, c.t11,
  c.t12, c.t13, c.t14, c.t15, c.t16, c.t17, c.t18, c.t19, c.t20, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7, c.n8,
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20, c.last_sent_at,
  c.last_received_at, c.last_clicked_at, c.opted_out_at
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE number = wanted.key COLLATE "C" AND account_id IS NOT DISTINCT FROM $1
    AND test IS NOT DISTINCT FROM $2 OFFSET 0 FOR UPDATE
) AS c;

-- name: contacts_of_ids
SELECT
  c.account_id, c.test, c.id, c.number, c.country, c.language, c.zone, c.labels, c.created_at, c.updated_at,
  c.import_no, c.seq, c.name, c.name_key, c.also, c.t1, c.t2, c.t3, c.t4, c.t5, c.t6, c.t7, c.t8, c.t9, c.t10, c.t11,
  c.t12, c.t13, c.t14, c.t15, c.t16, c.t17, c.t18, c.t19, c.t20, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7, c.n8,
  c.n9, c.n10, c.n11, c.n12, c.n13, c.n14, c.n15, c.n16, c.n17, c.n18, c.n19, c.n20, c.last_sent_at,
  c.last_received_at, c.last_clicked_at, c.opted_out_at
FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT * FROM contacts WHERE account_id = $1 AND test = $2 AND id = wanted.key COLLATE "C" OFFSET 0
) AS c;

-- name: contact_ids_of_numbers
SELECT c.number, c.id FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT number, id FROM contacts WHERE number = wanted.key COLLATE "C" AND account_id IS NOT DISTINCT FROM $1
    AND test IS NOT DISTINCT FROM $2 OFFSET 0
) AS c;
