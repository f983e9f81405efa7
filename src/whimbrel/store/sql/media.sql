-- Media. Rows are in the order of `Medium` of domain/media.py.
--
-- | statement | gives or does |
-- | --- | --- |
-- | media_same (account_id, test, sha256) | the whole row with these octets |
-- | media_usage (account_id) | octets and number of all media of an account |
-- | media_insert | a row of `Medium`; nothing when one with its octets is there |
-- | media_data_insert (media_id, account_id, data) | its octets |
-- | media_until (id, expires_at) | it is kept until then |
-- | media_came (id, source) | how it came |
-- | media_that_came (ids, source) | id of those that came so |
-- | media_by_ids (account_id, test, ids) | whole rows |
-- | media_data (media_id, account_id) | data |
-- | media_page, media_page_oldest (account_id, test, before_id, limit) | whole rows, the newest first |
-- | media_page_of_type, media_page_of_type_oldest (account_id, test, before_id, limit, content_type) | the same of a type |
-- | media_to_hold (ids) | id, expires_at |
-- | media_delete (ids), media_data_delete (ids), media_uses_delete (ids) | |
-- | media_over (now, limit) | id of those whose time is over, and which nothing names that is still to be sent |
-- | media_of_message (message_id, account_id) | whole rows, in their order |
-- | message_media_insert (message_id, place, media_id, account_id) | |
-- | message_media_of (message_ids) | media_id |
-- | message_media_delete (message_ids) | |
-- | message_media_forget (message_id, media_id) | |
-- | media_uses (ids, most) | id, how many messages have it, counted up to `most` |
-- | media_in_use (ids) | id of those that stand in a message, or in what is still to be sent |

-- name: media_same (locks media)
SELECT id, account_id, test, name, content_type, size, sha256, source, created_at, expires_at FROM media
WHERE account_id = $1 AND test = $2 AND sha256 = $3;

-- name: media_usage
SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), COUNT(*) FROM media WHERE account_id = $1;

-- name: media_insert
INSERT INTO media (id, account_id, test, name, content_type, size, sha256, source, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (account_id, test, sha256) DO NOTHING;

-- name: media_data_insert
INSERT INTO media_data (media_id, account_id, data) VALUES ($1, $2, $3);

-- name: media_until
UPDATE media SET expires_at = $2 WHERE id = $1;

-- name: media_came
UPDATE media SET source = $2 WHERE id = $1;

-- name: media_that_came
SELECT id FROM media WHERE id = ANY($1) AND source = $2 ORDER BY id;

-- name: media_by_ids
SELECT id, account_id, test, name, content_type, size, sha256, source, created_at, expires_at FROM media
WHERE id = ANY($3) AND account_id = $1 AND test = $2;

-- name: media_data
SELECT data FROM media_data WHERE media_id = $1 AND account_id = $2;

-- name: media_page (both ways)
SELECT id, account_id, test, name, content_type, size, sha256, source, created_at, expires_at FROM media
WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: media_page_of_type (both ways)
SELECT id, account_id, test, name, content_type, size, sha256, source, created_at, expires_at FROM media
WHERE account_id = $1 AND test = $2 AND id < $3 AND content_type = $5 ORDER BY id DESC LIMIT $4;

-- name: media_to_hold (locks media)
SELECT id, expires_at FROM media WHERE id = ANY($1) ORDER BY id;

-- name: media_delete
DELETE FROM media WHERE id = ANY($1);

-- name: media_data_delete
DELETE FROM media_data WHERE media_id = ANY($1);

-- name: media_uses_delete
DELETE FROM message_media WHERE media_id = ANY($1);

-- name: media_over (locks media)
SELECT id FROM media WHERE expires_at < $1
  AND NOT EXISTS (SELECT 1 FROM campaigns AS c WHERE c.account_id = media.account_id
    AND c.status IN ('draft', 'scheduled', 'running', 'paused') AND c.clearing < 2 AND c.spec LIKE '%"' || media.id || '"%')
  AND NOT EXISTS (SELECT 1 FROM schedules AS s WHERE s.account_id = media.account_id
    AND s.status IN ('active', 'paused') AND s.spec LIKE '%"' || media.id || '"%')
ORDER BY expires_at LIMIT $2;

-- name: media_of_message
SELECT m.id, m.account_id, m.test, m.name, m.content_type, m.size, m.sha256, m.source, m.created_at, m.expires_at
FROM message_media AS u JOIN media AS m ON m.id = u.media_id
WHERE u.message_id = $1 AND u.account_id = $2 ORDER BY u.place;

-- name: message_media_insert
INSERT INTO message_media (message_id, place, media_id, account_id) VALUES ($1, $2, $3, $4);

-- name: message_media_of
SELECT DISTINCT media_id FROM message_media WHERE message_id = ANY($1);

-- name: message_media_delete
DELETE FROM message_media WHERE message_id = ANY($1);

-- name: message_media_forget
DELETE FROM message_media WHERE message_id = $1 AND media_id = $2;

-- name: media_uses
SELECT m.id, (SELECT COUNT(*) FROM (SELECT 1 FROM message_media AS u WHERE u.media_id = m.id LIMIT $2) AS counted)
FROM media AS m WHERE m.id = ANY($1);

-- name: media_in_use
SELECT m.id FROM media AS m WHERE m.id = ANY($1) AND (
  EXISTS (SELECT 1 FROM message_media AS u WHERE u.media_id = m.id)
  OR EXISTS (SELECT 1 FROM campaigns AS c WHERE c.account_id = m.account_id
    AND c.status IN ('draft', 'scheduled', 'running', 'paused') AND c.clearing < 2 AND c.spec LIKE '%"' || m.id || '"%')
  OR EXISTS (SELECT 1 FROM schedules AS s WHERE s.account_id = m.account_id
    AND s.status IN ('active', 'paused') AND s.spec LIKE '%"' || m.id || '"%')
);
