-- expand
-- What is known of a person is found by the number, and what a hook's call held by what was sent for it.
CREATE INDEX flow_runs_of_phone ON flow_runs (account_id, phone_hash) WHERE phone_hash <> 0;
CREATE INDEX hook_outcomes_of_message ON hook_outcomes (message_id) WHERE message_id IS NOT NULL;
