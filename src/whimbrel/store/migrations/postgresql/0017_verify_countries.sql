-- expand
-- Whether anybody of a country has confirmed a code is asked before each start to one that is not known yet.
CREATE INDEX verify_counts_proofs ON verify_counts (account_id, test, country) WHERE approvals > 0;
