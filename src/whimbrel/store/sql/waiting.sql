-- What waits: the queue (for a place on its carrier), the schedule (for its time), deadlines (for a receipt). Rows are
-- removed by their whole key, which the message's row knows: lane (the first of its candidates), priority, rank, due_at.
--
-- | statement | gives or does |
-- | --- | --- |
-- | queue_insert (lane, priority, rank, message_id, expires_at) | waits in a lane |
-- | queue_delete (lane, priority, rank, message_id) | waits no more |
-- | queue_head (lane, limit, and for each priority a rank) | columns of `Waiting` in the order they are to be sent, those of a smaller rank left out |
-- | queue_ids (the same) | ids in the order they are to be sent |
-- | messages_waiting (ids) | columns of `Waiting` of these |
-- | schedule_insert, schedule_delete (due_at, message_id) | |
-- | deadline_set (message_id, due_at) | when to give up on a message that is sent or in doubt; replaces the earlier one |
-- | deadline_delete (message_id) | |
-- | schedule_due (now, limit, after), deadlines_passed (now, limit, after) | whole messages, the longest waiting first |
-- | queue_expired (now, limit, after) | ids of queued messages whose validity has ended |
-- | queue_lanes | every lane in which something waits, a step in the key each |
-- | queue_class (lane, priority, limit) | count and oldest id of the first so many: for the metrics |
-- | queue_page (lane, after priority, after rank, after message_id, limit) | priority, rank, message_id |

-- name: queue_insert
INSERT INTO queue (lane, priority, rank, message_id, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: queue_delete (distinct)
DELETE FROM queue WHERE lane = $1 AND priority = $2 AND rank = $3 AND message_id = $4;

-- name: queue_head (packed)
SELECT m.id, m.account_id, m.recipient, m.sender, m.text, m.encoding, m.segments, m.priority, m.rank, m.expires_at,
  m.flags, m.recipient_hash, m.options, m.due_at
FROM (
  SELECT priority, rank, message_id FROM (
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 0 AND rank >= $3
      ORDER BY rank, message_id LIMIT $2) AS codes
    UNION ALL
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 1 AND rank >= $4
      ORDER BY rank, message_id LIMIT $2) AS ordinary
    UNION ALL
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 2 AND rank >= $5
      ORDER BY rank, message_id LIMIT $2) AS marketing
  ) AS classes ORDER BY priority, rank, message_id LIMIT $2
) AS q
JOIN messages AS m ON m.id = q.message_id
ORDER BY q.priority, q.rank, q.message_id;

-- name: queue_ids (packed)
SELECT message_id FROM (
  SELECT priority, rank, message_id FROM (
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 0 AND rank >= $3
      ORDER BY rank, message_id LIMIT $2) AS codes
    UNION ALL
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 1 AND rank >= $4
      ORDER BY rank, message_id LIMIT $2) AS ordinary
    UNION ALL
    SELECT * FROM (SELECT priority, rank, message_id FROM queue WHERE lane = $1 AND priority = 2 AND rank >= $5
      ORDER BY rank, message_id LIMIT $2) AS marketing
  ) AS classes ORDER BY priority, rank, message_id LIMIT $2
) AS q ORDER BY priority, rank, message_id;

-- name: messages_waiting (packed)
SELECT id, account_id, recipient, sender, text, encoding, segments, priority, rank, expires_at, flags, recipient_hash,
  options, due_at
FROM messages WHERE id = ANY($1);

-- name: schedule_insert
INSERT INTO schedule (due_at, message_id) VALUES ($1, $2);

-- name: schedule_delete
DELETE FROM schedule WHERE due_at = $1 AND message_id = $2;

-- name: deadline_set
INSERT INTO deadlines (message_id, due_at) VALUES ($1, $2)
ON CONFLICT (message_id) DO UPDATE SET due_at = excluded.due_at;

-- name: deadline_delete
DELETE FROM deadlines WHERE message_id = $1;

-- name: schedule_due
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM schedule AS s JOIN messages AS m ON m.id = s.message_id
WHERE s.due_at <= $1 AND s.due_at > $3 ORDER BY s.due_at, s.message_id LIMIT $2;

-- name: deadlines_passed
SELECT m.id, m.account_id, m.test, m.direction, m.door, m.message_class, m.state, m.recipient, m.sender, m.text, m.encoding,
  m.segments, m.price_micros, m.held_micros, m.charged_micros, m.currency, m.carrier_id, m.route_id, m.candidates,
  m.priority, m.rank, m.created_at, m.due_at, m.expires_at, m.updated_at, m.sent_at, m.final_at, m.reason, m.flags, m.seq,
  m.recipient_hash, m.sender_hash, m.options
FROM deadlines AS d JOIN messages AS m ON m.id = d.message_id
WHERE d.due_at <= $1 AND d.due_at > $3 ORDER BY d.due_at, d.message_id LIMIT $2;

-- name: queue_expired
SELECT message_id FROM queue WHERE expires_at <= $1 AND expires_at > $3 ORDER BY expires_at LIMIT $2;

-- name: queue_lanes
WITH RECURSIVE lanes (lane) AS (
  SELECT MIN(lane) FROM queue
  UNION ALL
  SELECT (SELECT MIN(q.lane) FROM queue q WHERE q.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT lane FROM lanes WHERE lane IS NOT NULL;

-- name: queue_class
SELECT COUNT(*), MIN(message_id) FROM (
  SELECT message_id FROM queue WHERE lane = $1 AND priority = $2 ORDER BY rank, message_id LIMIT $3
) AS waiting;

-- name: queue_page
SELECT priority, rank, message_id FROM queue
WHERE lane = $1 AND (priority, rank, message_id) > ($2, $3, $4) ORDER BY priority, rank, message_id LIMIT $5;
