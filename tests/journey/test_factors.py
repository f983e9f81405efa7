"""Factors on a running installation, on both databases: what many do at once, what time brings about, and what is to
be found of a secret afterwards."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dump import rows_of
from tests.edges.authenticator import code as code_of
from tests.journey.rig import ACTOR, POSTGRES, Rig, rig, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import VERIFY_FACTOR_FAILURES_FREE, VERIFY_FACTOR_FAILURES_MAX, VERIFY_GUESSES_DAYS
from whimbrel.base.log import JsonFormatter
from whimbrel.domain.factors import Challenge, Entity, Factor
from whimbrel.domain.model import Event
from whimbrel.manage.context import FIRST_PAGE
from whimbrel.products.verify import services
from whimbrel.products.verify.factors import FactorOrder

IDENTITY = "user-1"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP_S = 30
DAY_S = 86_400
RETENTION_DAYS = 400  # of messages, by itself
WRONG = "00000000"


@pytest.fixture
async def live(tmp_path: Path, database: None) -> AsyncIterator["Desk"]:
    async with rig(tmp_path) as running:
        await running.seed()
        desk = Desk(running)
        desk.service = await desk.new_service()
        yield desk


class Desk:
    """An account whose people have authenticators; codes have eight digits, so that none is right by chance."""

    def __init__(self, running: Rig) -> None:
        self.rig = running
        self.factors = running.app.products.verify.factors
        self.service = ""

    async def new_service(self) -> str:
        request = services.NewService(name="Acme", settings={"totp_code_length": 8})
        about: Any = {"account_id": self.rig.account_id, "channels": {"sms"}}
        made = await services.create(self.rig.app.manage, ACTOR, request, **about)
        return made.id

    @property
    def place(self) -> tuple[str, str, str]:
        return self.rig.account_id, self.service, IDENTITY

    async def factor(self, *, verified: bool = True) -> Factor:
        order = FactorOrder(name="phone", secret=SECRET, verified=verified)
        return (await self.factors.create(*self.place, order, test=False)).factor

    async def person(self) -> Entity:
        return await self.factors.people.known(*self.place, test=False)

    def code(self, *, away: int = 0) -> str:
        return code_of(SECRET, self.rig.clock.now_us() / 1_000_000 + away * STEP_S, digits=8)

    async def challenge(self, factor: Factor, given: str) -> str:
        """approved, the reason of a denial, or the code of the refusal."""
        try:
            found = await self.factors.challenge(await self.person(), factor.id, given)
        except WhimbrelError as error:
            return error.code
        return found.reason or found.status

    async def confirm(self, factor: Factor, given: str) -> bool | str:
        try:
            return (await self.factors.confirm(await self.person(), factor.id, given)).valid
        except WhimbrelError as error:
            return error.code

    async def failures(self) -> int:
        owner = self.factors.people.owner(*self.place, test=False)
        return (await self.factors.people.guesses(owner)).failures

    async def events(self, subject_id: str, count: int) -> list[str]:
        async def there() -> list[str] | None:
            found = await self.rig.events(subject_id)
            return found if len(found) >= count else None

        return await until(there)


async def test_of_many_with_one_code_one_is_let_in(live: Desk) -> None:
    factor, given = await live.factor(), live.code()
    found = Counter(await asyncio.gather(*(live.challenge(factor, given) for _ in range(5))))
    assert found == {"approved": 1, "used_before": 4}
    rows = await live.factors.challenges(await live.person(), FIRST_PAGE)
    (approved,) = [row for row in rows if row.status == "approved"]
    assert await live.events(approved.id, 1) == ["challenge.approved"]
    assert {tuple(await live.events(row.id, 1)) for row in rows if row.id != approved.id} == {("challenge.denied",)}


async def test_many_guesses_at_once_are_counted_exactly(live: Desk) -> None:
    factors = [await live.factor(), await live.factor()]
    guesses = (live.challenge(factors[n % 2], f"{n:08d}") for n in range(20))
    found = Counter(await asyncio.gather(*guesses))
    free = VERIFY_FACTOR_FAILURES_FREE
    assert found == {"wrong_code": free, "verify_factor_waits": 20 - free}
    assert await live.failures() == free


async def test_of_many_first_codes_one_confirms(live: Desk) -> None:
    factor, given = await live.factor(verified=False), live.code()
    found = Counter(await asyncio.gather(*(live.confirm(factor, given) for _ in range(5))))
    assert found == {True: 1, "conflict": 4}
    assert await live.events(factor.id, 2) == ["factor.created", "factor.verified"]
    assert await live.challenge(factor, given) == "used_before"
    assert await live.challenge(factor, live.code(away=1)) == "approved"


async def test_waits_pass_and_a_hundred_wrong_codes_lock(live: Desk) -> None:
    factor = await live.factor()
    for _ in range(VERIFY_FACTOR_FAILURES_FREE):
        assert await live.challenge(factor, WRONG) == "wrong_code"
    for wait_s in (30, 60, 120):
        live.rig.clock.advance(wait_s - 20)  # time goes on by itself, too
        assert await live.challenge(factor, live.code()) == "verify_factor_waits"
        live.rig.clock.advance(21)
        assert await live.challenge(factor, WRONG) == "wrong_code"
    live.rig.clock.advance(241)
    new = await live.factor(verified=False)
    assert await live.confirm(new, live.code()) is True
    assert await live.failures() == VERIFY_FACTOR_FAILURES_FREE + 3
    for _ in range(await live.failures(), VERIFY_FACTOR_FAILURES_MAX):
        live.rig.clock.advance(3601)
        assert await live.challenge(factor, WRONG) == "wrong_code"
    live.rig.clock.advance(10 * DAY_S)
    assert await live.challenge(factor, live.code()) == "verify_factor_locked"
    await live.factors.forget(*live.place, test=False)
    factor = await live.factor()
    assert await live.challenge(factor, live.code()) == "verify_factor_locked"
    await live.factors.people.unlock(ACTOR, *live.place, test=False)
    assert await live.challenge(factor, live.code()) == "approved"


async def test_what_time_takes_away(live: Desk) -> None:
    store, ending = live.rig.app.store, live.rig.app.products.verify.ending
    kept, late = await live.factor(), await live.factor(verified=False)
    assert await live.challenge(kept, WRONG) == "wrong_code"
    asked = await live.factors.ask(await live.person(), kept.id)
    live.rig.clock.advance(DAY_S)
    assert await live.confirm(late, live.code()) == "not_found"
    with pytest.raises(WhimbrelError, match="has expired"):
        await live.factors.answer(await live.person(), asked.id, live.code())
    live.rig.clock.advance(DAY_S + 1)
    await ending.purge()
    assert [row.id for row in await live.factors.people.factors_of(await live.person())] == [kept.id]
    assert await live.failures() == 1
    live.rig.clock.advance(VERIFY_GUESSES_DAYS * DAY_S)
    await ending.purge()
    assert await live.failures() == 0
    assert len(await live.factors.challenges(await live.person(), FIRST_PAGE)) == 2
    live.rig.clock.advance(RETENTION_DAYS * DAY_S)
    await ending.purge()
    assert await live.factors.challenges(await live.person(), FIRST_PAGE) == []
    assert await live.challenge(kept, live.code()) == "approved"
    assert await store.fetch(str, "verify_entities_of_service", live.rig.account_id, live.service, 9)


async def test_a_deleted_service_takes_its_people_with_it(live: Desk) -> None:
    factor = await live.factor()
    person = await live.person()
    await live.factors.ask(person, factor.id)
    await services.delete(live.rig.app.manage, ACTOR, live.service, account_id=live.rig.account_id)
    store = live.rig.app.store
    told = await store.fetch(Event, "events_of_subject", live.rig.account_id, factor.id)
    assert [event.type for event in told] == ["factor.created", "factor.verified", "factor.deleted"]
    assert await store.fetch(str, "verify_entities_of_service", live.rig.account_id, live.service, 9) == []
    assert await live.factors.people.factors_of(person) == []
    page = (live.rig.account_id, person.id, "", "", 0, "~", 9)
    assert await store.fetch(Challenge, "verify_challenges_page", *page) == []


class _Lines(logging.Handler):
    """All that is logged, as it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def test_no_secret_stands_in_the_database_and_no_code_in_what_is_told(live: Desk, tmp_path: Path) -> None:
    logs, root = _Lines(), logging.getLogger()
    level = root.level
    root.addHandler(logs)
    root.setLevel(logging.DEBUG)
    try:
        factor = await live.factor(verified=False)
        codes = [live.code(), live.code(away=1)]
        assert await live.confirm(factor, codes[0]) is True
        assert await live.challenge(factor, codes[1]) == "approved"
        assert await live.challenge(factor, codes[1]) == "used_before"
        await live.factors.delete(await live.person(), factor.id)
        assert await live.events(factor.id, 3) == ["factor.created", "factor.verified", "factor.deleted"]
        await live.factor()
    finally:
        root.removeHandler(logs)
        root.setLevel(level)
    rows = [str(row) for row in await rows_of(where(live, tmp_path))]
    assert any(factor.id in row for row in rows)
    told = [*rows, *logs.lines]
    hidden = [SECRET, "otpauth", *codes]
    assert [(word, line) for line in told for word in hidden if word in line] == []
    events = [row for row in rows if "factor.created" in row or "challenge.approved" in row]
    assert events
    assert not any(IDENTITY in row for row in events)


def where(live: Desk, folder: Path) -> Any:
    """The database, as `tests.dump` is told it."""
    postgres = folder / POSTGRES
    return postgres.read_text() if postgres.exists() else live.rig.app.settings.database_path()
