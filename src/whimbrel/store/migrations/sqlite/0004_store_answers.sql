-- expand
-- Where several processes share one file, the one that owns it leaves each result of the others' calls here, in the
-- commit of the call: a call that comes again after that process died is answered and not done twice. `session`: the
-- process that called; a slot's row is overwritten by the next call in it.

CREATE TABLE store_answers (
    session INTEGER NOT NULL, slot INTEGER NOT NULL, number INTEGER NOT NULL, result BLOB NOT NULL,
    PRIMARY KEY (session, slot)
) WITHOUT ROWID;
