-- Consent: the ledger, what stands, and requests for it. Columns of whole rows are in the order of `Consent` and
-- `ConsentRequest`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | consent_insert | a row of `Consent` |
-- | consented_put (account_id, number_hash, purpose, consent_id) | granted, by this record |
-- | consented_drop (account_id, number_hash, purpose) | revoked |
-- | consented_of (accounts, hashes) | account_id, number_hash, purpose |
-- | consented_by_number (account_id, number_hash) | purpose, consent_id |
-- | consented_after (account_id, number_hash, limit) | account_id, number_hash, purpose of marketing behind these |
-- | consents_revoked_last (accounts, hashes) | account_id, number_hash, source, proof of the last records that revoke all |
-- | consents_revoked_at (account_id, hashes) | number_hash, purpose and the last moment at which it was revoked |
-- | consent_by_id (account_id, id) | the whole row |
-- | consents_page, consents_page_oldest (account_id, before_id, limit) | whole rows |
-- | consents_of_number, consents_of_number_oldest (account_id, number_hash, before_id, limit) | the same of one number |
-- | consents_of_action, consents_of_action_oldest (account_id, action, before_id, limit) | the same of one action |
-- | consents_forget (account_id, number_hash) | the number goes, the records stay |
-- | consent_event (id, account_id, type, data, at) | the first event of a record |
-- | consent_request_insert | a row of `ConsentRequest` |
-- | consent_request_answer (account_id, id, state, answer_id, at) | it waits no more |
-- | consent_request_sent (account_id, id, message_id, at, expires_at) | texted once more |
-- | consent_requests_pending (accounts, hashes) | those that wait: id, account_id, number_hash, purpose, sender, wording, proof, expires_at |
-- | consent_requests_of_number (account_id, number_hash) | whole rows, newest first |
-- | consent_request_by_id (account_id, id) | the whole row |
-- | consent_requests_page, consent_requests_page_oldest (account_id, before_id, limit) | whole rows |
-- | consent_requests_forget (account_id, number_hash) | the number goes, the rows stay |

-- name: consent_insert
INSERT INTO consents (id, account_id, number_hash, number, masked, purpose, action, source, wording, proof, actor, at,
    created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: consented_put
INSERT INTO consented (account_id, number_hash, purpose, consent_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, number_hash, purpose) DO UPDATE SET consent_id = excluded.consent_id;

-- name: consented_drop
DELETE FROM consented WHERE account_id = $1 AND number_hash = $2 AND purpose = $3;

-- name: consented_of
SELECT account_id, number_hash, purpose FROM consented WHERE account_id = ANY($1) AND number_hash = ANY($2);

-- name: consented_by_number
SELECT purpose, consent_id FROM consented WHERE account_id = $1 AND number_hash = $2 ORDER BY purpose;

-- name: consented_after
SELECT account_id, number_hash, purpose FROM consented
WHERE (account_id, number_hash) > ($1, $2) AND purpose = 'marketing' ORDER BY account_id, number_hash LIMIT $3;

-- name: consents_revoked_last
SELECT c.account_id, c.number_hash, c.source, c.proof FROM consents AS c /* by consents_by_number */
WHERE c.account_id = ANY($1) AND c.number_hash = ANY($2) AND c.action = 'revoke' AND c.purpose = '*'
  AND NOT EXISTS (
    SELECT 1 FROM consents AS n
    WHERE n.account_id = c.account_id AND n.number_hash = c.number_hash AND n.id > c.id
  );

-- name: consents_revoked_at
SELECT number_hash, purpose, MAX(at) AS at FROM consents /* by consents_by_number */
WHERE account_id = $1 AND number_hash = ANY($2) AND action = 'revoke' GROUP BY number_hash, purpose;

-- name: consent_by_id
SELECT id, account_id, number_hash, number, masked, purpose, action, source, wording, proof, actor, at, created_at
FROM consents WHERE account_id = $1 AND id = $2;

-- name: consents_page (both ways)
SELECT id, account_id, number_hash, number, masked, purpose, action, source, wording, proof, actor, at, created_at
FROM consents WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: consents_of_number (both ways)
SELECT id, account_id, number_hash, number, masked, purpose, action, source, wording, proof, actor, at, created_at
FROM consents /* by consents_by_number */
WHERE account_id = $1 AND number_hash = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: consents_of_action (both ways)
SELECT id, account_id, number_hash, number, masked, purpose, action, source, wording, proof, actor, at, created_at
FROM consents /* by consents_by_action */
WHERE account_id = $1 AND action = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: consents_forget
UPDATE consents /* by consents_by_number */ SET number = NULL
WHERE account_id = $1 AND number_hash = $2 AND number IS NOT NULL;

-- name: consent_event
INSERT INTO events (account_id, test, subject_id, seq, type, data, callback, created_at)
VALUES ($2, 0, $1, 1, $3, $4, 0, $5);

-- name: consent_request_insert
INSERT INTO consent_requests (id, account_id, number_hash, number, masked, purpose, sender, wording, proof, state, sends,
    message_id, answer_id, actor, created_at, sent_at, expires_at, answered_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: consent_request_answer
UPDATE consent_requests SET state = $3, answer_id = $4, answered_at = $5
WHERE account_id = $1 AND id = $2 AND state = 'pending';

-- name: consent_request_sent
UPDATE consent_requests SET sends = sends + 1, message_id = $3, sent_at = $4, expires_at = $5
WHERE account_id = $1 AND id = $2 AND state = 'pending';

-- name: consent_requests_pending
SELECT id, account_id, number_hash, purpose, sender, wording, proof, expires_at
FROM consent_requests /* by consent_requests_by_number */
WHERE account_id = ANY($1) AND number_hash = ANY($2) AND state = 'pending' ORDER BY id;

-- name: consent_requests_of_number
SELECT id, account_id, number_hash, number, masked, purpose, sender, wording, proof, state, sends, message_id, answer_id,
    actor, created_at, sent_at, expires_at, answered_at
FROM consent_requests /* by consent_requests_by_number */
WHERE account_id = $1 AND number_hash = $2 ORDER BY id DESC LIMIT 100;

-- name: consent_request_by_id
SELECT id, account_id, number_hash, number, masked, purpose, sender, wording, proof, state, sends, message_id, answer_id,
    actor, created_at, sent_at, expires_at, answered_at
FROM consent_requests WHERE account_id = $1 AND id = $2;

-- name: consent_requests_page (both ways)
SELECT id, account_id, number_hash, number, masked, purpose, sender, wording, proof, state, sends, message_id, answer_id,
    actor, created_at, sent_at, expires_at, answered_at
FROM consent_requests WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: consent_requests_forget
UPDATE consent_requests /* by consent_requests_by_number */ SET number = NULL
WHERE account_id = $1 AND number_hash = $2 AND number IS NOT NULL;
