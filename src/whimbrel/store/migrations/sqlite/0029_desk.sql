-- expand
-- What people make of conversations: how they stand, who sees to them, tags, notes, ratings and hours of service. Moments
-- in microseconds, 0: not at all. What was there before, and is read, is taken as closed.

-- `state`: open, waiting (for the phone) or closed. `waits_from`: since when a text waits for an answer. `away_at`: of the
-- last automatic answer. `asked_at`: of a question for a rating that is not answered. `seq`: number of its newest event.
ALTER TABLE conversations ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE conversations ADD COLUMN state_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN assignee TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN assigned_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE conversations ADD COLUMN waits_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN away_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN rated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET state = 'closed' WHERE unread = 0;
CREATE INDEX conversations_by_state ON conversations (account_id, test, state, last_id);
CREATE INDEX conversations_by_assignee ON conversations (account_id, test, assignee, last_id);

CREATE TABLE conversation_notes (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, conversation_id TEXT NOT NULL,
    author TEXT NOT NULL, text TEXT NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversation_notes_of ON conversation_notes (conversation_id, id);

-- By day (of UTC, since 1970) and person (empty: by the API, or nobody's): answers and how long texts waited for them,
-- conversations closed, ratings and their sum.
CREATE TABLE conversation_days (
    account_id TEXT NOT NULL, test INTEGER NOT NULL, day INTEGER NOT NULL, user_id TEXT NOT NULL, replies INTEGER NOT NULL,
    reply_us INTEGER NOT NULL, closed INTEGER NOT NULL, rated INTEGER NOT NULL, score INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, day, user_id)
) WITHOUT ROWID;
CREATE INDEX conversation_days_by_age ON conversation_days (day);

-- How an account serves its conversations: JSON.
CREATE TABLE desks (account_id TEXT PRIMARY KEY, settings TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
