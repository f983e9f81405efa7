-- Short links. Rows are in the order of `Link`, `Click`, `Conversion` and `Figures` of domain/links.py.
--
-- | statement | gives or does |
-- | --- | --- |
-- | links_codes_taken (codes) | code: those that some link has |
-- | link_insert | a row of `Link` |
-- | links_by_codes (codes) | whole rows, and when the message went out: sent_at |
-- | links_by_ids (account_id, test, ids) | whole rows |
-- | links_of_messages (account_id, message_ids) | whole rows, in order |
-- | links_page, links_page_oldest (account_id, test, before_id, limit) | whole rows, the newest first |
-- | link_update (id, target, name, expires_at) | |
-- | link_delete (id), link_clicks_delete (link_id), link_conversions_delete (link_id) | |
-- | links_of_messages_delete, link_clicks_of_messages_delete, link_conversions_of_messages_delete (message_ids) | what was sent in these |
-- | links_to_click (ids) | what counting a click needs |
-- | link_clicked (id, people, bots, first_click_at, last_click_at, seq) | its figures as they are now |
-- | links_opened_of (message_ids) | message_id of each link that a person opened |
-- | message_seq (id, count) | the number of its newest event moves on; id, account_id, test, seq, flags |
-- | link_click_insert | a row of `Click` |
-- | link_clicks_page, link_clicks_page_oldest (account_id, link_id, before_id, limit) | whole rows, the newest first |
-- | link_click_by_id (id) | whole row |
-- | link_figures_add | a row of `Figures`, added to those that there are |
-- | link_figures_of (account_id, test, group_id) | whole rows, by variant |
-- | link_conversion_insert | a row of `Conversion`; nothing when it is there |
-- | link_converted (id, count, seq) | so many more |
-- | link_conversions_of (account_id, link_id, limit) | whole rows, the newest first |
-- | links_purge, link_clicks_purge, link_conversions_purge (before, limit) | old ones go |
-- | link_settings_all | account_id, host, document |
-- | link_settings_put (account_id, host, document, at) | |

-- name: links_codes_taken
SELECT code FROM links WHERE code = ANY($1);

-- name: link_insert
INSERT INTO links (id, code, account_id, test, message_id, target, base, name, group_id, variant, created_at, expires_at,
  people, bots, conversions, first_click_at, last_click_at, seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: links_by_codes
SELECT l.id, l.code, l.account_id, l.test, l.message_id, l.target, l.base, l.name, l.group_id, l.variant, l.created_at,
  l.expires_at, l.people, l.bots, l.conversions, l.first_click_at, l.last_click_at, l.seq, m.sent_at
FROM links AS l LEFT JOIN messages AS m ON m.id = l.message_id WHERE l.code = ANY($1);

-- name: links_by_ids
SELECT id, code, account_id, test, message_id, target, base, name, group_id, variant, created_at, expires_at, people, bots,
  conversions, first_click_at, last_click_at, seq
FROM links WHERE id = ANY($3) AND account_id = $1 AND test = $2;

-- name: links_of_messages
SELECT id, code, account_id, test, message_id, target, base, name, group_id, variant, created_at, expires_at, people, bots,
  conversions, first_click_at, last_click_at, seq
FROM links /* by links_by_message */ WHERE message_id = ANY($2) AND account_id = $1 ORDER BY id;

-- name: links_page (both ways)
SELECT id, code, account_id, test, message_id, target, base, name, group_id, variant, created_at, expires_at, people, bots,
  conversions, first_click_at, last_click_at, seq
FROM links WHERE account_id = $1 AND test = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: link_update
UPDATE links SET target = $2, name = $3, expires_at = $4 WHERE id = $1;

-- name: link_delete
DELETE FROM links WHERE id = $1;

-- name: link_clicks_delete
DELETE FROM link_clicks WHERE link_id = $1;

-- name: link_conversions_delete
DELETE FROM link_conversions WHERE link_id = $1;

-- name: links_of_messages_delete
DELETE FROM links WHERE message_id = ANY($1);

-- name: link_clicks_of_messages_delete
DELETE FROM link_clicks WHERE link_id IN (SELECT id FROM links WHERE message_id = ANY($1));

-- name: link_conversions_of_messages_delete
DELETE FROM link_conversions WHERE link_id IN (SELECT id FROM links WHERE message_id = ANY($1));

-- name: links_to_click (locks links)
SELECT id, account_id, test, message_id, group_id, variant, people, bots, first_click_at, last_click_at, seq FROM links
WHERE id = ANY($1) ORDER BY id;

-- name: link_clicked (distinct)
UPDATE links SET people = $2, bots = $3, first_click_at = $4, last_click_at = $5, seq = $6 WHERE id = $1;

-- name: links_opened_of
SELECT message_id FROM links WHERE message_id = ANY($1) AND people > 0;

-- name: message_seq
UPDATE messages SET seq = seq + $2 WHERE id = $1 RETURNING id, account_id, test, seq, flags;

-- name: link_click_insert
INSERT INTO link_clicks (id, link_id, account_id, test, kind, reason, agent, country, ip, first, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: link_clicks_page (both ways)
SELECT id, link_id, account_id, test, kind, reason, agent, country, ip, first, at FROM link_clicks
WHERE link_id = $2 AND account_id = $1 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: link_click_by_id
SELECT id, link_id, account_id, test, kind, reason, agent, country, ip, first, at FROM link_clicks WHERE id = $1;

-- name: link_figures_add
INSERT INTO link_figures (account_id, test, group_id, variant, recipients, people, bots, conversions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (group_id, variant, account_id, test) DO UPDATE SET recipients = link_figures.recipients + excluded.recipients,
  people = link_figures.people + excluded.people, bots = link_figures.bots + excluded.bots,
  conversions = link_figures.conversions + excluded.conversions;

-- name: link_figures_of
SELECT account_id, test, group_id, variant, recipients, people, bots, conversions FROM link_figures
WHERE group_id = $3 AND account_id = $1 AND test = $2 ORDER BY variant;

-- name: link_conversion_insert
INSERT INTO link_conversions (link_id, name, reference, account_id, test, click_id, value_micros, currency, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING;

-- name: link_converted
UPDATE links SET conversions = conversions + $2, seq = $3 WHERE id = $1;

-- name: link_conversions_of
SELECT link_id, name, reference, account_id, test, click_id, value_micros, currency, at FROM link_conversions
WHERE link_id = $2 AND account_id = $1 ORDER BY at DESC LIMIT $3;

-- name: links_purge
DELETE FROM links WHERE id IN (SELECT id FROM links WHERE expires_at < $1 ORDER BY expires_at LIMIT $2);

-- name: link_clicks_purge
DELETE FROM link_clicks WHERE id IN (SELECT id FROM link_clicks WHERE at < $1 ORDER BY at LIMIT $2);

-- name: link_conversions_purge
DELETE FROM link_conversions WHERE (link_id, name, reference) IN (
  SELECT link_id, name, reference FROM link_conversions WHERE at < $1 ORDER BY at LIMIT $2);

-- name: link_settings_all
SELECT account_id, host, document FROM link_settings;

-- name: link_settings_put
INSERT INTO link_settings (account_id, host, document, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id) DO UPDATE SET host = excluded.host, document = excluded.document, updated_at = excluded.updated_at;
