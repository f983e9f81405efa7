-- What customers' binds are owed: receipts of what came over them, and texts of phones. A row goes when it was taken.
--
-- | statement | gives or does |
-- | --- | --- |
-- | smpp_owed_seen (position, end, types, accounts, flag, limit) | events of these types and accounts, in commit order, that are of inbound messages or of messages with the flag: position, account_id, test, subject_id, type, data, created_at, direction, options |
-- | smpp_owed_insert (credential_id, position, message_id, kind, data, created_at) | owed; a second time does nothing |
-- | smpp_owed_page (credential_id, position, limit) | rows of `Parcel`: what is owed behind a position, with its message; its columns are NULL where that was deleted |
-- | smpp_owed_delete (credential_id, position) | owed no more |
-- | smpp_owed_drop (credential_id) | the same of all that a credential is owed |
-- | smpp_owed_counts (credential_ids, limit) | for each credential that exists: id, count (at most the limit), created_at of the oldest |
-- | smpp_owed_any (credential_ids) | ids of those of them that are owed something |
-- | smpp_owed_total (limit) | count of all, at most the limit |
-- | smpp_owed_purge (before, limit) | older ones, whose events are gone too, removed |

-- name: smpp_owed_seen (packed)
SELECT e.position, e.account_id, e.test, e.subject_id, e.type, e.data, e.created_at, m.direction, m.options
FROM events AS e JOIN messages AS m ON m.id = e.subject_id
WHERE e.position > $1 AND e.position <= $2 AND e.type = ANY($3) AND e.account_id = ANY($4)
  AND (m.direction = 'in' OR (m.flags & $5) <> 0)
ORDER BY e.position LIMIT $6;

-- name: smpp_owed_insert
INSERT INTO smpp_owed (credential_id, position, message_id, kind, data, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (credential_id, position) DO NOTHING;

-- name: smpp_owed_page (packed)
SELECT o.position, o.message_id, o.kind, o.data, o.created_at, m.recipient, m.sender, m.text, m.encoding, m.segments,
  m.created_at, m.flags, m.options
FROM smpp_owed AS o LEFT JOIN messages AS m ON m.id = o.message_id
WHERE o.credential_id = $1 AND o.position > $2 ORDER BY o.position LIMIT $3;

-- name: smpp_owed_delete (distinct)
DELETE FROM smpp_owed WHERE credential_id = $1 AND position = $2;

-- name: smpp_owed_drop
DELETE FROM smpp_owed WHERE credential_id = $1;

-- name: smpp_owed_counts
SELECT c.id, (SELECT COUNT(*) FROM (SELECT 1 FROM smpp_owed WHERE credential_id = c.id LIMIT $2) AS counted),
  (SELECT created_at FROM smpp_owed WHERE credential_id = c.id ORDER BY position LIMIT 1)
FROM smpp_credentials AS c WHERE c.id = ANY($1);

-- name: smpp_owed_any
SELECT c.id FROM smpp_credentials AS c
WHERE c.id = ANY($1) AND EXISTS (SELECT 1 FROM smpp_owed AS o WHERE o.credential_id = c.id);

-- name: smpp_owed_total
SELECT COUNT(*) FROM (SELECT 1 FROM smpp_owed LIMIT $1) AS counted;

-- name: smpp_owed_purge
DELETE FROM smpp_owed WHERE (credential_id, position) IN (
  SELECT o.credential_id, o.position FROM smpp_credentials AS c CROSS JOIN smpp_owed AS o
  WHERE o.credential_id = c.id AND o.position < (SELECT MIN(position) FROM events WHERE position >= 0) AND o.created_at < $1 LIMIT $2
);
