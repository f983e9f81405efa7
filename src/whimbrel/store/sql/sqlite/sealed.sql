-- Texts that are sealed. An option that is no member of the JSON any more is erased.
--
-- | statement | gives or does |
-- | --- | --- |
-- | message_unseal (id) | the sealed text erased; the masked one stays |

-- name: message_unseal
UPDATE messages SET options = json_remove(options, '$.sealed') WHERE id = $1;
