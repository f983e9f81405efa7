"""Messaging Services (version 1): a sender pool of ours, with what Twilio's programs set of it. What a pool knows as a
setting is kept as that, so both doors see it; `FallbackToLongCode`, `MmsConverter` and their like are kept as given.

Senders in a service are the account's: their ids are told with Twilio's letters for each kind, the digits are the same.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.inbound_urls import Method
from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.pools import Member
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, one, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Operation, Product, Reply, Request, product
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.manage import inbound_urls, pools
from whimbrel.manage.context import cursor_of
from whimbrel.manage.inbound_urls import NewInboundUrl
from whimbrel.manage.pool_views import Known

READ, WRITE = "senders:read", "senders:write"
_VALIDITY: Final = 36_000  # what Twilio tells where nothing was set
_FLAGS: Final = {
    "StickySender": "sticky",
    "MmsConverter": "mms_converter",
    "SmartEncoding": "smart",
    "FallbackToLongCode": "fallback_to_long_code",
    "AreaCodeGeomatch": "match_area",
    "SynchronousValidation": "synchronous_validation",
}
_SCANS: Final = frozenset({"inherit", "enable", "disable"})
_USECASES: Final = frozenset({"notifications", "marketing", "verification", "discussion", "poll", "undeclared"})
_METHODS: Final[Mapping[str, Method]] = {"GET": "GET", "POST": "POST"}
_ON_NUMBER: Final = "UseInboundWebhookOnNumber"
_NAMES: Final = {
    "/name": "FriendlyName",
    "/validity": "ValidityPeriod",
    "/callback_url": "StatusCallback",
    "/url": "InboundRequestUrl",
    "/fallback_url": "FallbackUrl",
}
_LINKS: Final = {
    "phone_numbers": "PhoneNumbers",
    "short_codes": "ShortCodes",
    "alpha_senders": "AlphaSenders",
    "messages": "Messages",
    "us_app_to_person": "Compliance/Usa2p",
    "us_app_to_person_usecases": "Compliance/Usa2p/Usecases",
    "channel_senders": "ChannelSenders",
    "destination_alpha_senders": "DestinationAlphaSenders",
}
_encode = msgspec.json.Encoder().encode


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A service."""

    sid: str
    account_sid: str
    friendly_name: str
    date_created: str
    date_updated: str
    inbound_request_url: str | None
    inbound_method: str
    fallback_url: str | None
    fallback_method: str
    status_callback: str | None
    sticky_sender: bool
    mms_converter: bool
    smart_encoding: bool
    scan_message_content: str
    fallback_to_long_code: bool
    area_code_geomatch: bool
    synchronous_validation: bool
    validity_period: int
    url: str
    links: dict[str, str]
    usecase: str
    us_app_to_person_registered: bool
    use_inbound_webhook_on_number: bool


class Kind(msgspec.Struct, frozen=True):
    """A resource of senders: its path, the letters of its sids, the parameter that names one, and what a record calls
    its value."""

    path: str
    letters: str
    parameter: str
    value: str
    key: str
    kinds: frozenset[str]

    def sid(self, sender: Sender) -> str:
        """The sender's id in Twilio's letters."""
        return self.letters + sender.id[2:]


NUMBERS: Final = Kind(
    "PhoneNumbers", "PN", "PhoneNumberSid", "phone_number", "phone_numbers", frozenset({"long_code", "toll_free"})
)
CODES: Final = Kind("ShortCodes", "SC", "ShortCodeSid", "short_code", "short_codes", frozenset({"short_code"}))
NAMES: Final = Kind("AlphaSenders", "AI", "AlphaSender", "alpha_sender", "alpha_senders", frozenset({"alphanumeric"}))


class MessagingServices:
    """The handlers of services."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage
        self._tables = services.tables

    async def create(self, request: Request) -> Reply:
        """Make one."""
        forms.check_live(request)
        form = await forms.form_of(request)
        about: Any = {"account_id": request.account_id}
        with named(_NAMES):
            given = _given(form, is_new=True)
            inbound = self._inbound(form, None)
            new = pools.NewPool(name=forms.needed(form, "FriendlyName"))
            made = await pools.create(self._ctx, request.principal.key_id, new, more=given, **about)
            if inbound is not None:
                await inbound_urls.put(self._ctx, request.principal.key_id, made.pool.id, inbound, **about)
        return self._reply(request, made, 201)

    async def update(self, request: Request) -> Reply:
        """Change what the form names."""
        forms.check_live(request)
        form = await forms.form_of(request)
        pool_id, about = request.names[0], {"account_id": request.account_id}
        with named(_NAMES):
            given = _given(form, is_new=False)
            name = forms.text(form, "FriendlyName")
            if name is not None:
                given["name"] = name
            found = await pools.change(self._ctx, request.principal.key_id, pool_id, given, **about)
            inbound = self._inbound(form, pool_id)
            if inbound is not None:
                await inbound_urls.put(self._ctx, request.principal.key_id, pool_id, inbound, **about)
            elif "InboundRequestUrl" in form and pool_id in self._tables.pools.inbound_urls:
                await inbound_urls.delete(self._ctx, request.principal.key_id, pool_id, **about)
        return self._reply(request, found)

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        return self._reply(request, await self._known(request))

    async def find(self, request: Request) -> Reply:
        """All of an account's, newest first."""
        at = pages.turn(query_of(request))
        rows = (await pools.rows(self._ctx, request.account_id, at.paging))[at.skipped :]
        shown = rows[: at.size]
        following = cursor_of(shown[-1].pool.id) if len(rows) > at.size else None
        return pages.reply(request, at, "services", [self._record(request, row) for row in shown], following=following)

    async def delete(self, request: Request) -> Reply:
        """Take one away; its senders stay."""
        forms.check_live(request)
        pool_id = request.names[0]
        await pools.delete(self._ctx, request.principal.key_id, pool_id, account_id=request.account_id)
        return Reply(b"", 204)

    async def _known(self, request: Request) -> Known:
        return await pools.known(self._ctx, request.names[0], account_id=request.account_id)

    def _inbound(self, form: Form, pool_id: str | None) -> NewInboundUrl | None:
        """Where texts to its numbers are to be posted, if the form says anything of it."""
        fields = ("InboundRequestUrl", "InboundMethod", "FallbackUrl", "FallbackMethod")
        if not any(name in form for name in fields):
            return None
        before = self._tables.pools.inbound_urls.get(pool_id or "")
        method = _method(form, "InboundMethod", before.method if before else "POST")
        fallback_method = _method(form, "FallbackMethod", before.fallback_method if before else "POST")
        url = one(form, "InboundRequestUrl") if "InboundRequestUrl" in form else before.url if before else ""
        if not url:
            return None
        kept = before.fallback_url if before else None
        return NewInboundUrl(
            url=url,
            method=method,
            fallback_url=(one(form, "FallbackUrl") or None) if "FallbackUrl" in form else kept,
            fallback_method=fallback_method,
            format="twilio",
        )

    def _reply(self, request: Request, found: Known, status: int = 200) -> Reply:
        return Reply(_encode(self._record(request, found)), status)

    def _record(self, request: Request, found: Known) -> ServiceRecord:
        pool, settings = found.pool, found.settings
        inbound = self._tables.pools.inbound_urls.get(pool.id)
        url = f"{request.base_url}/v1/Services/{pool.id}"
        return ServiceRecord(
            sid=pool.id,
            account_sid=pool.account_id,
            friendly_name=pool.name,
            date_created=iso(pool.created_at),
            date_updated=iso(pool.updated_at),
            inbound_request_url=inbound.url if inbound else None,
            inbound_method=inbound.method if inbound else "POST",
            fallback_url=inbound.fallback_url if inbound else None,
            fallback_method=inbound.fallback_method if inbound else "POST",
            status_callback=settings.callback_url,
            sticky_sender=settings.sticky,
            mms_converter=settings.mms_converter,
            smart_encoding=settings.smart,
            scan_message_content=settings.scan,
            fallback_to_long_code=settings.fallback_to_long_code,
            area_code_geomatch=settings.match_area,
            synchronous_validation=settings.synchronous_validation,
            validity_period=settings.validity_s or _VALIDITY,
            url=url,
            links={name: f"{url}/{path}" for name, path in _LINKS.items()},
            usecase=settings.usecase,
            us_app_to_person_registered=False,
            use_inbound_webhook_on_number=settings.inbound_on_number,
        )


class ServiceSenders:
    """The handlers of one kind of senders in a service."""

    def __init__(self, services: Services, kind: Kind) -> None:
        self._ctx = services.manage
        self._kind = kind

    async def create(self, request: Request) -> Reply:
        """Put one into the service. A name may be given that the account has as a sender."""
        forms.check_live(request)
        form = await forms.form_of(request)
        given = forms.needed(form, self._kind.parameter)
        sender = given if self._kind is NAMES else ids.SENDER + given[2:]
        pool_id, about = request.names[0], {"account_id": request.account_id}
        with named({"/sender": self._kind.parameter}):
            found = await pools.put_member(
                self._ctx,
                request.principal.key_id,
                pool_id,
                sender,
                pools.NewMember(),
                kinds=self._kind.kinds,
                only_new=True,
                **about,
            )
        member, own = next((each, own) for each, own in found.members if sender in (own.id, own.value))
        return Reply(_encode(self._record(request, pool_id, member, own)), 201)

    async def find(self, request: Request) -> Reply:
        """All of the kind."""
        at = pages.turn(query_of(request))
        found = await pools.known(self._ctx, request.names[0], account_id=request.account_id)
        own = [pair for pair in found.members if pair[1].kind in self._kind.kinds]
        start = at.page * at.size
        records = [
            self._record(request, found.pool.id, member, sender) for member, sender in own[start : start + at.size]
        ]
        following = cursor_of(str(start)) if len(own) > start + at.size else None
        return pages.reply(request, at, self._kind.key, records, following=following)

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        member, sender = await self._existing(request)
        return Reply(_encode(self._record(request, request.names[0], member, sender)))

    async def delete(self, request: Request) -> Reply:
        """Take one out of the service."""
        forms.check_live(request)
        _, sender = await self._existing(request)
        about = {"account_id": request.account_id}
        await pools.remove_member(self._ctx, request.principal.key_id, request.names[0], sender.id, **about)
        return Reply(b"", 204)

    async def _existing(self, request: Request) -> tuple[Member, Sender]:
        found = await pools.known(self._ctx, request.names[0], account_id=request.account_id)
        for member, sender in found.members:
            if self._kind.sid(sender) == request.names[1] and sender.kind in self._kind.kinds:
                return member, sender
        raise WhimbrelError("not_found")

    def _record(self, request: Request, pool_id: str, member: Member, sender: Sender) -> dict[str, Any]:
        number = normalise(sender.value) if sender.value.startswith("+") else None
        sid = self._kind.sid(sender)
        record: dict[str, Any] = {
            "sid": sid,
            "account_sid": member.account_id,
            "service_sid": pool_id,
            "date_created": iso(member.created_at),
            "date_updated": iso(member.created_at),
            self._kind.value: sender.value,
            "capabilities": ["SMS"],
            "url": f"{request.base_url}/v1/Services/{pool_id}/{self._kind.path}/{sid}",
        }
        if self._kind is not NAMES:
            record["country_code"] = number.country if number else next(iter(member.countries), "")
        return record


def _given(form: Form, *, is_new: bool) -> dict[str, Any]:
    """Settings of a pool by what the form says of them. A new service's own webhook goes before its numbers', as
    Twilio's does."""
    given: dict[str, Any] = {
        setting: value for name, setting in _FLAGS.items() if (value := forms.flag(form, name)) is not None
    }
    on_number = forms.flag(form, _ON_NUMBER)
    if on_number is not None or is_new:
        given["inbound_on_number"] = bool(on_number)
    for name, setting, words in (("ScanMessageContent", "scan", _SCANS), ("Usecase", "usecase", _USECASES)):
        word = forms.text(form, name)
        if word is not None and word not in words:
            raise wrong(name, f"Invalid parameter `{name}`: is none of {', '.join(sorted(words))}.")
        if word is not None:
            given[setting] = word
    validity = forms.whole(form, "ValidityPeriod")
    if validity is not None:
        given["validity"] = validity
    if "StatusCallback" in form:
        given["callback_url"] = one(form, "StatusCallback") or None
    return given


def _method(form: Form, name: str, before: Method) -> Method:
    value = _METHODS.get(one(form, name).upper()) if one(form, name) else before
    if value is None:
        raise wrong(name, f"Invalid parameter `{name}`: is neither GET nor POST.")
    return value


def products(services: Services) -> tuple[Product, ...]:
    """All paths of Messaging Services."""
    of = MessagingServices(services)
    found = [
        product("/v1/Services", GET=Operation(READ, of.find), POST=Operation(WRITE, of.create)),
        product(
            "/v1/Services/{MG}",
            GET=Operation(READ, of.fetch),
            POST=Operation(WRITE, of.update),
            DELETE=Operation(WRITE, of.delete),
        ),
    ]
    for kind in (NUMBERS, CODES, NAMES):
        senders = ServiceSenders(services, kind)
        path = f"/v1/Services/{{MG}}/{kind.path}"
        found.append(product(path, GET=Operation(READ, senders.find), POST=Operation(WRITE, senders.create)))
        one_of = product(
            f"{path}/{{{kind.letters}}}", GET=Operation(READ, senders.fetch), DELETE=Operation(WRITE, senders.delete)
        )
        found.append(one_of)
    return tuple(found)
