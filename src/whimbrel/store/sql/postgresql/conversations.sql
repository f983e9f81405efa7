-- Tags of conversations, which stand in a JSON column.
--
-- | statement | gives or does |
-- | --- | --- |
-- | conversation_tags_add (account_id, test, our_hash, their_hash, tags, most) | these too, behind those that are there, as far as there is room |

-- name: conversation_tags_add
UPDATE conversations SET tags = (
  SELECT json_agg(value ORDER BY part, place)::text FROM (
    SELECT value, part, place FROM (
      SELECT value, 0 AS part, place
      FROM json_array_elements_text(conversations.tags::json) WITH ORDINALITY AS held (value, place)
      UNION ALL
      SELECT value, 1, place FROM json_array_elements_text($5::json) WITH ORDINALITY AS added (value, place)
      WHERE value NOT IN (SELECT json_array_elements_text(conversations.tags::json))
    ) AS every ORDER BY part, place LIMIT $6
  ) AS kept
) WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3;
