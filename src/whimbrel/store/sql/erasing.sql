-- What is known of a person in the rows of products, found by the number and erased. Messages have statements of their own.
--
-- | statement | gives or does |
-- | --- | --- |
-- | verifications_to_erase (account_id, test, recipient, limit) | id, status |
-- | verification_erase (id, at) | number, details and own code of one that has ended |
-- | flow_runs_to_erase (account_id, test, phone_hash, limit) | id, state of runs that still have a phone |
-- | hook_payloads_erase (message_ids) | what calls held that these messages or runs came of |
-- | hook_outcomes_erase (message_ids) | what senders called the events of these |
-- | factors_to_erase (service_id, test, digits, limit) | id, details of factors whose name or metadata have the digits |
-- | factor_erase (id, details, at) | the name goes |
-- | challenges_erase (service_id, test, digits, at) | metadata that have the digits go |
-- | hook_latest_erase (account_id, names) | the newest events of these subjects |
-- | import_errors_erase (account_id, digits) | values of faulty rows that have the digits go |
-- | saved_views_erase (user_ids, digits) | views that these people saved by the digits |
-- | conversation_tags_erase (account_id, test, their_hash) | tags of conversations with the person |
-- | schedule_part_recipients (schedule_id, part, recipients) | |
-- | schedule_fewer (id, removed, at) | so many recipients less |

-- name: verifications_to_erase
SELECT id, status FROM verifications WHERE account_id = $1 AND test = $2 AND recipient = $3 ORDER BY id LIMIT $4;

-- name: verification_erase
UPDATE verifications SET recipient = '', details = '{}', custom = NULL, updated_at = $2
WHERE id = $1 AND status <> 'pending';

-- name: flow_runs_to_erase
SELECT id, state FROM flow_runs WHERE account_id = $1 AND test = $2 AND phone_hash = $3 AND phone_hash <> 0 AND phone <> ''
LIMIT $4;

-- name: hook_payloads_erase
UPDATE hook_calls SET payload = NULL
WHERE id IN (SELECT call_id FROM hook_outcomes WHERE message_id = ANY($1));

-- name: hook_outcomes_erase
UPDATE hook_outcomes SET event_id = '', detail = '' WHERE message_id = ANY($1);

-- name: factors_to_erase
SELECT f.id, f.details FROM verify_entities AS e JOIN verify_factors AS f ON f.entity_id = e.id
WHERE e.service_id = $1 AND e.test = $2 AND (f.name LIKE '%' || $3 || '%' OR f.details LIKE '%' || $3 || '%') LIMIT $4;

-- name: factor_erase
UPDATE verify_factors SET name = '', details = $2, updated_at = $3 WHERE id = $1;

-- name: challenges_erase
UPDATE verify_challenges SET metadata = 'null', updated_at = $4
WHERE entity_id IN (SELECT id FROM verify_entities WHERE service_id = $1 AND test = $2) AND metadata LIKE '%' || $3 || '%';

-- name: hook_latest_erase
DELETE FROM hook_latest WHERE hook_id IN (SELECT id FROM hooks WHERE account_id = $1) AND subject = ANY($2);

-- name: import_errors_erase
UPDATE contact_import_errors SET value = ''
WHERE import_id IN (SELECT id FROM contact_imports WHERE account_id = $1) AND value LIKE '%' || $2 || '%';

-- name: saved_views_erase
DELETE FROM saved_views WHERE user_id = ANY($1) AND query LIKE '%' || $2 || '%';

-- name: conversation_tags_erase
UPDATE conversations SET tags = '[]' WHERE account_id = $1 AND test = $2 AND their_hash = $3 AND tags <> '[]';

-- name: schedule_part_recipients
UPDATE schedule_parts SET recipients = $3 WHERE schedule_id = $1 AND part = $2;

-- name: schedule_fewer
UPDATE schedules SET recipients = recipients - $2, updated_at = $3 WHERE id = $1;
