-- Customers' SMPP credentials. Written by `manage/smpp_credentials.py`.
--
-- | statement | gives or does |
-- | --- | --- |
-- | smpp_credentials_all | all of them |

-- name: smpp_credentials_all
SELECT id, account_id, test, name, system_id, password, status, settings, created_at, updated_at
FROM smpp_credentials ORDER BY id;
