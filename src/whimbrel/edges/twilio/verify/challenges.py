"""Challenges: codes of a person's factors. A wrong code is no error: the challenge stays `pending` and takes another
one until it expires, as Twilio's do; what is counted of wrong ones is counted all the same.
"""

from typing import Any, Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import SECOND_US
from whimbrel.domain import factors as rules
from whimbrel.domain.factors import Challenge, Entity
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, one, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso, moment
from whimbrel.edges.twilio.verify import forms
from whimbrel.edges.twilio.verify.entities import entity_url, person_of
from whimbrel.manage.context import Paging, cursor_of

_STATUSES: Final = frozenset({rules.PENDING, rules.APPROVED, rules.DENIED, rules.EXPIRED})
_ORDERS: Final = frozenset({"asc", "desc"})
_FILTERS: Final = ("FactorSid", "Status", "Order")
_NAMES: Final = {"/metadata": "HiddenDetails"}
_DETAILS, _HIDDEN = "details", "hidden_details"  # what stands in a challenge's metadata
_encode = msgspec.json.Encoder().encode


class ChallengeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge."""

    sid: str
    account_sid: str
    service_sid: str
    entity_sid: str
    identity: str
    factor_sid: str
    date_created: str
    date_updated: str
    date_responded: str | None
    expiration_date: str
    status: str
    responded_reason: str | None
    details: dict[str, Any] | None
    hidden_details: dict[str, Any] | None
    metadata: dict[str, Any] | None
    factor_type: str
    url: str
    links: dict[str, str]


class Challenges:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._factors = services.verify.factors
        self._clock = services.clock

    async def create(self, request: Request) -> Reply:
        """One that waits for its code, or (with `AuthPayload`) is answered at once."""
        form = await forms.form_of(request)
        factor_id, code = forms.needed(form, "FactorSid"), forms.text(form, "AuthPayload")
        person = await person_of(self._factors.people, request)
        about: dict[str, Any] = {"metadata": _metadata(form), "lasts_s": self._lasts_s(form)}
        with named(_NAMES):
            if code is None:
                row = await self._factors.ask(person, factor_id, **about)
            else:
                row = await self._factors.challenge(person, factor_id, code, final=False, **about)
        return self._reply(row, person, request, 201)

    async def update(self, request: Request) -> Reply:
        """The code of one that waits."""
        form = await forms.form_of(request)
        code, person = forms.needed(form, "AuthPayload"), await person_of(self._factors.people, request)
        return self._reply(await self._factors.answer(person, request.names[2], code, final=False), person, request)

    async def fetch(self, request: Request) -> Reply:
        """One."""
        person = await person_of(self._factors.people, request)
        return self._reply(await self._factors.one(person, request.names[2]), person, request)

    async def find(self, request: Request) -> Reply:
        """A person's."""
        query, person = query_of(request), await person_of(self._factors.people, request)
        at, status, order = pages.turn(query), query.get("Status", ""), query.get("Order", "desc").lower()
        if status and status not in _STATUSES:
            raise wrong("Status", "Status: is none of pending, expired, approved and denied.")
        if order not in _ORDERS:
            raise wrong("Order", "Order: is neither asc nor desc.")
        paging = Paging(at.cursor, at.skipped + at.size, "asc" if order == "asc" else "desc")
        factor_id = query.get("FactorSid", "")
        rows = await self._factors.challenges(person, paging, factor_id=factor_id, status=status)
        shown = rows[at.skipped :][: at.size]
        following = cursor_of(shown[-1].id) if len(rows) - at.skipped > at.size else None
        records = [self._record(row, person, request.base_url) for row in shown]
        kept = [(name, query[name]) for name in _FILTERS if name in query]
        return pages.reply(request, at, "challenges", records, following=following, kept=kept)

    def _lasts_s(self, form: Form) -> int | None:
        given = one(form, "ExpirationDate")
        if not given:
            return None
        try:
            seconds = -(-(moment(given) - self._clock.now_us()) // SECOND_US)
        except ValueError as error:
            raise wrong("ExpirationDate", f"ExpirationDate is {error}.") from None
        if not 0 < seconds <= limits.VERIFY_CHALLENGE_S_MAX:
            raise wrong("ExpirationDate", "ExpirationDate is at most an hour ahead.")
        return seconds

    def _reply(self, row: Challenge, person: Entity, request: Request, status: int = 200) -> Reply:
        return Reply(_encode(self._record(row, person, request.base_url)), status)

    def _record(self, row: Challenge, person: Entity, base_url: str) -> ChallengeRecord:
        url = f"{entity_url(base_url, row.service_id, person.identity)}/Challenges/{row.id}"
        kept: dict[str, Any] = msgspec.json.decode(row.metadata) or {}
        return ChallengeRecord(
            sid=row.id,
            account_sid=row.account_id,
            service_sid=row.service_id,
            entity_sid=row.entity_id,
            identity=person.identity,
            factor_sid=row.factor_id,
            date_created=iso(row.created_at),
            date_updated=iso(row.updated_at),
            date_responded=None if row.responded_at is None else iso(row.responded_at),
            expiration_date=iso(row.expires_at),
            status=rules.status_at(row, self._clock.now_us()),
            responded_reason=None,
            details=kept.get(_DETAILS),
            hidden_details=kept.get(_HIDDEN),
            metadata=None,
            factor_type=rules.TOTP,
            url=url,
            links={},
        )


def _metadata(form: Form) -> dict[str, Any] | None:
    """What the caller keeps with a challenge: Twilio's two kinds of details."""
    kept: dict[str, Any] = {}
    message, hidden = forms.text(form, "Details.Message"), forms.strings(form, "HiddenDetails")
    fields = [_field(each) for each in form.get("Details.Fields", []) if each]
    if message is not None or fields:
        kept[_DETAILS] = {"message": message, "fields": fields}
    if hidden is not None:
        kept[_HIDDEN] = hidden
    return kept or None


def _field(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise wrong("Details.Fields", "Details.Fields: is no JSON object.") from None
