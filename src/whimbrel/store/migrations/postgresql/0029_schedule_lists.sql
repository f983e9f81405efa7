-- expand
-- Schedules to contacts. What `kind`, `cursor` and `since` of a part mean stands in domain/schedules.py. `seq`: number of a
-- schedule's newest event; `reason`: why it rests by itself.
ALTER TABLE schedules ADD COLUMN seq bigint NOT NULL DEFAULT 0, ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE schedule_parts
    ADD COLUMN kind text NOT NULL DEFAULT 'numbers', ADD COLUMN cursor text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN since bigint NOT NULL DEFAULT 0;

-- How many got something of an occurrence (an empty code), or nothing for a reason. Counts only: nobody stands here.
CREATE TABLE schedule_outcomes (
    schedule_id text COLLATE "C" NOT NULL, occurrence text COLLATE "C" NOT NULL, code text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL, count bigint NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (schedule_id, occurrence, code)
);
ALTER TABLE schedule_outcomes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_account ON schedule_outcomes USING (account_id = (SELECT current_setting('whimbrel.account', true)));
