-- expand
-- Hooks: addresses that other systems call, the calls that came, and what came of each event in them.

-- `secret`, `old_secret` and `payload` are encrypted; `settings` says how calls are signed, where their events are, and the
-- rules.
CREATE TABLE hooks (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    preset TEXT NOT NULL, status TEXT NOT NULL, secret BLOB NOT NULL, old_secret BLOB,
    old_secret_until INTEGER, settings TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX hooks_by_account ON hooks (account_id, test, created_at);

CREATE TABLE hook_calls (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, hook_id TEXT NOT NULL, verdict TEXT NOT NULL,
    detail TEXT NOT NULL, events INTEGER NOT NULL, sent INTEGER NOT NULL, octets INTEGER NOT NULL,
    replay_of TEXT, payload BLOB, payload_until INTEGER NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX hook_calls_by_hook ON hook_calls (hook_id, id);
CREATE INDEX hook_calls_by_verdict ON hook_calls (hook_id, verdict, id);
CREATE INDEX hook_calls_by_age ON hook_calls (created_at);
CREATE INDEX hook_calls_kept ON hook_calls (payload_until) WHERE payload IS NOT NULL;

-- `taken`: what was sent for, which happens once in a hook.
CREATE TABLE hook_outcomes (
    call_id TEXT NOT NULL, number INTEGER NOT NULL, account_id TEXT NOT NULL, hook_id TEXT NOT NULL,
    event_type TEXT NOT NULL, event_id TEXT NOT NULL, rule TEXT NOT NULL, verdict TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, message_id TEXT, taken TEXT,
    created_at INTEGER NOT NULL, PRIMARY KEY (call_id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX hook_outcomes_taken ON hook_outcomes (hook_id, taken) WHERE taken IS NOT NULL;
CREATE INDEX hook_outcomes_by_age ON hook_outcomes (created_at);

-- `at`: when the newest event of a subject happened, by its sender; `seen_at` by us.
CREATE TABLE hook_latest (
    hook_id TEXT NOT NULL, subject TEXT NOT NULL, account_id TEXT NOT NULL, at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL, PRIMARY KEY (hook_id, subject)
) WITHOUT ROWID;
CREATE INDEX hook_latest_by_age ON hook_latest (seen_at);
