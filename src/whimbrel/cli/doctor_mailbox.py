"""What `whimbrel doctor` says of the mailbox door: its certificate, whom it believes, and whether it answers a mail
server. No mail is sent.
"""

import smtplib
from collections.abc import Iterator

from whimbrel import config
from whimbrel.cli import doctor_certificate
from whimbrel.cli.finding import Finding
from whimbrel.mail_sections import Mailbox

_SUBJECT = "mailbox"
_TIMEOUT_S = 3.0
_STRANGER = 554
_REFUSALS = 400  # and above (RFC 5321 4.2.1)
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what an address to listen at means for one to reach


def look(settings: config.Settings) -> Iterator[Finding]:
    """Nothing where the door stays shut."""
    door = settings.mailbox
    if not door.domain:
        return
    if "mail" not in settings.roles:
        yield Finding(_SUBJECT, "ok", "not a role of this node")
        return
    if door.tls_cert_file:
        files = door.tls_cert_file, door.tls_key_file
        who = "mail servers that verify it cannot come"
        yield doctor_certificate.look(_SUBJECT, *files, needed="a node with the role mail", who=who)
    if not door.authserv_ids:
        detail = "nobody's Authentication-Results are believed: mailboxes with `auth` other than `none` take no mail"
        yield Finding(_SUBJECT, "warning", detail, "set mailbox.authserv_ids to the name your mail server writes there")
    yield _answer(door)


def _answer(door: Mailbox) -> Finding:
    """What a mail server would be told."""
    host = _ANYWHERE.get(door.host, door.host)
    at = f"{door.host}:{door.port}"
    try:
        with smtplib.SMTP(timeout=_TIMEOUT_S) as client:
            code, words = client.connect(host, door.port)
            if code == _STRANGER:
                advice = "this machine is none of mailbox.relays: look from one that is, such as the mail server"
                return Finding(_SUBJECT, "ok", f"{at} answers, and lets in its own relays only", advice)
            if code >= _REFUSALS:
                said = words.decode(errors="replace")
                return Finding(_SUBJECT, "error", f"{at} says {code} {said}", "see mailbox.connections_max")
            client.ehlo()
            if door.tls_cert_file and not client.has_extn("starttls"):
                advice = "start the node again: it runs with other settings"
                return Finding(_SUBJECT, "error", f"{at} offers no STARTTLS", advice)
    except (OSError, smtplib.SMTPException) as error:
        advice = "start the node; is the port another program's, or another node's (docs/mail.md)?"
        return Finding(_SUBJECT, "error", f"nothing takes mail at {at}: {error}", advice)
    return Finding(_SUBJECT, "ok", f"{at} takes mail for phones at {door.domain}")
