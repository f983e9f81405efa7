-- Webhooks and what became of events there, as the control plane writes and reads them. Columns of a whole row are
-- always in the order of its struct.
--
-- | statement | gives or does |
-- | --- | --- |
-- | webhook_insert | a row of `Webhook` |
-- | webhooks_all, webhooks_of_account (account_id) | whole rows |
-- | webhook_by_id (id, account_id, test) | the whole row |
-- | webhooks_page (account_id, test, before_id, limit) | whole rows, newest first |
-- | webhook_update (id, url, events, description, at) | |
-- | webhook_rotate (id, secret, old_secret, old_secret_until, at) | |
-- | webhook_set_status (id, status, reason, at) | |
-- | webhook_delete (id) | |
-- | deliveries_drop (webhook_id) | what waits for an endpoint, removed |
-- | deliveries_page, deliveries_page_oldest (webhook_id, state, before_id, limit) | rows of `Wait`; state '' is both, newest first |
-- | deliveries_revive (webhook_id, at) | the dead ones are due and begin again |
-- | delivery_tries_page, delivery_tries_page_oldest (webhook_id, before_position, limit) | rows of `TryRow`, newest first |
-- | delivery_tries_of_events, deliveries_of_events (account_id, event positions) | rows of `TryRow` in their order, and of `Wait` |
-- | events_by_place (account_id, test, subject_ids, seq) | whole rows of `Event` |

-- name: webhook_insert
INSERT INTO webhooks (id, account_id, test, url, events, description, secret, old_secret, old_secret_until, status,
  disabled_reason, failures, cursor, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: webhooks_all
SELECT id, account_id, test, url, events, description, secret, old_secret, old_secret_until, status, disabled_reason,
  failures, cursor, created_at, updated_at
FROM webhooks ORDER BY id;

-- name: webhooks_of_account
SELECT id, account_id, test, url, events, description, secret, old_secret, old_secret_until, status, disabled_reason,
  failures, cursor, created_at, updated_at
FROM webhooks WHERE account_id = $1 ORDER BY id;

-- name: webhook_by_id
SELECT id, account_id, test, url, events, description, secret, old_secret, old_secret_until, status, disabled_reason,
  failures, cursor, created_at, updated_at
FROM webhooks WHERE id = $1 AND account_id = $2 AND test = $3;

-- name: webhooks_page
SELECT id, account_id, test, url, events, description, secret, old_secret, old_secret_until, status, disabled_reason,
  failures, cursor, created_at, updated_at
FROM webhooks WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: webhook_update
UPDATE webhooks SET url = $2, events = $3, description = $4, updated_at = $5 WHERE id = $1;

-- name: webhook_rotate
UPDATE webhooks SET secret = $2, old_secret = $3, old_secret_until = $4, updated_at = $5 WHERE id = $1;

-- name: webhook_set_status
UPDATE webhooks SET status = $2, disabled_reason = $3, failures = 0, updated_at = $4 WHERE id = $1;

-- name: webhook_delete
DELETE FROM webhooks WHERE id = $1;

-- name: deliveries_drop
DELETE FROM deliveries WHERE webhook_id = $1;

-- name: deliveries_page (both ways)
SELECT id, webhook_id, account_id, event_position, event_id, event_type, url, format, tries, next_at, created_at,
  last_error
FROM deliveries
WHERE webhook_id = $1 AND ($2 = '' OR (next_at IS NULL) = ($2 = 'dead')) AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: deliveries_revive
UPDATE deliveries SET next_at = $2, tries = 0, created_at = $2 WHERE webhook_id = $1 AND next_at IS NULL;

-- name: delivery_tries_page (both ways)
SELECT position, delivery_id, webhook_id, account_id, event_position, event_id, event_type, number, at, latency_ms,
  status, error, answer, ok
FROM delivery_tries WHERE webhook_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3;

-- name: events_by_place
SELECT position, account_id, test, subject_id, seq, type, data, callback, created_at FROM events
WHERE subject_id = ANY($3) AND seq = $4 AND account_id = $1 AND test = $2;

-- name: delivery_tries_of_events
SELECT position, delivery_id, webhook_id, account_id, event_position, event_id, event_type, number, at, latency_ms,
  status, error, answer, ok
FROM delivery_tries WHERE event_position = ANY($2) AND account_id = $1 ORDER BY position;

-- name: deliveries_of_events
SELECT id, webhook_id, account_id, event_position, event_id, event_type, url, format, tries, next_at, created_at,
  last_error
FROM deliveries WHERE event_position = ANY($2) AND account_id = $1 ORDER BY id;
