"""Signing in: what proves who somebody is, what does not, how often they may try, and how long it lasts."""

import asyncio
import re
from threading import Event

import pyotp
import pytest

from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import CONFIRMED_S, SESSION_IDLE_S, SESSION_LONGEST_S
from whimbrel.domain.people import Session, User
from whimbrel.manage import accounts, audit, passwords, sessions, users
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.sessions import From, Lasting
from whimbrel.manage.sign_in import SignIn
from whimbrel.manage.users import NewUser, UserChange

from .helpers import refused

WHERE = From("192.0.2.1", "Firefox")
pytestmark = pytest.mark.usefixtures("quick_passwords")
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture
def sign_in(ctx) -> SignIn:
    return SignIn(ctx, Lasting())


@pytest.fixture
async def ada(ctx, sign_in):
    """Somebody who has chosen a password."""
    made = await users.invite(ctx, "cli", NewUser(email=EMAIL, role="owner"), account_id=None)
    opened = await sign_in.with_link(made.code, WHERE)
    await sign_in.set_password(await visit(ctx, opened), PASSWORD)
    return made


async def visit(ctx, opened):
    found = await sessions.visit(ctx, opened.secret, Lasting())
    assert found is not None
    return found


async def with_authenticator(ctx, sign_in, clock):
    """The secret of an authenticator that has been set up, and the recovery codes."""
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    secret, address = sign_in.new_authenticator(seen.user)
    assert re.match(r"otpauth://totp/Whimbrel:ada%40example.com\?secret=[A-Z2-7]{32}&issuer=Whimbrel", address)
    codes = await sign_in.use_authenticator(seen, secret, code_at(secret, clock))
    clock.advance(30)
    return secret, codes


def code_at(secret, clock, steps=0):
    return pyotp.TOTP(secret).at(clock.now_us() // SECOND_US + 30 * steps)


async def test_a_password(ctx, sign_in, ada):
    seen = await visit(ctx, await sign_in.with_password(" ADA@example.com", PASSWORD, WHERE))
    assert seen.is_whole and seen.user.id == ada.id and seen.user.status == "active"
    assert (seen.session.address, seen.session.agent) == ("192.0.2.1", "Firefox")


async def test_whose_things_are_shown_first(ctx, sign_in, ada):
    async def shown():
        return (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.acting_for

    assert await shown() is None
    one, two = [(await accounts.create(ctx, "cli", NewAccount(name=name))).id for name in ("One", "Two")]
    assert await shown() is None, "there are two, and none was chosen"
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    await sessions.show(ctx, seen, one, test=True)
    again = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    assert (again.session.acting_for, again.session.test) == (one, False)
    await sessions.show(ctx, seen, two, test=False)
    assert await shown() == two
    await sessions.show(ctx, seen, None, test=False)
    assert await shown() is None, "all were chosen"
    await sessions.show(ctx, seen, two, test=False)
    await accounts.close(ctx, "cli", two)
    assert await shown() is None


async def test_the_only_account_is_chosen_unless_all_were(ctx, sign_in, ada):
    one = (await accounts.create(ctx, "cli", NewAccount(name="One"))).id
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    assert seen.session.acting_for == one
    await sessions.show(ctx, seen, None, test=False)
    assert (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.acting_for is None


async def test_people_of_an_account_see_what_they_chose_as_long_as_it_is_theirs(ctx, sign_in):
    own = (await accounts.create(ctx, "cli", NewAccount(name="Own"))).id
    sub = (await accounts.create(ctx, "cli", NewAccount(name="Sub", parent_id=own))).id
    foreign = (await accounts.create(ctx, "cli", NewAccount(name="Foreign"))).id
    made = await users.invite(ctx, "cli", NewUser(email="bob@example.com", role="owner"), account_id=own)
    seen = await visit(ctx, await sign_in.with_link(made.code, WHERE))
    assert seen.session.acting_for == own
    for chosen, shown in ((sub, sub), (foreign, own), (None, own)):
        await sessions.show(ctx, seen, chosen, test=False)
        link = await users.reinvite(ctx, "cli", made.id, account_id=own)
        assert (await sign_in.with_link(link.code, WHERE)).session.acting_for == shown


async def test_wrong_ones_are_told_in_the_same_words(ctx, sign_in, ada):
    said = set()
    for email, password in ((EMAIL, "wrong"), ("nobody@example.com", PASSWORD), (EMAIL, "")):
        with pytest.raises(WhimbrelError) as raised:
            await sign_in.with_password(email, password, WHERE)
        said.add((raised.value.code, raised.value.detail))
    assert len(said) == 1 and next(iter(said))[0] == "unauthorized"


async def test_somebody_without_a_password_has_none_that_fits(ctx, sign_in):
    await users.invite(ctx, "cli", NewUser(email=EMAIL, role="owner"), account_id=None)
    for password in ("", "$argon2id$"):
        await refused(sign_in.with_password(EMAIL, password, WHERE), "unauthorized")


async def test_five_failures_lock_out_longer_each_time(ctx, sign_in, ada, clock):
    for _ in range(5):
        await refused(sign_in.with_password(EMAIL, "wrong", WHERE), "unauthorized")
    clock.advance(29)
    await refused(sign_in.with_password(EMAIL, PASSWORD, WHERE), "unauthorized")
    clock.advance(1)
    await refused(sign_in.with_password(EMAIL, "wrong", WHERE), "unauthorized")
    clock.advance(59)
    await refused(sign_in.with_password(EMAIL, PASSWORD, WHERE), "unauthorized")
    clock.advance(1)
    assert (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.stage == "whole"
    (kept,) = await ctx.store.fetch(User, "user_by_email", EMAIL)
    assert (kept.failures, kept.locked_until) == (0, 0)
    assert "user.locked_out" in [entry.action for entry in (await audit.find(ctx)).data]


async def test_whoever_is_locked_out_and_whom_nobody_knows_are_told_the_same(ctx, sign_in, ada):
    said: dict[str, set[object]] = {EMAIL: set(), "nobody@example.com": set()}
    for email, told in said.items():
        for _ in range(7):
            with pytest.raises(WhimbrelError) as raised:
                await sign_in.with_password(email, "wrong", WHERE)
            told.add((raised.value.code, raised.value.detail, raised.value.retry_after_s))
    assert said[EMAIL] == said["nobody@example.com"] and len(said[EMAIL]) == 1


async def test_a_flood_of_guesses_is_turned_away_before_it_is_looked_at(ctx, sign_in, ada, monkeypatch):
    go_on, look, at_work, most = Event(), passwords.matches, 0, 0
    loop, both = asyncio.get_running_loop(), asyncio.Event()

    def held(password, kept):
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        if at_work == 2:
            loop.call_soon_threadsafe(both.set)
        assert go_on.wait(30)
        at_work -= 1
        return look(password, kept)

    monkeypatch.setattr(passwords, "matches", held)
    guesses = [asyncio.create_task(sign_in.with_password(f"{n}@example.com", "wrong", WHERE)) for n in range(50)]
    async with asyncio.timeout(30):
        while sum(guess.done() for guess in guesses) < 10:
            await asyncio.wait([guess for guess in guesses if not guess.done()], return_when="FIRST_COMPLETED")
        await both.wait()  # the threads begin when they get their turn
    go_on.set()
    told = [error.code for error in await asyncio.gather(*guesses, return_exceptions=True)]
    assert told.count("overloaded") == 10 and told.count("unauthorized") == 40 and most == 2
    assert (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.stage == "whole"


async def test_failures_at_several_nodes_are_all_counted(ctx, sign_in, ada):
    (kept,) = await ctx.store.fetch(User, "user_by_email", EMAIL)
    for node in [SignIn(ctx, Lasting()) for _ in range(5)]:
        await node._fail(kept, WHERE)  # each has read the person before the others wrote
    (kept,) = await ctx.store.fetch(User, "user_by_email", EMAIL)
    assert kept.failures == 5


async def test_whoever_is_disabled_while_they_choose_a_password_stays_so(ctx, sign_in, ada):
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    other = await users.invite(ctx, "cli", NewUser(email="bob@example.com", role="owner"), account_id=None)
    await users.update(ctx, other.id, ada.id, UserChange(disabled=True), account_id=None)
    await sign_in.set_password(seen, "another good one")
    assert (await users.get(ctx, ada.id, account_id=None)).status == "disabled"
    await refused(sign_in.with_password(EMAIL, "another good one", WHERE), "unauthorized")


async def test_a_second_factor_is_asked_for_and_works_once(ctx, sign_in, ada, clock):
    secret, _ = await with_authenticator(ctx, sign_in, clock)
    half = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    seen = await visit(ctx, half)
    assert not seen.is_whole
    await refused(sign_in.with_code(seen, "000000", WHERE), "unauthorized")
    code = code_at(secret, clock)
    whole = await sign_in.with_code(seen, code, WHERE)
    assert (await visit(ctx, whole)).is_whole and whole.secret != half.secret
    assert await sessions.visit(ctx, half.secret, Lasting()) is None  # it was another one, which is over
    again = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    await refused(sign_in.with_code(again, code, WHERE), "unauthorized")


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (1, True), (2, False)])
async def test_clocks_may_be_half_a_minute_apart(ctx, sign_in, ada, clock, steps, fits):
    secret, _ = await with_authenticator(ctx, sign_in, clock)
    clock.advance(120)
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    if fits:
        assert (await sign_in.with_code(seen, code_at(secret, clock, steps), WHERE)).session.stage == "whole"
    else:
        await refused(sign_in.with_code(seen, code_at(secret, clock, steps), WHERE), "unauthorized")


async def test_recovery_codes_work_once_each(ctx, sign_in, ada, clock):
    _, codes = await with_authenticator(ctx, sign_in, clock)
    assert len(set(codes)) == 10
    for attempt, fits in ((codes[0].upper().replace("-", " "), True), (codes[0], False), (codes[1], True)):
        seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
        if fits:
            assert (await sign_in.with_code(seen, attempt, WHERE)).session.stage == "whole"
        else:
            await refused(sign_in.with_code(seen, attempt, WHERE), "unauthorized")


async def test_an_authenticator_is_kept_when_its_code_is_right(ctx, sign_in, ada):
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    secret, _ = sign_in.new_authenticator(seen.user)
    await refused(sign_in.use_authenticator(seen, secret, "123"), "invalid_request")
    assert (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.stage == "whole"


async def test_sessions_end_without_use_and_after_their_time(ctx, sign_in, ada, clock):
    idle = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    clock.advance(SESSION_IDLE_S)
    assert await sessions.visit(ctx, idle.secret, Lasting()) is None
    used = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    steps = SESSION_LONGEST_S // (SESSION_IDLE_S // 2)
    for _ in range(steps - 1):
        clock.advance(SESSION_IDLE_S // 2)
        assert await sessions.visit(ctx, used.secret, Lasting()) is not None
    clock.advance(SESSION_IDLE_S // 2)
    assert await sessions.visit(ctx, used.secret, Lasting()) is None


async def test_a_new_password_and_being_disabled_end_sessions(ctx, sign_in, ada):
    await users.invite(ctx, "cli", NewUser(email="other@example.com", role="owner"), account_id=None)
    one = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    two = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    await sign_in.set_password(await visit(ctx, one), "another good one")
    assert await sessions.visit(ctx, two.secret, Lasting()) is None
    await refused(sign_in.with_password(EMAIL, PASSWORD, WHERE), "unauthorized")
    await users.update(ctx, "cli", ada.id, UserChange(disabled=True), account_id=None)
    assert await sessions.visit(ctx, one.secret, Lasting()) is None
    await refused(sign_in.with_password(EMAIL, "another good one", WHERE), "unauthorized")


async def test_short_passwords_are_refused(ctx, sign_in, ada):
    seen = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    for password in ("short", "x" * 1025):
        await refused(sign_in.set_password(seen, password), "invalid_request", "/password")
    assert (await sign_in.with_password(EMAIL, PASSWORD, WHERE)).session.stage == "whole"


async def test_proving_it_once_more(ctx, sign_in, ada, clock):
    opened = await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    assert sign_in.is_confirmed(await visit(ctx, opened))
    clock.advance(CONFIRMED_S + 1)
    assert not sign_in.is_confirmed(await visit(ctx, opened))
    await refused(sign_in.confirm(await visit(ctx, opened), "wrong", WHERE), "unauthorized")
    assert not sign_in.is_confirmed(await visit(ctx, opened))
    await sign_in.confirm(await visit(ctx, opened), PASSWORD, WHERE)
    assert sign_in.is_confirmed(await visit(ctx, opened))


async def test_sessions_are_seen_and_ended_by_their_owner_only(ctx, sign_in, ada):
    made = await users.invite(ctx, "cli", NewUser(email="bob@example.com", role="owner"), account_id=None)
    bob = await visit(ctx, await sign_in.with_link(made.code, WHERE))
    mine = await visit(ctx, await sign_in.with_password(EMAIL, PASSWORD, WHERE))
    other = await sign_in.with_password(EMAIL, PASSWORD, From("192.0.2.2", "Chrome"))
    assert [each.current for each in await sessions.of(ctx, mine)] == [False, True, False]
    await refused(sessions.end_one(ctx, bob, mine.session.id), "not_found")
    await sessions.end_one(ctx, mine, other.session.id)
    assert await sessions.visit(ctx, other.secret, Lasting()) is None
    assert await sessions.end_others(ctx, mine) == 1
    assert len(await sessions.of(ctx, mine)) == 1


async def test_what_is_over_is_forgotten(ctx, sign_in, ada, clock):
    await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    clock.advance(SESSION_LONGEST_S + 1)
    await sign_in.with_password(EMAIL, PASSWORD, WHERE)
    assert len(await ctx.store.fetch(Session, "sessions_of_user", ada.id, 0)) == 1
