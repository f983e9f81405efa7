-- expand
-- Flows: what accounts keep, their versions, runs and steps; schedules and their parts, each of one time zone.

-- `starter`: the trigger of the version that new runs begin with, as JSON. `active_from`: what happened before starts
-- no run.
CREATE TABLE flows (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL, version bigint NOT NULL,
    kind text COLLATE "C" NOT NULL, starter text NOT NULL, active_from bigint NOT NULL, created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (account_id, name)
);
CREATE INDEX flows_by_account ON flows (account_id, id);
CREATE INDEX flows_active ON flows (kind, id) WHERE status = 'active';
CREATE TABLE flow_versions (
    flow_id text COLLATE "C" NOT NULL, version bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    document text NOT NULL,
    created_at bigint NOT NULL, PRIMARY KEY (flow_id, version)
);

-- `due_at`: when it goes on by itself; NULL once it has ended. `answer_key`: keyed hash of the account and both numbers
-- while it waits for a text. `phone`, `number` and `variables` are what belongs to a person, and can be erased here.
CREATE TABLE flow_runs (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, flow_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL, test bigint NOT NULL,
    state text COLLATE "C" NOT NULL, step text NOT NULL, waits_for text NOT NULL, turn bigint NOT NULL,
    steps bigint NOT NULL,
    due_at bigint, answer_key bigint, answer_id text COLLATE "C", last_id text COLLATE "C", phone text NOT NULL,
    number text NOT NULL,
    phone_hash bigint NOT NULL, variables text NOT NULL, tags text NOT NULL, origin text COLLATE "C" NOT NULL,
    depth bigint NOT NULL, skip_waits bigint NOT NULL, reason text, started_at bigint NOT NULL,
    updated_at bigint NOT NULL, ended_at bigint
);
CREATE UNIQUE INDEX flow_runs_by_origin ON flow_runs (flow_id, origin);
CREATE INDEX flow_runs_due ON flow_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX flow_runs_waiting ON flow_runs (answer_key) WHERE answer_key IS NOT NULL;
CREATE INDEX flow_runs_by_account ON flow_runs (account_id, test, id);
CREATE INDEX flow_runs_by_flow ON flow_runs (flow_id, id);
CREATE INDEX flow_runs_by_phone ON flow_runs (flow_id, phone_hash, started_at);
CREATE INDEX flow_runs_ended ON flow_runs (ended_at) WHERE ended_at IS NOT NULL;

-- No numbers and no texts stand here.
CREATE TABLE flow_steps (
    run_id text COLLATE "C" NOT NULL, seq bigint NOT NULL, account_id text COLLATE "C" NOT NULL, step text NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL, message_id text COLLATE "C", detail text NOT NULL, at bigint NOT NULL, PRIMARY KEY (run_id,
    seq)
);

-- `spec`: what is sent, when and to whom, as JSON. `skipped`: occurrences that are left out.
CREATE TABLE schedules (
    id text COLLATE "C" PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL,
    name text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL,
    spec text NOT NULL, skipped text NOT NULL, recipients bigint NOT NULL, runs bigint NOT NULL, last_at bigint,
    created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX schedules_by_account ON schedules (account_id, test, id);
-- Up to 500 recipients of one zone. `occurrence`: the local time that comes next; `due_at`: the same in UTC, NULL while
-- the schedule rests or once it is over.
CREATE TABLE schedule_parts (
    schedule_id text COLLATE "C" NOT NULL, part bigint NOT NULL, account_id text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    recipients text NOT NULL, occurrence text NOT NULL, due_at bigint, PRIMARY KEY (schedule_id, part)
);
CREATE INDEX schedule_parts_due ON schedule_parts (due_at) WHERE due_at IS NOT NULL;
