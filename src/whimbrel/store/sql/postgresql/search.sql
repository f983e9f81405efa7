-- Lists of messages. Here, because a tag is looked for inside a JSON column, in which PostgreSQL takes no U+0000.
--
-- | statement | gives or does |
-- | --- | --- |
-- | messages_page, messages_page_oldest (account_id, test, from_id, before_id, created_from, created_to, direction, states, the states, sender, message_class, carrier_id, recipient_hash, tag, limit, name and value in its metadata, name or id of a template, number of its version) | whole rows, newest first; what is NULL (states: 0) does not matter |
-- | messages_page_by_number, messages_page_by_number_oldest (the same, number_hash) | those with this number on either side |
-- | messages_page_of_campaign, messages_page_of_campaign_oldest (the same, campaign_id) | those of a campaign |

-- name: messages_page (both ways)
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM messages AS m
WHERE m.id >= $3 AND m.id < $4 AND m.account_id = $1 AND m.test = $2 AND m.created_at >= $5 AND m.created_at < $6
  AND (CAST($7 AS TEXT) IS NULL OR m.direction = $7)
  AND ($8 = 0 OR m.state = ANY($9))
  AND (CAST($10 AS TEXT) IS NULL OR m.sender = $10)
  AND (CAST($11 AS TEXT) IS NULL OR m.message_class = $11)
  AND (CAST($12 AS TEXT) IS NULL OR m.carrier_id = $12)
  AND (CAST($13 AS BIGINT) IS NULL OR m.recipient_hash = $13)
  AND (CAST($14 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_array_elements_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'tags') AS tags (tag) WHERE tag = $14
  ))
  AND (CAST($16 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_each_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'metadata') AS pairs (name, said)
    WHERE name = $16 AND said = $17
  ))
  AND (CAST($18 AS TEXT) IS NULL OR $18 IN (CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'name', CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'id'))
  AND (CAST($19 AS TEXT) IS NULL OR CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'version' = $19)
ORDER BY m.id DESC LIMIT $15;

-- name: messages_page_by_number (both ways)
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM message_numbers AS n JOIN messages AS m ON m.id = n.message_id
WHERE n.number_hash = $20 AND n.message_id >= $3 AND n.message_id < $4 AND m.account_id = $1 AND m.test = $2 AND m.created_at >= $5 AND m.created_at < $6
  AND (CAST($7 AS TEXT) IS NULL OR m.direction = $7)
  AND ($8 = 0 OR m.state = ANY($9))
  AND (CAST($10 AS TEXT) IS NULL OR m.sender = $10)
  AND (CAST($11 AS TEXT) IS NULL OR m.message_class = $11)
  AND (CAST($12 AS TEXT) IS NULL OR m.carrier_id = $12)
  AND (CAST($13 AS BIGINT) IS NULL OR m.recipient_hash = $13)
  AND (CAST($14 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_array_elements_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'tags') AS tags (tag) WHERE tag = $14
  ))
  AND (CAST($16 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_each_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'metadata') AS pairs (name, said)
    WHERE name = $16 AND said = $17
  ))
  AND (CAST($18 AS TEXT) IS NULL OR $18 IN (CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'name', CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'id'))
  AND (CAST($19 AS TEXT) IS NULL OR CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'version' = $19)
ORDER BY n.message_id DESC LIMIT $15;

-- name: messages_page_of_campaign (both ways)
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM campaign_recipients AS n JOIN messages AS m ON m.id = n.id
WHERE n.campaign_id = $20 AND n.id >= $3 AND n.id < $4 AND m.account_id = $1 AND m.test = $2 AND m.created_at >= $5 AND m.created_at < $6
  AND (CAST($7 AS TEXT) IS NULL OR m.direction = $7)
  AND ($8 = 0 OR m.state = ANY($9))
  AND (CAST($10 AS TEXT) IS NULL OR m.sender = $10)
  AND (CAST($11 AS TEXT) IS NULL OR m.message_class = $11)
  AND (CAST($12 AS TEXT) IS NULL OR m.carrier_id = $12)
  AND (CAST($13 AS BIGINT) IS NULL OR m.recipient_hash = $13)
  AND (CAST($14 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_array_elements_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'tags') AS tags (tag) WHERE tag = $14
  ))
  AND (CAST($16 AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM json_each_text(CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'metadata') AS pairs (name, said)
    WHERE name = $16 AND said = $17
  ))
  AND (CAST($18 AS TEXT) IS NULL OR $18 IN (CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'name', CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'id'))
  AND (CAST($19 AS TEXT) IS NULL OR CAST(replace(m.options, '\u0000', '\ufffd') AS JSON) -> 'template' ->> 'version' = $19)
ORDER BY n.id DESC LIMIT $15;
