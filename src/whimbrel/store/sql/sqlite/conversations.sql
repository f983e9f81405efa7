-- Tags of conversations, which stand in a JSON column.
--
-- | statement | gives or does |
-- | --- | --- |
-- | conversation_tags_add (account_id, test, our_hash, their_hash, tags, most) | these too, behind those that are there, as far as there is room |

-- name: conversation_tags_add
UPDATE conversations SET tags = (
  SELECT json_group_array(value) FROM (
    SELECT value FROM (
      SELECT value, 0 AS part, key AS place FROM json_each(conversations.tags)
      UNION ALL
      SELECT value, 1, key FROM json_each($5) WHERE value NOT IN (SELECT value FROM json_each(conversations.tags))
    ) ORDER BY part, place LIMIT $6
  )
) WHERE account_id = $1 AND test = $2 AND their_hash = $4 AND our_hash = $3;
