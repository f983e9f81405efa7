-- Figures of usage. Rows are in the order of the structs of `domain/usage.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | usage_told (position, end) | what this stretch of the log tells, grouped: rows of `Told`, whatever is told of messages that are gone excepted |
-- | usage_add | a row of figures, added to the one of the same key |
-- | usage_page (test, hours, from, before, whether by: time, account, direction, class, country, carrier; of: direction, class, country, carrier; after: -time, account, direction, class, country, carrier, currency; limit, account_id) | rows of `Summed`, newest first: figures of one account, or under '' of all; a condition of '' is none |
-- | usage_page_of_accounts (the same without the last) | the same of every account |
-- | usage_totals_of_accounts (the same, from_account_id, before_account_id) | those of accounts between two ids, read by account and not by time |
-- | usage_purge (before, limit, hours) | the oldest periods of so many hours removed |

-- The carrier is the one that the event names: what the message's row says may have changed since. Its id has one
-- length, and the data of an event begins with it where there is one. A corrected message is told with the event that
-- is corrected, and the beginning of its data.
-- name: usage_told (packed)
SELECT account_id, test, hour, direction, message_class, lead, MIN(number), carrier_id, currency, type, corrects,
  was_sent, bound, COUNT(*), CAST(SUM(segments) AS bigint), CAST(SUM(charged_micros) AS bigint),
  CAST(SUM(took_ms) AS bigint)
FROM (
  SELECT account_id, test, hour, direction, message_class, substr(number, 1, 9) AS lead, number, carrier_id, currency,
    type, corrects, was_sent, segments, charged_micros, CASE WHEN took_ms > 0 THEN took_ms ELSE 0 END AS took_ms,
    CASE WHEN took_ms IS NULL THEN 0 WHEN took_ms <= 250 THEN 1 WHEN took_ms <= 500 THEN 2 WHEN took_ms <= 1000 THEN 3
      WHEN took_ms <= 2000 THEN 4 WHEN took_ms <= 3000 THEN 5 WHEN took_ms <= 5000 THEN 6 WHEN took_ms <= 10000 THEN 7
      WHEN took_ms <= 30000 THEN 8 WHEN took_ms <= 60000 THEN 9 WHEN took_ms <= 300000 THEN 10
      WHEN took_ms <= 3600000 THEN 11 ELSE 12 END AS bound
  FROM (
    SELECT m.account_id, m.test, m.created_at / 3600000000 AS hour, m.direction, m.message_class,
      CASE WHEN m.direction = 'in' THEN m.sender ELSE m.recipient END AS number,
      CASE WHEN e.type = 'message.received' THEN COALESCE(m.carrier_id, '')
        WHEN substr(e.data, 1, 15) = '{"carrier_id":"' THEN substr(e.data, 16, 34) ELSE '' END AS carrier_id,
      CASE WHEN m.currency = '' THEN COALESCE((SELECT a.currency FROM accounts AS a WHERE a.id = m.account_id), '')
        ELSE m.currency END AS currency, e.type,
      CASE WHEN (m.flags & 2) <> 0 AND e.data LIKE '%"corrected":true%' THEN COALESCE((
        SELECT b.type || substr(b.data, 1, 49) FROM events AS b WHERE b.subject_id = e.subject_id AND b.seq < e.seq
          AND b.type IN ('message.unknown', 'message.expired') ORDER BY b.seq DESC LIMIT 1
      ), '') ELSE '' END AS corrects,
      CASE WHEN m.sent_at IS NULL THEN 0 ELSE 1 END AS was_sent, m.segments, m.charged_micros,
      CASE WHEN e.type = 'message.delivered' AND ((m.flags & 2) = 0 OR e.data NOT LIKE '%"corrected":true%')
        THEN (e.created_at - m.due_at) / 1000 END AS took_ms
    FROM events AS e JOIN messages AS m ON m.id = e.subject_id
    WHERE e.position > $1 AND e.position <= $2 AND (
      e.type IN ('message.sent', 'message.delivered', 'message.undelivered', 'message.failed', 'message.expired',
        'message.rejected', 'message.canceled', 'message.unknown', 'message.in_doubt')
      OR e.seq = 1 AND e.type IN ('message.queued', 'message.scheduled', 'message.received')
    )
  ) AS told
) AS timed
GROUP BY account_id, test, hour, direction, message_class, lead, carrier_id, currency, type, corrects, was_sent, bound;

-- name: usage_add
INSERT INTO usage_figures (account_id, test, hours, starts_at, direction, message_class, country, carrier_id,
  currency, accepted, sent, delivered, undelivered, failed, expired, rejected, canceled, unknown, in_doubt, received, segments,
  charged_micros, took_ms, took_1, took_2, took_3, took_4, took_5, took_6, took_7, took_8, took_9, took_10,
  took_11, took_12)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
  $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)
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

-- name: usage_page
SELECT starts_at, account_id, direction, message_class, country, carrier_id, currency, accepted, sent, delivered,
  undelivered, failed, expired, rejected, canceled, unknown, in_doubt, received, segments, charged_micros, took_ms,
  took_1, took_2, took_3, took_4, took_5, took_6, took_7, took_8, took_9, took_10, took_11, took_12
FROM (
  SELECT CASE WHEN $5 = 1 THEN starts_at ELSE 0 END AS starts_at,
    CASE WHEN $6 = 1 THEN account_id ELSE '' END AS account_id,
    CASE WHEN $7 = 1 THEN direction ELSE '' END AS direction,
    CASE WHEN $8 = 1 THEN message_class ELSE '' END AS message_class,
    CASE WHEN $9 = 1 THEN country ELSE '' END AS country, CASE WHEN $10 = 1 THEN carrier_id ELSE '' END AS carrier_id,
    currency,
    CAST(SUM(accepted) AS bigint) AS accepted, CAST(SUM(sent) AS bigint) AS sent,
    CAST(SUM(delivered) AS bigint) AS delivered, CAST(SUM(undelivered) AS bigint) AS undelivered,
    CAST(SUM(failed) AS bigint) AS failed, CAST(SUM(expired) AS bigint) AS expired,
    CAST(SUM(rejected) AS bigint) AS rejected, CAST(SUM(canceled) AS bigint) AS canceled,
    CAST(SUM(unknown) AS bigint) AS unknown, CAST(SUM(in_doubt) AS bigint) AS in_doubt,
    CAST(SUM(received) AS bigint) AS received, CAST(SUM(segments) AS bigint) AS segments,
    CAST(SUM(charged_micros) AS bigint) AS charged_micros, CAST(SUM(took_ms) AS bigint) AS took_ms,
    CAST(SUM(took_1) AS bigint) AS took_1, CAST(SUM(took_2) AS bigint) AS took_2,
    CAST(SUM(took_3) AS bigint) AS took_3, CAST(SUM(took_4) AS bigint) AS took_4,
    CAST(SUM(took_5) AS bigint) AS took_5, CAST(SUM(took_6) AS bigint) AS took_6,
    CAST(SUM(took_7) AS bigint) AS took_7, CAST(SUM(took_8) AS bigint) AS took_8,
    CAST(SUM(took_9) AS bigint) AS took_9, CAST(SUM(took_10) AS bigint) AS took_10,
    CAST(SUM(took_11) AS bigint) AS took_11, CAST(SUM(took_12) AS bigint) AS took_12
  FROM usage_figures AS f
  WHERE f.account_id = $23 AND f.test = $1 AND f.hours = $2 AND f.starts_at >= $3 AND f.starts_at < $4
    AND ($11 = '' OR f.direction = $11) AND ($12 = '' OR f.message_class = $12) AND ($13 = '' OR f.country = $13)
    AND ($14 = '' OR f.carrier_id = $14)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
) AS grouped
WHERE (-starts_at, account_id, direction, message_class, country, carrier_id, currency)
  > ($15, $16, $17, $18, $19, $20, $21)
ORDER BY starts_at DESC, account_id, direction, message_class, country, carrier_id, currency LIMIT $22;

-- name: usage_page_of_accounts
SELECT starts_at, account_id, direction, message_class, country, carrier_id, currency, accepted, sent, delivered,
  undelivered, failed, expired, rejected, canceled, unknown, in_doubt, received, segments, charged_micros, took_ms,
  took_1, took_2, took_3, took_4, took_5, took_6, took_7, took_8, took_9, took_10, took_11, took_12
FROM (
  SELECT CASE WHEN $5 = 1 THEN starts_at ELSE 0 END AS starts_at,
    CASE WHEN $6 = 1 THEN account_id ELSE '' END AS account_id,
    CASE WHEN $7 = 1 THEN direction ELSE '' END AS direction,
    CASE WHEN $8 = 1 THEN message_class ELSE '' END AS message_class,
    CASE WHEN $9 = 1 THEN country ELSE '' END AS country, CASE WHEN $10 = 1 THEN carrier_id ELSE '' END AS carrier_id,
    currency,
    CAST(SUM(accepted) AS bigint) AS accepted, CAST(SUM(sent) AS bigint) AS sent,
    CAST(SUM(delivered) AS bigint) AS delivered, CAST(SUM(undelivered) AS bigint) AS undelivered,
    CAST(SUM(failed) AS bigint) AS failed, CAST(SUM(expired) AS bigint) AS expired,
    CAST(SUM(rejected) AS bigint) AS rejected, CAST(SUM(canceled) AS bigint) AS canceled,
    CAST(SUM(unknown) AS bigint) AS unknown, CAST(SUM(in_doubt) AS bigint) AS in_doubt,
    CAST(SUM(received) AS bigint) AS received, CAST(SUM(segments) AS bigint) AS segments,
    CAST(SUM(charged_micros) AS bigint) AS charged_micros, CAST(SUM(took_ms) AS bigint) AS took_ms,
    CAST(SUM(took_1) AS bigint) AS took_1, CAST(SUM(took_2) AS bigint) AS took_2,
    CAST(SUM(took_3) AS bigint) AS took_3, CAST(SUM(took_4) AS bigint) AS took_4,
    CAST(SUM(took_5) AS bigint) AS took_5, CAST(SUM(took_6) AS bigint) AS took_6,
    CAST(SUM(took_7) AS bigint) AS took_7, CAST(SUM(took_8) AS bigint) AS took_8,
    CAST(SUM(took_9) AS bigint) AS took_9, CAST(SUM(took_10) AS bigint) AS took_10,
    CAST(SUM(took_11) AS bigint) AS took_11, CAST(SUM(took_12) AS bigint) AS took_12
  FROM usage_figures AS f
  WHERE f.account_id > '' AND f.test = $1 AND f.hours = $2 AND f.starts_at >= $3 AND f.starts_at < $4
    AND ($11 = '' OR f.direction = $11) AND ($12 = '' OR f.message_class = $12) AND ($13 = '' OR f.country = $13)
    AND ($14 = '' OR f.carrier_id = $14)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
) AS grouped
WHERE (-starts_at, account_id, direction, message_class, country, carrier_id, currency)
  > ($15, $16, $17, $18, $19, $20, $21)
ORDER BY starts_at DESC, account_id, direction, message_class, country, carrier_id, currency LIMIT $22;

-- name: usage_totals_of_accounts
SELECT starts_at, account_id, direction, message_class, country, carrier_id, currency, accepted, sent, delivered,
  undelivered, failed, expired, rejected, canceled, unknown, in_doubt, received, segments, charged_micros, took_ms,
  took_1, took_2, took_3, took_4, took_5, took_6, took_7, took_8, took_9, took_10, took_11, took_12
FROM (
  SELECT CASE WHEN $5 = 1 THEN starts_at ELSE 0 END AS starts_at,
    CASE WHEN $6 = 1 THEN account_id ELSE '' END AS account_id,
    CASE WHEN $7 = 1 THEN direction ELSE '' END AS direction,
    CASE WHEN $8 = 1 THEN message_class ELSE '' END AS message_class,
    CASE WHEN $9 = 1 THEN country ELSE '' END AS country, CASE WHEN $10 = 1 THEN carrier_id ELSE '' END AS carrier_id,
    currency,
    CAST(SUM(accepted) AS bigint) AS accepted, CAST(SUM(sent) AS bigint) AS sent,
    CAST(SUM(delivered) AS bigint) AS delivered, CAST(SUM(undelivered) AS bigint) AS undelivered,
    CAST(SUM(failed) AS bigint) AS failed, CAST(SUM(expired) AS bigint) AS expired,
    CAST(SUM(rejected) AS bigint) AS rejected, CAST(SUM(canceled) AS bigint) AS canceled,
    CAST(SUM(unknown) AS bigint) AS unknown, CAST(SUM(in_doubt) AS bigint) AS in_doubt,
    CAST(SUM(received) AS bigint) AS received, CAST(SUM(segments) AS bigint) AS segments,
    CAST(SUM(charged_micros) AS bigint) AS charged_micros, CAST(SUM(took_ms) AS bigint) AS took_ms,
    CAST(SUM(took_1) AS bigint) AS took_1, CAST(SUM(took_2) AS bigint) AS took_2,
    CAST(SUM(took_3) AS bigint) AS took_3, CAST(SUM(took_4) AS bigint) AS took_4,
    CAST(SUM(took_5) AS bigint) AS took_5, CAST(SUM(took_6) AS bigint) AS took_6,
    CAST(SUM(took_7) AS bigint) AS took_7, CAST(SUM(took_8) AS bigint) AS took_8,
    CAST(SUM(took_9) AS bigint) AS took_9, CAST(SUM(took_10) AS bigint) AS took_10,
    CAST(SUM(took_11) AS bigint) AS took_11, CAST(SUM(took_12) AS bigint) AS took_12
  FROM usage_figures AS f
  WHERE f.account_id >= $23 AND f.account_id < $24 AND f.test = $1 AND f.hours + 0 = $2 AND f.starts_at >= $3 AND f.starts_at < $4
    AND ($11 = '' OR f.direction = $11) AND ($12 = '' OR f.message_class = $12) AND ($13 = '' OR f.country = $13)
    AND ($14 = '' OR f.carrier_id = $14)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
) AS grouped
WHERE (-starts_at, account_id, direction, message_class, country, carrier_id, currency)
  > ($15, $16, $17, $18, $19, $20, $21)
ORDER BY starts_at DESC, account_id, direction, message_class, country, carrier_id, currency LIMIT $22;

-- name: usage_purge
DELETE FROM usage_figures WHERE hours = $3 AND starts_at < $1 AND starts_at IN (
  SELECT starts_at FROM usage_figures WHERE hours = $3 AND starts_at < $1 ORDER BY starts_at LIMIT $2
);
