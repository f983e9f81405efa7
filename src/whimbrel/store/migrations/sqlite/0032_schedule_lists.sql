-- expand
-- Schedules to contacts. What `kind`, `cursor` and `since` of a part mean stands in domain/schedules.py. `seq`: number of a
-- schedule's newest event; `reason`: why it rests by itself.
ALTER TABLE schedules ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule_parts ADD COLUMN kind TEXT NOT NULL DEFAULT 'numbers';
ALTER TABLE schedule_parts ADD COLUMN cursor TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule_parts ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- How many got something of an occurrence (an empty code), or nothing for a reason. Counts only: nobody stands here.
CREATE TABLE schedule_outcomes (
    schedule_id TEXT NOT NULL, occurrence TEXT NOT NULL, code TEXT NOT NULL, account_id TEXT NOT NULL,
    count INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (schedule_id, occurrence, code)
) WITHOUT ROWID;
