"""A row of each table in which products keep something for an account, as PostgreSQL writes it: `$1` makes ids their
own, `$2` is the account.
"""

from typing import Final

PRODUCT_ROWS: Final = (
    "INSERT INTO campaigns VALUES ('CM' || $1, $2, 0, 'sale', 'finished', '{}', 'KE1', '', NULL, 3, 2, 'all', 0, "
    "'', '', 1, 1, 0, 0, NULL, 1, 1, 1, '', '', 0, 1, 1)",
    "INSERT INTO campaign_numbers VALUES ('CM' || $1, 0, 0, $2, '+14155550123', 7)",
    "INSERT INTO campaign_recipients VALUES ('SM' || $1, 'CM' || $1, $2, 7, '0', 0, 'US', 'delivered', NULL, 1, "
    "NULL, NULL, NULL, NULL)",
    "INSERT INTO campaign_refusals VALUES ('CM' || $1, 'opted_out', $2, 1)",
    "INSERT INTO campaign_figures VALUES ('CM' || $1, 0, 'US', '', 'USD', $2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 10, "
    "0, 0, 0, 0, 0)",
    "INSERT INTO campaign_minutes VALUES ('CM' || $1, 30000000, 0, $2, 1, 1, 0, 0, 0, 0)",
    "INSERT INTO campaign_policies SELECT $2, 1, length($1)",
    "INSERT INTO pools VALUES ('MG' || $1, $2, 'main', 1, '{}', 1, 1)",
    "INSERT INTO pool_members VALUES ('MG' || $1, 'PN1', $2, 1, 60, 0, '[]', 1)",
    "INSERT INTO pool_sticky VALUES ('MG' || $1, 7, $2, 'PN1', 1)",
    "INSERT INTO number_turns VALUES ('PN' || $1, $2, 5, 1, 2)",
    "INSERT INTO inbound_urls VALUES ('MG' || $1, $2, 'https://a.example', 'POST', NULL, 'POST', 'event', 1)",
    "INSERT INTO keywords VALUES ('KW' || $1, $2, 'join', '', 1, '{}', 1, 1)",
    "INSERT INTO keyword_counts VALUES ('KW' || $1, $2, 3, 1)",
    "INSERT INTO keyword_paces VALUES (7, $2, length($1), 1)",
    "INSERT INTO brands VALUES ('BN' || $1, $2, 'shoes', '[]', 1, 1)",
    "INSERT INTO consents VALUES ('CN' || $1, $2, 7, '+1', '+1', 'marketing', 'grant', 'api', '', '{}', 'KE1', 1, 1)",
    "INSERT INTO consented VALUES ($2, 7, 'marketing', 'CN' || $1)",
    "INSERT INTO consent_requests VALUES ('CQ' || $1, $2, 7, '+1', '+1', 'marketing', '+1', '', '{}', 'pending', "
    "1, 'SM1', NULL, 'KE1', 1, 1, 2, NULL)",
    "INSERT INTO suppression_lists VALUES ('SL' || $1, $2, 'complaints', '', '[\"marketing\"]', 1, 1)",
    "INSERT INTO suppressions VALUES ('SL' || $1, 7, $2, '+1', '+1', '', 1)",
    "INSERT INTO consent_words VALUES ('CW' || $1, $2, 'stop', 'en', 'whole', 'Bye', 'bye', 1, '', '', 1)",
    "INSERT INTO consent_texts VALUES ('KT' || $1, $2, '', 'stop', 'en', 'Bye.', 1)",
    "INSERT INTO policies VALUES ($2, $2, '{}', length($1))",
    "INSERT INTO frequency VALUES ($2, 0, 7, 1, '[]', length($1))",
    "INSERT INTO registrations VALUES ('RG' || $1, $2, 'sg_ssir', 'SG', 'Acme', 'draft', NULL, '[]', '{}', '{}', "
    "'', 1, NULL, NULL, NULL, 1, 1)",
    "INSERT INTO documents VALUES ('DC' || $1, $2, 'RG' || $1, 'authorisation', 'a.pdf', 'application/pdf', 2, "
    "'x', 1, decode('00ff', 'hex'))",
    "INSERT INTO links VALUES ('LK' || $1, 'c' || $1, $2, 0, 'SM1', 'https://a.example', 'https://l.example', '', "
    "'CM1', 'a', 1, 2, 1, 0, 0, 1, 1, 1)",
    "INSERT INTO media VALUES ('ME' || $1, $2, 0, 'a.png', 'image/png', 2, 'x', 'upload', 1, 2)",
    "INSERT INTO media_data VALUES ('ME' || $1, $2, decode('00ff', 'hex'))",
    "INSERT INTO message_media VALUES ('SM' || $1, 0, 'ME' || $1, $2)",
    "INSERT INTO link_clicks VALUES ('LC' || $1, 'LK' || $1, $2, 0, 'person', '', '', '', '', 1, 1)",
    "INSERT INTO link_conversions VALUES ('LK' || $1, 'order', '7', $2, 0, '', NULL, '', 1)",
    "INSERT INTO link_figures SELECT $2, 0, 'CM' || $1, 'a', 1, 1, 0, 0",
    "INSERT INTO link_settings SELECT $2, 'go-' || $1 || '.example', '{}', 1",
    "INSERT INTO conversation_notes VALUES ('NT' || $1, $2, 0, 'CV' || $1, 'US1', 'Note', 1)",
    "INSERT INTO conversation_days SELECT $2, 0, length($1), 'US1', 1, 2, 3, 4, 5",
    "INSERT INTO desks SELECT $2, '{}', length($1)",
    "INSERT INTO contact_starts SELECT $2, 'IM' || $1, 0, 0, '{\"created\":[],\"labels\":{}}', 1",
)


def for_sqlite(sql: str) -> str:
    """The same as SQLite writes it."""
    return sql.replace("decode('00ff', 'hex')", "x'00ff'").replace("$", "?")
