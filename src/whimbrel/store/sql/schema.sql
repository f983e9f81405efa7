-- What the database says of its own schema, for those who use it: `store/migrations.py` says what it means.
--
-- | statement | gives or does |
-- | --- | --- |
-- | schema_applied | rows of `Applied` |

-- name: schema_applied
SELECT number, name, checksum, applied_at, oldest FROM schema_migrations ORDER BY number;
