"""Entities (people of an account's application) and their Factors: authenticators by time, which are all that there
are here. A wrong code for a new factor is no error: it stays `unverified`, as Twilio answers.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.factors import Entity, Factor
from whimbrel.domain.totp import Algorithm
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, one, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.manage.context import cursor_of
from whimbrel.products.verify.factors import FactorOrder
from whimbrel.products.verify.factors_people import People
from whimbrel.products.verify.factors_views import created_view, details_of

_TOTP: Final = "totp"
_ALGORITHMS: Final[dict[str, Algorithm]] = {"sha1": "sha1", "sha256": "sha256", "sha512": "sha512"}
_NAMES: Final = {
    "/identity": "Identity",
    "/name": "FriendlyName",
    "/secret": "Binding.Secret",
    "/code_length": "Config.CodeLength",
    "/step_s": "Config.TimeStep",
    "/skew": "Config.Skew",
    "/metadata": "Metadata",
}
_encode = msgspec.json.Encoder().encode


class EntityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    sid: str
    identity: str
    account_sid: str
    service_sid: str
    date_created: str
    date_updated: str
    url: str
    links: dict[str, str]


class FactorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A factor."""

    sid: str
    account_sid: str
    service_sid: str
    entity_sid: str
    identity: str
    date_created: str
    date_updated: str
    friendly_name: str
    status: str
    factor_type: str
    config: dict[str, Any]
    metadata: dict[str, Any] | None
    url: str


class NewFactorRecord(FactorRecord, frozen=True, kw_only=True):
    """A factor that was just made, with its secret."""

    binding: dict[str, str]
    options: dict[str, Any] | None


class Entities:
    """The handlers of people."""

    def __init__(self, services: Services) -> None:
        self._factors = services.verify.factors

    async def create(self, request: Request) -> Reply:
        """Somebody without factors yet."""
        form = await forms.form_of(request)
        place = (request.account_id, request.names[0], forms.needed(form, "Identity"))
        with named(_NAMES):
            made = await self._factors.people.add(*place, test=request.test)
        return Reply(_encode(_entity(made, request.base_url)), 201)

    async def fetch(self, request: Request) -> Reply:
        """One."""
        return Reply(_encode(_entity(await person_of(self._factors.people, request), request.base_url)))

    async def find(self, request: Request) -> Reply:
        """A service's, newest first."""
        at = pages.turn(query_of(request))
        rows = await self._factors.people.find(request.account_id, request.names[0], at.paging, test=request.test)
        shown = rows[at.skipped :][: at.size]
        following = cursor_of(shown[-1].id) if len(rows) - at.skipped > at.size else None
        records = [_entity(row, request.base_url) for row in shown]
        return pages.reply(request, at, "entities", records, following=following)

    async def delete(self, request: Request) -> Reply:
        """A person goes, with all factors and challenges."""
        place = (request.account_id, request.names[0], request.names[1])
        with named(_NAMES):
            await self._factors.forget(*place, test=request.test)
        return Reply(b"", 204)


class FactorPages:
    """The handlers of factors."""

    def __init__(self, services: Services) -> None:
        self._factors = services.verify.factors

    async def create(self, request: Request) -> Reply:
        """A factor, with its secret this once; the person begins with the first one."""
        form = await forms.form_of(request)
        kind = forms.needed(form, "FactorType")
        if kind != _TOTP:
            raise _not_offered("FactorType", "Only authenticators (totp) are offered here.")
        order = FactorOrder(
            name=forms.needed(form, "FriendlyName"),
            secret=forms.text(form, "Binding.Secret"),
            algorithm=_algorithm(form),
            code_length=forms.whole(form, "Config.CodeLength"),
            step_s=forms.whole(form, "Config.TimeStep"),
            skew=forms.whole(form, "Config.Skew"),
            metadata=forms.strings(form, "Metadata"),
        )
        identity = request.names[1]
        with named(_NAMES):
            made = await self._factors.create(request.account_id, request.names[0], identity, order, test=request.test)
        view = created_view(made.factor, identity, secret=made.secret, issuer=made.issuer)
        record = NewFactorRecord(
            **_members(made.factor, identity, request.base_url),
            binding={"secret": made.secret, "uri": view.uri},
            options=None,
        )
        return Reply(_encode(record), 201, ((b"cache-control", b"no-store"),))

    async def fetch(self, request: Request) -> Reply:
        """One."""
        person = await person_of(self._factors.people, request)
        return _factor(await self._factors.get(person, request.names[2]), person, request)

    async def find(self, request: Request) -> Reply:
        """A person's, newest first. There are never more than fit on one page of Twilio's default size."""
        person, at = await person_of(self._factors.people, request), pages.turn(query_of(request))
        rows = await self._factors.people.factors_of(person)
        begins = next((place for place, row in enumerate(rows, 1) if cursor_of(row.id) == at.cursor), at.skipped)
        shown = rows[begins:][: at.size]
        following = cursor_of(shown[-1].id) if len(rows) > begins + at.size else None
        records = [FactorRecord(**_members(row, person.identity, request.base_url)) for row in shown]
        return pages.reply(request, at, "factors", records, following=following)

    async def update(self, request: Request) -> Reply:
        """A name, or the first code; what an authenticator has learnt stays as it is."""
        form = await forms.form_of(request)
        fixed = next((name for name in form if name.startswith("Config.")), None)
        if fixed is not None:
            raise _not_offered(fixed, f"{fixed} is of the authenticator that has the secret; make a new factor.")
        person, factor_id = await person_of(self._factors.people, request), request.names[2]
        row, name, code = None, forms.text(form, "FriendlyName"), forms.text(form, "AuthPayload")
        if name is not None:
            with named(_NAMES):
                row = await self._factors.rename(person, factor_id, name)
        if code is not None:
            row = (await self._factors.confirm(person, factor_id, code)).factor
        return _factor(row or await self._factors.get(person, factor_id), person, request)

    async def delete(self, request: Request) -> Reply:
        """One goes, with its secret."""
        await self._factors.delete(await person_of(self._factors.people, request), request.names[2])
        return Reply(b"", 204)


async def person_of(people: People, request: Request) -> Entity:
    """Whom the path names."""
    return await people.known(request.account_id, request.names[0], request.names[1], test=request.test)


def entity_url(base_url: str, service_id: str, identity: str) -> str:
    """Where a person is found."""
    return f"{base_url}/v2/Services/{service_id}/Entities/{quote(identity, safe='')}"


def _algorithm(form: Form) -> Algorithm:
    given = one(form, "Config.Alg") or "sha1"
    if given not in _ALGORITHMS:
        raise wrong("Config.Alg", "Invalid parameter `Config.Alg`: is none of sha1, sha256 and sha512.")
    return _ALGORITHMS[given]


def _not_offered(name: str, detail: str) -> WhimbrelError:
    return WhimbrelError("not_supported", detail, errors=[FieldError(name, detail)])


def _entity(row: Entity, base_url: str) -> EntityRecord:
    url = entity_url(base_url, row.service_id, row.identity)
    return EntityRecord(
        sid=row.id,
        identity=row.identity,
        account_sid=row.account_id,
        service_sid=row.service_id,
        date_created=iso(row.created_at),
        date_updated=iso(row.updated_at),
        url=url,
        links={"factors": f"{url}/Factors", "new_factors": f"{url}/Factors", "challenges": f"{url}/Challenges"},
    )


def _factor(row: Factor, person: Entity, request: Request) -> Reply:
    return Reply(_encode(FactorRecord(**_members(row, person.identity, request.base_url))))


def _members(row: Factor, identity: str, base_url: str) -> dict[str, Any]:
    details = details_of(row)
    manner = details.manner
    return {
        "sid": row.id,
        "account_sid": row.account_id,
        "service_sid": row.service_id,
        "entity_sid": row.entity_id,
        "identity": identity,
        "date_created": iso(row.created_at),
        "date_updated": iso(row.updated_at),
        "friendly_name": row.name,
        "status": row.status,
        "factor_type": row.kind,
        "config": {
            "alg": manner.algorithm,
            "skew": manner.skew,
            "code_length": manner.digits,
            "time_step": manner.step_s,
        },
        "metadata": details.metadata,
        "url": f"{entity_url(base_url, row.service_id, identity)}/Factors/{row.id}",
    }
