-- Policies, the operator's rules of quiet hours, and how often people were texted.
--
-- | statement | gives or does |
-- | --- | --- |
-- | policies_all | id, document of every policy |
-- | policy_of (id) | document, updated_at |
-- | policy_put (id, account_id, document, at) | the policy as it is now |
-- | quiet_rules_all | id, document |
-- | quiet_rule_put (id, document, at) | the rule as it is now |
-- | quiet_rule_delete (id) | the product's own holds again, or none |

-- name: policies_all
SELECT id, document FROM policies;

-- name: policy_of
SELECT document, updated_at FROM policies WHERE id = $1;

-- name: policy_put
INSERT INTO policies (id, account_id, document, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at;

-- name: quiet_rules_all
SELECT id, document FROM quiet_rules;

-- name: quiet_rule_put
INSERT INTO quiet_rules (id, document, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at;

-- name: quiet_rule_delete
DELETE FROM quiet_rules WHERE id = $1;
