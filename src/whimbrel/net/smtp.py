"""Mail out, by SMTP: one mail over a connection of its own to the server that takes ours. What the server says of it is
told as a closed set: taken, refused for good, or to be tried again; with a lost connection nobody knows.
"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import aiosmtplib
import msgspec
from aiosmtplib import (
    SMTPException,
    SMTPReadTimeoutError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from whimbrel.net.tls import client_context, in_words

Security = Literal["none", "starttls", "tls"]
_TIMEOUT_S: Final = 30.0
_PERMANENT: Final = 500
_WORDS_MAX: Final = 200


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes our mail. `ca_file` empty: the system's authorities."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = ""
    ca_file: str = ""


class MailError(Exception):
    """A mail was not taken, as far as is known. `code`: the server's reply, 0 where there was none. `is_doubtful`: it
    may have been taken all the same: there was a connection, and then no word."""

    def __init__(self, words: str, *, code: int = 0, is_doubtful: bool = False) -> None:
        self.code = code
        self.is_doubtful = is_doubtful
        super().__init__(" ".join(words.split())[:_WORDS_MAX])

    @property
    def is_permanent(self) -> bool:
        """Whether the same mail would be refused again."""
        return self.code >= _PERMANENT


class Mailer:
    """Hands mail to the server."""

    def __init__(self, server: Server, timeout_s: float = _TIMEOUT_S) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._tls: ssl.SSLContext | None = None

    async def send(self, sender: str, recipients: Sequence[str], mail: bytes) -> None:
        """Returns when the server has taken it (RFC 5321 4.2.5) for all recipients. MailError otherwise."""
        with _told():
            async with self._client() as client:
                await client.sendmail(sender, list(recipients), mail)

    async def probe(self) -> None:
        """Returns when the server would take mail of ours: it lets us in. MailError otherwise."""
        with _told():
            async with self._client() as client:
                await client.noop()

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._context(),
            timeout=self._timeout_s,
        )

    def _context(self) -> ssl.SSLContext | None:
        if self._server.security == "none":
            return None
        if self._tls is None:
            self._tls = client_context(ca_file=self._server.ca_file)
        return self._tls


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors as ours."""
    try:
        yield
    except SMTPRecipientsRefused as error:
        first = error.recipients[0]
        raise MailError(first.message, code=first.code) from error
    except SMTPResponseException as error:
        raise MailError(error.message, code=error.code) from error
    except (SMTPServerDisconnected, SMTPReadTimeoutError) as error:
        raise MailError(in_words(error), is_doubtful=True) from error
    except (SMTPException, OSError) as error:
        raise MailError(in_words(error)) from error
