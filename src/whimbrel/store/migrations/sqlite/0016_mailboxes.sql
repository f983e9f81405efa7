-- expand
-- Mailboxes: whose mail becomes texts of an account, and the log of their mails.

-- `allowed` is a JSON list; each of it is a row of mailbox_senders too, by which a mail finds its mailbox. `reports`: who
-- wrote hears by mail what became of a text.
CREATE TABLE mailboxes (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    status TEXT NOT NULL, tag TEXT NOT NULL, allowed TEXT NOT NULL, settings TEXT NOT NULL,
    reports INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX mailboxes_by_account ON mailboxes (account_id, test, id);
CREATE UNIQUE INDEX mailboxes_by_tag ON mailboxes (tag);
CREATE INDEX mailboxes_reporting ON mailboxes (account_id) WHERE reports = 1;

CREATE TABLE mailbox_senders (
    allowed TEXT NOT NULL, mailbox_id TEXT NOT NULL, account_id TEXT NOT NULL,
    PRIMARY KEY (allowed, mailbox_id)
) WITHOUT ROWID;
CREATE INDEX mailbox_senders_by_mailbox ON mailbox_senders (mailbox_id);

-- `mail` is encrypted. `taken`: what was sent for, which happens once in a mailbox. `due_at`: of mail that goes out, until
-- it has gone.
CREATE TABLE mailbox_mails (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, mailbox_id TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, message_id TEXT, phone TEXT NOT NULL,
    mail BLOB, phone_hash INTEGER, taken TEXT, tries INTEGER NOT NULL, due_at INTEGER,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX mailbox_mails_by_mailbox ON mailbox_mails (mailbox_id, id);
CREATE INDEX mailbox_mails_by_state ON mailbox_mails (mailbox_id, state, id);
CREATE UNIQUE INDEX mailbox_mails_taken ON mailbox_mails (mailbox_id, taken) WHERE taken IS NOT NULL;
CREATE INDEX mailbox_mails_by_phone ON mailbox_mails (phone_hash, id) WHERE phone_hash IS NOT NULL;
CREATE INDEX mailbox_mails_by_message ON mailbox_mails (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX mailbox_mails_due ON mailbox_mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mailbox_mails_by_age ON mailbox_mails (created_at);
