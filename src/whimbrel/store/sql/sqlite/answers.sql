-- What the store process answered; see `store/sqlite/serving.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | store_answer (session, slot, number) | the result of that call, if it was done |
-- | store_answer_keep (session, slot, number, result) | in place of an older call's |
-- | store_answers_forget (from, to) | of sessions that are not in this stretch |

-- name: store_answer
SELECT result FROM store_answers WHERE session = $1 AND slot = $2 AND number = $3;

-- name: store_answer_keep
INSERT INTO store_answers VALUES ($1, $2, $3, $4)
ON CONFLICT (session, slot) DO UPDATE SET number = excluded.number, result = excluded.result;

-- name: store_answers_forget
DELETE FROM store_answers WHERE session < $1 OR session >= $2;
