-- How often people were texted: one row for each that a limit concerned lately.
--
-- | statement | gives or does |
-- | --- | --- |
-- | frequency_of (accounts, number hashes) | account_id, test, number_hash, version, sends of those |
-- | frequency_put (account_id, test, number_hash, version, sends, newest_at) | the row as it is now |
-- | frequency_subjects (ids) | id, account_id, test, recipient_hash of those messages that count (Flag.COUNTED) |
-- | frequency_purge (before, limit) | rows that no limit counts any more, removed |

-- name: frequency_of (packed)
SELECT account_id, test, number_hash, version, sends FROM frequency
WHERE account_id = ANY($1) AND test = ANY($2) AND number_hash = ANY($3);

-- name: frequency_put
INSERT INTO frequency (account_id, test, number_hash, version, sends, newest_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, test, number_hash) DO UPDATE SET version = excluded.version, sends = excluded.sends,
  newest_at = excluded.newest_at;

-- name: frequency_subjects (packed)
SELECT id, account_id, test, recipient_hash FROM messages WHERE id = ANY($1) AND flags & 17179869184 <> 0;

-- name: frequency_purge
DELETE FROM frequency WHERE (account_id, test, number_hash) IN (
  SELECT account_id, test, number_hash FROM frequency WHERE newest_at < $1 ORDER BY newest_at LIMIT $2
);
