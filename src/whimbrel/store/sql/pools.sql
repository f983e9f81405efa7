-- Sender pools, the turns of numbers that have a rate, and where inbound texts are posted. Columns of whole rows are in
-- the order of `Pool`, `Member`, `InboundUrl`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | pool_insert | a row of `Pool` |
-- | pools_all | whole rows |
-- | pool_by_id (id, account_id) | the whole row |
-- | pools_page (account_id, before_id, limit, name) | whole rows, newest first; NULL: any name |
-- | pool_update (id, name, is_default, settings, at) | |
-- | pools_unmark (account_id, id, at) | all others are the default no more |
-- | pool_delete (id), pool_members_drop (pool_id), pool_sticky_drop (pool_id) | |
-- | pool_member_set | a row of `Member`; replaces the one that is there |
-- | pool_members_all, pool_members_of (pool_id) | whole rows, in the order of senders |
-- | pool_member_delete (pool_id, sender_id), pool_members_of_sender_drop (sender_id) | |
-- | pool_sticky_of (pool ids, number hashes) | pool_id, number_hash, sender_id; more than was asked for where there are several pools |
-- | pool_sticky_keep (pool_id, number_hash, account_id, sender_id, at) | who writes to a number, where nobody that is still a member does |
-- | number_turn_take (sender_id, account_id, at, free_at, day, segments, cap) | the turn, if it is the number's and its quota is not used up; gives the sender |
-- | number_turns_of (senders) | sender_id, free_at, day, sent |
-- | queue_lanes_between (first, after) | lanes of numbers of one carrier in which something waits, a step in the key each |
-- | queue_work (lane, limit) | how many wait, counted so far, and the segments of the first fifty |
-- | numbers_lately (number_hash, after_id, before_id, limit) | state, reason and count of the last outbound texts of a number |
-- | inbound_urls_all, inbound_urls_of (account_id) | whole rows |
-- | inbound_url_set | a row of `InboundUrl`; replaces the one that is there |
-- | inbound_url_delete (owner_id, account_id) | |

-- name: pool_insert
INSERT INTO pools (id, account_id, name, is_default, settings, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: pools_all
SELECT id, account_id, name, is_default, settings, created_at, updated_at FROM pools ORDER BY id;

-- name: pool_by_id
SELECT id, account_id, name, is_default, settings, created_at, updated_at FROM pools WHERE id = $1 AND account_id = $2;

-- name: pools_page
SELECT id, account_id, name, is_default, settings, created_at, updated_at
FROM pools WHERE account_id = $1 AND id < $2 AND (CAST($4 AS TEXT) IS NULL OR name = $4) ORDER BY id DESC LIMIT $3;

-- name: pool_update
UPDATE pools SET name = $2, is_default = $3, settings = $4, updated_at = $5 WHERE id = $1;

-- name: pools_unmark
UPDATE pools SET is_default = 0, updated_at = $3 WHERE account_id = $1 AND id <> $2 AND is_default = 1;

-- name: pool_delete
DELETE FROM pools WHERE id = $1;

-- name: pool_members_drop
DELETE FROM pool_members WHERE pool_id = $1;

-- name: pool_sticky_drop
DELETE FROM pool_sticky WHERE pool_id = $1;

-- name: pool_member_set
INSERT INTO pool_members (pool_id, sender_id, account_id, weight, rate_per_min, daily_cap, countries, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (pool_id, sender_id) DO UPDATE SET weight = excluded.weight, rate_per_min = excluded.rate_per_min,
  daily_cap = excluded.daily_cap, countries = excluded.countries;

-- name: pool_members_all
SELECT pool_id, sender_id, account_id, weight, rate_per_min, daily_cap, countries, created_at
FROM pool_members ORDER BY pool_id, sender_id;

-- name: pool_members_of
SELECT pool_id, sender_id, account_id, weight, rate_per_min, daily_cap, countries, created_at
FROM pool_members WHERE pool_id = $1 ORDER BY sender_id;

-- name: pool_member_delete
DELETE FROM pool_members WHERE pool_id = $1 AND sender_id = $2;

-- name: pool_members_of_sender_drop
DELETE FROM pool_members WHERE sender_id = $1;

-- name: pool_sticky_of
SELECT pool_id, number_hash, sender_id FROM pool_sticky WHERE pool_id = ANY($1) AND number_hash = ANY($2);

-- name: pool_sticky_keep
INSERT INTO pool_sticky (pool_id, number_hash, account_id, sender_id, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (pool_id, number_hash) DO UPDATE SET sender_id = excluded.sender_id, created_at = excluded.created_at
WHERE NOT EXISTS (
  SELECT 1 FROM pool_members AS m WHERE m.pool_id = pool_sticky.pool_id AND m.sender_id = pool_sticky.sender_id
);

-- name: number_turn_take
INSERT INTO number_turns (sender_id, account_id, free_at, day, sent)
SELECT $1, $2, CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT) WHERE true
ON CONFLICT (sender_id) DO UPDATE SET free_at = excluded.free_at, day = excluded.day,
  sent = excluded.sent + CASE WHEN number_turns.day = excluded.day THEN number_turns.sent ELSE 0 END
WHERE number_turns.free_at <= $3
  AND ($7 = 0 OR number_turns.day < excluded.day OR number_turns.sent + excluded.sent <= $7)
RETURNING sender_id;

-- name: number_turns_of
SELECT sender_id, free_at, day, sent FROM number_turns WHERE sender_id = ANY($1);

-- name: queue_lanes_between
WITH RECURSIVE lanes (lane) AS (
  SELECT MIN(lane) FROM queue WHERE lane > $1 AND lane < $2
  UNION ALL
  SELECT (SELECT MIN(q.lane) FROM queue q WHERE q.lane > lanes.lane AND q.lane < $2)
  FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT lane FROM lanes WHERE lane IS NOT NULL;

-- name: queue_work
SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM queue WHERE lane = $1 LIMIT $2) AS counted),
  (SELECT CAST(COALESCE(SUM(m.segments), 0) AS bigint) FROM (SELECT message_id FROM queue WHERE lane = $1 LIMIT 50) AS first
    JOIN messages AS m ON m.id = first.message_id);

-- name: numbers_lately
SELECT m.state, COALESCE(m.reason, ''), COUNT(*)
FROM (SELECT message_id FROM message_numbers WHERE number_hash = $1 AND message_id > $2 AND message_id < $3
  ORDER BY message_id DESC LIMIT $4) AS n JOIN messages AS m ON m.id = n.message_id
WHERE m.direction = 'out' AND m.sender_hash = $1 GROUP BY m.state, m.reason;

-- name: inbound_urls_all
SELECT owner_id, account_id, url, method, fallback_url, fallback_method, format, updated_at FROM inbound_urls
ORDER BY owner_id;

-- name: inbound_urls_of
SELECT owner_id, account_id, url, method, fallback_url, fallback_method, format, updated_at FROM inbound_urls
WHERE account_id = $1 ORDER BY owner_id;

-- name: inbound_url_set
INSERT INTO inbound_urls (owner_id, account_id, url, method, fallback_url, fallback_method, format, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (owner_id) DO UPDATE SET url = excluded.url, method = excluded.method, fallback_url = excluded.fallback_url,
  fallback_method = excluded.fallback_method, format = excluded.format, updated_at = excluded.updated_at;

-- name: inbound_url_delete
DELETE FROM inbound_urls WHERE owner_id = $1 AND account_id = $2;
