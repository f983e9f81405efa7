"""/v1/verify/services/{id}/entities: people of an account's application, their factors (authenticators), and the codes
that are asked of them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.factors import ChallengeStatus, Entity
from whimbrel.domain.totp import Algorithm
from whimbrel.edges.rest.paging import Cursor, Limit, Ordered, PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging, page
from whimbrel.products.verify.factors import FactorOrder
from whimbrel.products.verify.factors_views import (
    ChallengeView,
    EntityView,
    FactorCheckView,
    FactorCreated,
    FactorView,
    challenge_view,
    created_view,
    entity_view,
    factor_view,
)

_TAG = "verify"
_GUESSED = ("verify_factor_waits", "verify_factor_locked")
Code = Annotated[str, Meta(min_length=1, max_length=32, description="As somebody typed it.")]


class NewFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A factor of a person, who begins with the first one. What is left out is as the service's settings say."""

    name: Annotated[
        str, Meta(description="What the authenticator shows beside the issuer.", examples=["ada@example.com"])
    ]
    type: Annotated[str, Meta(pattern="^totp$", description="An authenticator by time (RFC 6238).")] = "totp"
    secret: Annotated[
        str | None, Meta(description="A secret in base32 that the person uses already; else one is made.")
    ] = None
    verified: Annotated[bool, Meta(description="Of a secret that you bring: no first code is asked for.")] = False
    algorithm: Annotated[Algorithm, Meta(description="Many authenticators know `sha1` only.")] = "sha1"
    code_length: Annotated[int | None, Meta(description="6 to 8 digits.")] = None
    step_s: Annotated[int | None, Meta(description="Seconds that a code stands for, 15 to 120.")] = None
    skew: Annotated[int | None, Meta(description="Steps that a clock may be early or late, 0 to 2.")] = None
    metadata: Annotated[dict[str, Any] | None, Meta(description="Your own data, told again in answers.")] = None


class FactorChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name alone can be changed: the authenticator has the rest."""

    name: str


class FirstCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a new factor shows."""

    code: Code


class NewChallenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code that somebody gave; without it the challenge waits for one."""

    factor_id: str
    code: Code | None = None
    expires_in_s: Annotated[
        int, Meta(ge=1, le=limits.VERIFY_CHALLENGE_S_MAX, description="So long it waits for its code.")
    ] = limits.VERIFY_CHALLENGE_S
    metadata: Annotated[dict[str, Any] | None, Meta(description="Your own data, told again in answers.")] = None


class ChallengeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, and of which factor."""

    factor_id: Annotated[str, Meta(description="Only those of this factor.")] = ""
    status: Annotated[ChallengeStatus | None, Meta(description="Only those that stand so.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT
    order: Ordered = "desc"


async def _person(services: Services, call: Call[Any, Any]) -> Entity:
    place = (call.account_id, call.path["id"], call.path["identity"])
    return await services.verify.factors.people.known(*place, test=call.test)


def _place(call: Call[Any, Any]) -> str:
    return f"/v1/verify/services/{call.path['id']}/entities/{call.path['identity']}"


async def find_people(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    rows = await services.verify.factors.people.find(call.account_id, call.path["id"], paging, test=call.test)
    return Answer(page(rows, paging, entity_view, lambda row: row.id))


async def get_person(services: Services, call: Call[NoQuery, None]) -> Answer:
    person, people = await _person(services, call), services.verify.factors.people
    owner = people.owner(person.account_id, person.service_id, person.identity, test=person.test)
    return Answer(entity_view(person, await people.guesses(owner), services.clock.now_us()))


async def delete_person(services: Services, call: Call[NoQuery, None]) -> Answer:
    await services.verify.factors.forget(call.account_id, call.path["id"], call.path["identity"], test=call.test)
    return Answer()


async def unlock(services: Services, call: Call[NoQuery, None]) -> Answer:
    place = (call.account_id, call.path["id"], call.path["identity"])
    person, state = await services.verify.factors.people.unlock(call.actor, *place, test=call.test)
    return Answer(entity_view(person, state, services.clock.now_us()))


async def create(services: Services, call: Call[NoQuery, NewFactor]) -> Answer:
    names = set(FactorOrder.__struct_fields__)
    order = FactorOrder(**{name: getattr(call.body, name) for name in names})
    identity = call.path["identity"]
    made = await services.verify.factors.create(call.account_id, call.path["id"], identity, order, test=call.test)
    view = created_view(made.factor, identity, secret=made.secret, issuer=made.issuer)
    headers = ((b"cache-control", b"no-store"),)
    return Answer(view, location=f"{_place(call)}/factors/{view.id}", headers=headers)


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    person = await _person(services, call)
    rows = await services.verify.factors.people.factors_of(person)
    return Answer(Page(tuple(factor_view(row, person.identity) for row in rows)))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    person = await _person(services, call)
    return Answer(factor_view(await services.verify.factors.get(person, call.path["factor"]), person.identity))


async def rename(services: Services, call: Call[NoQuery, FactorChange]) -> Answer:
    person = await _person(services, call)
    row = await services.verify.factors.rename(person, call.path["factor"], call.body.name)
    return Answer(factor_view(row, person.identity))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await services.verify.factors.delete(await _person(services, call), call.path["factor"])
    return Answer()


async def confirm(services: Services, call: Call[NoQuery, FirstCode]) -> Answer:
    person = await _person(services, call)
    found = await services.verify.factors.confirm(person, call.path["factor"], call.body.code)
    return Answer(FactorCheckView(valid=found.valid, factor=factor_view(found.factor, person.identity)))


async def challenge(services: Services, call: Call[NoQuery, NewChallenge]) -> Answer:
    person, factors, body = await _person(services, call), services.verify.factors, call.body
    about: dict[str, Any] = {"metadata": body.metadata, "lasts_s": body.expires_in_s}
    if body.code is None:
        row = await factors.ask(person, body.factor_id, **about)
    else:
        row = await factors.challenge(person, body.factor_id, body.code, **about)
    view = challenge_view(row, person.identity, services.clock.now_us())
    return Answer(view, location=f"{_place(call)}/challenges/{row.id}")


async def find_challenges(services: Services, call: Call[ChallengeQuery, None]) -> Answer:
    person, query, now = await _person(services, call), call.query, services.clock.now_us()
    paging, about = Paging(query.cursor, query.limit, query.order), {"factor_id": query.factor_id}
    rows = await services.verify.factors.challenges(person, paging, **about, status=query.status or "")
    return Answer(page(rows, paging, lambda row: challenge_view(row, person.identity, now), lambda row: row.id))


async def get_challenge(services: Services, call: Call[NoQuery, None]) -> Answer:
    person = await _person(services, call)
    row = await services.verify.factors.one(person, call.path["challenge"])
    return Answer(challenge_view(row, person.identity, services.clock.now_us()))


async def answer_challenge(services: Services, call: Call[NoQuery, FirstCode]) -> Answer:
    person = await _person(services, call)
    row = await services.verify.factors.answer(person, call.path["challenge"], call.body.code)
    return Answer(challenge_view(row, person.identity, services.clock.now_us()))


_PEOPLE = "/v1/verify/services/{id}/entities"
_ONE = f"{_PEOPLE}/{{identity}}"
_FACTORS, _CHALLENGES = f"{_ONE}/factors", f"{_ONE}/challenges"
OPERATIONS = (
    Operation(
        method="GET", path=_PEOPLE, name="listEntities", tag=_TAG, summary="List people who have factors",
        scope="verify:read", handle=find_people, query=PageQuery, answer=Page[EntityView],
    ),
    Operation(
        method="GET", path=_ONE, name="getEntity", tag=_TAG, summary="Read a person and the count of wrong codes",
        scope="verify:read", handle=get_person, answer=EntityView,
    ),
    Operation(
        method="DELETE", path=_ONE, name="deleteEntity", tag=_TAG, summary="Delete a person and all factors",
        description="Challenges too. The count of wrong codes stays, as a keyed hash.",
        scope="verify:write", handle=delete_person, status=204,
    ),
    Operation(
        method="POST", path=f"{_ONE}/unlock", name="unlockEntity", tag=_TAG, summary="Forget a person's wrong codes",
        description="Once you know by other means who it is.",
        scope="verify:manage", handle=unlock, answer=EntityView,
    ),
    Operation(
        method="POST", path=_FACTORS, name="createFactor", tag=_TAG, summary="Create a factor",
        description="The only answer with its secret. It has to be confirmed by its first code within a day.",
        scope="verify:write", handle=create, body=NewFactor, answer=FactorCreated, status=201,
        errors=("not_found", "too_many_factors"), example={"name": "ada@example.com"},
    ),
    Operation(
        method="GET", path=_FACTORS, name="listFactors", tag=_TAG, summary="List a person's factors",
        scope="verify:read", handle=find, answer=Page[FactorView],
    ),
    Operation(
        method="GET", path=f"{_FACTORS}/{{factor}}", name="getFactor", tag=_TAG, summary="Read a factor",
        scope="verify:read", handle=get, answer=FactorView,
    ),
    Operation(
        method="PATCH", path=f"{_FACTORS}/{{factor}}", name="updateFactor", tag=_TAG, summary="Rename a factor",
        scope="verify:write", handle=rename, body=FactorChange, answer=FactorView, example={"name": "new phone"},
    ),
    Operation(
        method="DELETE", path=f"{_FACTORS}/{{factor}}", name="deleteFactor", tag=_TAG, summary="Delete a factor",
        scope="verify:write", handle=delete, status=204,
    ),
    Operation(
        method="POST", path=f"{_FACTORS}/{{factor}}/verify", name="verifyFactor", tag=_TAG,
        summary="Confirm a new factor by its first code", description="A wrong code is `valid: false`.",
        scope="verify:write", handle=confirm, body=FirstCode, answer=FactorCheckView,
        errors=("conflict", *_GUESSED), example={"code": "123456"},
    ),
    Operation(
        method="POST", path=_CHALLENGES, name="createChallenge", tag=_TAG, summary="Check a code of a factor",
        description="`approved` or `denied`; without a code it is `pending` and waits for one.",
        scope="verify:write", handle=challenge, body=NewChallenge, answer=ChallengeView, status=201,
        errors=("not_found", "verify_factor_unverified", *_GUESSED),
        example={"factor_id": "YF0123456789abcdef0123456789abcdef", "code": "123456"},
    ),
    Operation(
        method="GET", path=_CHALLENGES, name="listChallenges", tag=_TAG, summary="List a person's challenges",
        scope="verify:read", handle=find_challenges, query=ChallengeQuery, answer=Page[ChallengeView],
    ),
    Operation(
        method="GET", path=f"{_CHALLENGES}/{{challenge}}", name="getChallenge", tag=_TAG, summary="Read a challenge",
        scope="verify:read", handle=get_challenge, answer=ChallengeView,
    ),
    Operation(
        method="POST", path=f"{_CHALLENGES}/{{challenge}}/verify", name="verifyChallenge", tag=_TAG,
        summary="Give the code that a challenge waits for",
        scope="verify:write", handle=answer_challenge, body=FirstCode, answer=ChallengeView,
        errors=("verify_challenge_ended", "verify_factor_unverified", *_GUESSED), example={"code": "123456"},
    ),
)  # fmt: skip
