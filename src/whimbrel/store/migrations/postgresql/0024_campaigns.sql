-- expand
-- Campaigns: what is sent to whom, one row for each recipient that was looked at, and figures of what became of them.

-- `due_at`: when there is something to do next. `clearing`: 1 what waits of it is being taken back, 2 it is being deleted.
CREATE TABLE campaigns (
    id text COLLATE "C" NOT NULL PRIMARY KEY, account_id text COLLATE "C" NOT NULL, test bigint NOT NULL, name text
    COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, spec text COLLATE "C" NOT NULL, author text COLLATE "C" NOT
    NULL, approved_by text COLLATE "C" NOT NULL, approved_at bigint, step bigint NOT NULL, seq bigint NOT NULL, phase
    text COLLATE "C" NOT NULL, pass_no bigint NOT NULL, cursor text COLLATE "C" NOT NULL, last_id text COLLATE "C" NOT
    NULL, taken bigint NOT NULL, accepted bigint NOT NULL, refused bigint NOT NULL, left_out bigint NOT NULL, due_at
    bigint, started_at bigint, phase_at bigint, ended_at bigint, reason text COLLATE "C" NOT NULL, winner text COLLATE
    "C" NOT NULL, clearing bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX campaigns_by_account ON campaigns (account_id, test, id);
CREATE INDEX campaigns_due ON campaigns (due_at) WHERE status IN ('scheduled', 'running');
CREATE INDEX campaigns_clearing ON campaigns (clearing, id) WHERE clearing > 0;
CREATE INDEX campaigns_begun ON campaigns (account_id, started_at) WHERE started_at IS NOT NULL;

-- Numbers that a campaign names itself: whom it goes to (`excluded` 0), and whom not.
CREATE TABLE campaign_numbers (
    campaign_id text COLLATE "C" NOT NULL, excluded bigint NOT NULL, place bigint NOT NULL, account_id text COLLATE "C"
    NOT NULL, number text COLLATE "C" NOT NULL, number_hash bigint NOT NULL, PRIMARY KEY (campaign_id, excluded, place)
);
CREATE INDEX campaign_numbers_by_number ON campaign_numbers (account_id, number_hash);

-- `id`: of the message. A number is one recipient of a campaign, whatever happens. `state`: of the message as far as the
-- log was followed; `parked`: taken from its queue while the campaign pauses; `refused`, then `code` says why.
CREATE TABLE campaign_recipients (
    id text COLLATE "C" NOT NULL PRIMARY KEY, campaign_id text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT
    NULL, number_hash bigint NOT NULL, source text COLLATE "C" NOT NULL, variant bigint NOT NULL, country text COLLATE
    "C" NOT NULL, state text COLLATE "C" NOT NULL, code text COLLATE "C", created_at bigint NOT NULL, clicked_at bigint,
    answered_at bigint, opted_out_at bigint, converted_at bigint, UNIQUE (campaign_id, number_hash)
);
CREATE INDEX campaign_recipients_by_account ON campaign_recipients (account_id);
CREATE INDEX campaign_recipients_in_order ON campaign_recipients (campaign_id, id);
CREATE INDEX campaign_recipients_waiting ON campaign_recipients (campaign_id, state, id)
    WHERE state IN ('queued', 'scheduled', 'parked');
CREATE INDEX campaign_recipients_refused ON campaign_recipients (campaign_id, code, id) WHERE code IS NOT NULL;

CREATE TABLE campaign_refusals (
    campaign_id text COLLATE "C" NOT NULL, code text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL, count
    bigint NOT NULL, PRIMARY KEY (campaign_id, code)
);

CREATE TABLE campaign_figures (
    campaign_id text COLLATE "C" NOT NULL, variant bigint NOT NULL, country text COLLATE "C" NOT NULL, carrier_id text
    COLLATE "C" NOT NULL, currency text COLLATE "C" NOT NULL, account_id text COLLATE "C" NOT NULL, accepted bigint NOT
    NULL, sent bigint NOT NULL, delivered bigint NOT NULL, undelivered bigint NOT NULL, failed bigint NOT NULL, expired
    bigint NOT NULL, rejected bigint NOT NULL, canceled bigint NOT NULL, unknown bigint NOT NULL, in_doubt bigint NOT
    NULL, segments bigint NOT NULL, charged_micros bigint NOT NULL, clicked bigint NOT NULL, answered bigint NOT NULL,
    opted_out bigint NOT NULL, converted bigint NOT NULL, converted_micros bigint NOT NULL, PRIMARY KEY (campaign_id,
    variant, country, carrier_id, currency)
);

-- Whether a campaign of an account needs a second person before it starts.
CREATE TABLE campaign_policies (
    account_id text COLLATE "C" NOT NULL PRIMARY KEY, approval bigint NOT NULL, updated_at bigint NOT NULL
);
