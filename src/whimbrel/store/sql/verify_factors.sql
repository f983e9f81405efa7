-- Factors of people. Columns of whole rows are in the order of the structs of `domain/factors.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | verify_entity_insert | a row of `Entity` |
-- | verify_entity_by_identity (account_id, test, service_id, identity) | the whole row |
-- | verify_entities_page (account_id, test, service_id, before_id, limit) | whole rows, newest first |
-- | verify_entities_of_service (account_id, service_id, limit) | ids, whatever their mode |
-- | verify_entities_delete, verify_factors_delete_of, verify_challenges_delete_of (account_id, entity_ids) | people of a service that goes, and what is theirs |
-- | verify_factor_insert | a row of `Factor` |
-- | verify_factor_set (id, status, last_step, seq, at, verified_at), verify_factor_rename (id, name, at), verify_factor_delete (id) | |
-- | verify_factor_by_id (account_id, test, entity_id, id) | the whole row |
-- | verify_factors_of (account_id, entity_id) | whole rows, newest first |
-- | verify_factors_of_people (account_id, entity_ids) | whole rows |
-- | verify_factors_abandoned (before, limit) | those that nobody has confirmed, removed |
-- | verify_challenge_insert | a row of `Challenge` |
-- | verify_challenge_set (id, status, reason, seq, at, responded_at) | |
-- | verify_challenge_by_id (account_id, test, entity_id, id) | the whole row |
-- | verify_challenges_page, verify_challenges_page_oldest (account_id, entity_id, factor_id or empty, status or empty, now, before_id, limit) | whole rows, newest first; oldest first |
-- | verify_challenges_purge (before_id, limit) | older ones removed |
-- | verify_guesses (account_id, test, owner_hash) | what is counted of a person |
-- | verify_guesses_turn (account_id, test, owner_hash, version, failures, waits_until, at) | the next version, where the one before it stands; else nothing |
-- | verify_guesses_purge (before, long_before, limit) | those of nobody who has failed since, and those that nothing was counted of since long, removed |

-- name: verify_entity_insert
INSERT INTO verify_entities (id, account_id, test, service_id, identity, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: verify_entity_by_identity
SELECT id, account_id, test, service_id, identity, created_at, updated_at FROM verify_entities
WHERE service_id = $3 AND test = $2 AND identity = $4 AND account_id = $1;

-- name: verify_entities_page
SELECT id, account_id, test, service_id, identity, created_at, updated_at FROM verify_entities
WHERE service_id = $3 AND test = $2 AND id < $4 AND account_id = $1 ORDER BY id DESC LIMIT $5;

-- name: verify_entities_of_service
SELECT id FROM verify_entities WHERE service_id = $2 AND account_id = $1 LIMIT $3;

-- name: verify_entities_delete
DELETE FROM verify_entities WHERE id = ANY($2) AND account_id = $1;

-- name: verify_factors_delete_of
DELETE FROM verify_factors WHERE entity_id = ANY($2) AND account_id = $1;

-- name: verify_challenges_delete_of
DELETE FROM verify_challenges WHERE entity_id = ANY($2) AND account_id = $1;

-- name: verify_factor_insert
INSERT INTO verify_factors (id, account_id, test, service_id, entity_id, kind, name, status, secret, details, last_step,
  seq, created_at, updated_at, verified_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: verify_factor_set
UPDATE verify_factors SET status = $2, last_step = $3, seq = $4, updated_at = $5, verified_at = $6 WHERE id = $1;

-- name: verify_factor_rename
UPDATE verify_factors SET name = $2, updated_at = $3 WHERE id = $1;

-- name: verify_factor_delete
DELETE FROM verify_factors WHERE id = $1;

-- name: verify_factor_by_id
SELECT id, account_id, test, service_id, entity_id, kind, name, status, secret, details, last_step, seq, created_at,
  updated_at, verified_at
FROM verify_factors WHERE id = $4 AND entity_id = $3 AND account_id = $1 AND test = $2;

-- name: verify_factors_of
SELECT id, account_id, test, service_id, entity_id, kind, name, status, secret, details, last_step, seq, created_at,
  updated_at, verified_at
FROM verify_factors WHERE entity_id = $2 AND account_id = $1 ORDER BY id DESC;

-- name: verify_factors_of_people
SELECT id, account_id, test, service_id, entity_id, kind, name, status, secret, details, last_step, seq, created_at,
  updated_at, verified_at
FROM verify_factors WHERE entity_id = ANY($2) AND account_id = $1 ORDER BY entity_id, id;

-- name: verify_factors_abandoned
DELETE FROM verify_factors WHERE id IN (
  SELECT id FROM verify_factors WHERE status = 'unverified' AND created_at < $1 ORDER BY created_at LIMIT $2
);

-- name: verify_challenge_insert
INSERT INTO verify_challenges (id, account_id, test, service_id, entity_id, factor_id, status, reason, metadata, seq,
  created_at, updated_at, expires_at, responded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: verify_challenge_set
UPDATE verify_challenges SET status = $2, reason = $3, seq = $4, updated_at = $5, responded_at = $6 WHERE id = $1;

-- name: verify_challenge_by_id
SELECT id, account_id, test, service_id, entity_id, factor_id, status, reason, metadata, seq, created_at, updated_at,
  expires_at, responded_at
FROM verify_challenges WHERE id = $4 AND entity_id = $3 AND account_id = $1 AND test = $2;

-- name: verify_challenges_page (both ways)
SELECT id, account_id, test, service_id, entity_id, factor_id, status, reason, metadata, seq, created_at, updated_at,
  expires_at, responded_at
FROM verify_challenges
WHERE entity_id = $2 AND account_id = $1 AND (CAST($3 AS TEXT) = '' OR factor_id = $3)
  AND (CAST($4 AS TEXT) = ''
    OR CASE WHEN status = 'pending' AND expires_at <= $5 THEN 'expired' ELSE status END = CAST($4 AS TEXT))
  AND id < $6
ORDER BY id DESC LIMIT $7;

-- name: verify_challenges_purge
DELETE FROM verify_challenges WHERE id IN (SELECT id FROM verify_challenges WHERE id < $1 ORDER BY id LIMIT $2);

-- name: verify_guesses
SELECT version, failures, waits_until FROM verify_guesses WHERE account_id = $1 AND test = $2 AND owner_hash = $3;

-- name: verify_guesses_turn
INSERT INTO verify_guesses (account_id, test, owner_hash, version, failures, waits_until, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, test, owner_hash) DO UPDATE SET version = excluded.version, failures = excluded.failures,
  waits_until = excluded.waits_until, updated_at = excluded.updated_at
WHERE verify_guesses.version = excluded.version - 1;

-- name: verify_guesses_purge
DELETE FROM verify_guesses WHERE (account_id, test, owner_hash) IN (
  SELECT account_id, test, owner_hash FROM verify_guesses
  WHERE updated_at < $1 AND (failures = 0 OR updated_at < $2) ORDER BY updated_at LIMIT $3
);
