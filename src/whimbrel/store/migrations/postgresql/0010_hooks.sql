-- expand
-- Hooks: addresses that other systems call, the calls that came, and what came of each event in them.

-- `secret`, `old_secret` and `payload` are encrypted; `settings` says how calls are signed, where their events are, and the
-- rules.
CREATE TABLE hooks (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, name text COLLATE "C" NOT NULL,
    preset text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, secret bytea NOT NULL, old_secret bytea,
    old_secret_until bigint, settings text COLLATE "C" NOT NULL, created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX hooks_by_account ON hooks (account_id, test, created_at);

CREATE TABLE hook_calls (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, hook_id text COLLATE "C" NOT NULL, verdict text COLLATE "C" NOT NULL,
    detail text COLLATE "C" NOT NULL, events bigint NOT NULL, sent bigint NOT NULL, octets bigint NOT NULL,
    replay_of text COLLATE "C", payload bytea, payload_until bigint NOT NULL, created_at bigint NOT NULL
);
CREATE INDEX hook_calls_by_hook ON hook_calls (hook_id, id);
CREATE INDEX hook_calls_by_verdict ON hook_calls (hook_id, verdict, id);
CREATE INDEX hook_calls_by_age ON hook_calls (created_at);
CREATE INDEX hook_calls_kept ON hook_calls (payload_until) WHERE payload IS NOT NULL;

-- `taken`: what was sent for, which happens once in a hook.
CREATE TABLE hook_outcomes (
    call_id text COLLATE "C" NOT NULL, number bigint NOT NULL, account_id text COLLATE "C" NOT NULL, hook_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL, event_id text COLLATE "C" NOT NULL, rule text COLLATE "C" NOT NULL, verdict text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL, detail text COLLATE "C" NOT NULL, message_id text COLLATE "C", taken text COLLATE "C",
    created_at bigint NOT NULL, PRIMARY KEY (call_id, number)
);
CREATE UNIQUE INDEX hook_outcomes_taken ON hook_outcomes (hook_id, taken) WHERE taken IS NOT NULL;
CREATE INDEX hook_outcomes_by_age ON hook_outcomes (created_at);

-- `at`: when the newest event of a subject happened, by its sender; `seen_at` by us.
CREATE TABLE hook_latest (
    hook_id text COLLATE "C" NOT NULL, subject text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL, at bigint NOT NULL,
    seen_at bigint NOT NULL, PRIMARY KEY (hook_id, subject)
);
CREATE INDEX hook_latest_by_age ON hook_latest (seen_at);
