-- Registrations and documents. Columns of whole rows are in the order of `Registration` and `Document`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | registrations_approved | whole rows, in order |

-- name: registrations_approved
SELECT id, account_id, regime, country, name, state, parent_id, senders, answers, decision, reason, seq, submitted_at,
  decided_at, expires_at, created_at, updated_at
FROM registrations WHERE state = 'approved' ORDER BY id;
