-- Carriers, routes and prices. Columns of a whole row are always in the order of its struct.
--
-- | statement | gives or does |
-- | --- | --- |
-- | carrier_insert | a row of `Carrier` |
-- | carriers_all | whole rows |
-- | carrier_by_id (id), carrier_by_name (name) | the whole row |
-- | carriers_page (before_id, limit) | whole rows, newest first |
-- | carrier_update (id, name, sandbox, settings, password, at) | |
-- | carrier_set_status (id, status, at) | |
-- | carrier_delete (id) | |
-- | route_insert | a row of `Route` |
-- | routes_all | whole rows in their order |
-- | route_update (id, position, prefix, country, carriers, enabled, at) | |
-- | route_place (id, position) | |
-- | route_delete (id) | |
-- | price_put | a row of `Price`; the row of the same list and prefix keeps its id and age |
-- | prices_all | whole rows |
-- | price_by_id (id), price_by_prefix (account_id, prefix) | the whole row; account '' is the general list |
-- | prices_page (account_id, before_id, limit) | whole rows of an account's and the general list, or (NULL) of all |
-- | price_delete (id) | |

-- name: carrier_insert
INSERT INTO carriers (id, name, kind, status, sandbox, settings, password, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: carriers_all
SELECT id, name, kind, status, sandbox, settings, password, created_at, updated_at FROM carriers ORDER BY id;

-- name: carrier_by_id
SELECT id, name, kind, status, sandbox, settings, password, created_at, updated_at FROM carriers WHERE id = $1;

-- name: carrier_by_name
SELECT id, name, kind, status, sandbox, settings, password, created_at, updated_at FROM carriers WHERE name = $1;

-- name: carriers_page
SELECT id, name, kind, status, sandbox, settings, password, created_at, updated_at
FROM carriers WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: carrier_update
UPDATE carriers SET name = $2, sandbox = $3, settings = $4, password = $5, updated_at = $6 WHERE id = $1;

-- name: carrier_set_status
UPDATE carriers SET status = $2, updated_at = $3 WHERE id = $1;

-- name: carrier_delete
DELETE FROM carriers WHERE id = $1;

-- name: route_insert
INSERT INTO routes (id, position, prefix, country, account_id, carriers, enabled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: routes_all
SELECT id, position, prefix, country, account_id, carriers, enabled, created_at, updated_at
FROM routes ORDER BY position, id;

-- name: route_update
UPDATE routes SET position = $2, prefix = $3, country = $4, carriers = $5, enabled = $6, updated_at = $7 WHERE id = $1;

-- name: route_place
UPDATE routes SET position = $2 WHERE id = $1;

-- name: route_delete
DELETE FROM routes WHERE id = $1;

-- name: price_put
INSERT INTO prices (id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (COALESCE(account_id, ''), prefix) DO UPDATE SET price_micros = excluded.price_micros,
  currency = excluded.currency, updated_at = excluded.updated_at, mms_price_micros = excluded.mms_price_micros;

-- name: prices_all
SELECT id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros FROM prices;

-- name: price_by_id
SELECT id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros FROM prices WHERE id = $1;

-- name: price_by_prefix
SELECT id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros
FROM prices WHERE COALESCE(account_id, '') = $1 AND prefix = $2;

-- name: prices_page
SELECT id, account_id, prefix, price_micros, currency, created_at, updated_at, mms_price_micros
FROM prices WHERE (CAST($1 AS TEXT) IS NULL OR account_id IS NULL OR account_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: price_delete
DELETE FROM prices WHERE id = $1;
