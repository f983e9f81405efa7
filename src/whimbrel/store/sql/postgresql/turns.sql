-- Turns that nodes take where rows that are not there yet cannot be locked. They end with the transaction. Each takes
-- its locks in the same order as everybody else.
--
-- | statement | gives or does |
-- | --- | --- |
-- | parking_shared (carriers) | nobody parks a receipt of these carriers meanwhile |
-- | parking_alone (carriers) | nobody records an answer of these carriers meanwhile; gives rows when one may have been recorded |
-- | inbound_alone (source hashes) | nobody else records what these phones send |
-- | frequency_alone (number hashes) | nobody else counts what these people are sent |

-- name: frequency_alone
SELECT pg_advisory_xact_lock(1718775153, bucket::int)
FROM (SELECT DISTINCT number & 65535 AS bucket FROM unnest($1::bigint[]) AS given (number) ORDER BY bucket) AS buckets;

-- name: parking_shared
SELECT pg_advisory_xact_lock_shared(hashtextextended(carrier_id, 0))
FROM (SELECT carrier_id FROM unnest($1::text[]) AS given (carrier_id) ORDER BY carrier_id) AS carriers;

-- name: parking_alone
SELECT pg_advisory_xact_lock(hashtextextended(carrier_id, 0))
FROM (SELECT carrier_id FROM unnest($1::text[]) AS given (carrier_id) ORDER BY carrier_id) AS carriers;

-- name: inbound_alone
SELECT pg_advisory_xact_lock(1466985569, bucket::int)
FROM (SELECT DISTINCT source & 65535 AS bucket FROM unnest($1::bigint[]) AS given (source) ORDER BY bucket) AS buckets;
