"""Lookup: `/v2/PhoneNumbers/{number}` and its older form, `/v1/PhoneNumbers/{number}`. What is not known without asking
a network (who is called, whether a SIM was changed) is answered with the error that Twilio has for it, so a program
that asks for it goes on.
"""

from typing import Final
from urllib.parse import parse_qs, quote

import msgspec

from whimbrel.base import moments
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.lookup import Found, is_country, look
from whimbrel.domain.numbers import normalise
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.forms import wrong
from whimbrel.edges.twilio.routes import Operation, Reply, Request, product

SCOPE: Final = "lookups:read"
NOT_COVERED: Final = 60600  # Twilio's number for a package that it does not have for a number
_COUNTRY: Final = "US"  # of numbers without a plus sign and without CountryCode
_LINE_TYPES: Final = {
    "mobile": "mobile",
    "fixed": "landline",
    "voip": "nonFixedVoip",
    "toll_free": "tollFree",
    "premium_rate": "premium",
    "shared_cost": "sharedCost",
    "personal": "personal",
    "pager": "pager",
    "uan": "uan",
    "voicemail": "voicemail",
}
_OLD_LINE_TYPES: Final = {"mobile": "mobile", "fixed": "landline", "voip": "voip"}
_PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "caller_name": ("caller_name", "caller_type"),
    "sim_swap": ("last_sim_swap", "carrier_name", "mobile_country_code", "mobile_network_code"),
    "call_forwarding": ("call_forwarding_enabled",),
    "line_status": ("status",),
    "identity_match": ("first_name_match", "last_name_match", "summary_score"),
    "reassigned_number": ("last_verified_date", "is_number_reassigned"),
    "phone_number_quality_score": ("quality_score",),
    "pre_fill": ("first_name", "last_name"),
}  # fmt: skip
"""Packages that nothing is known of, and what stands in them."""
_OWN: Final = frozenset({"validation", "line_type_intelligence", "sms_pumping_risk"})
_MONTHS_US: Final = 92 * DAY_US
_SURE: Final = 100

Package = dict[str, str | int | None] | None
_encode = msgspec.json.Encoder().encode


class NumberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A number, of version 2."""

    calling_country_code: str | None
    country_code: str | None
    phone_number: str
    national_format: str | None
    valid: bool
    validation_errors: tuple[str, ...]
    caller_name: Package
    sim_swap: Package
    call_forwarding: Package
    line_status: Package
    line_type_intelligence: Package
    identity_match: Package
    reassigned_number: Package
    sms_pumping_risk: Package
    phone_number_quality_score: Package
    pre_fill: Package
    url: str


class OldNumberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A number, of version 1."""

    caller_name: Package
    country_code: str | None
    phone_number: str | None
    national_format: str | None
    carrier: Package
    add_ons: None = None
    url: str


class Lookups:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.products = (
            product("/v2/PhoneNumbers/{}", GET=Operation(SCOPE, self.fetch)),
            product("/v1/PhoneNumbers/{}", GET=Operation(SCOPE, self.fetch_old)),
        )

    async def fetch(self, request: Request) -> Reply:
        """An invalid number is an answer too."""
        asked = _asked(request)
        fields = {each.strip() for value in asked.get("Fields", ()) for each in value.split(",")} - {""}
        unknown = sorted(fields - _PACKAGES.keys() - _OWN)
        if unknown:
            raise wrong("Fields", f"Fields: there is no package {unknown[0][:40]}.")
        found = _found(request, asked)
        number = found.number or request.names[0]
        packages = {
            name: dict.fromkeys(members) | {"error_code": NOT_COVERED} if name in fields else None
            for name, members in _PACKAGES.items()
        }
        record = NumberRecord(
            calling_country_code=found.calling_code,
            country_code=found.country,
            phone_number=number,
            national_format=found.national,
            valid=found.valid,
            validation_errors=(found.reason.upper(),) if found.reason else (),
            sms_pumping_risk=await self._risk(request, found) if "sms_pumping_risk" in fields else None,
            line_type_intelligence=_line(found) if "line_type_intelligence" in fields else None,
            url=f"{request.base_url}/v2/PhoneNumbers/{quote(number, safe='+')}",
            **packages,
        )
        return Reply(_encode(record))

    async def _risk(self, request: Request, found: Found) -> Package:
        """By what the guard of Verify has blocked for the account. Of other accounts' nothing is told."""
        number = normalise(found.number or "") if found.valid else None
        guard, now = self._services.verify.guard, self._services.clock.now_us()
        blocks = []
        if number is not None:
            blocks = await guard.blocks_of(request.account_id, number, test=request.test, since=now - _MONTHS_US)
        active = [block for block in blocks if block.lifted_at is None and block.ends_at > now]
        if active and number is not None:
            number_hash = self._services.vault.number_hash(number.e164)
            active = [] if await guard.is_safe(request.account_id, number_hash) else active
        return {
            "carrier_risk_category": None,
            "number_blocked": bool(active),
            "number_blocked_date": moments.to_text(active[0].created_at)[:10] if active else None,
            "number_blocked_last_3_months": bool(blocks),
            "sms_pumping_risk_score": _SURE if active else None,
            "error_code": None if number is not None else NOT_COVERED,
        }

    async def fetch_old(self, request: Request) -> Reply:
        """An invalid number is not found."""
        asked = _asked(request)
        kinds = set(asked.get("Type", ()))
        found = _found(request, asked)
        if not found.valid:
            raise WhimbrelError("not_found", f"The requested resource {request.path[:200]} was not found.")
        nobody: Package = {"caller_name": None, "caller_type": None, "error_code": NOT_COVERED}
        record = OldNumberRecord(
            caller_name=nobody if "caller-name" in kinds else None,
            country_code=found.country,
            phone_number=found.number,
            national_format=found.national,
            carrier=carrier(found) if "carrier" in kinds else None,
            url=f"{request.base_url}/v1/PhoneNumbers/{found.number}",
        )
        return Reply(_encode(record))


def _asked(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs(request.query_string.decode("ascii"), errors="strict")
    except ValueError:
        raise wrong("", "The query string is not percent-encoded UTF-8.") from None


def _found(request: Request, asked: dict[str, list[str]]) -> Found:
    country = asked.get("CountryCode", [_COUNTRY])[0].upper()
    if not is_country(country):
        raise wrong("CountryCode", "CountryCode is a country of two letters (ISO 3166).")
    return look(request.names[0].strip(), country)


def _line(found: Found) -> Package:
    if not found.valid:
        return {
            "mobile_country_code": None, "mobile_network_code": None, "carrier_name": None, "type": None,
            "error_code": NOT_COVERED,
        }  # fmt: skip
    return {
        "mobile_country_code": None,
        "mobile_network_code": None,
        "carrier_name": found.operator,
        "type": _LINE_TYPES.get(found.line_type or "", "unknown"),
        "error_code": None,
    }


def carrier(found: Found) -> Package:
    """The operator and the kind of line, as version 1 and Verify tell them."""
    return {
        "mobile_country_code": None,
        "mobile_network_code": None,
        "name": found.operator,
        "type": _OLD_LINE_TYPES.get(found.line_type or ""),
        "error_code": None,
    }
