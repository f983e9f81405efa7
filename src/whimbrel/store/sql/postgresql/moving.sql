-- Accounts that move to another cell. Rows leave and arrive as JSON, whole, so that no column is forgotten.
--
-- | statement | gives or does |
-- | --- | --- |
-- | move_family (account_id) | id, parent_id, status of an account and its sub-accounts; they stay as they are until the end |
-- | move_put | a row of `moves` |
-- | moves_of (direction) | rows of `Move`, those excepted that are over |
-- | moves_of_account (account_id) | rows of `Move`, also that which is over |
-- | move_stands (account_id, direction) | state; it stays so until the end of the commit |
-- | move_state (account_id, direction, from, to, at) | goes on, if it is there |
-- | move_waits (account_id, state, waits_for, at) | a move out of here tells why it does not |
-- | move_delete (account_id, direction) | is forgotten |
-- | accounts_set_status (id, status, at) | |
-- | departing_page (accounts, after_id, limit) | id: messages that no carrier has to answer for, in order |
-- | departing_held (ids, accounts, before) | those of them of which something is under way: an answer, or an event that not everybody has |
-- | departing_pack (account_id, ids) | messages leave, with all that is theirs |
-- | departing_ledger, departing_audit, departing_idempotency, departing_owed (account_id, accounts, limit) | rows leave |
-- | departing_contacts, departing_import_parts, departing_contact_starts (account_id, accounts, limit) | the same; contacts with their changes, files of imports and pages of their starts a few at a time |
-- | departing_documents (account_id, accounts, limit) | the same, two at a time |
-- | departing_media_data (account_id, accounts, limit) | the same, one at a time |
-- | departing_campaign_recipients (account_id, accounts, limit) | the same |
-- | departing_tries (account_id, accounts, from, until), departing_events (the same, and before) | rows of a stretch leave |
-- | departing_events_left (accounts, from, until) | a row when any event about no message is left there |
-- | departing_bounds () | the first and the last position of tries |
-- | departing_hold, departing_release (accounts) | waiting deliveries wait until they have moved; or do not |
-- | departing_account (account_id, accounts) | everything that is configured is copied |
-- | departing_parts (account_id, accounts) | texts of phones that wait for their other parts leave |
-- | departing_late (account_id, accounts) | opt-outs that came since then are copied |
-- | departing_left (accounts) | how many messages and ledger entries are still here |
-- | departed_delete_tries, departed_delete_events (accounts, from, until), departed_delete_accounts (accounts) | of a move that was refused |
-- | departed_delete_balances, departed_delete_deliveries, departed_delete_keys (accounts), |
-- | departed_delete_opt_outs, departed_delete_senders, departed_delete_credentials, departed_delete_webhooks, departed_delete_passkeys, |
-- | departed_delete_sign_in_codes, departed_delete_saved_views, departed_delete_sessions, departed_delete_users, |
-- | departed_delete_policies, departed_delete_frequency, departed_delete_templates, departed_delete_template_versions, departed_delete_canned_answers, departed_delete_conversations, departed_delete_usage_figures, departed_delete_flows, departed_delete_flow_versions, departed_delete_flow_runs, departed_delete_flow_steps, departed_delete_schedules, departed_delete_schedule_parts, departed_delete_schedule_outcomes | what was copied goes, and sessions with it |
-- | departed_delete_registrations | the same |
-- | departed_delete_brands, departed_delete_consents, departed_delete_consented, departed_delete_consent_requests, departed_delete_suppression_lists, departed_delete_suppressions, departed_delete_consent_words, departed_delete_consent_texts | the same |
-- | departed_delete_conversation_notes, departed_delete_conversation_days, departed_delete_desks | the same |
-- | departed_delete_pools, departed_delete_pool_members, departed_delete_pool_sticky, departed_delete_number_turns, departed_delete_inbound_urls, departed_delete_keywords, departed_delete_keyword_counts, departed_delete_keyword_paces | the same |
-- | departed_delete_hooks, departed_delete_hook_calls, departed_delete_hook_outcomes, departed_delete_hook_latest | the same |
-- | departed_delete_mailboxes, departed_delete_mailbox_senders, departed_delete_mailbox_mails | the same |
-- | departed_delete_verify_services, departed_delete_verifications, departed_delete_verify_attempts, departed_delete_verify_numbers, departed_delete_verify_counts, departed_delete_verify_channel_counts, |
-- | departed_delete_verify_rate_limits, departed_delete_verify_buckets, departed_delete_verify_bucket_counts, departed_delete_verify_blocks, departed_delete_verify_safe | the same |
-- | departed_delete_verify_entities, departed_delete_verify_factors, departed_delete_verify_challenges, departed_delete_verify_guesses | the same |
-- | departed_delete_contact_fields, departed_delete_contact_labels, departed_delete_contact_segments, departed_delete_contact_imports, departed_delete_contact_import_errors | the same |
-- | departed_delete_campaigns, departed_delete_campaign_numbers, departed_delete_campaign_refusals, departed_delete_campaign_figures, departed_delete_campaign_minutes, departed_delete_campaign_policies | the same |
-- | departed_delete_media, departed_delete_message_media | the same |
-- | departed_delete_links, departed_delete_link_clicks, departed_delete_link_conversions, departed_delete_link_figures, departed_delete_link_settings | the same |
-- | parcels_numbers, arrivals_numbers (account_id) | of all parcels |
-- | parcel (account_id, number) | kind, rows |
-- | parcel_delete (account_id, number) | |
-- | parcels_counts (account_id, first, last) | table, rows: of these parcels |
-- | parcels_delete, arrivals_delete (account_id) | |
-- | arrival_put (account_id, number, counts, later) | nothing when it is here already |
-- | arrivals_counts (account_id) | table, rows: of all arrivals |
-- | arrivals_later (account_id, limit) | number, later: what has not got its place yet |
-- | arrival_placed (account_id, number) | it has |
-- | arrive_messages, arrive_numbers, arrive_events, arrive_ledger, arrive_audit, arrive_idempotency, arrive_delivery_tries, |
-- | arrive_deliveries, arrive_accounts, arrive_balances, arrive_inbound_parts, arrive_keys, arrive_opt_outs, arrive_senders, |
-- | arrive_smpp_credentials, arrive_smpp_owed, arrive_webhooks, arrive_queue, arrive_schedule, arrive_deadlines, |
-- | arrive_users, arrive_passkeys, arrive_sign_in_codes, arrive_saved_views, arrive_policies, arrive_frequency, arrive_templates, arrive_template_versions, arrive_canned_answers, arrive_conversations, arrive_usage_figures, arrive_flows, arrive_flow_versions, arrive_flow_runs, arrive_flow_steps, arrive_schedules, arrive_schedule_parts, arrive_schedule_outcomes (rows) | rows of a parcel |
-- | arrive_registrations, arrive_documents (rows) | the same |
-- | arrive_media, arrive_media_data, arrive_message_media (rows) | the same |
-- | arrive_brands, arrive_consents, arrive_consented, arrive_consent_requests, arrive_suppression_lists, arrive_suppressions, arrive_consent_words, arrive_consent_texts (rows) | the same |
-- | arrive_conversation_notes, arrive_conversation_days, arrive_desks (rows) | the same |
-- | arrive_pools, arrive_pool_members, arrive_pool_sticky, arrive_number_turns, arrive_inbound_urls, arrive_keywords, arrive_keyword_counts, arrive_keyword_paces (rows) | the same |
-- | arrive_hooks, arrive_hook_calls, arrive_hook_outcomes, arrive_hook_latest (rows) | the same |
-- | arrive_mailboxes, arrive_mailbox_senders, arrive_mailbox_mails (rows) | the same |
-- | arrive_verify_services, arrive_verifications, arrive_verify_attempts, arrive_verify_numbers, arrive_verify_counts, arrive_verify_channel_counts, arrive_verify_rate_limits, |
-- | arrive_verify_buckets, arrive_verify_bucket_counts, arrive_verify_blocks, arrive_verify_safe (rows) | the same |
-- | arrive_verify_entities, arrive_verify_factors, arrive_verify_challenges, arrive_verify_guesses (rows) | the same |
-- | arrive_contacts, arrive_contact_changes, arrive_contact_fields, arrive_contact_labels, arrive_contact_segments, arrive_contact_imports, arrive_contact_import_errors, arrive_contact_import_parts, arrive_contact_starts (rows) | the same |
-- | arrive_campaign_recipients, arrive_campaigns, arrive_campaign_numbers, arrive_campaign_refusals, arrive_campaign_figures, arrive_campaign_minutes, arrive_campaign_policies (rows) | the same |
-- | arrive_links, arrive_link_clicks, arrive_link_conversions, arrive_link_figures, arrive_link_settings (rows) | the same |
-- | arrive_attempts (rows, floor) | the same: as attempts of the day of the floor |
-- | moved_events_purge (before, limit) | old ones of those that came with accounts, removed |

-- name: move_family
SELECT id, parent_id, status FROM accounts WHERE id = $1 OR parent_id = $1 ORDER BY id FOR UPDATE;

-- name: move_put
INSERT INTO moves (account_id, direction, cell, state, statuses, waits_for, started_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (account_id, direction) DO UPDATE SET cell = excluded.cell, state = excluded.state,
  statuses = excluded.statuses, waits_for = excluded.waits_for, started_at = excluded.started_at,
  updated_at = excluded.updated_at;

-- name: moves_of
SELECT account_id, direction, cell, state, statuses, waits_for, started_at, updated_at FROM moves
WHERE direction = $1 AND state <> 'moved' ORDER BY started_at, account_id;

-- name: moves_of_account
SELECT account_id, direction, cell, state, statuses, waits_for, started_at, updated_at FROM moves
WHERE account_id = $1 ORDER BY direction;

-- name: move_stands
SELECT state FROM moves WHERE account_id = $1 AND direction = $2 FOR SHARE;

-- name: move_state
UPDATE moves SET state = $4, waits_for = '', updated_at = $5 WHERE account_id = $1 AND direction = $2 AND state = $3;

-- name: move_waits
UPDATE moves SET waits_for = $3, updated_at = $4
WHERE account_id = $1 AND direction = 'out' AND state = $2 AND waits_for <> $3;

-- name: move_delete
DELETE FROM moves WHERE account_id = $1 AND direction = $2;

-- name: accounts_set_status
UPDATE accounts SET status = $2, updated_at = $3 WHERE id = $1;

-- name: departing_page
SELECT id FROM messages WHERE account_id = ANY($1) AND id > $2 AND state <> 'sending' ORDER BY id LIMIT $3 FOR UPDATE;

-- name: departing_held
SELECT e.subject_id FROM events AS e WHERE e.subject_id = ANY($1) AND (
  e.created_at > $3
  OR e.type = 'message.received' AND e.position > COALESCE((SELECT position FROM cursors WHERE name = 'keywords'), 0)
  OR e.type = 'message.received' AND e.position > COALESCE((SELECT position FROM cursors WHERE name = 'conversations'), 0)
  OR e.position > COALESCE((SELECT position FROM cursors WHERE name = 'usage'), 0)
  OR e.type = 'message.received' AND e.position > COALESCE((SELECT position FROM cursors WHERE name = 'flow_texts'), 0)
  OR e.type IN ('message.delivered', 'message.undelivered', 'message.failed', 'message.expired', 'message.rejected',
      'message.unknown')
    AND e.position > COALESCE((SELECT position FROM cursors WHERE name = 'flow_outcomes:message'), 0)
    AND EXISTS (SELECT 1 FROM flows WHERE account_id = ANY($2) AND kind = 'message' AND status = 'active')
  OR e.callback = 1 AND e.position > COALESCE((SELECT position FROM cursors WHERE name = 'callbacks'), 0)
  OR e.position > (SELECT MIN(cursor) FROM webhooks WHERE account_id = ANY($2) AND status = 'active')
  OR e.position > COALESCE((SELECT position FROM cursors WHERE name = 'smpp_owed'), 0)
    AND EXISTS (SELECT 1 FROM smpp_credentials WHERE account_id = ANY($2))
)
UNION SELECT message_id FROM attempts WHERE state = 'committed' AND message_id = ANY($1);

-- name: departing_pack
WITH m AS (DELETE FROM messages WHERE id = ANY($2) RETURNING *),
  q AS (DELETE FROM queue USING m WHERE queue.lane = split_part(m.candidates, ' ', 1) AND queue.priority = m.priority
    AND queue.rank = m.rank AND queue.message_id = m.id RETURNING queue.*),
  s AS (DELETE FROM schedule USING m WHERE schedule.due_at = m.due_at AND schedule.message_id = m.id
    RETURNING schedule.*),
  d AS (DELETE FROM deadlines WHERE message_id = ANY($2) RETURNING *),
  n AS (DELETE FROM message_numbers AS known
    USING (SELECT recipient_hash AS hash, id FROM m UNION SELECT sender_hash, id FROM m) AS pair
    WHERE known.number_hash = pair.hash AND known.message_id = pair.id),
  a AS (DELETE FROM attempts WHERE message_id = ANY($2) RETURNING *),
  e AS (DELETE FROM events WHERE subject_id = ANY($2) RETURNING *)
INSERT INTO parcels (account_id, kind, rows) SELECT $1, 'messages', jsonb_build_object(
  'messages', (SELECT COALESCE(jsonb_agg(to_jsonb(m) ORDER BY id), '[]') FROM m),
  'attempts', (SELECT COALESCE(jsonb_agg(to_jsonb(a) ORDER BY position), '[]') FROM a),
  'events', (SELECT COALESCE(jsonb_agg(to_jsonb(e) ORDER BY position), '[]') FROM e),
  'queue', (SELECT COALESCE(jsonb_agg(to_jsonb(q) ORDER BY priority, rank, message_id), '[]') FROM q),
  'schedule', (SELECT COALESCE(jsonb_agg(to_jsonb(s)), '[]') FROM s),
  'deadlines', (SELECT COALESCE(jsonb_agg(to_jsonb(d)), '[]') FROM d)
);

-- name: departing_ledger
WITH gone AS (DELETE FROM ledger WHERE position IN (
    SELECT position FROM ledger WHERE account_id = ANY($2) ORDER BY account_id, position LIMIT $3
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'ledger', jsonb_build_object('ledger', jsonb_agg(to_jsonb(gone) ORDER BY position)) FROM gone
HAVING COUNT(*) > 0;

-- name: departing_contacts
WITH gone AS (DELETE FROM contacts WHERE (account_id, test, id) IN (
    SELECT account_id, test, id FROM contacts WHERE account_id = ANY($2) ORDER BY account_id, test, id LIMIT $3
  ) RETURNING *),
  changes AS (DELETE FROM contact_changes USING gone WHERE contact_changes.contact_id = gone.id
    RETURNING contact_changes.*)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'contacts', jsonb_build_object('contacts', (SELECT jsonb_agg(to_jsonb(gone)) FROM gone),
  'contact_changes', (SELECT COALESCE(jsonb_agg(to_jsonb(changes)), '[]') FROM changes))
WHERE EXISTS (SELECT 1 FROM gone);

-- name: departing_documents
WITH gone AS (DELETE FROM documents WHERE id IN (
    SELECT id FROM documents WHERE account_id = ANY($2) ORDER BY account_id LIMIT LEAST($3, 2)
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'documents', jsonb_build_object('documents', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_media_data
WITH gone AS (DELETE FROM media_data WHERE media_id IN (
    SELECT media_id FROM media_data WHERE account_id = ANY($2) ORDER BY account_id LIMIT LEAST($3, 1)
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'media_data', jsonb_build_object('media_data', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_campaign_recipients
WITH gone AS (DELETE FROM campaign_recipients WHERE id IN (
    SELECT id FROM campaign_recipients WHERE account_id = ANY($2) ORDER BY account_id LIMIT $3
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'campaign_recipients', jsonb_build_object('campaign_recipients', jsonb_agg(to_jsonb(gone))) FROM gone
HAVING COUNT(*) > 0;

-- name: departing_import_parts
WITH gone AS (DELETE FROM contact_import_parts WHERE (import_id, part) IN (
    SELECT import_id, part FROM contact_import_parts WHERE account_id = ANY($2) ORDER BY account_id LIMIT LEAST($3, 8)
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'contact_import_parts', jsonb_build_object('contact_import_parts', jsonb_agg(to_jsonb(gone))) FROM gone
HAVING COUNT(*) > 0;

-- name: departing_contact_starts
WITH gone AS (DELETE FROM contact_starts WHERE (account_id, import_id, position) IN (
    SELECT account_id, import_id, position FROM contact_starts WHERE account_id = ANY($2)
    ORDER BY account_id, import_id, position LIMIT LEAST($3, 100)
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'contact_starts', jsonb_build_object('contact_starts', jsonb_agg(to_jsonb(gone))) FROM gone
HAVING COUNT(*) > 0;

-- name: departing_audit
WITH gone AS (DELETE FROM audit WHERE id IN (
    SELECT id FROM audit WHERE account_id = ANY($2) ORDER BY account_id, id LIMIT $3
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'audit', jsonb_build_object('audit', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_idempotency
WITH gone AS (DELETE FROM idempotency WHERE (account_id, door, key, chunk) IN (
    SELECT account_id, door, key, chunk FROM idempotency WHERE account_id = ANY($2) LIMIT $3
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'idempotency', jsonb_build_object('idempotency', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_owed
WITH gone AS (DELETE FROM smpp_owed WHERE (credential_id, position) IN (
    SELECT o.credential_id, o.position FROM smpp_credentials AS c JOIN smpp_owed AS o ON o.credential_id = c.id
    WHERE c.account_id = ANY($2) ORDER BY o.credential_id, o.position LIMIT $3
  ) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'smpp_owed', jsonb_build_object('smpp_owed', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_tries
WITH gone AS (DELETE FROM delivery_tries WHERE position > $3 AND position <= $4 AND account_id = ANY($2) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'delivery_tries', jsonb_build_object('delivery_tries', jsonb_agg(to_jsonb(gone) ORDER BY position))
FROM gone HAVING COUNT(*) > 0;

-- name: departing_events
WITH gone AS (DELETE FROM events WHERE position > $3 AND position <= $4 AND account_id = ANY($2) AND created_at <= $5
    AND position <= COALESCE((SELECT MIN(cursor) FROM webhooks WHERE account_id = ANY($2) AND status = 'active'), position)
    AND NOT EXISTS (SELECT 1 FROM messages WHERE id = events.subject_id)
    AND NOT (type IN ('verification.approved', 'verification.failed', 'verification.expired', 'verification.canceled')
      AND position > COALESCE((SELECT position FROM cursors WHERE name = 'flow_outcomes:verification'), 0)
      AND EXISTS (SELECT 1 FROM flows WHERE account_id = ANY($2) AND kind = 'verification' AND status = 'active'))
  RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'events', jsonb_build_object('events', jsonb_agg(to_jsonb(gone) ORDER BY position))
FROM gone HAVING COUNT(*) > 0;

-- name: departing_events_left
SELECT 1 FROM events WHERE position > $2 AND position <= $3 AND account_id = ANY($1)
  AND NOT EXISTS (SELECT 1 FROM messages WHERE id = events.subject_id) LIMIT 1;

-- name: departing_bounds
SELECT COALESCE(MIN(position), 0), COALESCE(MAX(position), 0) FROM delivery_tries;

-- name: departing_hold
UPDATE deliveries SET next_at = next_at + 3155760000000000 WHERE account_id = ANY($1) AND next_at < 3155760000000000;

-- name: departing_release
UPDATE deliveries SET next_at = next_at % 3155760000000000 WHERE account_id = ANY($1) AND next_at >= 3155760000000000;

-- name: departing_account
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, kind, jsonb_build_object(kind, jsonb_agg(row)) FROM (
  SELECT kind, row, row_number() OVER (PARTITION BY kind) / 1000 AS part FROM (
    SELECT 'accounts' AS kind, to_jsonb(t) AS row FROM accounts AS t WHERE id = ANY($2)
    UNION ALL SELECT 'balances', to_jsonb(t) FROM balances AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'deliveries', to_jsonb(t) FROM deliveries AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'keys', to_jsonb(t) FROM keys AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'opt_outs', to_jsonb(t) FROM opt_outs AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'senders', to_jsonb(t) FROM senders AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'registrations', to_jsonb(t) FROM registrations AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'smpp_credentials', to_jsonb(t) FROM smpp_credentials AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'webhooks', to_jsonb(t) FROM webhooks AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'users', to_jsonb(t) FROM users AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'passkeys', to_jsonb(t) FROM users AS u JOIN passkeys AS t ON t.user_id = u.id
      WHERE u.account_id = ANY($2)
    UNION ALL SELECT 'sign_in_codes', to_jsonb(t) FROM users AS u JOIN sign_in_codes AS t ON t.user_id = u.id
      WHERE u.account_id = ANY($2)
    UNION ALL SELECT 'saved_views', to_jsonb(t) FROM users AS u JOIN saved_views AS t ON t.user_id = u.id
      WHERE u.account_id = ANY($2)
    UNION ALL SELECT 'pools', to_jsonb(t) FROM pools AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'pool_members', to_jsonb(t) FROM pool_members AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'pool_sticky', to_jsonb(t) FROM pool_sticky AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'number_turns', to_jsonb(t) FROM number_turns AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'inbound_urls', to_jsonb(t) FROM inbound_urls AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'keywords', to_jsonb(t) FROM keywords AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'keyword_counts', to_jsonb(t) FROM keyword_counts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'keyword_paces', to_jsonb(t) FROM keyword_paces AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'canned_answers', to_jsonb(t) FROM canned_answers AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'hooks', to_jsonb(t) FROM hooks AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'hook_calls', to_jsonb(t) FROM hook_calls AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'hook_outcomes', to_jsonb(t) FROM hook_outcomes AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'hook_latest', to_jsonb(t) FROM hook_latest AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'mailboxes', to_jsonb(t) FROM mailboxes AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'mailbox_senders', to_jsonb(t) FROM mailbox_senders AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'mailbox_mails', to_jsonb(t) FROM mailbox_mails AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'brands', to_jsonb(t) FROM brands AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'consents', to_jsonb(t) FROM consents AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'consented', to_jsonb(t) FROM consented AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'consent_requests', to_jsonb(t) FROM consent_requests AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'suppression_lists', to_jsonb(t) FROM suppression_lists AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'suppressions', to_jsonb(t) FROM suppressions AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'consent_words', to_jsonb(t) FROM consent_words AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'consent_texts', to_jsonb(t) FROM consent_texts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'policies', to_jsonb(t) FROM policies AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'frequency', to_jsonb(t) FROM frequency AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'templates', to_jsonb(t) FROM templates AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'template_versions', to_jsonb(t) FROM template_versions AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'conversations', to_jsonb(t) FROM conversations AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'conversation_notes', to_jsonb(t) FROM conversation_notes AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'conversation_days', to_jsonb(t) FROM conversation_days AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'desks', to_jsonb(t) FROM desks AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'flows', to_jsonb(t) FROM flows AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'flow_versions', to_jsonb(t) FROM flow_versions AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'flow_runs', to_jsonb(t) FROM flow_runs AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'flow_steps', to_jsonb(t) FROM flow_steps AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'schedules', to_jsonb(t) FROM schedules AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'schedule_parts', to_jsonb(t) FROM schedule_parts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'schedule_outcomes', to_jsonb(t) FROM schedule_outcomes AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_services', to_jsonb(t) FROM verify_services AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verifications', to_jsonb(t) FROM verifications AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_attempts', to_jsonb(t) FROM verify_attempts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_numbers', to_jsonb(t) FROM verify_numbers AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_counts', to_jsonb(t) FROM verify_counts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_channel_counts', to_jsonb(t) FROM verify_channel_counts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_rate_limits', to_jsonb(t) FROM verify_rate_limits AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_buckets', to_jsonb(t) FROM verify_buckets AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_bucket_counts', to_jsonb(t) FROM verify_bucket_counts AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_blocks', to_jsonb(t) FROM verify_blocks AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_safe', to_jsonb(t) FROM verify_safe AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_entities', to_jsonb(t) FROM verify_entities AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_factors', to_jsonb(t) FROM verify_factors AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_challenges', to_jsonb(t) FROM verify_challenges AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'verify_guesses', to_jsonb(t) FROM verify_guesses AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'contact_fields', to_jsonb(t) FROM contact_fields AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'contact_labels', to_jsonb(t) FROM contact_labels AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'contact_segments', to_jsonb(t) FROM contact_segments AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'contact_imports', to_jsonb(t) FROM contact_imports AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'contact_import_errors', to_jsonb(t) FROM contact_import_errors AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaigns', to_jsonb(t) FROM campaigns AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaign_numbers', to_jsonb(t) FROM campaign_numbers AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaign_refusals', to_jsonb(t) FROM campaign_refusals AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaign_figures', to_jsonb(t) FROM campaign_figures AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaign_minutes', to_jsonb(t) FROM campaign_minutes AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'campaign_policies', to_jsonb(t) FROM campaign_policies AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'links', to_jsonb(t) FROM links AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'media', to_jsonb(t) FROM media AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'message_media', to_jsonb(t) FROM message_media AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'link_clicks', to_jsonb(t) FROM link_clicks AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'link_conversions', to_jsonb(t) FROM link_conversions AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'link_figures', to_jsonb(t) FROM link_figures AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'link_settings', to_jsonb(t) FROM link_settings AS t WHERE account_id = ANY($2)
    UNION ALL SELECT 'usage_figures', to_jsonb(t) FROM usage_figures AS t WHERE account_id = ANY($2)
  ) AS every
) AS parted GROUP BY kind, part ORDER BY kind <> 'users', kind, part;

-- name: departing_parts
WITH gone AS (DELETE FROM inbound_parts WHERE row::jsonb ->> 'account_id' = ANY($2) RETURNING *)
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'inbound_parts', jsonb_build_object('inbound_parts', jsonb_agg(to_jsonb(gone))) FROM gone HAVING COUNT(*) > 0;

-- name: departing_late
INSERT INTO parcels (account_id, kind, rows)
SELECT $1, 'opt_outs', jsonb_build_object('opt_outs', jsonb_agg(to_jsonb(t))) FROM opt_outs AS t
WHERE account_id = ANY($2) AND (account_id, number_hash) NOT IN (
  SELECT o.value ->> 'account_id', (o.value ->> 'number_hash')::bigint
  FROM parcels AS p, jsonb_array_elements(p.rows -> 'opt_outs') AS o WHERE p.account_id = $1 AND p.kind = 'opt_outs'
) HAVING COUNT(*) > 0;

-- name: departing_left
SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE account_id = ANY($1) LIMIT 1) AS m),
  (SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE account_id = ANY($1) LIMIT 1) AS l);

-- name: departed_delete_tries
DELETE FROM delivery_tries WHERE position > $2 AND position <= $3 AND account_id = ANY($1);

-- name: departed_delete_events
DELETE FROM events WHERE position > $2 AND position <= $3 AND account_id = ANY($1);

-- name: departed_delete_accounts
DELETE FROM accounts WHERE id = ANY($1) AND status = 'arriving';

-- name: departed_delete_contact_fields
DELETE FROM contact_fields WHERE account_id = ANY($1);

-- name: departed_delete_contact_labels
DELETE FROM contact_labels WHERE account_id = ANY($1);

-- name: departed_delete_contact_segments
DELETE FROM contact_segments WHERE account_id = ANY($1);

-- name: departed_delete_contact_imports
DELETE FROM contact_imports WHERE account_id = ANY($1);

-- name: departed_delete_contact_import_errors
DELETE FROM contact_import_errors WHERE account_id = ANY($1);

-- name: departed_delete_campaigns
DELETE FROM campaigns WHERE account_id = ANY($1);

-- name: departed_delete_campaign_numbers
DELETE FROM campaign_numbers WHERE account_id = ANY($1);

-- name: departed_delete_campaign_refusals
DELETE FROM campaign_refusals WHERE account_id = ANY($1);

-- name: departed_delete_campaign_figures
DELETE FROM campaign_figures WHERE account_id = ANY($1);

-- name: departed_delete_campaign_minutes
DELETE FROM campaign_minutes WHERE account_id = ANY($1);

-- name: departed_delete_campaign_policies
DELETE FROM campaign_policies WHERE account_id = ANY($1);

-- name: departed_delete_links
DELETE FROM links WHERE account_id = ANY($1);

-- name: departed_delete_media
DELETE FROM media WHERE account_id = ANY($1);

-- name: departed_delete_message_media
DELETE FROM message_media WHERE account_id = ANY($1);

-- name: departed_delete_link_clicks
DELETE FROM link_clicks WHERE account_id = ANY($1);

-- name: departed_delete_link_conversions
DELETE FROM link_conversions WHERE account_id = ANY($1);

-- name: departed_delete_link_figures
DELETE FROM link_figures WHERE account_id = ANY($1);

-- name: departed_delete_link_settings
DELETE FROM link_settings WHERE account_id = ANY($1);

-- name: departed_delete_balances
DELETE FROM balances WHERE account_id = ANY($1);

-- name: departed_delete_deliveries
DELETE FROM deliveries WHERE account_id = ANY($1);

-- name: departed_delete_keys
DELETE FROM keys WHERE account_id = ANY($1);

-- name: departed_delete_opt_outs
DELETE FROM opt_outs WHERE account_id = ANY($1);

-- name: departed_delete_registrations
DELETE FROM registrations WHERE account_id = ANY($1);

-- name: departed_delete_senders
DELETE FROM senders WHERE account_id = ANY($1);

-- name: departed_delete_credentials
DELETE FROM smpp_credentials WHERE account_id = ANY($1);

-- name: departed_delete_webhooks
DELETE FROM webhooks WHERE account_id = ANY($1);

-- name: departed_delete_passkeys
DELETE FROM passkeys WHERE user_id IN (SELECT id FROM users WHERE account_id = ANY($1));

-- name: departed_delete_sign_in_codes
DELETE FROM sign_in_codes WHERE user_id IN (SELECT id FROM users WHERE account_id = ANY($1));

-- name: departed_delete_saved_views
DELETE FROM saved_views WHERE user_id IN (SELECT id FROM users WHERE account_id = ANY($1));

-- name: departed_delete_sessions
DELETE FROM sessions WHERE user_id IN (SELECT id FROM users WHERE account_id = ANY($1));

-- name: departed_delete_users
DELETE FROM users WHERE account_id = ANY($1);

-- name: departed_delete_pools
DELETE FROM pools WHERE account_id = ANY($1);

-- name: departed_delete_pool_members
DELETE FROM pool_members WHERE account_id = ANY($1);

-- name: departed_delete_pool_sticky
DELETE FROM pool_sticky WHERE account_id = ANY($1);

-- name: departed_delete_number_turns
DELETE FROM number_turns WHERE account_id = ANY($1);

-- name: departed_delete_inbound_urls
DELETE FROM inbound_urls WHERE account_id = ANY($1);

-- name: departed_delete_keywords
DELETE FROM keywords WHERE account_id = ANY($1);

-- name: departed_delete_keyword_counts
DELETE FROM keyword_counts WHERE account_id = ANY($1);

-- name: departed_delete_keyword_paces
DELETE FROM keyword_paces WHERE account_id = ANY($1);

-- name: departed_delete_canned_answers
DELETE FROM canned_answers WHERE account_id = ANY($1);

-- name: departed_delete_hooks
DELETE FROM hooks WHERE account_id = ANY($1);

-- name: departed_delete_hook_calls
DELETE FROM hook_calls WHERE account_id = ANY($1);

-- name: departed_delete_hook_outcomes
DELETE FROM hook_outcomes WHERE account_id = ANY($1);

-- name: departed_delete_hook_latest
DELETE FROM hook_latest WHERE account_id = ANY($1);

-- name: departed_delete_mailboxes
DELETE FROM mailboxes WHERE account_id = ANY($1);

-- name: departed_delete_mailbox_senders
DELETE FROM mailbox_senders WHERE account_id = ANY($1);

-- name: departed_delete_mailbox_mails
DELETE FROM mailbox_mails WHERE account_id = ANY($1);

-- name: departed_delete_template_versions
DELETE FROM template_versions WHERE account_id = ANY($1);

-- name: departed_delete_brands
DELETE FROM brands WHERE account_id = ANY($1);

-- name: departed_delete_consents
DELETE FROM consents WHERE account_id = ANY($1);

-- name: departed_delete_consented
DELETE FROM consented WHERE account_id = ANY($1);

-- name: departed_delete_consent_requests
DELETE FROM consent_requests WHERE account_id = ANY($1);

-- name: departed_delete_suppression_lists
DELETE FROM suppression_lists WHERE account_id = ANY($1);

-- name: departed_delete_suppressions
DELETE FROM suppressions WHERE account_id = ANY($1);

-- name: departed_delete_consent_words
DELETE FROM consent_words WHERE account_id = ANY($1);

-- name: departed_delete_consent_texts
DELETE FROM consent_texts WHERE account_id = ANY($1);

-- name: departed_delete_policies
DELETE FROM policies WHERE account_id = ANY($1);

-- name: departed_delete_frequency
DELETE FROM frequency WHERE account_id = ANY($1);

-- name: departed_delete_templates
DELETE FROM templates WHERE account_id = ANY($1);

-- name: departed_delete_flows
DELETE FROM flows WHERE account_id = ANY($1);

-- name: departed_delete_flow_versions
DELETE FROM flow_versions WHERE account_id = ANY($1);

-- name: departed_delete_flow_runs
DELETE FROM flow_runs WHERE account_id = ANY($1);

-- name: departed_delete_flow_steps
DELETE FROM flow_steps WHERE account_id = ANY($1);

-- name: departed_delete_schedules
DELETE FROM schedules WHERE account_id = ANY($1);

-- name: departed_delete_schedule_parts
DELETE FROM schedule_parts WHERE account_id = ANY($1);

-- name: departed_delete_schedule_outcomes
DELETE FROM schedule_outcomes WHERE account_id = ANY($1);

-- name: departed_delete_conversations
DELETE FROM conversations WHERE account_id = ANY($1);

-- name: departed_delete_conversation_notes
DELETE FROM conversation_notes WHERE account_id = ANY($1);

-- name: departed_delete_conversation_days
DELETE FROM conversation_days WHERE account_id = ANY($1);

-- name: departed_delete_desks
DELETE FROM desks WHERE account_id = ANY($1);

-- name: departed_delete_verify_services
DELETE FROM verify_services WHERE account_id = ANY($1);

-- name: departed_delete_verifications
DELETE FROM verifications WHERE account_id = ANY($1);

-- name: departed_delete_verify_attempts
DELETE FROM verify_attempts WHERE account_id = ANY($1);

-- name: departed_delete_verify_numbers
DELETE FROM verify_numbers WHERE account_id = ANY($1);

-- name: departed_delete_verify_counts
DELETE FROM verify_counts WHERE account_id = ANY($1);

-- name: departed_delete_verify_channel_counts
DELETE FROM verify_channel_counts WHERE account_id = ANY($1);

-- name: departed_delete_verify_rate_limits
DELETE FROM verify_rate_limits WHERE account_id = ANY($1);

-- name: departed_delete_verify_buckets
DELETE FROM verify_buckets WHERE account_id = ANY($1);

-- name: departed_delete_verify_bucket_counts
DELETE FROM verify_bucket_counts WHERE account_id = ANY($1);

-- name: departed_delete_verify_blocks
DELETE FROM verify_blocks WHERE account_id = ANY($1);

-- name: departed_delete_verify_safe
DELETE FROM verify_safe WHERE account_id = ANY($1);

-- name: departed_delete_verify_entities
DELETE FROM verify_entities WHERE account_id = ANY($1);

-- name: departed_delete_verify_factors
DELETE FROM verify_factors WHERE account_id = ANY($1);

-- name: departed_delete_verify_challenges
DELETE FROM verify_challenges WHERE account_id = ANY($1);

-- name: departed_delete_verify_guesses
DELETE FROM verify_guesses WHERE account_id = ANY($1);

-- name: departed_delete_usage_figures
DELETE FROM usage_figures WHERE account_id = ANY($1);

-- name: parcels_numbers
SELECT number FROM parcels WHERE account_id = $1 ORDER BY number;

-- name: arrivals_numbers
SELECT number FROM arrivals WHERE account_id = $1 ORDER BY number;

-- name: parcel
SELECT kind, rows::text FROM parcels WHERE account_id = $1 AND number = $2;

-- name: parcel_delete
DELETE FROM parcels WHERE account_id = $1 AND number = $2;

-- name: parcels_counts
SELECT entry.key, SUM(jsonb_array_length(entry.value))::bigint FROM parcels, jsonb_each(rows) AS entry
WHERE account_id = $1 AND number >= $2 AND number <= $3 GROUP BY entry.key ORDER BY entry.key;

-- name: parcels_delete
DELETE FROM parcels WHERE account_id = $1;

-- name: arrivals_delete
DELETE FROM arrivals WHERE account_id = $1;

-- name: arrival_put
INSERT INTO arrivals (account_id, number, counts, later) SELECT $1, $2,
  (SELECT jsonb_object_agg(entry.key, jsonb_array_length(entry.value)) FROM jsonb_each($3::jsonb) AS entry),
  (SELECT COALESCE(jsonb_object_agg(entry.key, entry.value), '{}') FROM jsonb_each($3::jsonb) AS entry
    WHERE entry.key IN ('queue', 'schedule', 'deadlines') AND jsonb_array_length(entry.value) > 0)
ON CONFLICT (account_id, number) DO NOTHING;

-- name: arrivals_counts
SELECT entry.key, SUM(entry.value::bigint)::bigint FROM arrivals, jsonb_each_text(counts) AS entry
WHERE account_id = $1 GROUP BY entry.key ORDER BY entry.key;

-- name: arrivals_later
SELECT number, later::text FROM arrivals WHERE account_id = $1 AND later <> '{}' ORDER BY number LIMIT $2 FOR UPDATE;

-- name: arrival_placed
UPDATE arrivals SET later = '{}' WHERE account_id = $1 AND number = $2;

-- name: arrive_messages
INSERT INTO messages SELECT * FROM jsonb_populate_recordset(NULL::messages, $1::jsonb -> 'messages');

-- name: arrive_numbers
INSERT INTO message_numbers (number_hash, message_id)
SELECT (m.value ->> hash)::bigint, m.value ->> 'id' FROM jsonb_array_elements($1::jsonb -> 'messages') AS m,
  unnest(ARRAY['recipient_hash', 'sender_hash']) AS hash
ORDER BY 1, 2 ON CONFLICT (number_hash, message_id) DO NOTHING;

-- name: arrive_attempts
INSERT INTO attempts SELECT r.* FROM (
    SELECT value FROM jsonb_array_elements($1::jsonb -> 'attempts') ORDER BY (value ->> 'position')::bigint
  ) AS a,
  LATERAL jsonb_populate_record(NULL::attempts,
    a.value || jsonb_build_object('position', $2::bigint + nextval('attempt_numbers'))) AS r;

-- name: arrive_events
INSERT INTO events SELECT r.* FROM (
    SELECT value FROM jsonb_array_elements($1::jsonb -> 'events') ORDER BY (value ->> 'position')::bigint
  ) AS e,
  LATERAL jsonb_populate_record(NULL::events,
    e.value || jsonb_build_object('position', nextval('moved_event_numbers'))) AS r;

-- name: arrive_ledger
INSERT INTO ledger SELECT r.* FROM (
    SELECT value FROM jsonb_array_elements($1::jsonb -> 'ledger') ORDER BY (value ->> 'position')::bigint
  ) AS l,
  LATERAL jsonb_populate_record(NULL::ledger,
    l.value || jsonb_build_object('position', nextval(pg_get_serial_sequence('ledger', 'position')))) AS r;

-- name: arrive_contacts
INSERT INTO contacts SELECT * FROM jsonb_populate_recordset(NULL::contacts, $1::jsonb -> 'contacts');

-- name: arrive_contact_changes
INSERT INTO contact_changes SELECT * FROM jsonb_populate_recordset(NULL::contact_changes, $1::jsonb -> 'contact_changes');

-- name: arrive_contact_fields
INSERT INTO contact_fields SELECT * FROM jsonb_populate_recordset(NULL::contact_fields, $1::jsonb -> 'contact_fields');

-- name: arrive_contact_labels
INSERT INTO contact_labels SELECT * FROM jsonb_populate_recordset(NULL::contact_labels, $1::jsonb -> 'contact_labels');

-- name: arrive_contact_segments
INSERT INTO contact_segments SELECT * FROM jsonb_populate_recordset(NULL::contact_segments, $1::jsonb -> 'contact_segments');

-- name: arrive_contact_imports
INSERT INTO contact_imports SELECT * FROM jsonb_populate_recordset(NULL::contact_imports, $1::jsonb -> 'contact_imports');

-- name: arrive_contact_import_errors
INSERT INTO contact_import_errors SELECT * FROM jsonb_populate_recordset(NULL::contact_import_errors, $1::jsonb -> 'contact_import_errors');

-- name: arrive_contact_starts
INSERT INTO contact_starts SELECT * FROM jsonb_populate_recordset(NULL::contact_starts, $1::jsonb -> 'contact_starts');

-- name: arrive_contact_import_parts
INSERT INTO contact_import_parts SELECT * FROM jsonb_populate_recordset(NULL::contact_import_parts, $1::jsonb -> 'contact_import_parts');

-- name: arrive_campaigns
INSERT INTO campaigns SELECT * FROM jsonb_populate_recordset(NULL::campaigns, $1::jsonb -> 'campaigns');

-- name: arrive_campaign_numbers
INSERT INTO campaign_numbers SELECT * FROM jsonb_populate_recordset(NULL::campaign_numbers, $1::jsonb -> 'campaign_numbers');

-- name: arrive_campaign_refusals
INSERT INTO campaign_refusals SELECT * FROM jsonb_populate_recordset(NULL::campaign_refusals, $1::jsonb -> 'campaign_refusals');

-- name: arrive_campaign_figures
INSERT INTO campaign_figures SELECT * FROM jsonb_populate_recordset(NULL::campaign_figures, $1::jsonb -> 'campaign_figures');

-- name: arrive_campaign_minutes
INSERT INTO campaign_minutes SELECT * FROM jsonb_populate_recordset(NULL::campaign_minutes, $1::jsonb -> 'campaign_minutes');

-- name: arrive_campaign_policies
INSERT INTO campaign_policies SELECT * FROM jsonb_populate_recordset(NULL::campaign_policies, $1::jsonb -> 'campaign_policies');

-- name: arrive_campaign_recipients
INSERT INTO campaign_recipients SELECT * FROM jsonb_populate_recordset(NULL::campaign_recipients, $1::jsonb -> 'campaign_recipients');

-- name: arrive_links
INSERT INTO links SELECT * FROM jsonb_populate_recordset(NULL::links, $1::jsonb -> 'links');

-- name: arrive_media
INSERT INTO media SELECT * FROM jsonb_populate_recordset(NULL::media, $1::jsonb -> 'media');

-- name: arrive_message_media
INSERT INTO message_media SELECT * FROM jsonb_populate_recordset(NULL::message_media, $1::jsonb -> 'message_media');

-- name: arrive_media_data
INSERT INTO media_data SELECT * FROM jsonb_populate_recordset(NULL::media_data, $1::jsonb -> 'media_data');

-- name: arrive_link_clicks
INSERT INTO link_clicks SELECT * FROM jsonb_populate_recordset(NULL::link_clicks, $1::jsonb -> 'link_clicks');

-- name: arrive_link_conversions
INSERT INTO link_conversions SELECT * FROM jsonb_populate_recordset(NULL::link_conversions, $1::jsonb -> 'link_conversions');

-- name: arrive_link_figures
INSERT INTO link_figures SELECT * FROM jsonb_populate_recordset(NULL::link_figures, $1::jsonb -> 'link_figures');

-- name: arrive_link_settings
INSERT INTO link_settings SELECT * FROM jsonb_populate_recordset(NULL::link_settings, $1::jsonb -> 'link_settings');

-- name: arrive_audit
INSERT INTO audit SELECT * FROM jsonb_populate_recordset(NULL::audit, $1::jsonb -> 'audit');

-- name: arrive_idempotency
INSERT INTO idempotency SELECT * FROM jsonb_populate_recordset(NULL::idempotency, $1::jsonb -> 'idempotency');

-- name: arrive_delivery_tries
INSERT INTO delivery_tries SELECT r.* FROM (
    SELECT value FROM jsonb_array_elements($1::jsonb -> 'delivery_tries') ORDER BY (value ->> 'position')::bigint
  ) AS t,
  LATERAL jsonb_populate_record(NULL::delivery_tries, t.value || jsonb_build_object(
    'position', nextval(pg_get_serial_sequence('delivery_tries', 'position')),
    'event_position', COALESCE((SELECT e.position FROM events AS e
      WHERE e.subject_id IN ('SM' || substr(t.value ->> 'event_id', 3, 28) || '0000',
          'OO' || substr(t.value ->> 'event_id', 3, 28) || '0000', 'WH' || substr(t.value ->> 'event_id', 3, 28) || '0000')
        AND e.seq = ('x' || right(t.value ->> 'event_id', 4))::bit(16)::int LIMIT 1), 0))) AS r;

-- name: arrive_deliveries
INSERT INTO deliveries SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'deliveries') AS t,
  LATERAL jsonb_populate_record(NULL::deliveries, t.value || jsonb_build_object(
    'next_at', (t.value ->> 'next_at')::bigint % 3155760000000000,
    'event_position', COALESCE((SELECT e.position FROM events AS e
      WHERE e.subject_id IN ('SM' || substr(t.value ->> 'event_id', 3, 28) || '0000',
          'OO' || substr(t.value ->> 'event_id', 3, 28) || '0000', 'WH' || substr(t.value ->> 'event_id', 3, 28) || '0000')
        AND e.seq = ('x' || right(t.value ->> 'event_id', 4))::bit(16)::int LIMIT 1), 0))) AS r;

-- name: arrive_accounts
INSERT INTO accounts SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'accounts') AS a,
  LATERAL jsonb_populate_record(NULL::accounts, a.value || '{"status": "arriving"}') AS r
ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name, status = excluded.status,
  currency = excluded.currency, dedupe_s = excluded.dedupe_s, auth_token = excluded.auth_token,
  callback_secret = excluded.callback_secret, updated_at = excluded.updated_at;

-- name: arrive_balances
INSERT INTO balances SELECT * FROM jsonb_populate_recordset(NULL::balances, $1::jsonb -> 'balances');

-- name: arrive_inbound_parts
INSERT INTO inbound_parts SELECT * FROM jsonb_populate_recordset(NULL::inbound_parts, $1::jsonb -> 'inbound_parts')
ON CONFLICT (carrier_id, source_hash, destination_hash, reference, total, number) DO NOTHING;

-- name: arrive_keys
INSERT INTO keys SELECT * FROM jsonb_populate_recordset(NULL::keys, $1::jsonb -> 'keys');

-- name: arrive_opt_outs
INSERT INTO opt_outs SELECT * FROM jsonb_populate_recordset(NULL::opt_outs, $1::jsonb -> 'opt_outs')
ON CONFLICT (account_id, number_hash) DO NOTHING;

-- name: arrive_registrations
INSERT INTO registrations SELECT * FROM jsonb_populate_recordset(NULL::registrations, $1::jsonb -> 'registrations');

-- name: arrive_documents
INSERT INTO documents SELECT * FROM jsonb_populate_recordset(NULL::documents, $1::jsonb -> 'documents');

-- name: arrive_senders
INSERT INTO senders SELECT * FROM jsonb_populate_recordset(NULL::senders, $1::jsonb -> 'senders');

-- name: arrive_smpp_credentials
INSERT INTO smpp_credentials
SELECT * FROM jsonb_populate_recordset(NULL::smpp_credentials, $1::jsonb -> 'smpp_credentials');

-- name: arrive_smpp_owed
INSERT INTO smpp_owed SELECT r.* FROM (
    SELECT value FROM jsonb_array_elements($1::jsonb -> 'smpp_owed') ORDER BY (value ->> 'position')::bigint
  ) AS o,
  LATERAL jsonb_populate_record(NULL::smpp_owed,
    o.value || jsonb_build_object('position', nextval('moved_owed_numbers'))) AS r;

-- name: arrive_webhooks
INSERT INTO webhooks SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'webhooks') AS w,
  LATERAL jsonb_populate_record(NULL::webhooks, w.value || jsonb_build_object('cursor', event_horizon() - 1)) AS r;

-- name: arrive_users
INSERT INTO users SELECT * FROM jsonb_populate_recordset(NULL::users, $1::jsonb -> 'users')
ON CONFLICT (email) DO NOTHING;

-- name: arrive_passkeys
INSERT INTO passkeys SELECT p.* FROM jsonb_populate_recordset(NULL::passkeys, $1::jsonb -> 'passkeys') AS p
JOIN users AS u ON u.id = p.user_id;

-- name: arrive_sign_in_codes
INSERT INTO sign_in_codes SELECT c.* FROM jsonb_populate_recordset(NULL::sign_in_codes, $1::jsonb -> 'sign_in_codes') AS c
JOIN users AS u ON u.id = c.user_id;

-- name: arrive_saved_views
INSERT INTO saved_views SELECT v.* FROM jsonb_populate_recordset(NULL::saved_views, $1::jsonb -> 'saved_views') AS v
JOIN users AS u ON u.id = v.user_id;

-- name: arrive_hooks
INSERT INTO hooks SELECT * FROM jsonb_populate_recordset(NULL::hooks, $1::jsonb -> 'hooks')
ON CONFLICT DO NOTHING;

-- name: arrive_hook_calls
INSERT INTO hook_calls SELECT * FROM jsonb_populate_recordset(NULL::hook_calls, $1::jsonb -> 'hook_calls')
ON CONFLICT DO NOTHING;

-- name: arrive_hook_outcomes
INSERT INTO hook_outcomes SELECT * FROM jsonb_populate_recordset(NULL::hook_outcomes, $1::jsonb -> 'hook_outcomes')
ON CONFLICT DO NOTHING;

-- name: arrive_hook_latest
INSERT INTO hook_latest SELECT * FROM jsonb_populate_recordset(NULL::hook_latest, $1::jsonb -> 'hook_latest')
ON CONFLICT DO NOTHING;

-- name: arrive_mailboxes
INSERT INTO mailboxes SELECT * FROM jsonb_populate_recordset(NULL::mailboxes, $1::jsonb -> 'mailboxes')
ON CONFLICT DO NOTHING;

-- name: arrive_mailbox_senders
INSERT INTO mailbox_senders SELECT * FROM jsonb_populate_recordset(NULL::mailbox_senders, $1::jsonb -> 'mailbox_senders')
ON CONFLICT DO NOTHING;

-- name: arrive_mailbox_mails
INSERT INTO mailbox_mails SELECT * FROM jsonb_populate_recordset(NULL::mailbox_mails, $1::jsonb -> 'mailbox_mails')
ON CONFLICT DO NOTHING;

-- name: arrive_pools
INSERT INTO pools SELECT * FROM jsonb_populate_recordset(NULL::pools, $1::jsonb -> 'pools');

-- name: arrive_pool_members
INSERT INTO pool_members SELECT * FROM jsonb_populate_recordset(NULL::pool_members, $1::jsonb -> 'pool_members');

-- name: arrive_pool_sticky
INSERT INTO pool_sticky SELECT * FROM jsonb_populate_recordset(NULL::pool_sticky, $1::jsonb -> 'pool_sticky');

-- name: arrive_number_turns
INSERT INTO number_turns SELECT * FROM jsonb_populate_recordset(NULL::number_turns, $1::jsonb -> 'number_turns');

-- name: arrive_inbound_urls
INSERT INTO inbound_urls SELECT * FROM jsonb_populate_recordset(NULL::inbound_urls, $1::jsonb -> 'inbound_urls');

-- name: arrive_keywords
INSERT INTO keywords SELECT * FROM jsonb_populate_recordset(NULL::keywords, $1::jsonb -> 'keywords');

-- name: arrive_keyword_counts
INSERT INTO keyword_counts SELECT * FROM jsonb_populate_recordset(NULL::keyword_counts, $1::jsonb -> 'keyword_counts');

-- name: arrive_keyword_paces
INSERT INTO keyword_paces SELECT * FROM jsonb_populate_recordset(NULL::keyword_paces, $1::jsonb -> 'keyword_paces');

-- name: arrive_canned_answers
INSERT INTO canned_answers SELECT * FROM jsonb_populate_recordset(NULL::canned_answers, $1::jsonb -> 'canned_answers');

-- name: arrive_brands
INSERT INTO brands SELECT * FROM jsonb_populate_recordset(NULL::brands, $1::jsonb -> 'brands');

-- name: arrive_consents
INSERT INTO consents SELECT * FROM jsonb_populate_recordset(NULL::consents, $1::jsonb -> 'consents');

-- name: arrive_consented
INSERT INTO consented SELECT * FROM jsonb_populate_recordset(NULL::consented, $1::jsonb -> 'consented');

-- name: arrive_consent_requests
INSERT INTO consent_requests SELECT * FROM jsonb_populate_recordset(NULL::consent_requests, $1::jsonb -> 'consent_requests');

-- name: arrive_suppression_lists
INSERT INTO suppression_lists SELECT * FROM jsonb_populate_recordset(NULL::suppression_lists, $1::jsonb -> 'suppression_lists');

-- name: arrive_suppressions
INSERT INTO suppressions SELECT * FROM jsonb_populate_recordset(NULL::suppressions, $1::jsonb -> 'suppressions');

-- name: arrive_consent_words
INSERT INTO consent_words SELECT * FROM jsonb_populate_recordset(NULL::consent_words, $1::jsonb -> 'consent_words');

-- name: arrive_consent_texts
INSERT INTO consent_texts SELECT * FROM jsonb_populate_recordset(NULL::consent_texts, $1::jsonb -> 'consent_texts');

-- name: arrive_policies
INSERT INTO policies SELECT * FROM jsonb_populate_recordset(NULL::policies, $1::jsonb -> 'policies');

-- name: arrive_frequency
INSERT INTO frequency SELECT * FROM jsonb_populate_recordset(NULL::frequency, $1::jsonb -> 'frequency');

-- name: arrive_templates
INSERT INTO templates SELECT * FROM jsonb_populate_recordset(NULL::templates, $1::jsonb -> 'templates');

-- name: arrive_template_versions
INSERT INTO template_versions
SELECT * FROM jsonb_populate_recordset(NULL::template_versions, $1::jsonb -> 'template_versions');

-- name: arrive_flows
INSERT INTO flows SELECT * FROM jsonb_populate_recordset(NULL::flows, $1::jsonb -> 'flows');

-- name: arrive_flow_versions
INSERT INTO flow_versions SELECT * FROM jsonb_populate_recordset(NULL::flow_versions, $1::jsonb -> 'flow_versions');

-- name: arrive_flow_runs
INSERT INTO flow_runs SELECT * FROM jsonb_populate_recordset(NULL::flow_runs, $1::jsonb -> 'flow_runs');

-- name: arrive_flow_steps
INSERT INTO flow_steps SELECT * FROM jsonb_populate_recordset(NULL::flow_steps, $1::jsonb -> 'flow_steps');

-- name: arrive_schedules
INSERT INTO schedules SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'schedules') AS t,
  LATERAL jsonb_populate_record(NULL::schedules, '{"seq": 0, "reason": ""}'::jsonb || t.value) AS r;

-- name: arrive_schedule_parts
INSERT INTO schedule_parts SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'schedule_parts') AS t,
  LATERAL jsonb_populate_record(NULL::schedule_parts, '{"kind": "numbers", "cursor": "", "since": 0}'::jsonb || t.value)
    AS r;

-- name: arrive_schedule_outcomes
INSERT INTO schedule_outcomes SELECT * FROM jsonb_populate_recordset(NULL::schedule_outcomes,
  $1::jsonb -> 'schedule_outcomes');

-- name: arrive_conversations
INSERT INTO conversations SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'conversations') AS t,
  LATERAL jsonb_populate_record(NULL::conversations, '{"state": "open", "state_at": 0, "assignee": "", "assigned_at": 0,
    "tags": "[]", "waits_from": 0, "away_at": 0, "asked_at": 0, "rating": 0, "rated_at": 0, "seq": 0}'::jsonb || t.value)
    AS r
ON CONFLICT DO NOTHING;

-- name: arrive_conversation_notes
INSERT INTO conversation_notes SELECT * FROM jsonb_populate_recordset(NULL::conversation_notes, $1::jsonb -> 'conversation_notes')
ON CONFLICT DO NOTHING;

-- name: arrive_conversation_days
INSERT INTO conversation_days SELECT * FROM jsonb_populate_recordset(NULL::conversation_days, $1::jsonb -> 'conversation_days')
ON CONFLICT DO NOTHING;

-- name: arrive_desks
INSERT INTO desks SELECT * FROM jsonb_populate_recordset(NULL::desks, $1::jsonb -> 'desks')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_services
INSERT INTO verify_services
SELECT * FROM jsonb_populate_recordset(NULL::verify_services, $1::jsonb -> 'verify_services')
ON CONFLICT DO NOTHING;

-- name: arrive_verifications
INSERT INTO verifications SELECT * FROM jsonb_populate_recordset(NULL::verifications, $1::jsonb -> 'verifications')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_attempts
INSERT INTO verify_attempts SELECT r.* FROM jsonb_array_elements($1::jsonb -> 'verify_attempts') AS packed,
  jsonb_populate_record(NULL::verify_attempts, jsonb_build_object('state', '', 'reason', '', 'reference', '',
    'moved_on', '', 'tries', 0, 'seq', 0) || packed) AS r
ON CONFLICT DO NOTHING;

-- name: arrive_verify_numbers
INSERT INTO verify_numbers SELECT * FROM jsonb_populate_recordset(NULL::verify_numbers, $1::jsonb -> 'verify_numbers')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_counts
INSERT INTO verify_counts SELECT * FROM jsonb_populate_recordset(NULL::verify_counts, $1::jsonb -> 'verify_counts')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_channel_counts
INSERT INTO verify_channel_counts
SELECT * FROM jsonb_populate_recordset(NULL::verify_channel_counts, $1::jsonb -> 'verify_channel_counts')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_rate_limits
INSERT INTO verify_rate_limits
SELECT * FROM jsonb_populate_recordset(NULL::verify_rate_limits, $1::jsonb -> 'verify_rate_limits')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_buckets
INSERT INTO verify_buckets SELECT * FROM jsonb_populate_recordset(NULL::verify_buckets, $1::jsonb -> 'verify_buckets')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_bucket_counts
INSERT INTO verify_bucket_counts
SELECT * FROM jsonb_populate_recordset(NULL::verify_bucket_counts, $1::jsonb -> 'verify_bucket_counts')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_blocks
INSERT INTO verify_blocks SELECT * FROM jsonb_populate_recordset(NULL::verify_blocks, $1::jsonb -> 'verify_blocks')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_safe
INSERT INTO verify_safe SELECT * FROM jsonb_populate_recordset(NULL::verify_safe, $1::jsonb -> 'verify_safe')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_entities
INSERT INTO verify_entities SELECT * FROM jsonb_populate_recordset(NULL::verify_entities, $1::jsonb -> 'verify_entities')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_factors
INSERT INTO verify_factors SELECT * FROM jsonb_populate_recordset(NULL::verify_factors, $1::jsonb -> 'verify_factors')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_challenges
INSERT INTO verify_challenges SELECT * FROM jsonb_populate_recordset(NULL::verify_challenges, $1::jsonb -> 'verify_challenges')
ON CONFLICT DO NOTHING;

-- name: arrive_verify_guesses
INSERT INTO verify_guesses SELECT * FROM jsonb_populate_recordset(NULL::verify_guesses, $1::jsonb -> 'verify_guesses')
ON CONFLICT DO NOTHING;

-- name: arrive_usage_figures
INSERT INTO usage_figures SELECT * FROM jsonb_populate_recordset(NULL::usage_figures, $1::jsonb -> 'usage_figures')
ON CONFLICT (account_id, test, hours, starts_at, direction, message_class, country, carrier_id, currency)
DO UPDATE SET
  accepted = usage_figures.accepted + excluded.accepted, sent = usage_figures.sent + excluded.sent,
  delivered = usage_figures.delivered + excluded.delivered,
  undelivered = usage_figures.undelivered + excluded.undelivered, failed = usage_figures.failed + excluded.failed,
  expired = usage_figures.expired + excluded.expired, rejected = usage_figures.rejected + excluded.rejected,
  canceled = usage_figures.canceled + excluded.canceled, unknown = usage_figures.unknown + excluded.unknown,
  in_doubt = usage_figures.in_doubt + excluded.in_doubt, received = usage_figures.received + excluded.received,
  segments = usage_figures.segments + excluded.segments,
  charged_micros = usage_figures.charged_micros + excluded.charged_micros,
  took_ms = usage_figures.took_ms + excluded.took_ms, took_1 = usage_figures.took_1 + excluded.took_1,
  took_2 = usage_figures.took_2 + excluded.took_2, took_3 = usage_figures.took_3 + excluded.took_3,
  took_4 = usage_figures.took_4 + excluded.took_4, took_5 = usage_figures.took_5 + excluded.took_5,
  took_6 = usage_figures.took_6 + excluded.took_6, took_7 = usage_figures.took_7 + excluded.took_7,
  took_8 = usage_figures.took_8 + excluded.took_8, took_9 = usage_figures.took_9 + excluded.took_9,
  took_10 = usage_figures.took_10 + excluded.took_10, took_11 = usage_figures.took_11 + excluded.took_11,
  took_12 = usage_figures.took_12 + excluded.took_12;

-- name: arrive_queue
WITH live AS (SELECT m.id FROM jsonb_array_elements($1::jsonb -> 'queue') AS row
    JOIN messages AS m ON m.id = row.value ->> 'message_id' WHERE m.state = 'queued' FOR UPDATE OF m),
  placed AS (SELECT q.lane, q.priority, q.message_id, q.expires_at, COALESCE((
      SELECT MAX(other.rank) FROM queue AS other WHERE other.lane = q.lane AND other.priority = q.priority
    ), 0) AS rank
    FROM jsonb_populate_recordset(NULL::queue, $1::jsonb -> 'queue') AS q JOIN live ON live.id = q.message_id),
  ranked AS (UPDATE messages SET rank = placed.rank FROM placed WHERE messages.id = placed.message_id)
INSERT INTO queue (lane, priority, rank, message_id, expires_at)
SELECT lane, priority, rank, message_id, expires_at FROM placed ON CONFLICT DO NOTHING;

-- name: arrive_schedule
WITH live AS (SELECT m.id FROM jsonb_array_elements($1::jsonb -> 'schedule') AS row
    JOIN messages AS m ON m.id = row.value ->> 'message_id' WHERE m.state = 'scheduled' FOR UPDATE OF m)
INSERT INTO schedule SELECT s.* FROM jsonb_populate_recordset(NULL::schedule, $1::jsonb -> 'schedule') AS s
JOIN live ON live.id = s.message_id ON CONFLICT DO NOTHING;

-- name: arrive_deadlines
INSERT INTO deadlines SELECT * FROM jsonb_populate_recordset(NULL::deadlines, $1::jsonb -> 'deadlines')
ON CONFLICT (message_id) DO NOTHING;

-- name: moved_events_purge
DELETE FROM events_moved WHERE position IN (SELECT position FROM events_moved WHERE created_at < $1 LIMIT $2);
