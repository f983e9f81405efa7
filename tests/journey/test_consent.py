"""Consent end to end: how far a STOP reaches, what it revokes, who is asked and how a YES is kept, lists and words."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import SENDER, Rig, rig, simulated, sqlite_first, until
from whimbrel.base.clock import SECOND_US
from whimbrel.domain.model import Message
from whimbrel.domain.numbers import normalise
from whimbrel.domain.permission import MARKETING, consent_set
from whimbrel.journey.consent_requests import ConsentRequests, Question
from whimbrel.journey.follower import Taken
from whimbrel.journey.keywords import Keywords
from whimbrel.manage import brands, consent_words, consents, opt_outs, policies, pools, senders, suppression
from whimbrel.manage.consents import NewConsent, Wanted
from whimbrel.store.interface import Search
from whimbrel_sandbox.network import PhoneText

PHONE = "+447911123456"
SECOND_PHONE = "+447911123457"
SECOND = "+12025550111"
ACTOR = "KE1"
LATER_S = 3600


async def open_rig(r: Rig, **policy: Any) -> None:
    """Two senders, and the account's policy."""
    await r.seed()
    await senders.create(r.app.manage, ACTOR, senders.NewSender(value=SECOND), account_id=r.account_id)
    if policy:
        await policies.put(r.app.manage, ACTOR, policies.NewPolicy(**policy), account_id=r.account_id)
    await r.bound()


async def refusals(r: Rig, message_class: str = "transactional") -> dict[str, str | None]:
    """What accept would say to a text from each sender."""
    found = {}
    for sender in (SENDER, SECOND):
        told = await r.app.accept.explain(r.draft(PHONE, sender=sender, message_class=message_class))
        found[sender] = None if told.refusal is None else told.refusal.code
    return found


async def stop_reaches(r: Rig, expected: dict[str, str | None]) -> None:
    async def same() -> bool:
        return await refusals(r) == expected

    await until(same)


BLOCKED = "opted_out"


async def test_a_stop_reaches_as_far_as_the_account_says_and_start_undoes_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, opt_out_scope="sender")
        waiting = [
            (await r.send(r.draft(PHONE, sender=sender, send_at_us=r.clock.now_us() + LATER_S * SECOND_US)))[0]
            for sender in (SENDER, SECOND)
        ]
        r.say(PHONE, "STOP")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: None})
        (stop,) = (await opt_outs.of_number(r.app.manage, PHONE, account_id=r.account_id)).data
        assert (stop.scope, stop.sender, stop.source) == ("sender", SENDER, "keyword")
        told = await r.app.accept.explain(r.draft(PHONE, sender=SENDER))
        assert told.consent is not None and told.consent.opt_out == stop.id
        assert (await r.verdict(r.draft(PHONE, sender=SENDER))).code == BLOCKED
        r.clock.advance(LATER_S + 1)
        assert (await r.settled(waiting[0], "rejected", within_s=30)).reason == BLOCKED
        await r.settled(waiting[1], "delivered", within_s=30)
        r.say(PHONE, "START")
        await stop_reaches(r, {SENDER: None, SECOND: None})
        r.say(PHONE, "stop all", to=SECOND)
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})


async def only(r: Rig, direction: str) -> Message:
    """The one message of the account that comes in or goes out, when it is there."""

    async def found() -> Message | None:
        rows = await r.app.store.search(Search(account_id=r.account_id, test=False, direction=direction), 2)
        return rows[0] if len(rows) == 1 else None

    return await until(found)


async def test_a_stop_is_confirmed_within_five_minutes_or_not_at_all(tmp_path: Path) -> None:
    async with rig(tmp_path) as r, simulated(seed=2) as second:
        r.account_id = await r.add_account("Acme", SENDER)
        await r.set_price()
        r.carrier_id = await r.add_carrier("takes")
        await r.add_carrier("brings", simulator=second)
        await r.add_route(r.carrier_id)
        await r.bound(2)
        await r.cut()
        second.network.send_text(PHONE, PhoneText(to=SENDER, text="STOP"))
        waits, came_at = await only(r, "out"), (await only(r, "in")).created_at
        assert waits.state == "queued" and 0 < waits.expires_at - came_at <= 300 * SECOND_US
        r.clock.ahead_us += 300 * SECOND_US
        await r.settled(waits.id, "expired")
        r.behave(refuse_binds=0)
        (later,) = await r.send(r.draft(SECOND_PHONE))
        await r.settled(later, "delivered", within_s=30)
        assert [submit.dest for submit in r.submits()] == [SECOND_PHONE.lstrip("+")]


async def test_a_stop_that_is_noticed_too_late_is_not_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    noticed, take = asyncio.Event(), Keywords._take

    async def held_up(self: Keywords, position: int) -> Taken:
        await noticed.wait()
        return await take(self, position)

    monkeypatch.setattr(Keywords, "_take", held_up)
    async with rig(tmp_path) as r:
        await open_rig(r)
        r.say(PHONE, "STOP")
        await stop_reaches(r, dict.fromkeys((SENDER, SECOND), BLOCKED))
        r.clock.ahead_us += 296 * SECOND_US
        r.say(SECOND_PHONE, "HELP")
        noticed.set()
        await until(lambda: r.phone(SECOND_PHONE))
        assert r.phone(PHONE) == []
        assert "a STOP is not confirmed any more" in caplog.messages


async def test_a_stop_to_a_number_of_a_pool_reaches_the_pool_and_start_to_another_one_undoes_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, opt_out_scope="pool")
        lone = "+12025550112"
        await senders.create(r.app.manage, ACTOR, senders.NewSender(value=lone), account_id=r.account_id)
        new = pools.NewPool(name="service", senders=(SENDER, SECOND))
        pool = (await pools.create(r.app.manage, ACTOR, new, account_id=r.account_id)).pool
        later = r.clock.now_us() + LATER_S * SECOND_US
        waiting = await r.send(*[r.draft(PHONE, sender=each, send_at_us=later) for each in (SECOND, lone)])
        r.say(PHONE, "STOP")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})
        told = await r.app.accept.explain(r.draft(PHONE, sender=SECOND))
        assert told.consent is not None and told.consent.scope == f"pool:{pool.id}"
        by_pool = r.draft(PHONE, options={"pool_id": pool.id})
        assert (await r.verdict(by_pool)).code == BLOCKED
        found = (await opt_outs.of_number(r.app.manage, PHONE, account_id=r.account_id)).data
        assert {(each.scope, each.pool or each.sender) for each in found} == {("pool", pool.id), ("sender", SENDER)}
        assert [await r.events(each.id) for each in found] == [["opt_out.created"]] * 2
        r.clock.advance(LATER_S + 1)
        assert (await r.settled(waiting[0], "rejected", within_s=30)).reason == BLOCKED
        await r.settled(waiting[1], "delivered", within_s=30)
        await pools.remove_member(r.app.manage, ACTOR, pool.id, SENDER, account_id=r.account_id)
        assert await refusals(r) == {SENDER: BLOCKED, SECOND: BLOCKED}, "what left the pool is stopped all the same"
        member = pools.NewMember()
        await pools.put_member(r.app.manage, ACTOR, pool.id, SENDER, member, account_id=r.account_id)
        r.say(PHONE, "START", to=SECOND)
        await stop_reaches(r, {SENDER: None, SECOND: None})
        assert (await opt_outs.of_number(r.app.manage, PHONE, account_id=r.account_id)).data == ()


@sqlite_first
async def test_a_brand_is_a_group_of_senders_with_a_name_and_texts_of_its_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r)
        made = await brands.create(
            r.app.manage, ACTOR, brands.NewBrand(name="Shoes", senders=(SECOND,)), account_id=r.account_id
        )
        text = consent_words.NewConsentText(kind="stop", text="{name}: gone. START brings you back.", brand=made.id)
        await consent_words.put_text(r.app.manage, ACTOR, text, account_id=r.account_id)
        r.say(PHONE, "STOP", to=SECOND)
        await stop_reaches(r, {SENDER: None, SECOND: BLOCKED})
        await until(lambda: [each.text for each in r.phone(PHONE)] == ["Shoes: gone. START brings you back."])
        r.say(PHONE, "STOP")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})
        r.say(PHONE, "START", to=SECOND)
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: None})


@sqlite_first
async def test_marketing_needs_consent_where_the_account_asks_for_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, require_consent=True)
        assert await refusals(r, "marketing") == {SENDER: "no_consent", SECOND: "no_consent"}
        assert await refusals(r) == {SENDER: None, SECOND: None}
        granted = NewConsent(number=PHONE, source="web_form", wording="Yes, please", ip="192.0.2.7")
        made = await consents.record(r.app.manage, ACTOR, granted, account_id=r.account_id)
        assert await refusals(r, "marketing") == {SENDER: None, SECOND: None}
        later = r.clock.now_us() + LATER_S * SECOND_US
        draft = r.draft(PHONE, sender=SENDER, message_class="marketing", send_at_us=later)
        (waiting,) = await r.send(draft)
        revoked = NewConsent(number=PHONE, action="revoke")
        await consents.record(r.app.manage, ACTOR, revoked, account_id=r.account_id)
        r.clock.advance(LATER_S + 1)
        assert (await r.settled(waiting, "rejected", within_s=30)).reason == "no_consent"
        assert await r.events(made.id) == ["consent.granted"]


async def test_a_stop_revokes_and_start_grants_again_what_it_took(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, require_consent=True)
        for purpose in (MARKETING, "surveys"):
            await consents.record(
                r.app.manage, ACTOR, NewConsent(number=PHONE, purpose=purpose), account_id=r.account_id
            )
        r.say(PHONE, "STOP")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})
        standing = await consents.standing(r.app.manage, PHONE, account_id=r.account_id)
        assert (standing.granted, standing.opted_out) == ((), True)
        r.say(PHONE, "START")
        await stop_reaches(r, {SENDER: None, SECOND: None})

        async def may() -> bool:
            return await refusals(r, "marketing") == {SENDER: None, SECOND: None}

        await until(may)
        again, revoked, *_ = (await consents.find(r.app.manage, Wanted(PHONE), account_id=r.account_id)).data
        assert (again.action, again.source, again.recorded_by) == ("grant", "keyword", "phone")
        assert (revoked.action, sorted(revoked.proof["purposes"])) == ("revoke", [MARKETING, "surveys"])
        assert again.proof["message_id"].startswith("SM")


def asking(r: Rig) -> ConsentRequests:
    app = r.app
    return ConsentRequests(
        store=app.store, tables=app.tables, clock=r.clock, ids=app.ids, vault=app.vault, accept=app.accept
    )


def question(r: Rig, **more: Any) -> Question:
    number = normalise(PHONE)
    assert number is not None
    fields = {"purpose": MARKETING, "actor": ACTOR, "lasts_us": 600 * SECOND_US} | more
    return Question(account_id=r.account_id, number=number, **fields)


@sqlite_first
@pytest.mark.parametrize("answer", ["Yes!", "ja", "START"])
async def test_a_yes_grants_with_the_wording_and_the_answer_as_proof(tmp_path: Path, answer: str) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, require_consent=True)
        asked = await asking(r).ask(question(r, sender=SENDER, proof={"url": "https://a.example"}))
        await until(lambda: [each.text for each in r.phone(PHONE)] == [asked.wording])
        r.say(PHONE, answer, to=SECOND)  # another number of the account: it answers nothing
        r.say(PHONE, answer)

        async def granted() -> bool:
            return bool((await consents.standing(r.app.manage, PHONE, account_id=r.account_id)).granted)

        await until(granted)
        (record,) = (await consents.find(r.app.manage, Wanted(PHONE), account_id=r.account_id)).data
        assert (record.source, record.wording) == ("double_opt_in", asked.wording)
        assert record.proof["request_id"] == asked.id and record.proof["url"] == "https://a.example"
        (answered,) = [each for each in await r.inbound(2) if each.id == record.proof["message_id"]]
        assert answered.recipient == SENDER

        async def may() -> bool:
            return await refusals(r, "marketing") == {SENDER: None, SECOND: None}

        await until(may)


@sqlite_first
async def test_a_yes_that_comes_too_late_or_after_stop_grants_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r)
        await asking(r).ask(question(r, sender=SENDER))
        with pytest.raises(Exception, match="within the last hour"):
            await asking(r).ask(question(r, sender=SENDER))
        r.clock.advance(601)
        r.say(PHONE, "ok")
        await r.inbound(1)
        assert (await consents.standing(r.app.manage, PHONE, account_id=r.account_id)).granted == ()
        r.clock.advance(3600)
        again = await asking(r).ask(question(r, sender=SENDER))
        assert again.sends == 1  # the first had expired: another question
        r.say(PHONE, "STOP")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})
        r.say(PHONE, "yes")
        await stop_reaches(r, {SENDER: None, SECOND: None})
        assert (await consents.standing(r.app.manage, PHONE, account_id=r.account_id)).granted == ()


@pytest.mark.parametrize("way", ["request", "grant"])
async def test_a_word_of_the_accounts_own_asks_back_or_grants(tmp_path: Path, way: Any) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r, keyword_opt_in=way)
        word = consent_words.NewConsentWord(kind="join", word="Shoes!", level="first", wording="Text SHOES to us")
        await consent_words.add_word(r.app.manage, ACTOR, word, account_id=r.account_id)
        r.say(PHONE, "👟 shoes please")

        async def standing() -> bool:
            return bool((await consents.standing(r.app.manage, PHONE, account_id=r.account_id)).granted)

        await until(lambda: len(r.phone(PHONE)) == 1)
        if way == "request":
            assert "YES" in r.phone(PHONE)[0].text and not await standing()
            r.say(PHONE, "yes")
        await until(standing)
        (record,) = (await consents.find(r.app.manage, Wanted(PHONE), account_id=r.account_id)).data
        assert record.source == ("keyword" if way == "grant" else "double_opt_in")
        assert record.wording == ("Text SHOES to us" if way == "grant" else r.phone(PHONE)[0].text)
        members = r.app.tables.opt_outs[consent_set(r.account_id, MARKETING)]
        await until(lambda: r.app.vault.number_hash(PHONE) in members)


async def test_lists_of_the_account_and_of_the_operator_hold_for_their_classes(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r)
        later = r.clock.now_us() + LATER_S * SECOND_US
        (waiting,) = await r.send(r.draft(PHONE, sender=SENDER, message_class="marketing", send_at_us=later))
        for owner, name, classes in ((None, "sued", ("otp", "transactional")), (r.account_id, "own", ("marketing",))):
            new = suppression.NewSuppressionList(name=name, classes=classes)  # type: ignore[arg-type]
            made = await suppression.create(r.app.manage, ACTOR, new, account_id=owner)
            numbers = suppression.NewNumbers(numbers=(PHONE,))
            await suppression.add(r.app.manage, ACTOR, made.id, numbers, account_id=owner)
            found = {name: (await refusals(r, name))[SENDER] for name in ("otp", "transactional", "marketing")}
            expected = dict.fromkeys(("otp", "transactional"), "suppressed")
            assert found == expected | {"marketing": None if owner is None else "suppressed"}
        told = await r.app.accept.explain(r.draft(PHONE, sender=SENDER, message_class="marketing"))
        assert told.consent is not None and (told.consent.list_id, told.consent.list_name) == (made.id, "own")
        r.clock.advance(LATER_S + 1)
        assert (await r.settled(waiting, "rejected", within_s=30)).reason == "suppressed"
        await suppression.delete(r.app.manage, ACTOR, made.id, account_id=r.account_id)
        assert (await refusals(r, "marketing"))[SENDER] is None


@sqlite_first
async def test_words_are_switched_off_and_added_by_account(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await open_rig(r)
        for word in (
            consent_words.NewConsentWord(kind="stop", word="Tschüss", language="de"),
            consent_words.NewConsentWord(kind="stop", word="td", enabled=False),
        ):
            await consent_words.add_word(r.app.manage, ACTOR, word, account_id=r.account_id)
        r.say(PHONE, "TD")
        await r.inbound(1)
        assert await refusals(r) == {SENDER: None, SECOND: None}
        r.say(PHONE, "tschuss.")
        await stop_reaches(r, {SENDER: BLOCKED, SECOND: BLOCKED})
        await until(lambda: any("abgemeldet" in each.text for each in r.phone(PHONE)))
