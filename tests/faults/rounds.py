"""A round: simulator, sink, node and client, a load, a death (or several), a restart, and the judgement. Everything
that may differ between rounds is drawn from the seed.
"""

import asyncio
import random
import signal
from pathlib import Path
from typing import Any

import msgspec

from whimbrel_sandbox.log import read_log

from .client import Client, Mix, sendings
from .esme import CREDENTIAL, Esme, referenced
from .evidence import Api, Death, Evidence, SinkLog, Spoken, ask_api, settle
from .oracle import Judgement, judge
from .over_http import lead_over_http
from .processes import Node, simulator, sink
from .wire import Connection, call, now_us, request, until

SENDER = "+15005550006"  # quickstart's default: phones answer to it
_LONG_WORDS = 40
IN_FLIGHT_MIN = 50
_SIGNAL_S = 40.0  # a graceful stop has 30
_AT_WORK_S = 90.0  # for a client that the machine gives little to
_WARM = 120  # acknowledged messages before phones begin to send
_AFTER_LOAD_S = 4.0  # so long the sink hears nothing new when nothing is left that may hit an armed point

# How many hits of a point a round may need: where the load is at its height. Over SMPP what has a reference hits alone.
HITS: dict[str, tuple[int, int]] = {
    "accept.before_commit": (8, 30),
    "accept.after_commit": (8, 30),
    "worker.after_claim": (4, 12),
    "worker.after_attempt": (4, 12),
    "carrier.after_write": (8, 20),
    "carrier.after_answer": (6, 18),
    "receipt.before_commit": (2, 12),
    "receipt.after_commit": (2, 12),
    "inbound.before_commit": (2, 10),
    "inbound.after_commit": (2, 10),
    "notify.after_post": (100, 600),
    "smpp.after_commit": (110, 150),
    "smpp.after_owed": (2, 6),
    "smpp.before_delete": (1, 4),
}
HITS_OVER_HTTP: dict[str, tuple[int, int]] = {
    "worker.after_attempt": (6, 30),
    "carrier.after_write": (6, 40),
    "carrier.after_answer": (20, 120),
    "receipt.before_commit": (20, 150),
    "inbound.after_commit": (1, 4),
}
"""The same with a carrier over HTTP: each answer and receipt comes by itself."""


class Life(msgspec.Struct, frozen=True):
    """How one life of the node is to end: at an armed point, or by a signal once so many messages are acknowledged."""

    fault: str = ""
    signal: int = 0
    acknowledged: int = 0


class Scenario(msgspec.Struct, frozen=True):
    """One round before it is played."""

    name: str
    seed: int
    lives: tuple[Life, ...]
    mix: Mix
    connections: int
    latency_ms: int
    receipt_delay_ms: int
    phones: int  # texts from phones
    over_smpp: bool = False
    carrier_over_http: bool = False


class Played(msgspec.Struct, frozen=True):
    """One round afterwards; `died`: every life ended as it was meant to."""

    scenario: Scenario
    verdict: Judgement
    deaths: tuple[Death, ...]
    died: bool
    seconds: float

    @property
    def counts(self) -> bool:
        """Whether it says anything: the point was hit, in the middle of enough work."""
        return self.died and self.verdict.in_flight >= IN_FLIGHT_MIN


def at_point(point: str, seed: int) -> Scenario:
    """A round that ends at a kill point."""
    chance = random.Random(f"{point} {seed}")
    few, many = HITS[point]
    over_smpp = point.startswith("smpp.")
    return Scenario(
        name=point,
        seed=seed,
        lives=(Life(fault=f"{point}:{chance.randint(few, many)}"),),
        mix=Mix(
            messages=chance.randint(300, 800),
            batch_share=0.0 if over_smpp else chance.uniform(0.3, 0.9),
            long_share=chance.choice((0.0, 0.05, 0.1)),
            retry_once_share=0.0 if over_smpp else chance.choice((0.0, 0.0, 0.2)),
        ),
        connections=chance.choice((8, 16, 32)),
        latency_ms=chance.randint(0, 40),
        receipt_delay_ms=chance.randint(300, 600),  # so that many are in flight, also where texts are accepted slowly
        phones=60 if point.startswith("inbound") else 10,
        over_smpp=over_smpp,
    )


def by_signal_over_http(name: str, number: int, seed: int, *, deaths: int) -> Scenario:
    """Several lives whose carrier is one over HTTP."""
    scenario = by_signal(name, number, seed, deaths=deaths)
    mix = msgspec.structs.replace(scenario.mix, long_share=0.0)
    return msgspec.structs.replace(scenario, mix=mix, carrier_over_http=True)


def at_point_over_http(point: str, seed: int) -> Scenario:
    """The same, the carrier being one over HTTP: a text goes whole, so all have one segment."""
    few, many = HITS_OVER_HTTP[point]
    scenario = at_point(point, seed)
    chance = random.Random(f"{point} over HTTP {seed}")
    return msgspec.structs.replace(
        scenario,
        name=f"{point} over HTTP",
        lives=(Life(fault=f"{point}:{chance.randint(few, many)}"),),
        mix=msgspec.structs.replace(scenario.mix, long_share=0.0),
        carrier_over_http=True,
    )


def by_signal(name: str, number: int, seed: int, *, deaths: int, over_smpp: bool = False) -> Scenario:
    """A round of several lives, each ended from outside at a moment that the seed chooses."""
    chance = random.Random(f"{name} {seed}")
    messages = 350 * deaths
    moments = sorted(chance.randint(60, messages - 60) for _ in range(deaths))
    return Scenario(
        name=name,
        seed=seed,
        lives=tuple(Life(signal=number, acknowledged=moment) for moment in moments),
        mix=Mix(messages=messages, batch_share=0.0 if over_smpp else chance.uniform(0.3, 0.9)),
        connections=chance.choice((8, 16, 32)),
        latency_ms=chance.randint(0, 40),
        receipt_delay_ms=chance.randint(80, 250),
        phones=20,
        over_smpp=over_smpp,
    )


async def play(scenario: Scenario, folder: Path) -> Played:
    """Play a round in an empty folder."""
    began = now_us()
    smsc_log, sink_log = folder / "smsc.jsonl", folder / "sink.log"
    behaviour = {
        "seed": scenario.seed,
        "response_latency_ms": scenario.latency_ms,
        "receipt_delay_ms": scenario.receipt_delay_ms,
        "receipt_jitter_ms": 30,
        **({"provider_port": 0, "deliver_retry_ms": 200} if scenario.carrier_over_http else {}),
    }
    async with simulator(smsc_log, **behaviour) as smsc, sink(sink_log) as sink_port:
        stage = _Stage(scenario, Node(folder / "data", smsc["smpp_port"]), smsc["http_url"], SinkLog(sink_log))
        stage.smsc = smsc
        died = await stage.play(sink_port)
        await settle(stage.sink, smsc_log, stage.client.log, stage.spoken)
        key = stage.node.credentials()["api_key"]
        repeats = await stage.repeats()
        api = await ask_api(stage.node.port, key, stage.client.log, stage.sink)
        api.replays += repeats
        api.untold = await stage.untold(api)
        status = await stage.node.stop()
    stage.sink.read()
    smsc_events = list(read_log(smsc_log))
    evidence = Evidence(stage.client.log, stage.spoken, stage.deaths, smsc_events, stage.sink.hooks, api)
    verdict = judge(evidence)
    if status:
        verdict.broken.append(f"the last node ended with {status}")
    return Played(scenario, verdict, tuple(stage.deaths), died, (now_us() - began) / 1_000_000)


class _Stage:
    """The round while it is played."""

    def __init__(self, scenario: Scenario, node: Node, phones_url: str, sink_log: SinkLog) -> None:
        self.scenario = scenario
        self.node = node
        self.sink = sink_log
        self.spoken: list[Spoken] = []
        self.deaths: list[Death] = []
        self.smsc: dict[str, Any] = {}
        chance = random.Random(scenario.seed)
        self._tag = f"s{scenario.seed}n"
        log = sendings(scenario.mix, chance, self._tag, first=0)
        self.client: Client = Esme(referenced(log)) if scenario.over_smpp else Client(log)
        self._phones_port = int(phones_url.rpartition(":")[2])

    async def play(self, sink_port: int) -> bool:
        """All lives, and the last one that stays; whether each ended as it was meant to."""
        for place, life in enumerate(self.scenario.lives):
            process = await self.node.start(life.fault)
            key = self.node.credentials()["api_key"]
            if place == 0:
                await self._listen(key, sink_port)
                if self.scenario.carrier_over_http:
                    await lead_over_http(self.node.port, self.node.credentials()["operator_key"], self.smsc)
            if not await self._live(life, process, key):
                asked_at = now_us()
                status = await self.node.stop()  # what is asked of it later must not be what ends it
                if status == -signal.SIGKILL:
                    self.deaths.append(Death(asked_at, status))  # now it came to its point, and may leave doubt
                await self.node.start()
                return False
        await self.node.start()
        await self._load(self.node.credentials()["api_key"], until_spoken=self.scenario.phones)
        return True

    async def _listen(self, key: str, sink_port: int) -> None:
        body = {"url": f"http://127.0.0.1:{sink_port}/hook", "events": ["*"]}
        answer = await call(self.node.port, "POST", "/v1/webhooks", body, key)
        assert answer.status == 201, answer.body
        if self.scenario.over_smpp:
            answer = await call(self.node.port, "POST", "/v1/smpp-credentials", CREDENTIAL, key)
            assert answer.status == 201, answer.body

    async def repeats(self) -> list[tuple[str, str]]:
        """What was acknowledged over SMPP, and what is answered when it comes once more."""
        return await self.client.repeats(self.node.smpp_port) if isinstance(self.client, Esme) else []

    async def untold(self, api: Api) -> list[str]:
        """Ids of messages that are final and of which the ESME was told nothing, nor is now."""
        final = {id_ for id_, shown in api.messages.items() if shown["final_at"]}
        return await self.client.untold(self.node.smpp_port, final) if isinstance(self.client, Esme) else []

    async def _live(self, life: Life, process: asyncio.subprocess.Process, key: str) -> bool:
        """The load of one life until its death."""
        share = len(self.deaths) + 1
        phones = self.scenario.phones * share // len(self.scenario.lives)
        load = asyncio.create_task(self._load(key, until_spoken=phones))
        death = asyncio.create_task(self._death(life, process))
        await asyncio.wait((load, death), return_when=asyncio.FIRST_COMPLETED)
        try:
            async with asyncio.timeout(None if life.fault else _SIGNAL_S):
                self.deaths.append(await (self._at_its_point(death) if life.fault else death))
        except TimeoutError:
            return False
        finally:
            await load
        return self.deaths[-1].status == (-signal.SIGKILL if life.signal != signal.SIGTERM else 0)

    async def _at_its_point(self, death: asyncio.Task[Death]) -> Death:
        """The death at an armed point; TimeoutError when nothing moves any more that may hit it."""
        heard = -1
        while not death.done():
            self.sink.read()
            if len(self.sink.hooks) == heard:
                death.cancel()
                raise TimeoutError
            heard = len(self.sink.hooks)
            await asyncio.wait((death,), timeout=_AFTER_LOAD_S)
        return death.result()

    async def _death(self, life: Life, process: asyncio.subprocess.Process) -> Death:
        if life.fault:
            status = await process.wait()
            return Death(now_us(), status)
        await until(lambda: self._has_reached(life.acknowledged), _AT_WORK_S, "enough acknowledged messages")
        asked_at = now_us()
        process.send_signal(life.signal)
        status = await process.wait()
        return Death(asked_at, status, (now_us() - asked_at) / 1_000_000)

    def _has_reached(self, acknowledged: int) -> bool:
        return self.client.acknowledged >= acknowledged or self.client.is_through

    async def _load(self, key: str, until_spoken: int) -> None:
        port = self.node.smpp_port if self.scenario.over_smpp else self.node.port
        await asyncio.gather(self.client.run(port, key, self.scenario.connections), self._speak(until_spoken))

    async def _speak(self, count: int) -> None:
        """Phones send texts, every fifth a long one, while somebody is there to take them."""
        await until(lambda: self._has_reached(_WARM) or self.node.is_gone, _AT_WORK_S, "a client at work")
        connection = await Connection.open(self._phones_port)
        while len(self.spoken) < count:
            number = len(self.spoken)
            source = f"+44778800{number:04d}"
            words = _LONG_WORDS if number % 5 == 0 else 1
            text = " ".join(f"{self._tag}phone{number}w{word}" for word in range(words))
            body = {"to": SENDER, "text": text, "order": "shuffled"}
            answer = await connection.ask(request("POST", f"/phones/{source[1:]}/send", body))
            if answer.status == 409:
                await asyncio.sleep(0.02)
                if self.node.is_gone:
                    break
                continue
            assert answer.status == 202, answer.body
            self.spoken.append(Spoken(source, text))
            if number % 4 == 3:
                await asyncio.sleep(0.01)
        connection.close()
