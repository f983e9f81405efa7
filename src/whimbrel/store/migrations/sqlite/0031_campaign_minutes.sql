-- expand
-- What became of campaigns over time: a row for each minute in which something did, of one wording. `minute`: since 1970.
CREATE TABLE campaign_minutes (
    campaign_id TEXT NOT NULL, minute INTEGER NOT NULL, variant INTEGER NOT NULL, account_id TEXT NOT NULL,
    sent INTEGER NOT NULL, delivered INTEGER NOT NULL, failed INTEGER NOT NULL, clicked INTEGER NOT NULL,
    answered INTEGER NOT NULL, opted_out INTEGER NOT NULL, PRIMARY KEY (campaign_id, minute, variant)
) WITHOUT ROWID;
