-- The ledger and the balances beside it (the sums of its rows).
--
-- | statement | gives or does |
-- | --- | --- |
-- | ledger_insert (account_id, message_id, kind, debit, credit, amount_micros, note, created_at) | one movement |
-- | balance_hold (account_id, micros) | available -> held when it is covered; gives the account when it was |
-- | balances_available (accounts) | account_id, available |
-- | balances_to_hold (accounts) | the same, and nobody else takes from them meanwhile |
-- | balance_settle (account_id, charged, released) | held -> spent, held -> available |
-- | balance_top_up (account_id, micros) | bank -> available; negative to correct |
-- | balance_by_account (account_id) | account_id, currency, available, held, spent |
-- | ledger_page, ledger_page_oldest (account_id, before_position, limit) | whole rows, newest first |

-- name: ledger_insert
INSERT INTO ledger (account_id, message_id, kind, debit, credit, amount_micros, note, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: balance_hold (distinct)
UPDATE balances SET available = available - $2, held = held + $2 WHERE account_id = $1 AND available >= $2
RETURNING account_id;

-- name: balances_available
SELECT account_id, available FROM balances WHERE account_id = ANY($1);

-- name: balances_to_hold (locks balances)
SELECT account_id, available FROM balances WHERE account_id = ANY($1) ORDER BY account_id;

-- name: balance_settle (summed)
UPDATE balances SET held = held - $2 - $3, spent = spent + $2, available = available + $3 WHERE account_id = $1;

-- name: balance_top_up
UPDATE balances SET available = available + $2 WHERE account_id = $1;

-- name: balance_by_account
SELECT account_id, currency, available, held, spent FROM balances WHERE account_id = $1;

-- name: ledger_page (both ways)
SELECT position, account_id, message_id, kind, debit, credit, amount_micros, note, created_at FROM ledger
WHERE account_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3;
