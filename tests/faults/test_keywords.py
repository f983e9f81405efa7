"""Keywords are answered exactly once whoever dies: STOP and HELP, and a word of the account's own, said by many phones
to a node that is killed before and after it stores their texts, and before and after it stores its answers. A text that
is stored and not acknowledged comes again from the carrier. Judged by the simulator's log; an answer that was on its
way when the node died is in doubt, and not sent again.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from whimbrel_sandbox.log import Event, InboundAnswered, InboundSent, Submitted, read_log

from .processes import Node, simulator
from .wire import call, until

pytestmark = pytest.mark.ci

NUMBER = "+15005550006"
SAID = {"STOP": "opted out", "Help?": "reply STOP", "Hours!": "From 9 to 5."}
"""Words, and what is in their answers."""
PHONES = 12  # that say each
PATIENCE_S = 90.0
POINTS = {
    "inbound.before_commit": 1,
    "inbound.after_commit": 1,
    "accept.before_commit": 7,
    "accept.after_commit": 7,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """A URL, or nothing for a file of the node's own."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


class Said:
    """Who said what."""

    def __init__(self) -> None:
        words = [word for word in SAID for _ in range(PHONES)]
        self.by_phone = {f"4474002{place:05d}": word for place, word in enumerate(words)}

    async def say(self, port: int) -> None:
        """All at once; the simulator takes them once a bind was there."""
        await asyncio.gather(*(self._one(port, phone, word) for phone, word in self.by_phone.items()))

    async def _one(self, port: int, phone: str, word: str) -> None:
        async def taken() -> bool:
            return (await call(port, "POST", f"/phones/{phone}/send", {"to": NUMBER, "text": word})).status == 202

        await until(taken, PATIENCE_S, "the phone sends")

    def acknowledged(self, events: list[Event]) -> bool:
        """Whether each text is stored."""
        source = {event.text_id: event.source for event in events if isinstance(event, InboundSent)}
        taken = {e.text_id for e in events if isinstance(e, InboundAnswered) and e.status == 0}
        return {source[text_id].lstrip("+") for text_id in taken} >= self.by_phone.keys()


async def listed(node: Node, key: str, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await call(node.port, "GET", f"/v1/messages?limit=500&{query}", None, key)).json()[
        "data"
    ]
    return found


@pytest.mark.parametrize("point", POINTS)
async def test_every_keyword_is_answered_once(tmp_path: Path, database: str, point: str) -> None:
    log, said = tmp_path / "sim.log", Said()
    async with simulator(log, deliver_timeout_ms=2000) as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"], database)
        process = await node.start(f"{point}:{POINTS[point]}")
        key = node.credentials()["api_key"]
        keyword = {"name": "hours", "words": ["hours"], "answers": {"en": SAID["Hours!"]}}
        assert (await call(node.port, "POST", "/v1/keywords", keyword, key)).status == 201
        await said.say(int(address["http_url"].rpartition(":")[2]))
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == -9, "the node did not die where it was to"
        await node.start()
        await until(lambda: said.acknowledged([*read_log(log)]), PATIENCE_S, "every text is stored")

        async def answered() -> bool:
            made = await listed(node, key, "direction=out")
            return len(made) == len(said.by_phone) and not {each["status"] for each in made} & {"queued", "sending"}

        await until(answered, PATIENCE_S, "every text has an answer")
        await _probed(node, key, log)
        await _judged(node, key, [*read_log(log)], said, point)
        await node.stop()


async def _probed(node: Node, key: str, log: Path) -> None:
    """A later text has gone out, and so has what was to go before it."""
    body = {"to": "+447400299999", "text": "Probe", "class": "otp"}
    assert (await call(node.port, "POST", "/v1/messages", body, key)).status == 202
    await until(
        lambda: any(isinstance(each, Submitted) and each.text == "Probe" for each in read_log(log)), PATIENCE_S, "probe"
    )


async def _judged(node: Node, key: str, events: list[Event], said: Said, point: str) -> None:
    sent = [each for each in events if isinstance(each, Submitted) and each.text != "Probe"]
    answers = Counter(each.dest.lstrip("+") for each in sent)
    assert answers.keys() <= said.by_phone.keys() and set(answers.values()) == {1}, answers
    assert all(SAID[said.by_phone[each.dest.lstrip("+")]] in each.text for each in sent)
    made = {
        each["to"].lstrip("+"): each for each in await listed(node, key, "direction=out") if each["text"] != "Probe"
    }
    unheard = said.by_phone.keys() - answers.keys()
    assert {made[phone]["status"] for phone in unheard} <= {"in_doubt", "unknown"}
    assert not unheard or point.startswith("accept."), "nothing was on its way"
    texts = Counter(each["sender"].lstrip("+") for each in await listed(node, key, "direction=in"))
    assert texts == Counter(said.by_phone.keys()), "a text that came twice is one"
    brought = Counter(each.text_id for each in events if isinstance(each, InboundSent))
    assert max(brought.values()) > 1 or point.startswith("accept."), "the carrier brings again what was not answered"
    (keyword,) = (await call(node.port, "GET", "/v1/keywords", None, key)).json()["data"]
    assert keyword["uses"] == PHONES
    opt_outs = (await call(node.port, "GET", "/v1/opt-outs?limit=100", None, key)).json()["data"]
    assert len(opt_outs) == PHONES
