-- Attempts. `attempts_reserve` stands in each dialect's own folder.
--
-- | statement | gives or does |
-- | --- | --- |
-- | attempt_insert | position, message_id, account_id, part, parts, carrier_id, tail_hash, committed_at: state `committed` |

-- name: attempt_insert
INSERT INTO attempts (position, message_id, account_id, part, parts, carrier_id, bind, state, throttled, tail_hash,
  committed_at, receipts)
VALUES ($1, $2, $3, $4, $5, $6, '', 'committed', 0, $7, $8, 0);
