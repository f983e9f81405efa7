-- expand
-- Flows: what accounts keep, their versions, runs and steps; schedules and their parts, each of one time zone.

-- `starter`: the trigger of the version that new runs begin with, as JSON. `active_from`: what happened before starts
-- no run.
CREATE TABLE flows (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, version INTEGER NOT NULL,
    kind TEXT NOT NULL, starter TEXT NOT NULL, active_from INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (account_id, name)
) WITHOUT ROWID;
CREATE INDEX flows_by_account ON flows (account_id, id);
CREATE INDEX flows_active ON flows (kind, id) WHERE status = 'active';
CREATE TABLE flow_versions (
    flow_id TEXT NOT NULL, version INTEGER NOT NULL, account_id TEXT NOT NULL, document TEXT NOT NULL,
    created_at INTEGER NOT NULL, PRIMARY KEY (flow_id, version)
) WITHOUT ROWID;

-- `due_at`: when it goes on by itself; NULL once it has ended. `answer_key`: keyed hash of the account and both numbers
-- while it waits for a text. `phone`, `number` and `variables` are what belongs to a person, and can be erased here.
CREATE TABLE flow_runs (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, flow_id TEXT NOT NULL, version INTEGER NOT NULL,
    test INTEGER NOT NULL,
    state TEXT NOT NULL, step TEXT NOT NULL, waits_for TEXT NOT NULL, turn INTEGER NOT NULL, steps INTEGER NOT NULL,
    due_at INTEGER, answer_key INTEGER, answer_id TEXT, last_id TEXT, phone TEXT NOT NULL, number TEXT NOT NULL,
    phone_hash INTEGER NOT NULL, variables TEXT NOT NULL, tags TEXT NOT NULL, origin TEXT NOT NULL,
    depth INTEGER NOT NULL, skip_waits INTEGER NOT NULL, reason TEXT, started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, ended_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX flow_runs_by_origin ON flow_runs (flow_id, origin);
CREATE INDEX flow_runs_due ON flow_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX flow_runs_waiting ON flow_runs (answer_key) WHERE answer_key IS NOT NULL;
CREATE INDEX flow_runs_by_account ON flow_runs (account_id, test, id);
CREATE INDEX flow_runs_by_flow ON flow_runs (flow_id, id);
CREATE INDEX flow_runs_by_phone ON flow_runs (flow_id, phone_hash, started_at);
CREATE INDEX flow_runs_ended ON flow_runs (ended_at) WHERE ended_at IS NOT NULL;

-- No numbers and no texts stand here.
CREATE TABLE flow_steps (
    run_id TEXT NOT NULL, seq INTEGER NOT NULL, account_id TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL,
    outcome TEXT NOT NULL, message_id TEXT, detail TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

-- `spec`: what is sent, when and to whom, as JSON. `skipped`: occurrences that are left out.
CREATE TABLE schedules (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
    spec TEXT NOT NULL, skipped TEXT NOT NULL, recipients INTEGER NOT NULL, runs INTEGER NOT NULL, last_at INTEGER,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX schedules_by_account ON schedules (account_id, test, id);
-- Up to 500 recipients of one zone. `occurrence`: the local time that comes next; `due_at`: the same in UTC, NULL while
-- the schedule rests or once it is over.
CREATE TABLE schedule_parts (
    schedule_id TEXT NOT NULL, part INTEGER NOT NULL, account_id TEXT NOT NULL, zone TEXT NOT NULL,
    recipients TEXT NOT NULL, occurrence TEXT NOT NULL, due_at INTEGER, PRIMARY KEY (schedule_id, part)
) WITHOUT ROWID;
CREATE INDEX schedule_parts_due ON schedule_parts (due_at) WHERE due_at IS NOT NULL;
