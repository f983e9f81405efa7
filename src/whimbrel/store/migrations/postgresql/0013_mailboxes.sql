-- expand
-- Mailboxes: whose mail becomes texts of an account, and the log of their mails.

-- `allowed` is a JSON list; each of it is a row of mailbox_senders too, by which a mail finds its mailbox. `reports`: who
-- wrote hears by mail what became of a text.
CREATE TABLE mailboxes (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, name text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL, tag text COLLATE "C" NOT NULL, allowed text COLLATE "C" NOT NULL, settings text COLLATE "C" NOT NULL,
    reports bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX mailboxes_by_account ON mailboxes (account_id, test, id);
CREATE UNIQUE INDEX mailboxes_by_tag ON mailboxes (tag);
CREATE INDEX mailboxes_reporting ON mailboxes (account_id) WHERE reports = 1;

CREATE TABLE mailbox_senders (
    allowed text COLLATE "C" NOT NULL, mailbox_id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (allowed, mailbox_id)
);
CREATE INDEX mailbox_senders_by_mailbox ON mailbox_senders (mailbox_id);

-- `mail` is encrypted. `taken`: what was sent for, which happens once in a mailbox. `due_at`: of mail that goes out, until
-- it has gone.
CREATE TABLE mailbox_mails (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, mailbox_id text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL, detail text COLLATE "C" NOT NULL, message_id text COLLATE "C", phone text COLLATE "C" NOT NULL,
    mail bytea, phone_hash bigint, taken text COLLATE "C", tries bigint NOT NULL, due_at bigint,
    created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX mailbox_mails_by_mailbox ON mailbox_mails (mailbox_id, id);
CREATE INDEX mailbox_mails_by_state ON mailbox_mails (mailbox_id, state, id);
CREATE UNIQUE INDEX mailbox_mails_taken ON mailbox_mails (mailbox_id, taken) WHERE taken IS NOT NULL;
CREATE INDEX mailbox_mails_by_phone ON mailbox_mails (phone_hash, id) WHERE phone_hash IS NOT NULL;
CREATE INDEX mailbox_mails_by_message ON mailbox_mails (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX mailbox_mails_due ON mailbox_mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mailbox_mails_by_age ON mailbox_mails (created_at);
