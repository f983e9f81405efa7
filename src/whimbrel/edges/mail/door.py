"""One mail's way through SMTP: who may write at all and to whom is said at each RCPT, the rest after DATA, and 250 only
when the texts are stored.

A mail has one answer for all its phones. Where one of them got its text the answer is 250, with the ids of the texts
and what was refused; the mailbox writes to the sender about that (docs/mail.md).
"""

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import MAILBOX_RECIPIENTS_MAX
from whimbrel.domain.active import AWAY
from whimbrel.domain.mail_addresses import Target, target_of
from whimbrel.domain.mail_reading import Mail, Unreadable, read
from whimbrel.domain.mail_results import Result, results_of
from whimbrel.domain.mailboxes import Mailbox
from whimbrel.edges.mail.statuses import LATER, line, reply, reply_to
from whimbrel.edges.shared.services import Services
from whimbrel.products.mailboxes.receiving import Outcome, Receiving, chosen

_log = logging.getLogger("whimbrel.mail")
_NOBODY: Final = frozenset({"", "<>"})
_IDS_SHOWN: Final = 8
_RETRY_S: Final = 5


class Cells(Protocol):
    """The cells as far as mail for accounts of theirs comes here."""

    def directories(self) -> Mapping[str, Any]:
        """By name; those that were never reached are missing."""
        ...

    def unknown(self) -> frozenset[str]:
        """Cells that were never reached."""
        ...

    def services(self, cell: str) -> Services | None:
        """What serves a cell; None while it cannot be reached."""
        ...


class Found(msgspec.Struct, frozen=True):
    """A mailbox, and what takes its mail."""

    mailbox: Mailbox
    receiving: Receiving


class Finder:
    """Finds mailboxes in all cells."""

    def __init__(self, services: Services, cells: Cells | None) -> None:
        self._services = services
        self._cells = cells

    async def tagged(self, tag: str) -> Found:
        """The mailbox of a tag. WhimbrelError mailbox_unknown, cell_unavailable, account_moving."""
        rows = [(each, await each.mailboxes.tagged(tag)) for each in self._every()]
        return self._here([(each, row) for each, row in rows if row is not None], "mailbox_unknown")[0]

    async def of_sender(self, sender: str) -> Found:
        """The mailbox that takes mail of a sender where none is named. WhimbrelError."""
        rows = [(each, row) for each in self._every() for row in await each.mailboxes.of_sender(sender)]
        found = self._here(rows, "mail_sender_unknown")
        mailbox = chosen([each.mailbox for each in found], sender)
        return next(each for each in found if each.mailbox is mailbox)

    def _here(self, rows: Sequence[tuple[Services, Mailbox]], unknown: str) -> list[Found]:
        """Those whose accounts are where they were found: one that moves has its mailboxes in two cells for a while.
        A cell that cannot be reached may have what is not found."""
        here = [Found(row, services.mailboxes) for services, row in rows if not _is_away(services, row)]
        if here:
            return here
        if rows:
            raise WhimbrelError("account_moving", retry_after_s=_RETRY_S)
        raise WhimbrelError("cell_unavailable" if self._is_blind() else unknown)

    def _is_blind(self) -> bool:
        cells = self._cells
        return cells is not None and (
            bool(cells.unknown()) or any(cells.services(name) is None for name in cells.directories())
        )

    def _every(self) -> list[Services]:
        if self._cells is None:
            return [self._services]
        found = (self._cells.services(name) for name in self._cells.directories())
        return [services for services in found if services is not None]


def _is_away(services: Services, mailbox: Mailbox) -> bool:
    account = services.tables.accounts.get(mailbox.account_id)
    return account is None or account.status in AWAY


class Door:
    """What aiosmtpd asks of each connection (its handler); one for all of them."""

    def __init__(
        self, services: Services, finder: Finder, *, domain: str, relays: Sequence[str], authserv_ids: Sequence[str]
    ) -> None:
        self._services = services
        self._finder = finder
        self._domain = domain.lower()
        self._relays = [ipaddress.ip_network(each) for each in relays]
        self._authserv_ids = tuple(authserv_ids)

    def admits(self, address: str) -> bool:
        """Whether a mail server of this address may connect."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        bare = found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
        return any(bare in network for network in self._relays)

    # The names are aiosmtpd's.

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether a phone may be written to at all."""
        try:
            refusal = await self._refusal(envelope, address)
        except Exception as error:
            refusal = self._told(error)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The whole mail."""
        try:
            return await self._take(envelope)
        except Unreadable as error:
            return reply("mail_unreadable", f"{str(error).capitalize()}.")
        except Exception as error:
            return self._told(error)

    async def handle_exception(self, error: Exception) -> str:
        """What nobody expected within aiosmtpd."""
        return self._told(error)

    def _told(self, error: Exception) -> str:
        text = reply_to(error)
        if not isinstance(error, WhimbrelError):
            _log.error("a mail could not be taken", exc_info=error)
        return text

    async def _refusal(self, envelope: Envelope, address: str) -> str:
        local, _, domain = address.rpartition("@")
        if domain.lower() != self._domain:
            return line(f"550 5.7.1 Mail for {self._domain} is taken here, and no other")
        if (envelope.mail_from or "") in _NOBODY:
            return reply("mail_automatic")  # RFC 3834 2: what answers by itself, and what comes back
        if len(envelope.rcpt_tos) >= MAILBOX_RECIPIENTS_MAX:
            return "452 4.5.3 Too many recipients"
        target = target_of(local)
        if target is None:
            return reply("invalid_number")
        if target.tag:
            await self._finder.tagged(target.tag)
        return ""

    async def _take(self, envelope: Envelope) -> str:
        octets = envelope.original_content or b""
        mail = read(octets)
        results = results_of(mail.results, self._authserv_ids)
        targets = [target for each in envelope.rcpt_tos if (target := target_of(each.rpartition("@")[0]))]
        outcomes: list[tuple[Target, Outcome]] = []
        for found, phones in (await self._by_mailbox(mail, targets)).values():
            taken = await self._taken_by(found, mail, results, phones, outcomes)
            outcomes += zip(phones, taken, strict=True)
        return _reply(outcomes, mail.attachments)

    async def _by_mailbox(self, mail: Mail, targets: Sequence[Target]) -> dict[str, tuple[Found, list[Target]]]:
        """Each phone once for each mailbox."""
        found: dict[str, Found] = {}
        grouped: dict[str, tuple[Found, list[Target]]] = {}
        for target in dict.fromkeys(targets):
            if target.tag not in found:
                wanted = self._finder.tagged(target.tag) if target.tag else self._finder.of_sender(mail.sender)
                found[target.tag] = await wanted
            of = grouped.setdefault(found[target.tag].mailbox.id, (found[target.tag], []))
            if all(each.number != target.number for each in of[1]):
                of[1].append(target)
        return grouped

    async def _taken_by(
        self, found: Found, mail: Mail, results: Sequence[Result], phones: Sequence[Target], before: Sequence[Any]
    ) -> list[Outcome]:
        """Once something was stored the server must hear so, whatever another mailbox says."""
        try:
            return await found.receiving.take(found.mailbox, mail, results, phones)
        except WhimbrelError as error:
            if not before or LATER in reply_to(error):
                raise
            return [Outcome(None, error.code) for _ in phones]


def _reply(outcomes: Sequence[tuple[Target, Outcome]], attachments: int) -> str:
    ids = [outcome.message_id for _, outcome in outcomes if outcome.message_id]
    refused = [outcome for _, outcome in outcomes if outcome.code]
    if not ids:
        return reply(refused[0].code, refused[0].detail)
    shown = ", ".join(ids[:_IDS_SHOWN]) + (f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else "")
    notes = [f"{len(refused)} refused ({refused[0].code})"] if refused else []
    notes += [f"{attachments} attachments left out"] if attachments else []
    return line("; ".join([f"250 2.0.0 Accepted as {shown}", *notes]))
