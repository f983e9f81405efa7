-- expand
-- Campaigns: what is sent to whom, one row for each recipient that was looked at, and figures of what became of them.

-- `due_at`: when there is something to do next. `clearing`: 1 what waits of it is being taken back, 2 it is being deleted.
CREATE TABLE campaigns (
    id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL, test INTEGER NOT NULL, name TEXT NOT NULL,
    status TEXT NOT NULL, spec TEXT NOT NULL, author TEXT NOT NULL, approved_by TEXT NOT NULL, approved_at INTEGER,
    step INTEGER NOT NULL, seq INTEGER NOT NULL, phase TEXT NOT NULL, pass_no INTEGER NOT NULL, cursor TEXT NOT NULL,
    last_id TEXT NOT NULL, taken INTEGER NOT NULL, accepted INTEGER NOT NULL, refused INTEGER NOT NULL,
    left_out INTEGER NOT NULL, due_at INTEGER, started_at INTEGER, phase_at INTEGER, ended_at INTEGER,
    reason TEXT NOT NULL, winner TEXT NOT NULL, clearing INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX campaigns_by_account ON campaigns (account_id, test, id);
CREATE INDEX campaigns_due ON campaigns (due_at) WHERE status IN ('scheduled', 'running');
CREATE INDEX campaigns_clearing ON campaigns (clearing, id) WHERE clearing > 0;
CREATE INDEX campaigns_begun ON campaigns (account_id, started_at) WHERE started_at IS NOT NULL;

-- Numbers that a campaign names itself: whom it goes to (`excluded` 0), and whom not.
CREATE TABLE campaign_numbers (
    campaign_id TEXT NOT NULL, excluded INTEGER NOT NULL, place INTEGER NOT NULL, account_id TEXT NOT NULL,
    number TEXT NOT NULL, number_hash INTEGER NOT NULL, PRIMARY KEY (campaign_id, excluded, place)
) WITHOUT ROWID;
CREATE INDEX campaign_numbers_by_number ON campaign_numbers (account_id, number_hash);

-- `id`: of the message. A number is one recipient of a campaign, whatever happens. `state`: of the message as far as the
-- log was followed; `parked`: taken from its queue while the campaign pauses; `refused`, then `code` says why.
CREATE TABLE campaign_recipients (
    id TEXT NOT NULL PRIMARY KEY, campaign_id TEXT NOT NULL, account_id TEXT NOT NULL, number_hash INTEGER NOT NULL,
    source TEXT NOT NULL, variant INTEGER NOT NULL, country TEXT NOT NULL, state TEXT NOT NULL, code TEXT,
    created_at INTEGER NOT NULL, clicked_at INTEGER, answered_at INTEGER, opted_out_at INTEGER, converted_at INTEGER,
    UNIQUE (campaign_id, number_hash)
) WITHOUT ROWID;
CREATE INDEX campaign_recipients_in_order ON campaign_recipients (campaign_id, id);
CREATE INDEX campaign_recipients_waiting ON campaign_recipients (campaign_id, state, id)
    WHERE state IN ('queued', 'scheduled', 'parked');
CREATE INDEX campaign_recipients_refused ON campaign_recipients (campaign_id, code, id) WHERE code IS NOT NULL;

CREATE TABLE campaign_refusals (
    campaign_id TEXT NOT NULL, code TEXT NOT NULL, account_id TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, code)
) WITHOUT ROWID;

CREATE TABLE campaign_figures (
    campaign_id TEXT NOT NULL, variant INTEGER NOT NULL, country TEXT NOT NULL, carrier_id TEXT NOT NULL,
    currency TEXT NOT NULL, account_id TEXT NOT NULL, accepted INTEGER NOT NULL, sent INTEGER NOT NULL,
    delivered INTEGER NOT NULL, undelivered INTEGER NOT NULL, failed INTEGER NOT NULL, expired INTEGER NOT NULL,
    rejected INTEGER NOT NULL, canceled INTEGER NOT NULL, unknown INTEGER NOT NULL, in_doubt INTEGER NOT NULL,
    segments INTEGER NOT NULL, charged_micros INTEGER NOT NULL, clicked INTEGER NOT NULL, answered INTEGER NOT NULL,
    opted_out INTEGER NOT NULL, converted INTEGER NOT NULL, converted_micros INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, variant, country, carrier_id, currency)
) WITHOUT ROWID;

-- Whether a campaign of an account needs a second person before it starts.
CREATE TABLE campaign_policies (
    account_id TEXT NOT NULL PRIMARY KEY, approval INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
