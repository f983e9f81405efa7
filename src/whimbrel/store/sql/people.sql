-- People who use the console: who they are, what they sign in with, what they keep.
--
-- | statement | gives or does |
-- | --- | --- |
-- | user_insert | a row of `User` |
-- | user_by_id (id), user_by_email (email) | the whole row |
-- | users_of_ids (ids) | whole rows |
-- | users_page (account_id, before_id, limit) | whole rows of an account, or ('') of the operator, newest first |
-- | users_with_role (account_id, role) | ids of those who are not disabled; account '' is the operator |
-- | users_hold (account_id, role) | nobody else changes those until the end of the commit |
-- | user_set_profile (id, name, role, status, at), user_set_preferences (id, preferences, at) | |
-- | user_set_password (id, password, status, at) | whoever is disabled stays so |
-- | user_set_totp (id, totp, at) | |
-- | user_use_totp (id, step) | changes a row only where the step is newer than the last one used |
-- | user_fail (id, locked_until) | counts one failure more; a later end of the lock-out stays |
-- | user_succeed (id, at) | |
-- | user_delete (id) | what else is theirs goes by the statements that end in `_of` |
-- | session_insert | a row of `Session` |
-- | session_by_digest (digest) | the whole row |
-- | sessions_of_user (user_id, now) | whole rows of those that hold, newest first |
-- | session_seen (id, at), session_confirm (id, at), session_show (id, account_id, test) | |
-- | session_end (id, user_id), sessions_end_of (user_id) | |
-- | sessions_end_others (user_id, id), sessions_purge (before) | |
-- | passkey_insert | a row of `Passkey` |
-- | passkeys_of_user (user_id), passkey_by_credential (credential) | whole rows, oldest first |
-- | passkey_use (id, sign_count, at), passkey_delete (id, user_id), passkeys_delete_of (user_id) | |
-- | sign_in_code_insert | digest, user_id, purpose, expires_at |
-- | sign_in_code_by_digest (digest, purpose, now) | user_id |
-- | sign_in_code_use (digest, now) | changes a row only where it still holds |
-- | sign_in_codes_left (user_id, purpose, now) | how many |
-- | sign_in_codes_delete_of (user_id), sign_in_codes_delete (user_id, purpose), sign_in_codes_purge (before) | |
-- | saved_view_insert | a row of `SavedView` |
-- | saved_views_of (user_id) | whole rows, oldest first |
-- | saved_view_delete (id, user_id), saved_views_delete_of (user_id) | |
-- | canned_insert | a row of `CannedAnswer` |
-- | canned_of_account (account_id), canned_by_id (id, account_id) | whole rows by name |
-- | canned_set (id, name, text, at), canned_delete (id) | |

-- name: user_insert
INSERT INTO users (id, account_id, email, name, role, status, password, totp, totp_step, failures, locked_until,
  preferences, created_at, updated_at, signed_in_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: user_by_id
SELECT id, account_id, email, name, role, status, password, totp, totp_step, failures, locked_until, preferences,
  created_at, updated_at, signed_in_at
FROM users WHERE id = $1;

-- name: users_of_ids
SELECT id, account_id, email, name, role, status, password, totp, totp_step, failures, locked_until, preferences,
  created_at, updated_at, signed_in_at
FROM users WHERE id = ANY($1);

-- name: user_by_email
SELECT id, account_id, email, name, role, status, password, totp, totp_step, failures, locked_until, preferences,
  created_at, updated_at, signed_in_at
FROM users WHERE email = $1;

-- name: users_page
SELECT id, account_id, email, name, role, status, password, totp, totp_step, failures, locked_until, preferences,
  created_at, updated_at, signed_in_at
FROM users WHERE COALESCE(account_id, '') = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: users_with_role
SELECT id FROM users WHERE COALESCE(account_id, '') = $1 AND role = $2 AND status <> 'disabled';

-- name: users_hold
UPDATE users SET updated_at = updated_at WHERE COALESCE(account_id, '') = $1 AND role = $2 AND status <> 'disabled';

-- name: user_set_profile
UPDATE users SET name = $2, role = $3, status = $4, updated_at = $5 WHERE id = $1;

-- name: user_set_preferences
UPDATE users SET preferences = $2, updated_at = $3 WHERE id = $1;

-- name: user_set_password
UPDATE users SET password = $2, status = CASE WHEN status = 'disabled' THEN status ELSE $3 END, failures = 0,
  locked_until = 0, updated_at = $4
WHERE id = $1;

-- name: user_set_totp
UPDATE users SET totp = $2, totp_step = 0, updated_at = $3 WHERE id = $1;

-- name: user_use_totp
UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2;

-- name: user_fail
UPDATE users SET failures = failures + 1,
  locked_until = CASE WHEN locked_until > $2 THEN locked_until ELSE $2 END
WHERE id = $1;

-- name: user_succeed
UPDATE users SET failures = 0, locked_until = 0, signed_in_at = $2 WHERE id = $1;

-- name: user_delete
DELETE FROM users WHERE id = $1;

-- name: session_insert
INSERT INTO sessions (id, digest, user_id, acting_for, test, stage, created_at, seen_at, expires_at, confirmed_at,
  address, agent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: session_by_digest
SELECT id, digest, user_id, acting_for, test, stage, created_at, seen_at, expires_at, confirmed_at, address,
  agent
FROM sessions WHERE digest = $1;

-- name: sessions_of_user
SELECT id, digest, user_id, acting_for, test, stage, created_at, seen_at, expires_at, confirmed_at, address,
  agent
FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC;

-- name: session_seen
UPDATE sessions SET seen_at = $2 WHERE id = $1;

-- name: session_confirm
UPDATE sessions SET confirmed_at = $2 WHERE id = $1;

-- name: session_show
UPDATE sessions SET acting_for = $2, test = $3 WHERE id = $1;

-- name: session_end
DELETE FROM sessions WHERE id = $1 AND user_id = $2;

-- name: sessions_end_of
DELETE FROM sessions WHERE user_id = $1;

-- name: sessions_end_others
DELETE FROM sessions WHERE user_id = $1 AND id <> $2;

-- name: sessions_purge
DELETE FROM sessions WHERE expires_at < $1;

-- name: passkey_insert
INSERT INTO passkeys (id, user_id, credential, public_key, sign_count, name, created_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: passkeys_of_user
SELECT id, user_id, credential, public_key, sign_count, name, created_at, used_at
FROM passkeys WHERE user_id = $1 ORDER BY id;

-- name: passkey_by_credential
SELECT id, user_id, credential, public_key, sign_count, name, created_at, used_at
FROM passkeys WHERE credential = $1;

-- name: passkey_use
UPDATE passkeys SET sign_count = $2, used_at = $3 WHERE id = $1;

-- name: passkey_delete
DELETE FROM passkeys WHERE id = $1 AND user_id = $2;

-- name: passkeys_delete_of
DELETE FROM passkeys WHERE user_id = $1;

-- name: sign_in_code_insert
INSERT INTO sign_in_codes (digest, user_id, purpose, expires_at) VALUES ($1, $2, $3, $4);

-- name: sign_in_code_by_digest
SELECT user_id FROM sign_in_codes WHERE digest = $1 AND purpose = $2 AND expires_at > $3;

-- name: sign_in_code_use
DELETE FROM sign_in_codes WHERE digest = $1 AND expires_at > $2;

-- name: sign_in_codes_left
SELECT COUNT(*) FROM sign_in_codes WHERE user_id = $1 AND purpose = $2 AND expires_at > $3;

-- name: sign_in_codes_delete_of
DELETE FROM sign_in_codes WHERE user_id = $1;

-- name: sign_in_codes_delete
DELETE FROM sign_in_codes WHERE user_id = $1 AND purpose = $2;

-- name: sign_in_codes_purge
DELETE FROM sign_in_codes WHERE expires_at < $1;

-- name: saved_view_insert
INSERT INTO saved_views (id, user_id, page, name, query, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: saved_views_of
SELECT id, user_id, page, name, query, created_at FROM saved_views WHERE user_id = $1 ORDER BY id;

-- name: saved_view_delete
DELETE FROM saved_views WHERE id = $1 AND user_id = $2;

-- name: saved_views_delete_of
DELETE FROM saved_views WHERE user_id = $1;

-- name: canned_insert
INSERT INTO canned_answers (id, account_id, name, text, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: canned_of_account
SELECT id, account_id, name, text, created_at, updated_at FROM canned_answers WHERE account_id = $1 ORDER BY name;

-- name: canned_by_id
SELECT id, account_id, name, text, created_at, updated_at FROM canned_answers WHERE id = $1 AND account_id = $2;

-- name: canned_set
UPDATE canned_answers SET name = $2, text = $3, updated_at = $4 WHERE id = $1;

-- name: canned_delete
DELETE FROM canned_answers WHERE id = $1;
