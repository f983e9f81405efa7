-- Contacts by lists of keys.
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
FROM seen WHERE c.account_id = seen.account_id AND c.test = seen.test AND c.number = seen.number;

-- name: contacts_stopped
SELECT number, MIN(created_at) FROM opt_outs /* by opt_outs_by_number */
WHERE account_id = $1 AND number = ANY($2) AND scope IS NULL GROUP BY number;

-- name: contact_zones
SELECT number, zone FROM contacts /* by contacts_by_number */
WHERE account_id = $1 AND test = $2 AND number = ANY($3) AND zone IS NOT NULL;

-- name: contacts_by_ids (locks contacts)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND id = ANY($3) ORDER BY id;

-- name: contacts_by_numbers (locks contacts)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND number = ANY($3) ORDER BY number;

-- name: contacts_of_ids
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND id = ANY($3) ORDER BY id;

-- name: contact_ids_of_numbers
SELECT number, id FROM contacts WHERE account_id = $1 AND test = $2 AND number = ANY($3) ORDER BY number;
