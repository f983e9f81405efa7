-- expand
-- What became of campaigns over time: a row for each minute in which something did, of one wording. `minute`: since 1970.
CREATE TABLE campaign_minutes (
    campaign_id text COLLATE "C" NOT NULL, minute bigint NOT NULL, variant bigint NOT NULL, account_id text COLLATE "C"
    NOT NULL, sent bigint NOT NULL, delivered bigint NOT NULL, failed bigint NOT NULL, clicked bigint NOT NULL, answered
    bigint NOT NULL, opted_out bigint NOT NULL, PRIMARY KEY (campaign_id, minute, variant)
);
