"""A carrier over HTTP in the whole application: a provider over loopback first, the simulator over SMPP after it. What
the provider heard counts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.carriers.provider import FIELDS, Drop, Provider, provider, says
from tests.journey.rig import ACTOR, Rig, rig, until
from whimbrel.manage import carriers

LONG = "x" * 400  # three segments
QUICK = {"reconnect_min_s": 0.05, "reconnect_max_s": 0.1}


@asynccontextmanager
async def pair(folder: Path, **settings: Any) -> AsyncIterator[tuple[Rig, Provider]]:
    """A rig whose route leads to a provider and then to the simulator."""
    async with provider() as peer, rig(folder) as r:
        r.account_id = await r.add_account("Acme", "+12025550100")
        await r.set_price()
        spoken = {"url": f"http://127.0.0.1:{peer.port}/messages", "fields": FIELDS} | QUICK | settings
        request = carriers.NewCarrier(name="first", kind="http", settings=spoken, password="secret", sandbox=True)
        r.carrier_id = (await carriers.create(r.app.manage, ACTOR, request)).id
        other = await r.add_carrier("second")
        await r.add_route(r.carrier_id, other)
        await r.bound(2)
        yield r, peer


async def test_a_text_goes_whole_and_is_charged_when_it_is_taken(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, peer):
        ids = await r.send(r.draft(), r.draft(text=LONG), r.draft(text="Привет"))
        await r.all_settled(ids, "sent")
        assert sorted(heard.json["text"] for heard in peer.heard) == sorted(["Hello", LONG, "Привет"])
        (attempt,) = await r.attempts(ids[1])
        assert (attempt.state, attempt.parts, attempt.bind) == ("accepted", 1, "first")
        assert attempt.carrier_message_id in {"P1", "P2", "P3"}
        assert r.submits() == []
        await r.check_money(charged_segments=5)


async def test_what_is_said_of_our_account_leads_to_the_next_carrier(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, peer):
        peer.answer = lambda _: says(401)
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
        first, second = await r.attempts(message_id)
        assert (first.state, first.reason, first.status_code) == ("refused", "carrier_unavailable", 401)
        assert second.carrier_id != r.carrier_id
        assert (len(peer.heard), len(r.submits())) == (1, 1)
        await r.check_money(charged_segments=1)


async def test_a_key_that_is_refused_leaves_the_queue_where_it_is(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, peer):
        peer.answer = lambda _: says(401)
        ids = await r.send(*[r.draft(text=f"text {n}") for n in range(30)])
        await until(lambda: len(peer.heard) >= 25 and len(r.submits()) == 4)  # one tries, again and again
        heard = len(peer.heard)
        peer.answer = lambda heard: says(201, {"id": heard.json["ref"]})
        await r.all_settled(ids, "sent", "delivered")
        taken = [each.json["text"] for each in peer.heard[heard:]]
        elsewhere = [text.text for text in r.phone("+447911123456")]
        assert (len(taken), len(elsewhere)) == (26, 4)
        assert sorted(taken + elsewhere) == sorted(f"text {n}" for n in range(30))
        attempts = [attempt for each in ids for attempt in await r.attempts(each)]
        assert len(attempts) <= len(peer.heard) + 2 * len(ids)  # none was claimed again and again
        await r.check_money(charged_segments=30)


async def test_a_refusal_is_final(tmp_path: Path) -> None:
    async with pair(tmp_path, answer_code="code", statuses={"21211": "invalid_destination"}) as (r, peer):
        peer.answer = lambda _: says(400, {"code": 21211})
        (message_id,) = await r.send(r.draft())
        message = await r.settled(message_id, "failed")
        assert message.reason == "invalid_destination"
        assert (await r.attempts(message_id))[0].status_code == 21211
        assert (len(peer.heard), len(r.submits())) == (1, 0)
        await r.check_money(charged_segments=0)


async def test_what_may_be_there_is_in_doubt_and_goes_nowhere_else(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, peer):
        peer.answer = lambda heard: says(500) if "one" in heard.json["text"] else Drop()
        ids = await r.send(r.draft(text="one"), r.draft(text="two"))
        await r.all_settled(ids, "in_doubt")
        assert [(await r.message(each)).reason for each in ids] == ["carrier_error", "link_lost"]
        assert (len(peer.heard), len(r.submits())) == (2, 0)
        await r.check_money(charged_segments=0, held_segments=2)


async def test_a_provider_that_is_gone_gets_each_text_once_when_it_is_back(tmp_path: Path) -> None:
    async with pair(tmp_path) as (r, peer):
        await peer.close()
        ids = await r.send(*[r.draft(text=f"text {n}") for n in range(30)])
        await until(lambda: r.app.worker.health()[r.carrier_id].binds_up == 0)
        await peer.open()
        await r.all_settled(ids, "sent")
        assert sorted(heard.json["text"] for heard in peer.heard) == sorted(f"text {n}" for n in range(30))
        assert r.submits() == []
        await r.check_money(charged_segments=30)


async def test_settings_are_changed_while_texts_are_on_their_way(tmp_path: Path) -> None:
    async with pair(tmp_path, window=2) as (r, peer):
        ids = await r.send(*[r.draft(text=f"text {n}") for n in range(20)])
        await r.change_carrier(window=5, headers={"X-New": "1"})
        ids += await r.send(*[r.draft(text=f"text {n}") for n in range(20, 40)])
        await r.all_settled(ids, "sent")
        assert sorted(heard.json["text"] for heard in peer.heard) == sorted(f"text {n}" for n in range(40))
        assert peer.heard[-1].headers["x-new"] == "1"


async def test_a_pause_in_the_middle_loses_nothing_and_sends_nothing_twice(tmp_path: Path) -> None:
    """What waited may go to the other carrier meanwhile."""
    async with pair(tmp_path, window=2) as (r, peer):
        ids = await r.send(*[r.draft(text=f"text {n}") for n in range(50)])
        await until(lambda: len(peer.heard) >= 4)
        await r.pause()
        await r.resume()
        await r.all_settled(ids, "sent", "delivered")
        there = [heard.json["text"] for heard in peer.heard] + [text.text for text in r.phone("+447911123456")]
        assert sorted(there) == sorted(f"text {n}" for n in range(50))
        await r.check_money(charged_segments=50)
