-- Verify. Columns of whole rows are in the order of the structs of `domain/verify.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | verify_service_insert, verify_service_set (id, name, settings, at, before: changes a row where it was last changed then), verify_service_delete (id) | |
-- | verify_service_by_id (account_id, id), verify_services_page (account_id, before_id, limit), verify_services_count (account_id) | |
-- | verify_number (account_id, test, number_hash) | what is counted of a number |
-- | verify_number_turn (account_id, test, number_hash, version, failures, sends, at) | the next version, where the one before it stands; else nothing |
-- | verify_numbers_purge (before, limit) | those that nothing was counted of since, removed |
-- | verification_insert | a row of `Verification` |
-- | verification_set (id, status, checks, sends, custom, seq, at, next_send_at, ended_at, channel) | what changes of one |
-- | verification_by_id (account_id, test, service_id, id) | the whole row |
-- | verifications_by_ids (ids) | whole rows |
-- | verification_of_number (account_id, test, service_id, number_hash) | the newest of a number |
-- | verifications_of_service (account_id, service_id, test, before_id, from_id, status, country, limit) | whole rows, newest first, or oldest (verifications_of_service_oldest: the same bounds); an empty status or country: any |
-- | verifications_to_number, verifications_to_number_oldest (account_id, service_id, test, number_hash, before_id or after_id, status, country, limit) | the same |
-- | verifications_stretch (account_id, service_id, test, before_id, limit) | how many stand before an id, at most so many, and the oldest of them |
-- | verifications_stretch_oldest (the same) | how many stand after an id, and the newest of them |
-- | verifications_between (account_id, test, first, last, from_id) | numbers of this range that were texted since |
-- | verifications_overdue (now, limit) | whole rows of pending ones whose time is over |
-- | verifications_purge, verify_attempts_purge (before_id, limit) | older ones removed |
-- | verify_attempt_insert | a row of `SendAttempt` |
-- | verify_attempt_set (id, seq, state, reason, reference, moved_on, tries, due_at) | what changes of one, where the version before `seq` stands; else nothing |
-- | verify_attempts_due (now, limit) | whole rows of those that something is to be done about, the longest due first |
-- | verify_attempts_converted (verification_id, at) | the newest one of a verification brought the code |
-- | verify_attempt_any (id) | the whole row, whosever |
-- | verify_attempt_by_id (account_id, test, id), verify_attempts_page, verify_attempts_page_oldest (account_id, test, before_id, from_id, limit) | whole rows |
-- | verify_attempts_of (account_id, verification_id) | whole rows, oldest first |
-- | verify_count (account_id, test, slot, prefix, service_id, country, starts, sends, approvals) | added; row by row (hence the CAST): of many rows in one statement PostgreSQL would take one for each key |
-- | verify_counted (account_id, test, prefix, slot) | starts, approvals since a slot |
-- | verify_country_approvals (account_id, test, country, limit) | how many were approved in a country, row by row, of so many rows that have some |
-- | verify_country_starts (account_id, test, country, slot) | how many were begun there since a slot |
-- | verify_summary (account_id, test, from, to) | country, prefix, service_id, starts, sends, approvals |
-- | verify_channel_count (account_id, test, slot, channel, service_id, sends, failures, approvals) | added, row by row as `verify_count` |
-- | verify_channel_summary (account_id, test, from, to) | channel, service_id, sends, failures, approvals |
-- | verify_counts_purge, verify_channel_counts_purge (before_slot, limit) | |
-- | verify_rate_limit_insert, verify_rate_limit_set (id, name, description, at), verify_rate_limit_delete (id), verify_rate_limit_by_id (account_id, id), verify_rate_limits_of (account_id, service_id) | |
-- | verify_bucket_insert, verify_bucket_set (id, max, interval_s, at), verify_bucket_delete (id), verify_buckets_of (account_id, rate_limit_ids), verify_buckets_delete_of (rate_limit_id) | |
-- | verify_bucket_take (bucket_id, key_hash, account_id, now, ends_at, max) | one more start, where there is room; else nothing |
-- | verify_bucket_counted (bucket_ids, key_hashes) | bucket_id, key_hash, count, ends_at |
-- | verify_bucket_counts_purge (before, limit) | |
-- | verify_block_insert, verify_block_lift (id, at, by, quiet_until, seq) | |
-- | verify_block_by_id (account_id, test, id), verify_blocks_page, verify_blocks_page_oldest (account_id, test, before_id or after_id, limit) | whole rows |
-- | verify_blocks_of (account_id, test, values, from_id) | whole rows of these values, newest first |
-- | verify_safe_insert, verify_safe_delete (account_id, id), verify_safe_by_hash (account_id, number_hash), verify_safe_by_id (account_id, id), verify_safe_page (account_id, before_id, limit) | |

-- name: verify_service_insert
INSERT INTO verify_services (id, account_id, name, settings, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: verify_service_set
UPDATE verify_services SET name = $2, settings = $3, updated_at = $4 WHERE id = $1 AND updated_at = $5;

-- name: verify_service_delete
DELETE FROM verify_services WHERE id = $1;

-- name: verify_service_by_id
SELECT id, account_id, name, settings, created_at, updated_at FROM verify_services WHERE id = $2 AND account_id = $1;

-- name: verify_services_page
SELECT id, account_id, name, settings, created_at, updated_at FROM verify_services
WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: verify_services_count
SELECT COUNT(*) FROM verify_services WHERE account_id = $1;

-- name: verify_number
SELECT version, failures, sends FROM verify_numbers WHERE account_id = $1 AND test = $2 AND number_hash = $3;

-- name: verify_number_turn
INSERT INTO verify_numbers (account_id, test, number_hash, version, failures, sends, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, test, number_hash) DO UPDATE SET version = excluded.version, failures = excluded.failures,
  sends = excluded.sends, updated_at = excluded.updated_at WHERE verify_numbers.version = excluded.version - 1;

-- name: verify_numbers_purge
DELETE FROM verify_numbers WHERE (account_id, test, number_hash) IN (
  SELECT account_id, test, number_hash FROM verify_numbers WHERE updated_at < $1 ORDER BY updated_at LIMIT $2
);

-- name: verification_insert
INSERT INTO verifications (id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language,
  status, generation, checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22);

-- name: verification_set
UPDATE verifications SET status = $2, checks = $3, sends = $4, custom = $5, seq = $6, updated_at = $7, next_send_at = $8,
  ended_at = $9, channel = $10 WHERE id = $1;

-- name: verification_by_id
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE id = $4 AND account_id = $1 AND test = $2 AND service_id = $3;

-- name: verifications_by_ids
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE id = ANY($1);

-- name: verification_of_number
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE account_id = $1 AND service_id = $3 AND test = $2 AND number_hash = $4 ORDER BY id DESC LIMIT 1;

-- name: verifications_of_service (both ways)
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE account_id = $1 AND service_id = $2 AND test = $3 AND id < $4 AND id >= $5
  AND ($6 = '' OR status = $6) AND ($7 = '' OR country = $7)
ORDER BY id DESC LIMIT $8;

-- name: verifications_to_number (both ways)
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE account_id = $1 AND service_id = $2 AND test = $3 AND number_hash = $4 AND id < $5
  AND ($6 = '' OR status = $6) AND ($7 = '' OR country = $7)
ORDER BY id DESC LIMIT $8;

-- name: verifications_stretch
SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
  SELECT id FROM verifications WHERE account_id = $1 AND service_id = $2 AND test = $3 AND id < $4
  ORDER BY id DESC LIMIT $5
) AS stretch;

-- name: verifications_stretch_oldest
SELECT COUNT(*), COALESCE(MAX(id), '') FROM (
  SELECT id FROM verifications WHERE account_id = $1 AND service_id = $2 AND test = $3 AND id > $4
  ORDER BY id LIMIT $5
) AS stretch;

-- name: verifications_between
SELECT DISTINCT recipient FROM verifications
WHERE account_id = $1 AND test = $2 AND recipient >= $3 AND recipient <= $4 AND id >= $5;

-- name: verifications_overdue
SELECT id, account_id, test, service_id, recipient, number_hash, country, prefix, channel, language, status, generation,
  checks, sends, custom, details, seq, created_at, updated_at, expires_at, next_send_at, ended_at
FROM verifications WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2;

-- name: verifications_purge
DELETE FROM verifications WHERE id IN (
  SELECT id FROM verifications WHERE id < $1 AND status <> 'pending' ORDER BY id LIMIT $2
);

-- name: verify_attempts_purge
DELETE FROM verify_attempts WHERE id IN (SELECT id FROM verify_attempts WHERE id < $1 ORDER BY id LIMIT $2);

-- name: verify_attempt_insert
INSERT INTO verify_attempts (id, account_id, test, service_id, verification_id, channel, message_id, country, prefix,
  created_at, converted_at, state, reason, reference, moved_on, tries, seq, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: verify_attempt_set
UPDATE verify_attempts SET state = $3, reason = $4, reference = $5, moved_on = $6, tries = $7, due_at = $8, seq = $2
WHERE id = $1 AND seq = $2 - 1;

-- name: verify_attempts_due
SELECT id, account_id, test, service_id, verification_id, channel, message_id, country, prefix, created_at, converted_at,
  state, reason, reference, moved_on, tries, seq, due_at
FROM verify_attempts WHERE due_at <= $1 ORDER BY due_at LIMIT $2;

-- name: verify_attempts_converted
UPDATE verify_attempts SET converted_at = $2
WHERE id = (SELECT MAX(id) FROM verify_attempts WHERE verification_id = $1 AND state <> 'refused');

-- name: verify_attempt_by_id
SELECT id, account_id, test, service_id, verification_id, channel, message_id, country, prefix, created_at, converted_at,
  state, reason, reference, moved_on, tries, seq, due_at
FROM verify_attempts WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: verify_attempt_any
SELECT id, account_id, test, service_id, verification_id, channel, message_id, country, prefix, created_at, converted_at,
  state, reason, reference, moved_on, tries, seq, due_at
FROM verify_attempts WHERE id = $1;

-- name: verify_attempts_page (both ways)
SELECT id, account_id, test, service_id, verification_id, channel, message_id, country, prefix, created_at, converted_at,
  state, reason, reference, moved_on, tries, seq, due_at
FROM verify_attempts WHERE account_id = $1 AND test = $2 AND id < $3 AND id >= $4 ORDER BY id DESC LIMIT $5;

-- name: verify_attempts_of
SELECT id, account_id, test, service_id, verification_id, channel, message_id, country, prefix, created_at, converted_at,
  state, reason, reference, moved_on, tries, seq, due_at
FROM verify_attempts WHERE verification_id = $2 AND account_id = $1 ORDER BY id;

-- name: verify_count
INSERT INTO verify_counts (account_id, test, slot, prefix, service_id, country, starts, sends, approvals)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CAST($9 AS bigint))
ON CONFLICT (account_id, test, slot, prefix, service_id) DO UPDATE SET starts = verify_counts.starts + excluded.starts,
  sends = verify_counts.sends + excluded.sends, approvals = verify_counts.approvals + excluded.approvals;

-- name: verify_counted
SELECT CAST(COALESCE(SUM(starts), 0) AS bigint), CAST(COALESCE(SUM(approvals), 0) AS bigint) FROM verify_counts
WHERE account_id = $1 AND test = $2 AND prefix = $3 AND slot >= $4;

-- name: verify_country_approvals
SELECT approvals FROM verify_counts WHERE account_id = $1 AND test = $2 AND country = $3 AND approvals > 0 LIMIT $4;

-- name: verify_country_starts
SELECT CAST(COALESCE(SUM(starts), 0) AS bigint) FROM verify_counts
WHERE account_id = $1 AND test = $2 AND country = $3 AND slot >= $4;

-- name: verify_summary
SELECT country, prefix, service_id, CAST(SUM(starts) AS bigint), CAST(SUM(sends) AS bigint),
  CAST(SUM(approvals) AS bigint)
FROM verify_counts
WHERE account_id = $1 AND test = $2 AND slot >= $3 AND slot <= $4 GROUP BY country, prefix, service_id
ORDER BY country, prefix, service_id;

-- name: verify_counts_purge
DELETE FROM verify_counts WHERE (account_id, test, slot, prefix, service_id) IN (
  SELECT account_id, test, slot, prefix, service_id FROM verify_counts WHERE slot < $1 ORDER BY slot LIMIT $2
);

-- name: verify_channel_count
INSERT INTO verify_channel_counts (account_id, test, slot, channel, service_id, sends, failures, approvals)
VALUES ($1, $2, $3, $4, $5, $6, $7, CAST($8 AS bigint))
ON CONFLICT (account_id, test, slot, channel, service_id) DO UPDATE SET
  sends = verify_channel_counts.sends + excluded.sends, failures = verify_channel_counts.failures + excluded.failures,
  approvals = verify_channel_counts.approvals + excluded.approvals;

-- name: verify_channel_summary
SELECT channel, service_id, CAST(SUM(sends) AS bigint), CAST(SUM(failures) AS bigint), CAST(SUM(approvals) AS bigint)
FROM verify_channel_counts WHERE account_id = $1 AND test = $2 AND slot >= $3 AND slot <= $4
GROUP BY channel, service_id ORDER BY channel, service_id;

-- name: verify_channel_counts_purge
DELETE FROM verify_channel_counts WHERE (account_id, test, slot, channel, service_id) IN (
  SELECT account_id, test, slot, channel, service_id FROM verify_channel_counts WHERE slot < $1 ORDER BY slot LIMIT $2
);

-- name: verify_rate_limit_insert
INSERT INTO verify_rate_limits (id, account_id, service_id, name, description, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: verify_rate_limit_set
UPDATE verify_rate_limits SET name = $2, description = $3, updated_at = $4 WHERE id = $1;

-- name: verify_rate_limit_delete
DELETE FROM verify_rate_limits WHERE id = $1;

-- name: verify_rate_limit_by_id
SELECT id, account_id, service_id, name, description, created_at, updated_at FROM verify_rate_limits
WHERE id = $2 AND account_id = $1;

-- name: verify_rate_limits_of
SELECT id, account_id, service_id, name, description, created_at, updated_at FROM verify_rate_limits
WHERE account_id = $1 AND service_id = $2 ORDER BY name;

-- name: verify_bucket_insert
INSERT INTO verify_buckets (id, account_id, rate_limit_id, max, interval_s, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: verify_bucket_set
UPDATE verify_buckets SET max = $2, interval_s = $3, updated_at = $4 WHERE id = $1;

-- name: verify_bucket_delete
DELETE FROM verify_buckets WHERE id = $1;

-- name: verify_buckets_delete_of
DELETE FROM verify_buckets WHERE rate_limit_id = $1;

-- name: verify_buckets_of
SELECT id, account_id, rate_limit_id, max, interval_s, created_at, updated_at FROM verify_buckets
WHERE rate_limit_id = ANY($2) AND account_id = $1 ORDER BY id;

-- name: verify_bucket_take
INSERT INTO verify_bucket_counts (bucket_id, key_hash, account_id, started_at, ends_at, count)
VALUES ($1, $2, $3, $4, $5, 1)
ON CONFLICT (bucket_id, key_hash) DO UPDATE SET
  count = CASE WHEN verify_bucket_counts.ends_at <= excluded.started_at THEN 1 ELSE verify_bucket_counts.count + 1 END,
  ends_at = CASE WHEN verify_bucket_counts.ends_at <= excluded.started_at THEN excluded.ends_at
    ELSE verify_bucket_counts.ends_at END
WHERE verify_bucket_counts.ends_at <= excluded.started_at OR verify_bucket_counts.count < $6;

-- name: verify_bucket_counted
SELECT bucket_id, key_hash, count, ends_at FROM verify_bucket_counts
WHERE bucket_id = ANY($1) AND key_hash = ANY($2);

-- name: verify_bucket_counts_purge
DELETE FROM verify_bucket_counts WHERE (bucket_id, key_hash) IN (
  SELECT bucket_id, key_hash FROM verify_bucket_counts WHERE ends_at < $1 ORDER BY ends_at LIMIT $2
);

-- name: verify_block_insert
INSERT INTO verify_blocks (id, account_id, test, kind, value, country, reason, evidence, seq, created_at, ends_at,
  lifted_at, lifted_by, quiet_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: verify_block_lift
UPDATE verify_blocks SET lifted_at = $2, lifted_by = $3, quiet_until = $4, seq = $5 WHERE id = $1;

-- name: verify_block_by_id
SELECT id, account_id, test, kind, value, country, reason, evidence, seq, created_at, ends_at, lifted_at, lifted_by,
  quiet_until
FROM verify_blocks WHERE id = $3 AND account_id = $1 AND test = $2;

-- name: verify_blocks_page (both ways)
SELECT id, account_id, test, kind, value, country, reason, evidence, seq, created_at, ends_at, lifted_at, lifted_by,
  quiet_until
FROM verify_blocks WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: verify_blocks_of
SELECT id, account_id, test, kind, value, country, reason, evidence, seq, created_at, ends_at, lifted_at, lifted_by,
  quiet_until
FROM verify_blocks WHERE account_id = $1 AND test = $2 AND value = ANY($3) AND id >= $4 ORDER BY id DESC;

-- name: verify_safe_insert
INSERT INTO verify_safe (id, account_id, number_hash, masked, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, number_hash) DO NOTHING;

-- name: verify_safe_delete
DELETE FROM verify_safe WHERE id = $2 AND account_id = $1;

-- name: verify_safe_by_hash
SELECT id, account_id, number_hash, masked, created_at FROM verify_safe WHERE account_id = $1 AND number_hash = $2;

-- name: verify_safe_by_id
SELECT id, account_id, number_hash, masked, created_at FROM verify_safe WHERE id = $2 AND account_id = $1;

-- name: verify_safe_page
SELECT id, account_id, number_hash, masked, created_at FROM verify_safe
WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;
