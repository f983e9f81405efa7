-- expand
-- What people make of conversations: how they stand, who sees to them, tags, notes, ratings and hours of service. Moments
-- in microseconds, 0: not at all. What was there before, and is read, is taken as closed.

-- `state`: open, waiting (for the phone) or closed. `waits_from`: since when a text waits for an answer. `away_at`: of the
-- last automatic answer. `asked_at`: of a question for a rating that is not answered. `seq`: number of its newest event.
ALTER TABLE conversations
    ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT 'open', ADD COLUMN state_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN assignee text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN assigned_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN tags text NOT NULL DEFAULT '[]', ADD COLUMN waits_from bigint NOT NULL DEFAULT 0,
    ADD COLUMN away_at bigint NOT NULL DEFAULT 0, ADD COLUMN asked_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN rating bigint NOT NULL DEFAULT 0, ADD COLUMN rated_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN seq bigint NOT NULL DEFAULT 0;
UPDATE conversations SET state = 'closed' WHERE unread = 0;
CREATE INDEX conversations_by_state ON conversations (account_id, test, state, last_id);
CREATE INDEX conversations_by_assignee ON conversations (account_id, test, assignee, last_id);

CREATE TABLE conversation_notes (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    conversation_id text COLLATE "C" NOT NULL, author text NOT NULL, text text NOT NULL, created_at bigint NOT NULL
);
CREATE INDEX conversation_notes_of ON conversation_notes (conversation_id, id);

-- By day (of UTC, since 1970) and person (empty: by the API, or nobody's): answers and how long texts waited for them,
-- conversations closed, ratings and their sum.
CREATE TABLE conversation_days (
    account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, day bigint NOT NULL, user_id text COLLATE "C" NOT NULL,
    replies bigint NOT NULL, reply_us bigint NOT NULL, closed bigint NOT NULL, rated bigint NOT NULL, score bigint NOT NULL,
    PRIMARY KEY (account_id, test, day, user_id)
);
CREATE INDEX conversation_days_by_age ON conversation_days (day);

-- How an account serves its conversations: JSON.
CREATE TABLE desks (
    account_id text COLLATE "C" PRIMARY KEY, settings text NOT NULL, updated_at bigint NOT NULL
);
ALTER TABLE conversation_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON conversation_notes USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE conversation_days ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON conversation_days USING (account_id = (SELECT current_setting('whimbrel.account', true)));
ALTER TABLE desks ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON desks USING (account_id = (SELECT current_setting('whimbrel.account', true)));
