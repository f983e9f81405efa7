"""A mail, from what it says to texts: whose mailbox it is for, whether that takes it, and one text for each phone, each
accepted in one commit with its row of the log. The mail server is answered after that.

A mail server that did not hear our answer brings the mail again. What is sent for a mail to a phone has a name
(`taken`): the idempotency key of the text, of which a commit takes only one, and it stands in the log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Seal, Vault
from whimbrel.domain import mail_results
from whimbrel.domain.active import check_active
from whimbrel.domain.mail_addresses import Target, allowances_of, domain_of
from whimbrel.domain.mail_reading import Mail
from whimbrel.domain.mail_results import Result
from whimbrel.domain.mail_text import composed
from whimbrel.domain.mailboxes import Correspondence, Mailbox, MailboxMail, MailboxSettings
from whimbrel.domain.model import Draft, Options
from whimbrel.domain.pacing import Bucket
from whimbrel.journey.accept import Accept
from whimbrel.journey.record import IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.mailboxes.shapes import settings_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_DOOR: Final = "mail"
_FINGERPRINT: Final = b"mail"  # the key says everything about what is sent
_BUCKETS_MAX: Final = 10_000
_MINUTE_S: Final = 60


class Outcome(msgspec.Struct, frozen=True):
    """What became of a mail for one phone: a text, or the code of the catalogue that says why there is none.
    `is_repeat`: the text was sent when the mail came before."""

    message_id: str | None
    code: str = ""
    detail: str = ""
    is_repeat: bool = False


class _Seen(msgspec.Struct, frozen=True):
    """Columns of `mailbox_taken`."""

    taken: str
    message_id: str | None


class _Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A mail for phones of one mailbox, on its way through."""

    mailbox: Mailbox
    settings: MailboxSettings
    mail: Mail
    text: str
    now: int


def chosen(mailboxes: Sequence[Mailbox], sender: str) -> Mailbox:
    """The one of these mailboxes, of whichever cell, that takes mail of `sender` where it names none: an address that
    is listed goes before a domain. WhimbrelError mail_sender_unknown, mail_sender_ambiguous."""
    exact = [mailbox for mailbox in mailboxes if sender in mailbox.allowed]
    found = exact or list(mailboxes)
    active = [mailbox for mailbox in found if mailbox.status == "active"] or found
    if not active:
        raise WhimbrelError("mail_sender_unknown")
    if len(active) > 1:
        raise WhimbrelError("mail_sender_ambiguous")
    return active[0]


class Receiving:
    """Takes mail for the mailboxes of one cell; one in each process."""

    def __init__(self, ctx: Context, accept: Accept, tables: Tables, metrics: Metrics) -> None:
        self._ctx = ctx
        self._accept = accept
        self._tables = tables
        self._metrics = metrics
        self._buckets: dict[str, Bucket] = {}
        self._refusals: dict[str, Bucket] = {}

    async def tagged(self, tag: str) -> Mailbox | None:
        """The mailbox that an address names; None: this cell has none of this tag."""
        rows = await self._ctx.store.fetch(Mailbox, "mailbox_by_tag", tag)
        return rows[0] if rows else None

    async def of_sender(self, sender: str) -> list[Mailbox]:
        """Mailboxes of this cell that take mail of an address."""
        return await self._ctx.store.fetch(Mailbox, "mailboxes_by_sender", list(allowances_of(sender)))

    async def take(
        self, mailbox: Mailbox, mail: Mail, results: Sequence[Result], targets: Sequence[Target]
    ) -> list[Outcome]:
        """Texts for these phones, or why there are none, in their order. WhimbrelError, and nothing is stored: what
        the mailbox refuses, account_suspended, and what accept refuses whole."""
        await self._tables.current()
        check_active(self._tables.accounts.get(mailbox.account_id))
        settings, now = settings_of(mailbox), self._ctx.clock.now_us()
        text = composed(mail.subject, mail.body, with_subject=settings.subject)
        taking = _Taking(mailbox=mailbox, settings=settings, mail=mail, text=text, now=now)
        try:
            self._check(taking, results)
        except WhimbrelError as error:
            outcomes = [Outcome(None, error.code) for _ in targets]
            await self._log(taking, targets, outcomes)
            raise
        outcomes = await self._send_all(taking, targets)
        await self._log(taking, targets, outcomes)
        for outcome in outcomes:
            verdict = "repeated" if outcome.is_repeat else outcome.code or "taken"
            self._metrics.mailbox_mails.labels(verdict).inc()
        return outcomes

    # ---------------------------------------------------------------- whether the mailbox takes it

    def _check(self, taking: _Taking, results: Sequence[Result]) -> None:
        mailbox, settings, mail = taking.mailbox, taking.settings, taking.mail
        if not {*allowances_of(mail.sender)} & {*mailbox.allowed}:
            raise self._refused("mail_sender_unknown")
        if not mail_results.is_authentic(results, domain_of(mail.sender), settings.auth):
            raise self._refused("mail_not_authenticated")
        if mailbox.status != "active":
            raise self._refused("mailbox_paused")
        if mail.automatic == "reply" or (mail.automatic and not settings.machines):
            raise self._refused("mail_automatic")
        rate = limits.MAILBOX_RATE_PER_MIN
        wait_us = _bucket(self._buckets, mailbox.id, rate).take(1, self._ctx.clock.monotonic_us())
        if wait_us:
            raise self._refused("rate_limited", "Too many mails of this mailbox in a minute.")

    def _refused(self, code: str, detail: str = "") -> WhimbrelError:
        self._metrics.mailbox_mails.labels(code).inc()
        return WhimbrelError(code, detail)

    # ---------------------------------------------------------------- texts

    async def _send_all(self, taking: _Taking, targets: Sequence[Target]) -> list[Outcome]:
        names = [self._taken(taking, target) for target in targets]
        seen = await self._seen(taking.mailbox.id, names)
        done = await asyncio.gather(
            *(self._send(taking, target, name, seen) for target, name in zip(targets, names, strict=True)),
            return_exceptions=True,
        )
        for each in done:
            if isinstance(each, BaseException):
                raise each  # what was stored of the others is known when the mail comes again
        return [each for each in done if isinstance(each, Outcome)]

    async def _send(self, taking: _Taking, target: Target, name: str, seen: Mapping[str, str | None]) -> Outcome:
        if name in seen:
            return Outcome(seen[name], is_repeat=True)
        mailbox, settings = taking.mailbox, taking.settings
        message_id = self._ctx.ids.new(ids.MESSAGE)
        draft = Draft(
            account_id=mailbox.account_id,
            test=mailbox.test,
            door="mail",
            recipient=target.number,
            text=taking.text,
            sender=settings.sender or None,
            message_class=settings.message_class,
            options=Options(max_parts=settings.max_parts),
            id=message_id,
        )
        row = self._row(taking, target, Outcome(message_id), taken=name)
        key = IdempotencyKey(mailbox.account_id, _DOOR, f"{mailbox.id}:{name}", _FINGERPRINT)
        insert = Write("mailbox_mail_insert", (to_columns(row),))
        accepted = await self._accept.submit([draft], key=key, also=[insert])
        (verdict,) = accepted.verdicts
        if verdict.code is not None:
            return Outcome(None, verdict.code, verdict.detail)
        return Outcome(verdict.id, is_repeat=accepted.replayed or verdict.id != message_id)

    async def _seen(self, mailbox_id: str, names: Sequence[str]) -> dict[str, str | None]:
        rows = await self._ctx.store.fetch(_Seen, "mailbox_taken", mailbox_id, list(names))
        return {row.taken: row.message_id for row in rows}

    def _taken(self, taking: _Taking, target: Target) -> str:
        octets = taking.mail.name.encode("utf-8", "replace"), target.number.encode()
        prints = (self._ctx.vault.fingerprint(each, *octets) for each in (b"mail", b"again"))
        return "".join(f"{each:016x}" for each in prints)

    # ---------------------------------------------------------------- the log

    async def _log(self, taking: _Taking, targets: Sequence[Target], outcomes: Sequence[Outcome]) -> None:
        """What was refused. Where something was sent the server hears of that alone, so that who wrote hears of the
        rest by mail."""
        refused = [(target, each) for target, each in zip(targets, outcomes, strict=True) if each.code]
        bucket = _bucket(self._refusals, taking.mailbox.id, limits.MAILBOX_REFUSED_LOGGED)
        if not refused or bucket.take(len(refused), self._ctx.clock.monotonic_us()):
            return
        rows = [self._row(taking, target, each) for target, each in refused]
        if len(refused) < len(outcomes) and taking.settings.report != "none":
            rows += [self._report(taking, target, each) for target, each in refused]
        await self._ctx.store.write([Write("mailbox_mail_insert", tuple(to_columns(row) for row in rows))])

    def _row(self, taking: _Taking, target: Target, outcome: Outcome, *, taken: str | None = None) -> MailboxMail:
        mail, mailbox, now = taking.mail, taking.mailbox, taking.now
        row_id = self._ctx.ids.new(ids.MAILBOX_MAIL)
        to = {"writer": mail.reply_to, "address": taking.settings.answers_to, "none": ""}[taking.settings.answers]
        about = Correspondence(
            writer=mail.sender,
            to=to,
            subject=mail.subject,
            message_id=mail.message_id,
            references=mail.references,
            number=target.number,
            attachments=mail.attachments,
        )
        return MailboxMail(
            id=row_id,
            account_id=mailbox.account_id,
            mailbox_id=mailbox.id,
            kind="text",
            state="refused" if outcome.code else "sent",
            reason=outcome.code,
            detail=outcome.detail,
            message_id=outcome.message_id,
            phone=mask_number(target.number),
            mail=sealed(self._ctx.vault, row_id, about),
            phone_hash=None if outcome.code else phone_hash(self._ctx.vault, mailbox.account_id, target.number),
            taken=taken,
            tries=0,
            due_at=None,
            created_at=now,
            updated_at=now,
        )

    def _report(self, taking: _Taking, target: Target, outcome: Outcome) -> MailboxMail:
        """Word of a refusal, to who wrote."""
        row_id, mail = self._ctx.ids.new(ids.MAILBOX_MAIL), taking.mail
        about = Correspondence(
            to=mail.reply_to,
            subject=mail.subject,
            message_id=mail.message_id,
            references=mail.references,
            number=target.number,
            state="rejected",
            reason=outcome.code,
        )
        return msgspec.structs.replace(
            self._row(taking, target, outcome),
            id=row_id,
            kind="report",
            state="pending",
            mail=sealed(self._ctx.vault, row_id, about),
            due_at=taking.now,
        )


def sealed(vault: Vault, row_id: str, about: Correspondence) -> bytes:
    """As a row of the log keeps it."""
    return vault.seal(msgspec.json.encode(about).decode(), Seal.of(Seal.MAILBOX_MAIL, row_id))


def opened(vault: Vault, row: MailboxMail) -> Correspondence | None:
    """What a row of the log keeps."""
    if row.mail is None:
        return None
    return msgspec.json.decode(vault.open(row.mail, Seal.of(Seal.MAILBOX_MAIL, row.id)), type=Correspondence)


def phone_hash(vault: Vault, account_id: str, number: str) -> int:
    """By which an answer finds the mail."""
    return vault.fingerprint(b"mailbox", account_id.encode(), number.lstrip("+").encode())


def _bucket(buckets: dict[str, Bucket], mailbox_id: str, per_minute: int) -> Bucket:
    found = buckets.get(mailbox_id)
    if found is None:
        if len(buckets) >= _BUCKETS_MAX:
            del buckets[next(iter(buckets))]
        found = buckets[mailbox_id] = Bucket(per_minute / _MINUTE_S, per_minute)
    return found
