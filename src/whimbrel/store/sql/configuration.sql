-- How often each kind of configuration has changed, and what changed of the opt-outs. Triggers write both, in the commit
-- of the change.
--
-- | statement | gives or does |
-- | --- | --- |
-- | configuration_versions | kind, version |
-- | configuration_version | the sum of all but opt-outs, and that of opt-outs: one of them changes with each change |
-- | opt_out_changes_bounds | the first and the last position; 0 and 0 when there is none |
-- | opt_out_changes_after (position) | position, account_id, number_hash, stopped, in commit order |
-- | opt_out_changes_concern (position, hashes) | 1 when somebody opted in, or one of these out, anywhere |
-- | opt_out_changes_purge (before, limit) | the oldest ones removed, the newest of all excepted |

-- name: configuration_versions
SELECT kind, version FROM configuration;

-- name: configuration_version
SELECT CAST(SUM(CASE WHEN kind = 'opt_outs' THEN 0 ELSE version END) AS BIGINT),
    CAST(SUM(CASE WHEN kind = 'opt_outs' THEN version ELSE 0 END) AS BIGINT) FROM configuration;

-- name: opt_out_changes_bounds
SELECT COALESCE((SELECT MIN(position) FROM opt_out_changes), 0),
    COALESCE((SELECT MAX(position) FROM opt_out_changes), 0);

-- name: opt_out_changes_after
SELECT position, account_id, number_hash, stopped FROM opt_out_changes WHERE position > $1 ORDER BY position;

-- name: opt_out_changes_concern
SELECT 1 FROM opt_out_changes
WHERE position > $1 AND (stopped = 0 OR number_hash = ANY($2) OR person_hash = ANY($2)) LIMIT 1;

-- name: opt_out_changes_purge
DELETE FROM opt_out_changes WHERE position IN (
    SELECT position FROM opt_out_changes WHERE at < $1 AND position < (SELECT MAX(position) FROM opt_out_changes)
    ORDER BY position LIMIT $2
);
