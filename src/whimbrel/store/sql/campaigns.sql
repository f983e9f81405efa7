-- Campaigns, their recipients and figures. Whole rows are in the order of the structs of `domain/campaigns.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | campaigns_insert | a row of `Campaign` |
-- | campaigns_set (id, step, name, spec, author, updated_at) | a draft is written anew, and approved by nobody |
-- | campaigns_approve (id, step, approved_by, approved_at, spec) | |
-- | campaigns_start (id, step, spec, phase, due_at, at) | a draft is to begin then |
-- | campaigns_begin (id, step, at) | it runs |
-- | campaigns_pause (id, reason, at) | what is scheduled or runs rests, and what is finished while some of it waits; all of it that is queued is to be taken out |
-- | campaigns_resume (id, at) | it goes on |
-- | campaigns_cancel (id, at) | it is over, and what waits of it is to be taken back |
-- | campaigns_cleared (id, step) | nothing of it is queued any more, if nobody has changed it |
-- | campaigns_resting (id) | id of one that is paused |
-- | campaigns_remove (id, at) | one that is over or never began is to be deleted |
-- | campaigns_hold (id, step) | the condition of a list of messages: it runs, and nobody else has taken this turn |
-- | campaigns_advance (id, step, pass_no, cursor, last_id, taken, accepted, refused, left_out, at) | the same turn's end |
-- | campaigns_phase (id, step, phase, due_at, at) | another phase, from the first recipient on |
-- | campaigns_wait (id, step, due_at) | nothing to do until then |
-- | campaigns_won (id, step, winner, at) | the others get this variant |
-- | campaigns_finish (id, step, at) | everybody was looked at |
-- | campaigns_event (id, type, data, at) | an event with the number that the change before it gave |
-- | campaigns_by_id (account_id, test, id) | the whole row |
-- | campaigns_page (account_id, test, statuses, before_id, limit) | whole rows, newest first |
-- | campaigns_waiting (account_id, ids) | ids of those of which messages wait here |
-- | campaigns_due (now, after_due_at, after_id, limit) | whole rows of those that have something to do, the longest waiting first |
-- | campaigns_to_clear (limit) | whole rows of those that are being cleared or deleted |
-- | campaigns_any () | a row where any has begun |
-- | campaign_delete (id), campaign_numbers_delete (campaign_id), campaign_refusals_delete (campaign_id), campaign_figures_delete (campaign_id), campaign_minutes_delete (campaign_id) | |
-- | campaign_recipients_delete (campaign_id, limit) | some of them |
-- | campaign_number_insert | campaign_id, excluded, place, account_id, number, number_hash |
-- | campaign_numbers_page (account_id, campaign_id, excluded, after, limit) | place, number, number_hash in order |
-- | campaign_numbers_remove (campaign_id, excluded), campaign_numbers_erase (account_id, number_hash) | |
-- | campaign_recipient_sent (id, campaign_id, number_hash, source, variant, country) | one whose message is stored in this commit |
-- | campaign_recipient_refused (id, campaign_id, account_id, number_hash, source, variant, country, code, at) | one who gets none |
-- | campaign_recipients_known (campaign_id, number_hashes) | number_hash, id of those that are there |
-- | campaign_recipients_page, campaign_recipients_page_oldest (account_id, campaign_id, before_id, limit) | whole rows, newest first |
-- | campaign_recipients_page_refused, campaign_recipients_page_refused_oldest (account_id, campaign_id, before_id, limit, code) | the same of those refused with a code |
-- | campaign_recipients_page_active, campaign_recipients_page_active_oldest (account_id, campaign_id, before_id, limit, activity) | the same of those who did that |
-- | campaign_recipients_in (campaign_id, state, limit) | ids of those that wait |
-- | campaign_recipients_queued (campaign_id, limit) | ids of those whose messages are queued |
-- | campaign_recipient_state (id, state) | |
-- | campaigns_of_due (ids) | id and status of their campaigns, of messages that fall due |
-- | campaign_ahead (campaign_id, limit) | how many of its messages are queued, at most so many |
-- | campaign_refusal_add (campaign_id, code, account_id, count) | |
-- | campaign_refusals_of (account_id, campaign_id) | code, count |
-- | campaign_figures_add | a row of figures, added to the one of the same key |
-- | campaign_figures_of (account_id, campaign_id) | rows of `Figures` |
-- | campaign_minutes_add | a row of what became of a wording in a minute, added to the one of the same key |
-- | campaign_minutes_span (account_id, campaign_id) | first and last minute; null: there is none |
-- | campaign_minutes_of (account_id, campaign_id, step) | rows of `Moment` of `products/campaigns/series.py`, of so many minutes each |
-- | campaign_told (position, end) | what this stretch of the log tells of recipients, grouped: rows of `Told` of `domain/campaign_figures.py` |
-- | campaign_states_follow (position, end) | states of recipients whose messages this stretch is about |
-- | campaign_heard (position, end) | account_id, test, number_hash, flags, created_at of texts from phones in this stretch |
-- | campaign_recipient_of_phone (account_id, test, number_hash, begun_from, sent_from) | whole row of the newest campaign's recipient |
-- | campaign_recipient_answered (id, at), campaign_recipient_opted_out (id, at), campaign_recipient_clicked (id, at), campaign_recipient_converted (id, at) | the first time |
-- | campaign_recipients_of (ids) | whole rows |
-- | campaign_clicks (position, end) | type, data, created_at of what people did with links in this stretch |
-- | campaign_stretch, campaign_stretch_oldest (campaign_id, from_id, before_id, limit) | how many of its messages stand before an id (from one on), at most so many, and the last of them |
-- | campaign_policy_put (account_id, approval, at), campaign_policy_of (account_id) | whether a second person approves |
-- | message_park (id, at) | a queued message waits for its campaign, next event number |
-- | message_unpark (id, at) | it is due now, and its validity is longer by the time that it waited |

-- name: campaigns_insert
INSERT INTO campaigns (id, account_id, test, name, status, spec, author, approved_by, approved_at, step, seq, phase,
  pass_no, cursor, last_id, taken, accepted, refused, left_out, due_at, started_at, phase_at, ended_at, reason, winner,
  clearing, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
  $26, $27, $28);

-- name: campaigns_set
UPDATE campaigns SET step = step + 1, name = $3, spec = $4, author = $5, approved_by = '', approved_at = NULL,
  updated_at = $6
WHERE id = $1 AND step = $2 AND status = 'draft' AND clearing = 0;

-- name: campaigns_approve
UPDATE campaigns SET step = step + 1, seq = seq + 1, approved_by = $3, approved_at = $4, updated_at = $4,
  spec = $5
WHERE id = $1 AND step = $2 AND status = 'draft' AND clearing = 0;

-- name: campaigns_start
UPDATE campaigns SET step = step + 1, seq = seq + 1, status = 'scheduled', spec = $3, phase = $4,
  due_at = $5, updated_at = $6
WHERE id = $1 AND step = $2 AND status = 'draft' AND clearing = 0;

-- name: campaigns_begin
UPDATE campaigns SET step = step + 1, seq = seq + 1, status = 'running', started_at = $3, phase_at = $3, updated_at = $3
WHERE id = $1 AND step = $2 AND status = 'scheduled';

-- name: campaigns_pause
UPDATE campaigns SET step = step + 1, seq = seq + 1, status = 'paused', reason = $2, clearing = 1, updated_at = $3
WHERE id = $1 AND (status IN ('scheduled', 'running') OR status = 'finished' AND EXISTS (
  SELECT 1 FROM campaign_recipients AS r
  WHERE r.campaign_id = campaigns.id AND r.state IN ('queued', 'scheduled', 'parked')
));

-- name: campaigns_resume
UPDATE campaigns SET step = step + 1, seq = seq + 1, reason = '', clearing = 0, ended_at = NULL, updated_at = $2,
  status = CASE WHEN started_at IS NULL THEN 'scheduled' ELSE 'running' END
WHERE id = $1 AND status = 'paused';

-- name: campaigns_cancel
UPDATE campaigns SET step = step + 1, seq = seq + 1, status = 'canceled', reason = '', clearing = 1, ended_at = $2,
  updated_at = $2
WHERE id = $1 AND (status IN ('scheduled', 'running', 'paused') OR status = 'finished' AND EXISTS (
  SELECT 1 FROM campaign_recipients AS r
  WHERE r.campaign_id = campaigns.id AND r.state IN ('queued', 'scheduled', 'parked')
));

-- name: campaigns_cleared
UPDATE campaigns SET clearing = 0 WHERE id = $1 AND step = $2 AND clearing = 1;

-- name: campaigns_resting (locks campaigns)
SELECT id FROM campaigns WHERE id = $1 AND status = 'paused';

-- name: campaigns_remove
UPDATE campaigns SET step = step + 1, clearing = 2, updated_at = $2
WHERE id = $1 AND clearing < 2 AND (status IN ('draft', 'canceled') OR status = 'finished' AND NOT EXISTS (
  SELECT 1 FROM campaign_recipients AS r
  WHERE r.campaign_id = campaigns.id AND r.state IN ('queued', 'scheduled', 'parked')
));

-- name: campaigns_hold
UPDATE campaigns SET step = step + 1 WHERE id = $1 AND step = $2 AND status = 'running';

-- name: campaigns_advance
UPDATE campaigns SET step = step + 1, pass_no = $3, cursor = $4, last_id = $5, taken = taken + $6,
  accepted = accepted + $7, refused = refused + $8, left_out = left_out + $9, updated_at = $10
WHERE id = $1 AND step = $2;

-- name: campaigns_phase
UPDATE campaigns SET step = step + 1, phase = $3, due_at = $4, phase_at = $5, pass_no = 0, cursor = '', updated_at = $5
WHERE id = $1 AND step = $2 AND status = 'running';

-- name: campaigns_wait
UPDATE campaigns SET step = step + 1, due_at = $3 WHERE id = $1 AND step = $2 AND status = 'running';

-- name: campaigns_won
UPDATE campaigns SET step = step + 1, seq = seq + 1, winner = $3, phase = 'rest', phase_at = $4, due_at = $4, pass_no = 0,
  cursor = '', updated_at = $4
WHERE id = $1 AND step = $2 AND phase = 'wait' AND status IN ('running', 'paused');

-- name: campaigns_finish
UPDATE campaigns SET step = step + 1, seq = seq + 1, status = 'finished', ended_at = $3, updated_at = $3
WHERE id = $1 AND step = $2 AND status = 'running';

-- name: campaigns_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
SELECT account_id, test, id, seq, $2, $3, 0, $4 FROM campaigns WHERE id = $1;

-- name: campaigns_by_id
SELECT id, account_id, test, name, status, spec, author, approved_by, approved_at, step, seq, phase, pass_no, cursor,
  last_id, taken, accepted, refused, left_out, due_at, started_at, phase_at, ended_at, reason, winner, clearing,
  created_at, updated_at
FROM campaigns WHERE id = $3 AND account_id = $1 AND test = $2 AND clearing < 2;

-- name: campaigns_page
SELECT id, account_id, test, name, status, spec, author, approved_by, approved_at, step, seq, phase, pass_no, cursor,
  last_id, taken, accepted, refused, left_out, due_at, started_at, phase_at, ended_at, reason, winner, clearing,
  created_at, updated_at
FROM campaigns
WHERE account_id = $1 AND test = $2 AND status = ANY($3) AND id < $4 AND clearing < 2 ORDER BY id DESC LIMIT $5;

-- name: campaigns_waiting
SELECT c.id FROM campaigns AS c WHERE c.account_id = $1 AND c.id = ANY($2) AND EXISTS (
  SELECT 1 FROM campaign_recipients AS r
  WHERE r.campaign_id = c.id AND r.state IN ('queued', 'scheduled', 'parked')
);

-- name: campaigns_due
SELECT id, account_id, test, name, status, spec, author, approved_by, approved_at, step, seq, phase, pass_no, cursor,
  last_id, taken, accepted, refused, left_out, due_at, started_at, phase_at, ended_at, reason, winner, clearing,
  created_at, updated_at
FROM campaigns
WHERE status IN ('scheduled', 'running') AND due_at <= $1 AND due_at >= $2 AND (due_at > $2 OR id > $3)
ORDER BY due_at, id LIMIT $4;

-- name: campaigns_to_clear
SELECT id, account_id, test, name, status, spec, author, approved_by, approved_at, step, seq, phase, pass_no, cursor,
  last_id, taken, accepted, refused, left_out, due_at, started_at, phase_at, ended_at, reason, winner, clearing,
  created_at, updated_at
FROM campaigns WHERE clearing > 0 ORDER BY clearing, id LIMIT $1;

-- name: campaigns_any
SELECT id FROM campaigns WHERE started_at IS NOT NULL ORDER BY account_id, started_at LIMIT 1;

-- name: campaign_delete
DELETE FROM campaigns WHERE id = $1;

-- name: campaign_numbers_delete
DELETE FROM campaign_numbers WHERE campaign_id = $1;

-- name: campaign_refusals_delete
DELETE FROM campaign_refusals WHERE campaign_id = $1;

-- name: campaign_figures_delete
DELETE FROM campaign_figures WHERE campaign_id = $1;

-- name: campaign_minutes_delete
DELETE FROM campaign_minutes WHERE campaign_id = $1;

-- name: campaign_recipients_delete
DELETE FROM campaign_recipients WHERE id IN (
  SELECT id FROM campaign_recipients WHERE campaign_id = $1 ORDER BY id LIMIT $2
);

-- name: campaign_number_insert
INSERT INTO campaign_numbers (campaign_id, excluded, place, account_id, number, number_hash)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: campaign_numbers_page
SELECT place, number, number_hash FROM campaign_numbers
WHERE campaign_id = $2 AND account_id = $1 AND excluded = $3 AND place > $4 ORDER BY place LIMIT $5;

-- name: campaign_numbers_remove
DELETE FROM campaign_numbers WHERE campaign_id = $1 AND excluded = $2;

-- name: campaign_numbers_erase
DELETE FROM campaign_numbers WHERE account_id = $1 AND number_hash = $2;

-- name: campaign_recipient_sent
INSERT INTO campaign_recipients (id, campaign_id, account_id, number_hash, source, variant, country, state, created_at)
SELECT id, $2, account_id, $3, $4, $5, $6, state, created_at FROM messages WHERE id = $1;

-- name: campaign_recipient_refused
INSERT INTO campaign_recipients (id, campaign_id, account_id, number_hash, source, variant, country, state, code,
  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'refused', $8, $9);

-- name: campaign_recipients_known
SELECT number_hash, id FROM campaign_recipients WHERE campaign_id = $1 AND number_hash = ANY($2);

-- name: campaign_recipients_page (both ways)
SELECT id, campaign_id, account_id, number_hash, source, variant, country, state, code, created_at, clicked_at,
  answered_at, opted_out_at, converted_at
FROM campaign_recipients WHERE campaign_id = $2 AND account_id = $1 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: campaign_recipients_page_refused (both ways)
SELECT id, campaign_id, account_id, number_hash, source, variant, country, state, code, created_at, clicked_at,
  answered_at, opted_out_at, converted_at
FROM campaign_recipients
WHERE campaign_id = $2 AND account_id = $1 AND code IS NOT NULL AND code = $5 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: campaign_recipients_page_active (both ways)
SELECT id, campaign_id, account_id, number_hash, source, variant, country, state, code, created_at, clicked_at,
  answered_at, opted_out_at, converted_at
FROM campaign_recipients
WHERE campaign_id = $2 AND account_id = $1 AND COALESCE(clicked_at, answered_at, opted_out_at, converted_at) IS NOT NULL
  AND CASE $5 WHEN 'clicked' THEN clicked_at WHEN 'answered' THEN answered_at WHEN 'opted_out' THEN opted_out_at
    ELSE converted_at END IS NOT NULL
  AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: campaign_recipients_in
SELECT id FROM campaign_recipients
WHERE campaign_id = $1 AND state = $2 AND state IN ('queued', 'scheduled', 'parked') ORDER BY id LIMIT $3;

-- name: campaign_recipients_queued
SELECT r.id FROM campaign_recipients AS r JOIN messages AS m ON m.id = r.id
WHERE r.campaign_id = $1 AND r.state = 'queued' AND r.state IN ('queued', 'scheduled', 'parked') AND m.state = 'queued'
ORDER BY r.id LIMIT $2;

-- name: campaigns_of_due (locks c)
SELECT r.id, c.status FROM campaign_recipients AS r JOIN campaigns AS c ON c.id = r.campaign_id WHERE r.id = ANY($1);

-- name: campaign_recipient_state (distinct)
UPDATE campaign_recipients SET state = $2 WHERE id = $1;

-- name: campaign_ahead
SELECT COUNT(*) FROM (
  SELECT 1 FROM campaign_recipients AS r JOIN messages AS m ON m.id = r.id
  WHERE r.campaign_id = $1 AND r.state = 'queued' AND r.state IN ('queued', 'scheduled', 'parked')
    AND m.state = 'queued'
  LIMIT $2
) AS queued;

-- name: campaign_refusal_add
INSERT INTO campaign_refusals (campaign_id, code, account_id, count) VALUES ($1, $2, $3, $4)
ON CONFLICT (campaign_id, code) DO UPDATE SET count = campaign_refusals.count + excluded.count;

-- name: campaign_refusals_of
SELECT code, count FROM campaign_refusals WHERE campaign_id = $2 AND account_id = $1 ORDER BY code;

-- name: campaign_figures_add
INSERT INTO campaign_figures (campaign_id, variant, country, carrier_id, currency, account_id, accepted, sent, delivered,
  undelivered, failed, expired, rejected, canceled, unknown, in_doubt, segments, charged_micros, clicked, answered,
  opted_out, converted, converted_micros)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
ON CONFLICT (campaign_id, variant, country, carrier_id, currency) DO UPDATE SET
  accepted = campaign_figures.accepted + excluded.accepted, sent = campaign_figures.sent + excluded.sent,
  delivered = campaign_figures.delivered + excluded.delivered,
  undelivered = campaign_figures.undelivered + excluded.undelivered,
  failed = campaign_figures.failed + excluded.failed, expired = campaign_figures.expired + excluded.expired,
  rejected = campaign_figures.rejected + excluded.rejected, canceled = campaign_figures.canceled + excluded.canceled,
  unknown = campaign_figures.unknown + excluded.unknown, in_doubt = campaign_figures.in_doubt + excluded.in_doubt,
  segments = campaign_figures.segments + excluded.segments,
  charged_micros = campaign_figures.charged_micros + excluded.charged_micros,
  clicked = campaign_figures.clicked + excluded.clicked, answered = campaign_figures.answered + excluded.answered,
  opted_out = campaign_figures.opted_out + excluded.opted_out,
  converted = campaign_figures.converted + excluded.converted,
  converted_micros = campaign_figures.converted_micros + excluded.converted_micros;

-- name: campaign_figures_of
SELECT variant, country, carrier_id, currency, accepted, sent, delivered, undelivered, failed, expired, rejected,
  canceled, unknown, in_doubt, segments, charged_micros, clicked, answered, opted_out, converted, converted_micros
FROM campaign_figures WHERE campaign_id = $2 AND account_id = $1 ORDER BY variant, country, carrier_id, currency;

-- name: campaign_minutes_add
INSERT INTO campaign_minutes (campaign_id, minute, variant, account_id, sent, delivered, failed, clicked, answered,
  opted_out)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (campaign_id, minute, variant) DO UPDATE SET
  sent = campaign_minutes.sent + excluded.sent, delivered = campaign_minutes.delivered + excluded.delivered,
  failed = campaign_minutes.failed + excluded.failed, clicked = campaign_minutes.clicked + excluded.clicked,
  answered = campaign_minutes.answered + excluded.answered,
  opted_out = campaign_minutes.opted_out + excluded.opted_out;

-- name: campaign_minutes_span
SELECT MIN(minute), MAX(minute) FROM campaign_minutes WHERE campaign_id = $2 AND account_id = $1;

-- name: campaign_minutes_of
SELECT minute - minute % CAST($3 AS bigint), variant, CAST(SUM(sent) AS bigint), CAST(SUM(delivered) AS bigint),
  CAST(SUM(failed) AS bigint), CAST(SUM(clicked) AS bigint), CAST(SUM(answered) AS bigint),
  CAST(SUM(opted_out) AS bigint)
FROM campaign_minutes WHERE campaign_id = $2 AND account_id = $1 GROUP BY 1, 2 ORDER BY 1, 2;

-- A corrected message is told with the event that is corrected, and the beginning of its data; see usage_told.
-- name: campaign_told (packed)
SELECT campaign_id, account_id, variant, country, currency, carrier_id, type, corrects, was_sent, COUNT(*),
  CAST(SUM(segments) AS bigint), CAST(SUM(charged_micros) AS bigint), minute
FROM (
  SELECT r.campaign_id, r.account_id, r.variant, r.country, m.currency,
    CASE WHEN substr(e.data, 1, 15) = '{"carrier_id":"' THEN substr(e.data, 16, 34) ELSE '' END AS carrier_id, e.type,
    CASE WHEN (m.flags & 2) <> 0 AND e.data LIKE '%"corrected":true%' THEN COALESCE((
      SELECT b.type || substr(b.data, 1, 49) FROM events AS b WHERE b.subject_id = e.subject_id AND b.seq < e.seq
        AND b.type IN ('message.unknown', 'message.expired') ORDER BY b.seq DESC LIMIT 1
    ), '') ELSE '' END AS corrects,
    CASE WHEN m.sent_at IS NULL THEN 0 ELSE 1 END AS was_sent, m.segments, m.charged_micros, e.created_at / 60000000 AS minute
  FROM events AS e JOIN campaign_recipients AS r ON r.id = e.subject_id JOIN messages AS m ON m.id = r.id
  WHERE e.position > $1 AND e.position <= $2 AND (
    e.type IN ('message.sent', 'message.delivered', 'message.undelivered', 'message.failed', 'message.expired',
      'message.rejected', 'message.canceled', 'message.unknown', 'message.in_doubt')
    OR e.seq = 1 AND e.type IN ('message.queued', 'message.scheduled')
  )
) AS told
GROUP BY campaign_id, account_id, variant, country, currency, carrier_id, type, corrects, was_sent, minute;

-- name: campaign_states_follow
UPDATE campaign_recipients SET state = COALESCE((
  SELECT CASE WHEN m.state = 'scheduled' AND campaign_recipients.state = 'parked' THEN 'parked' ELSE m.state END
  FROM messages AS m WHERE m.id = campaign_recipients.id
), state)
WHERE id IN (
  SELECT e.subject_id FROM events AS e WHERE e.position > $1 AND e.position <= $2 AND (e.type IN ('message.queued',
    'message.sending', 'message.sent', 'message.delivered', 'message.undelivered', 'message.failed', 'message.expired',
    'message.rejected', 'message.canceled', 'message.unknown', 'message.in_doubt')
    OR e.type = 'message.scheduled' AND e.seq > 1)
);

-- name: campaign_heard
SELECT m.account_id, m.test, m.sender_hash, m.flags, m.created_at
FROM events AS e JOIN messages AS m ON m.id = e.subject_id
WHERE e.position > $1 AND e.position <= $2 AND e.type = 'message.received' AND e.seq = 1;

-- name: campaign_recipient_of_phone
SELECT r.id, r.campaign_id, r.account_id, r.number_hash, r.source, r.variant, r.country, r.state, r.code, r.created_at,
  r.clicked_at, r.answered_at, r.opted_out_at, r.converted_at
FROM campaigns AS c JOIN campaign_recipients AS r ON r.campaign_id = c.id AND r.number_hash = $3
WHERE c.account_id = $1 AND c.test = $2 AND c.started_at IS NOT NULL AND c.started_at >= $4 AND r.created_at >= $5
  AND r.code IS NULL
ORDER BY r.id DESC LIMIT 1;

-- name: campaign_recipient_answered
UPDATE campaign_recipients SET answered_at = $2 WHERE id = $1 AND answered_at IS NULL;

-- name: campaign_recipient_opted_out
UPDATE campaign_recipients SET opted_out_at = $2 WHERE id = $1 AND opted_out_at IS NULL;

-- name: campaign_recipients_of (packed)
SELECT id, campaign_id, account_id, number_hash, source, variant, country, state, code, created_at, clicked_at,
  answered_at, opted_out_at, converted_at
FROM campaign_recipients WHERE id = ANY($1);

-- name: campaign_recipient_clicked
UPDATE campaign_recipients SET clicked_at = $2 WHERE id = $1 AND clicked_at IS NULL;

-- name: campaign_recipient_converted
UPDATE campaign_recipients SET converted_at = $2 WHERE id = $1 AND converted_at IS NULL;

-- name: campaign_clicks
SELECT type, data, created_at FROM events
WHERE position > $1 AND position <= $2 AND type IN ('link.clicked', 'link.converted');

-- name: campaign_stretch
SELECT COUNT(*), COALESCE(MIN(id), '') FROM (
  SELECT id FROM campaign_recipients WHERE campaign_id = $1 AND id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4
) AS stretch;

-- name: campaign_stretch_oldest
SELECT COUNT(*), COALESCE(MAX(id), '') FROM (
  SELECT id FROM campaign_recipients WHERE campaign_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4
) AS stretch;

-- name: campaign_policy_put
INSERT INTO campaign_policies (account_id, approval, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET approval = excluded.approval, updated_at = excluded.updated_at;

-- name: campaign_policy_of
SELECT approval FROM campaign_policies WHERE account_id = $1;

-- name: message_park (distinct)
UPDATE messages SET state = 'scheduled', updated_at = $2, seq = seq + 1 WHERE id = $1;

-- name: message_unpark (distinct)
UPDATE messages SET due_at = $2, expires_at = expires_at + ($2 - updated_at), updated_at = $2 WHERE id = $1;
