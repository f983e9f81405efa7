-- Contacts with their fields, labels and changes. Whole rows are in the order of the structs of `domain/contacts.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | contact_insert | a row of `Contact`; gives its id, nothing where the number has one already |
-- | contact_set | a whole row, by account, mode and id |
-- | contact_delete (account_id, test, id) | |
-- | contact_seen_set (account_id, test, id, sent_at, received_at, clicked_at) | when it was last written to, wrote, clicked |
-- | contact_opted_out (account_id, number, at) | the contact of the number opted out then; NULL: it has not |
-- | contact_by_id (account_id, test, id) | the whole row |
-- | contacts_page, contacts_page_oldest (account_id, test, before_id, limit) | whole rows that meet a condition, newest first |
-- | contacts_count (account_id, test) | how many meet a condition |
-- | contacts_holding (account_id, test, after_id, limit) | whole rows that meet a condition, oldest first, to be written |
-- | contact_change_insert | contact_id, seq, account_id, type, detail, at |
-- | contact_changes_page (account_id, contact_id, before_seq, limit) | seq, type, detail, at: newest first |
-- | contact_changes_trim (contact_id, before_seq), contact_changes_delete (contact_id) | |
-- | contact_field_insert | a row of `ContactField` |
-- | contact_fields_of (account_id, test) | whole rows, also of those whose values are being cleared, oldest first |
-- | contact_field_set (id, name, choices), contact_field_remove (id, at), contact_field_delete (id) | |
-- | contact_fields_removed () | whole rows of those whose values are being cleared |
-- | contact_label_insert | a row of `Label` |
-- | contact_labels_of (account_id, test) | whole rows, also of those that are being taken off, oldest first |
-- | contact_label_set (id, name, description), contact_label_remove (id, at), contact_label_delete (id) | |
-- | contact_labels_removed () | whole rows of those that are being taken off |
-- | contact_segment_insert | a row of `Segment` |
-- | contact_segment_set (id, name, filter, at), contact_segment_delete (id) | |
-- | contact_segment_by_id (account_id, test, id) | the whole row |
-- | contact_segments_of (account_id, test) | whole rows, oldest first |

-- name: contact_insert
INSERT INTO contacts (
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
  $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
  $49, $50, $51, $52, $53, $54, $55)
ON CONFLICT (account_id, test, number) DO NOTHING RETURNING id;

-- name: contact_set (distinct)
UPDATE contacts SET number = $4, country = $5, language = $6, zone = $7, labels = $8, created_at = $9, updated_at = $10,
  import_no = $11, seq = $12, name = $13, name_key = $14, also = $15, t1 = $16, t2 = $17, t3 = $18, t4 = $19,
  t5 = $20, t6 = $21, t7 = $22, t8 = $23, t9 = $24, t10 = $25, t11 = $26, t12 = $27, t13 = $28, t14 = $29, t15 = $30,
  t16 = $31, t17 = $32, t18 = $33, t19 = $34, t20 = $35, n1 = $36, n2 = $37, n3 = $38, n4 = $39, n5 = $40, n6 = $41,
  n7 = $42, n8 = $43, n9 = $44, n10 = $45, n11 = $46, n12 = $47, n13 = $48, n14 = $49, n15 = $50, n16 = $51,
  n17 = $52, n18 = $53, n19 = $54, n20 = $55
WHERE account_id = $1 AND test = $2 AND id = $3;

-- name: contact_delete (distinct)
DELETE FROM contacts WHERE account_id = $1 AND test = $2 AND id = $3;

-- name: contact_seen_set
UPDATE contacts SET last_sent_at = $4, last_received_at = $5, last_clicked_at = $6
WHERE account_id = $1 AND test = $2 AND id = $3;

-- name: contact_opted_out
UPDATE contacts SET opted_out_at = $3 WHERE number = $2 AND account_id = $1 AND test = 0;

-- name: contact_by_id
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND id = $3;

-- name: contacts_page (both ways)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND id < $3 AND (1 = 1) ORDER BY id DESC LIMIT $4;

-- name: contacts_count
SELECT COUNT(*) FROM contacts WHERE account_id = $1 AND test = $2 AND (1 = 1);

-- name: contacts_holding (locks contacts)
SELECT
  account_id, test, id, number, country, language, zone, labels, created_at, updated_at, import_no, seq, name,
  name_key, also, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17, t18, t19, t20, n1, n2,
  n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20,
  last_sent_at, last_received_at, last_clicked_at, opted_out_at
FROM contacts WHERE account_id = $1 AND test = $2 AND id > $3 AND (1 = 1) ORDER BY id LIMIT $4;

-- name: contact_change_insert
INSERT INTO contact_changes (contact_id, seq, account_id, type, detail, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (contact_id, seq) DO NOTHING;

-- name: contact_changes_page
SELECT seq, type, detail, at FROM contact_changes
WHERE contact_id = $2 AND account_id = $1 AND seq < $3 ORDER BY seq DESC LIMIT $4;

-- name: contact_changes_trim
DELETE FROM contact_changes WHERE contact_id = $1 AND seq < $2;

-- name: contact_changes_delete
DELETE FROM contact_changes WHERE contact_id = $1;

-- name: contact_field_insert
INSERT INTO contact_fields (id, account_id, test, name, kind, choices, place, removed_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: contact_fields_of
SELECT id, account_id, test, name, kind, choices, place, removed_at, created_at FROM contact_fields
WHERE account_id = $1 AND test = $2 ORDER BY id;

-- name: contact_field_set
UPDATE contact_fields SET name = $2, choices = $3 WHERE id = $1;

-- name: contact_field_remove
UPDATE contact_fields SET removed_at = $2 WHERE id = $1;

-- name: contact_field_delete
DELETE FROM contact_fields WHERE id = $1;

-- name: contact_fields_removed
SELECT id, account_id, test, name, kind, choices, place, removed_at, created_at FROM contact_fields
WHERE removed_at >= 0 ORDER BY removed_at LIMIT 10;

-- name: contact_label_insert
INSERT INTO contact_labels (id, account_id, test, kind, name, number, description, removed_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: contact_labels_of
SELECT id, account_id, test, kind, name, number, description, removed_at, created_at FROM contact_labels
WHERE account_id = $1 AND test = $2 ORDER BY id;

-- name: contact_label_set
UPDATE contact_labels SET name = $2, description = $3 WHERE id = $1;

-- name: contact_label_remove
UPDATE contact_labels SET removed_at = $2 WHERE id = $1;

-- name: contact_label_delete
DELETE FROM contact_labels WHERE id = $1;

-- name: contact_labels_removed
SELECT id, account_id, test, kind, name, number, description, removed_at, created_at FROM contact_labels
WHERE removed_at >= 0 ORDER BY removed_at LIMIT 10;

-- name: contact_segment_insert
INSERT INTO contact_segments (id, account_id, test, name, filter, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: contact_segment_set
UPDATE contact_segments SET name = $2, filter = $3, updated_at = $4 WHERE id = $1;

-- name: contact_segment_delete
DELETE FROM contact_segments WHERE id = $1;

-- name: contact_segment_by_id
SELECT id, account_id, test, name, filter, created_at, updated_at FROM contact_segments
WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: contact_segments_of
SELECT id, account_id, test, name, filter, created_at, updated_at FROM contact_segments
WHERE account_id = $1 AND test = $2 ORDER BY id;
