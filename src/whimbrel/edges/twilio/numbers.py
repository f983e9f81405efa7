"""Incoming phone numbers: the account's own numbers with their capabilities and where texts to them go. They are those
of `/v1/numbers`, under the same ids; short codes are none. The operator gives numbers to accounts: nothing is bought
or released here.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.moments import to_rfc2822
from whimbrel.domain.callbacks import TWILIO_API_VERSION
from whimbrel.domain.model import Sender
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.counted import page, size_and_number
from whimbrel.edges.twilio.forms import Form, named, one, parse, read, wrong
from whimbrel.edges.twilio.listing import Query, query_of
from whimbrel.edges.twilio.routes import ROOT, Operation, Operations, Reply, Request
from whimbrel.manage import numbers
from whimbrel.manage.context import Paging
from whimbrel.manage.numbers import NumberChange

_PATH: Final = "/IncomingPhoneNumbers"
_READ: Final = "senders:read"
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"long_code", "toll_free"}),
    "/Local": frozenset({"long_code"}),
    "/Mobile": frozenset({"long_code"}),
    "/TollFree": frozenset({"toll_free"}),
}
_FILTERS: Final = ("FriendlyName", "PhoneNumber", "Beta", "Origin")
_TEXTS: Final = {"FriendlyName": "label", "SmsUrl": "sms_url", "SmsFallbackUrl": "sms_fallback_url"}
_METHODS: Final = {"SmsMethod": "sms_method", "SmsFallbackMethod": "sms_fallback_method"}
_NAMES: Final = {f"/{field}": name for name, field in (_TEXTS | _METHODS).items()}
_encode = msgspec.json.Encoder().encode


class NumberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A number. What is of voice is null: no calls are taken."""

    sid: str
    account_sid: str
    friendly_name: str
    phone_number: str
    capabilities: dict[str, bool]
    sms_url: str
    sms_method: str
    sms_fallback_url: str
    sms_fallback_method: str
    sms_application_sid: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"
    status: str = "in-use"
    type: str | None = None
    origin: str = "twilio"
    beta: bool = False
    address_requirements: str = "none"
    address_sid: str | None = None
    bundle_sid: str | None = None
    identity_sid: str | None = None
    trunk_sid: str | None = None
    emergency_status: str = "Inactive"
    emergency_address_sid: str | None = None
    emergency_address_status: str = "unregistered"
    voice_application_sid: str | None = None
    voice_caller_id_lookup: bool = False
    voice_fallback_method: str = "POST"
    voice_fallback_url: str | None = None
    voice_method: str = "POST"
    voice_receive_mode: str = "voice"
    voice_url: str | None = None
    api_version: str = TWILIO_API_VERSION
    date_created: str
    date_updated: str
    uri: str


class Numbers:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage

    def by_end(self) -> dict[str, Operations]:
        """The lists by what follows the account in a path."""
        return {f"{_PATH}{kind}.json": {"GET": Operation(_READ, self._find)} for kind in _KINDS}

    def of_number(self) -> Operations:
        """What may be done with one."""
        return {"GET": Operation(_READ, self._fetch), "POST": Operation("senders:write", self._update)}

    async def _find(self, request: Request) -> Reply:
        query = query_of(request)
        size_and_number(query)
        kind = request.path.rpartition(_PATH)[2].removesuffix(".json")
        rows = [row for row in await self._all(request.account_id) if row.kind in _KINDS[kind] and _fits(row, query)]
        return Reply(_encode(page(request, _FILTERS, "incoming_phone_numbers", rows, _record)))

    async def _fetch(self, request: Request) -> Reply:
        return Reply(_encode(_record(await self._number(request))))

    async def _update(self, request: Request) -> Reply:
        if request.test:
            raise WhimbrelError("test_mode")
        row = await self._number(request)
        change = _change(parse(await read(request)))
        with named(_NAMES):
            changed = await numbers.update(
                self._ctx, request.principal.key_id, row.id, change, account_id=request.account_id
            )
        return Reply(_encode(_record(changed)))

    async def _number(self, request: Request) -> Sender:
        row = await numbers.get(self._ctx, request.sid, account_id=request.account_id)
        if row.kind not in _KINDS[""]:
            raise WhimbrelError("not_found")
        return row

    async def _all(self, account_id: str) -> list[Sender]:
        """An account has some; a list is filtered as a whole."""
        rows: list[Sender] = []
        cursor: str | None = None
        while True:
            found = await numbers.find(self._ctx, account_id=account_id, paging=Paging(cursor, limits.PAGE_MAX))
            rows += found.data
            cursor = found.next_cursor
            if cursor is None:
                return rows


def _change(form: Form) -> NumberChange:
    """What of a form is heeded: of voice, addresses and bundles nothing is."""
    said: dict[str, Any] = {}
    for name, field in _TEXTS.items():
        if name in form:
            text = one(form, name)
            said[field] = text if field == "label" else text or None
    for name, field in _METHODS.items():
        method = one(form, name).upper()
        if method:
            if method not in ("POST", "GET"):
                raise wrong(name, f"{name} is GET or POST.")
            said[field] = method
    return NumberChange(**said)


def _fits(row: Sender, query: Query) -> bool:
    """The filters; of a number any part, where * stands for one digit."""
    name, asked = query.get("FriendlyName"), query.get("PhoneNumber", "")
    if name is not None and name != (row.label or row.value):
        return False
    if query.get("Beta", "").lower() == "true" or query.get("Origin", "twilio") != "twilio":
        return False
    wanted = "".join(each for each in asked if each.isdigit() or each == "*")
    digits = row.value.lstrip("+")
    places = range(len(digits) - len(wanted) + 1)
    return any(all(w in ("*", d) for w, d in zip(wanted, digits[place:], strict=False)) for place in places)


def _record(row: Sender) -> NumberRecord:
    able = set(row.capabilities)
    return NumberRecord(
        sid=row.id,
        account_sid=row.account_id,
        friendly_name=row.label or row.value,
        phone_number=row.value,
        capabilities={"sms": "sms" in able, "mms": "mms" in able, "voice": "voice" in able, "fax": False},
        sms_url=row.sms_url or "",
        sms_method=row.sms_method,
        sms_fallback_url=row.sms_fallback_url or "",
        sms_fallback_method=row.sms_fallback_method,
        date_created=to_rfc2822(row.created_at),
        date_updated=to_rfc2822(row.updated_at),
        uri=f"{ROOT}{row.account_id}{_PATH}/{row.id}.json",
    )
