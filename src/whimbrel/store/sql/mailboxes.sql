-- Mailboxes and the log of their mails. Rows are in the order of `Mailbox` and `MailboxMail`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | mailbox_insert | a row of `Mailbox` |
-- | mailbox_by_id (id, account_id, test), mailbox_by_tag (tag) | the whole row |
-- | mailboxes_by_sender (allowed) | whole rows that take mail of one of these |
-- | mailboxes_by_ids (ids) | whole rows |
-- | mailboxes_page, mailboxes_page_oldest (account_id, test, before_id, limit) | whole rows, the newest first |
-- | mailboxes_page_of_sender, mailboxes_page_of_sender_oldest (account_id, test, before_id, limit, allowed) | of these that take mail of one of them |
-- | mailboxes_count (account_id) | how many there are |
-- | mailboxes_reporting (after) | account_id of the next that has a mailbox whose writers hear what became of texts |
-- | mailboxes_reporting_of (account_ids) | account_id of those of these |
-- | mailbox_update (id, name, status, allowed, settings, reports, at) | |
-- | mailbox_delete (id), mailbox_senders_delete (mailbox_id), mailbox_mails_delete (mailbox_id) | |
-- | mailbox_sender_insert (allowed, mailbox_id, account_id) | |
-- | mailbox_mail_insert | a row of `MailboxMail`; nothing when the same was sent for before |
-- | mailbox_mail_by_id (id, mailbox_id) | the whole row |
-- | mailbox_mails_page, mailbox_mails_page_oldest (mailbox_id, before_id, limit) | whole rows, the newest first |
-- | mailbox_mails_page_of_state, mailbox_mails_page_of_state_oldest (mailbox_id, state, before_id, limit) | the same of one state |
-- | mailbox_taken (mailbox_id, taken) | what of these was sent for before: taken, message_id |
-- | mailbox_mails_of_phones (phone_hashes, since, limit) | mails that became texts to one of them, the newest first |
-- | mailbox_mails_of_messages (message_ids) | mails that became one of these texts |
-- | mailbox_mails_due (now, limit) | mail that is to go out, the oldest first |
-- | mailbox_mail_tried (id, tries, state, reason, detail, due_at, at) | how a try ended, where it was the next one |
-- | mailbox_mails_purge (before, limit) | old ones go |

-- name: mailbox_insert
INSERT INTO mailboxes (id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: mailbox_by_id
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE id = $1 AND account_id = $2 AND test = $3;

-- name: mailbox_by_tag
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE tag = $1;

-- name: mailboxes_by_sender
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE id IN (SELECT mailbox_id FROM mailbox_senders WHERE allowed = ANY($1)) ORDER BY id;

-- name: mailboxes_by_ids
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE id = ANY($1);

-- name: mailboxes_page (both ways)
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: mailboxes_page_of_sender (both ways)
SELECT id, account_id, test, name, status, tag, allowed, settings, reports, created_at, updated_at
FROM mailboxes WHERE account_id = $1 AND test = $2 AND id < $3
  AND id IN (SELECT mailbox_id FROM mailbox_senders WHERE allowed = ANY($5)) ORDER BY id DESC LIMIT $4;

-- name: mailboxes_count
SELECT count(*) FROM mailboxes WHERE account_id = $1;

-- name: mailboxes_reporting
SELECT account_id FROM mailboxes WHERE reports = 1 AND account_id > $1 ORDER BY account_id LIMIT 1;

-- name: mailboxes_reporting_of
SELECT account_id FROM mailboxes WHERE reports = 1 AND account_id = ANY($1);

-- name: mailbox_update
UPDATE mailboxes SET name = $2, status = $3, allowed = $4, settings = $5, reports = $6, updated_at = $7 WHERE id = $1;

-- name: mailbox_delete
DELETE FROM mailboxes WHERE id = $1;

-- name: mailbox_senders_delete
DELETE FROM mailbox_senders WHERE mailbox_id = $1;

-- name: mailbox_mails_delete
DELETE FROM mailbox_mails WHERE mailbox_id = $1;

-- name: mailbox_sender_insert
INSERT INTO mailbox_senders (allowed, mailbox_id, account_id) VALUES ($1, $2, $3);

-- name: mailbox_mail_insert
INSERT INTO mailbox_mails (id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash,
  taken, tries, due_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING;

-- name: mailbox_mail_by_id
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE id = $1 AND mailbox_id = $2;

-- name: mailbox_mails_page (both ways)
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE mailbox_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: mailbox_mails_page_of_state (both ways)
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE mailbox_id = $1 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: mailbox_taken
SELECT taken, message_id FROM mailbox_mails WHERE mailbox_id = $1 AND taken = ANY($2) AND taken IS NOT NULL;

-- name: mailbox_mails_of_phones
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE phone_hash = ANY($1) AND phone_hash IS NOT NULL AND id > $2 ORDER BY id DESC LIMIT $3;

-- name: mailbox_mails_of_messages
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE message_id = ANY($1) AND message_id IS NOT NULL AND kind = 'text';

-- name: mailbox_mails_due
SELECT id, account_id, mailbox_id, kind, state, reason, detail, message_id, phone, mail, phone_hash, taken, tries,
  due_at, created_at, updated_at
FROM mailbox_mails WHERE due_at <= $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT $2;

-- name: mailbox_mail_tried
UPDATE mailbox_mails SET tries = $2 + 1, state = $3, reason = $4, detail = $5, due_at = $6, updated_at = $7
WHERE id = $1 AND tries = $2 AND due_at IS NOT NULL;

-- name: mailbox_mails_purge
DELETE FROM mailbox_mails WHERE id IN (
  SELECT id FROM mailbox_mails WHERE created_at < $1 ORDER BY created_at LIMIT $2
);
