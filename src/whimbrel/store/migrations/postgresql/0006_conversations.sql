-- expand
-- Conversations: what a phone and one of an account's numbers wrote to each other, from the phone's first text on. Numbers
-- stand here as keyed hashes only; who they are is in the row of the newest message.

-- `last_id`: the newest message of either side, as far as it was answered here. `last_in_id`: the phone's newest one.
CREATE TABLE conversations (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, our_hash bigint NOT NULL,
    their_hash bigint NOT NULL, last_id text COLLATE "C" NOT NULL, last_in_id text COLLATE "C" NOT NULL,
    unread bigint NOT NULL, UNIQUE (account_id, test, their_hash, our_hash)
);
CREATE INDEX conversations_by_account ON conversations (account_id, test, last_id);
CREATE INDEX conversations_unread ON conversations (account_id, test, last_id) WHERE unread > 0;
CREATE INDEX conversations_by_age ON conversations (last_id);
