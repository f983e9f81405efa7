"""POST Messages.json: the form becomes a draft, accept decides, the record is answered.

Nothing after the commit may turn into a 5xx: SDKs would send the text again by themselves. Should rendering fail, the
answer is the bare id.
"""

import logging
from functools import lru_cache
from typing import Final

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Draft
from whimbrel.edges.shared.idempotency import REPLAYED
from whimbrel.edges.shared.media import naming
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import forms, shapes
from whimbrel.edges.twilio.drafts import draft
from whimbrel.edges.twilio.repeats import Repeats, sent_key
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.journey.accept import Accepted, refusal
from whimbrel.products.media.keeping import Whose
from whimbrel.store.interface import Verdict

_log = logging.getLogger("whimbrel.edges")
_CREATED: Final = 201
_URLS_KEPT: Final = 1024  # a program names the same callback with every message
_encode = msgspec.json.Encoder().encode


class Sending:
    """The hot route of this door."""

    def __init__(self, services: Services) -> None:
        self._accept = services.accept
        self._media = services.media
        self._accounts = services.tables
        self._vet = lru_cache(maxsize=_URLS_KEPT)(services.manage.reach.url_problem)
        self._repeats = Repeats(accept=services.accept, store=services.store, clock=services.clock)

    async def create(self, request: Request) -> Reply:
        """Send a text."""
        octets = await forms.read(request)
        form = forms.parse(octets)
        made = draft(form, request.account_id, request.test, vet=self._vet)
        if made.options.media:
            made = await self._with_media(request, made, form)
        given = await self._submit(request, made, form, octets)
        (verdict,) = given.verdicts
        if verdict.id is None:
            raise _refused(made, verdict)
        return Reply(_rendered(made, verdict), _CREATED, (REPLAYED,) if given.replayed else ())

    async def _with_media(self, request: Request, made: Draft, form: forms.Form) -> Draft:
        """With what its URLs give. A repetition of what was accepted needs them no more."""
        try:
            whose = Whose(request.account_id, request.test, request.principal.key_id)
            return naming(made, await self._media.resolve(whose, made.options.media, "MediaUrl"))
        except WhimbrelError:
            if await self._repeats.is_known(request, form):
                return made
            raise

    async def _submit(self, request: Request, made: Draft, form: forms.Form, octets: bytes) -> Accepted:
        sent = sent_key(request)
        if sent is not None:
            return await self._repeats.keyed(request, made, form, sent)
        account = self._accounts.accounts.get(request.account_id)
        if account is not None and account.dedupe_s > 0:
            return await self._repeats.equal(request, made, octets, account.dedupe_s)
        return await self._accept.submit((made,), still=request.still)


def _refused(made: Draft, verdict: Verdict) -> WhimbrelError:
    """The verdict as an error; a service without a sender is told as such."""
    if verdict.code == "no_sender" and made.options.pool_id:
        detail = "The Messaging Service has no sender: the account has no default sender for this country."
        return WhimbrelError("pool_without_senders", detail, errors=[FieldError("MessagingServiceSid", detail)])
    return refusal(verdict)


def _rendered(made: Draft, verdict: Verdict) -> bytes:
    try:
        return _encode(shapes.accepted(made, verdict))
    except Exception:
        _log.exception("an accepted message could not be rendered")
        return _encode({"sid": verdict.id, "account_sid": made.account_id, "status": "queued"})
