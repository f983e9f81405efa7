-- expand
-- Row-level security for every table of accounts that went without: until now whimbrel_reader, which reads for one
-- account, had no right to them at all, so nothing of theirs could be read by it. What belongs to the installation
-- (moves and what travels in them, and people with their passwords) it still may not read.
DO $$
DECLARE
    has_reader boolean := EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'whimbrel_reader');
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'arrivals', 'campaign_figures', 'campaign_minutes', 'campaign_numbers', 'campaign_policies',
        'campaign_recipients', 'campaign_refusals', 'campaigns', 'canned_answers', 'contact_changes',
        'contact_fields', 'contact_import_errors', 'contact_import_parts', 'contact_imports', 'contact_labels',
        'contact_segments', 'contact_starts', 'conversations', 'documents', 'flow_runs', 'flow_steps',
        'flow_versions', 'flows', 'hook_calls', 'hook_latest', 'hook_outcomes', 'hooks', 'link_conversions',
        'link_figures', 'link_settings', 'mailbox_mails', 'mailbox_senders', 'mailboxes', 'moves', 'parcels',
        'schedule_parts', 'schedules', 'users', 'verifications', 'verify_attempts', 'verify_blocks',
        'verify_bucket_counts', 'verify_buckets', 'verify_challenges', 'verify_channel_counts', 'verify_counts',
        'verify_entities', 'verify_factors', 'verify_guesses', 'verify_numbers', 'verify_rate_limits', 'verify_safe',
        'verify_services'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY of_account ON %I '
            'USING (account_id = (SELECT current_setting(''whimbrel.account'', true)))', guarded);
        IF has_reader AND guarded NOT IN ('arrivals', 'moves', 'parcels', 'users') THEN
            EXECUTE format('GRANT SELECT ON %I TO whimbrel_reader', guarded);
        END IF;
    END LOOP;
    IF has_reader THEN
        GRANT SELECT ON conversation_days, conversation_notes, desks, schedule_outcomes TO whimbrel_reader;
    END IF;
END $$;
