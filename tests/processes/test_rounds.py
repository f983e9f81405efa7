"""Load on several processes while one of them is killed, or all are asked to stop; judged as the other fault rounds
are, by the logs of those who survive. `make test` plays one round of each, `make ci` more.
"""

import asyncio
import os
import random
import signal
from pathlib import Path

import msgspec
import pytest

from tests.faults.client import Client, Mix, sendings
from tests.faults.esme import CREDENTIAL, Esme, referenced
from tests.faults.evidence import Api, Death, Evidence, SinkLog, Spoken, ask_api, settle
from tests.faults.oracle import Judgement, judge
from tests.faults.over_http import lead_over_http
from tests.faults.processes import simulator, sink
from tests.faults.wire import Connection, now_us, request, until
from whimbrel.journey.owners import BEAT_S, TERM_S
from whimbrel_sandbox.log import read_log

from .served import SQLITE, START_S, Served, is_alive, served

_SENDER = "+15005550006"
_PHONES = 10
_MANY_FROM = 100


class Plan(msgspec.Struct, frozen=True):
    """A round before it is played: who dies at how many acknowledged messages. `is_graceful`: the whole is asked to
    stop there, and started again; `frozen_s`: whoever would die does nothing for so long, and goes on."""

    seed: int
    deaths: tuple[tuple[int, str], ...]
    messages: int
    database: str = SQLITE
    processes: int = 2
    batch_share: float = 0.5
    is_graceful: bool = False
    over_smpp: bool = False
    carrier_over_http: bool = False
    frozen_s: float = 0.0


class _Round:
    def __init__(self, plan: Plan, made: Served) -> None:
        self.plan, self.made = plan, made
        chance = random.Random(plan.seed)
        self._tag = f"p{plan.seed}n"
        mix = Mix(messages=plan.messages, batch_share=0.0 if plan.over_smpp else plan.batch_share)
        if plan.carrier_over_http:  # a text goes whole: one submit however long it is
            mix = msgspec.structs.replace(mix, long_share=0.0)
        log = sendings(mix, chance, self._tag, first=0)
        self.client: Client = Esme(referenced(log)) if plan.over_smpp else Client(log)
        self.spoken: list[Spoken] = []
        self.deaths: list[Death] = []

    async def play(self, phones_port: int) -> None:
        load = asyncio.create_task(self._load())
        speech = asyncio.create_task(self._speak(phones_port))
        for moment, victim in self.plan.deaths:
            await until(lambda moment=moment: self._has_reached(moment) or load.done(), 60.0, f"{moment} acknowledged")
            if self.plan.is_graceful:
                began = now_us()
                self.made.signal(signal.SIGTERM)
                if victim:
                    await self._kill_while_stopping(victim)
                status = await self.made.ended()
                self.deaths.append(Death(began, status, (now_us() - began) / 1e6))
                await self.made.start()
            elif self.plan.frozen_s:
                await self._freeze(victim)
            else:
                await self._kill(victim)
        await load
        await speech

    async def _kill(self, victim: str) -> None:
        """The next one dies only when this one is back."""
        self.deaths.append(Death(now_us(), -signal.SIGKILL))
        pid = await self.made.kill(victim)
        await until(lambda: self.made.pid(victim) != pid and is_alive(self.made.pid(victim)), START_S, f"{victim} back")

    async def _freeze(self, victim: str) -> None:
        """To the others it is as dead: what it had on the wire is in doubt."""
        self.deaths.append(Death(now_us(), -signal.SIGKILL))
        pid = self.made.pid(victim)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self.plan.frozen_s)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _kill_while_stopping(self, victim: str) -> None:
        await until(lambda: any(line["message"] == "stopping" for line in self.made.lines()), 60.0, "the stop")
        await self.made.kill(victim)

    def _has_reached(self, acknowledged: int) -> bool:
        return self.client.acknowledged >= acknowledged

    async def _load(self) -> None:
        """Connections that a death cut are made again, until nothing is left that may be sent."""
        while any(each.may_be_sent for each in self.client.log) and not any(s.unexpected for s in self.client.log):
            port = self.made.smpp_port if self.plan.over_smpp else self.made.port
            await self.client.run(port, self.made.given.api_key, 16)
            await asyncio.sleep(0.02)

    async def repeats(self) -> list[tuple[str, str]]:
        """What was acknowledged over SMPP, and what is answered when it comes once more."""
        return await self.client.repeats(self.made.smpp_port) if isinstance(self.client, Esme) else []

    async def untold(self, api: Api) -> list[str]:
        """Ids of messages that are final and of which the ESME was told nothing, nor is now."""
        final = {id_ for id_, shown in api.messages.items() if shown["final_at"]}
        return await self.client.untold(self.made.smpp_port, final) if isinstance(self.client, Esme) else []

    async def _speak(self, port: int) -> None:
        connection = await Connection.open(port)
        while len(self.spoken) < _PHONES:
            source, text = f"+44778800{len(self.spoken):04d}", f"{self._tag}phone{len(self.spoken)}"
            answer = await connection.ask(request("POST", f"/phones/{source[1:]}/send", {"to": _SENDER, "text": text}))
            if answer.status == 202:
                self.spoken.append(Spoken(source, text))
            await asyncio.sleep(0.05)  # 409: no bind just now
        connection.close()


async def play(plan: Plan, folder: Path) -> tuple[Judgement, list[Death]]:
    """Play a round in an empty folder."""
    smsc_log, sink_log = folder / "smsc.jsonl", folder / "sink.log"
    behaviour = {"seed": plan.seed, "response_latency_ms": 10, "receipt_delay_ms": 100, "receipt_jitter_ms": 30}
    if plan.carrier_over_http:
        behaviour |= {"provider_port": 0, "deliver_retry_ms": 200}
    async with (
        simulator(smsc_log, **behaviour) as smsc,
        sink(sink_log) as sink_port,
        served(folder / "data", plan.database, processes=plan.processes) as made,
    ):
        await made.seed(smsc["smpp_port"])
        await made.start()
        hook = {"url": f"http://127.0.0.1:{sink_port}/hook", "events": ["*"]}
        await made.ask("POST", "/v1/webhooks", hook)
        if plan.over_smpp:
            await made.ask("POST", "/v1/smpp-credentials", CREDENTIAL)
        if plan.carrier_over_http:
            await lead_over_http(made.port, made.given.operator_key, smsc)
        told = SinkLog(sink_log)
        round_ = _Round(plan, made)
        await round_.play(int(smsc["http_url"].rpartition(":")[2]))
        log = round_.client.log
        await settle(told, smsc_log, log, round_.spoken)
        repeats = await round_.repeats()
        api = await ask_api(made.port, made.given.api_key, log, told)
        api.replays += repeats
        api.untold = await round_.untold(api)
        sockets = made.sockets()
        status = await made.stop()
        left = made.pids()
    told.read()
    evidence = Evidence(log, round_.spoken, round_.deaths, list(read_log(smsc_log)), told.hooks, api)
    verdict = judge(evidence)
    if status:
        verdict.broken.append(f"the supervisor ended with {status}")
    if left or sockets.exists():
        verdict.broken.append(f"left behind: {sockets} {left}")
    return verdict, round_.deaths


def _plan(seed: int, **more: object) -> Plan:
    """Two deaths in the middle of the load: on SQLite of the store process too."""
    chance = random.Random(seed)
    names = ["1", "2"] if more.get("database", SQLITE) != SQLITE else [chance.choice(("1", "2")), "store"]
    chance.shuffle(names)
    messages = chance.randint(500, 800)
    moments = sorted(chance.randint(60, messages // 2) for _ in names)
    return msgspec.convert(
        {"seed": seed, "deaths": tuple(zip(moments, names, strict=True)), "messages": messages, **more}, Plan
    )


_SEEDS = range(_MANY_FROM, _MANY_FROM + -(-int(os.environ.get("WHIMBREL_FAULT_ROUNDS", "20")) // 4))
"""A quarter of the rounds that one node's kill points have: each stands here in five forms."""


async def _killed(seed: int, folder: Path, **more: object) -> None:
    plan = _plan(seed, **more)
    verdict, _ = await play(plan, folder)
    assert verdict.broken == [], f"{plan}; the logs are in {folder}"
    assert verdict.messages > plan.messages / 2


async def _stopped(seed: int, folder: Path, victim: str = "") -> None:
    verdict, deaths = await play(Plan(seed, ((150, victim),), 400, is_graceful=True), folder)
    assert verdict.broken == [], f"seed {seed}; the logs are in {folder}"
    assert verdict.doubted == 0
    assert [death.status for death in deaths] == [0] and deaths[0].took_s < 30


@pytest.mark.slow
async def test_kills_on_sqlite_lose_and_double_nothing(tmp_path: Path):
    await _killed(1, tmp_path)


@pytest.mark.ci
async def test_kills_on_postgresql_lose_and_double_nothing(tmp_path: Path, postgres: str):
    await _killed(1, tmp_path, database=postgres)


@pytest.mark.slow
@pytest.mark.ci
async def test_a_graceful_stop_leaves_nothing_in_doubt(tmp_path: Path):
    await _stopped(1, tmp_path)


@pytest.mark.ci
@pytest.mark.parametrize("over_smpp", [False, True], ids=["http", "smpp"])
@pytest.mark.parametrize("seed", _SEEDS)
async def test_many_kills_on_sqlite_lose_and_double_nothing(seed: int, over_smpp: bool, tmp_path: Path):
    await _killed(seed, tmp_path, processes=3, over_smpp=over_smpp)


@pytest.mark.ci
@pytest.mark.parametrize("over_smpp", [False, True], ids=["http", "smpp"])
@pytest.mark.parametrize("seed", _SEEDS)
async def test_many_kills_on_postgresql_lose_and_double_nothing(
    seed: int, over_smpp: bool, tmp_path: Path, postgres: str
):
    await _killed(seed, tmp_path, database=postgres, over_smpp=over_smpp)


@pytest.mark.ci
@pytest.mark.parametrize("seed", _SEEDS[:2])
@pytest.mark.parametrize("is_sqlite", [True, False], ids=["sqlite", "postgresql"])
async def test_kills_with_a_carrier_over_http_lose_and_double_nothing(
    seed: int, is_sqlite: bool, tmp_path: Path, postgres: str
):
    """Its provider calls any of the processes, whichever works the carrier."""
    database = SQLITE if is_sqlite else postgres
    await _killed(seed, tmp_path, database=database, processes=3, carrier_over_http=True)


@pytest.mark.ci
@pytest.mark.parametrize("seed", _SEEDS)
async def test_many_graceful_stops_leave_nothing_in_doubt(seed: int, tmp_path: Path):
    await _stopped(seed, tmp_path)


@pytest.mark.ci
@pytest.mark.parametrize("seed", _SEEDS)
async def test_the_store_process_comes_back_for_the_last_writes(seed: int, tmp_path: Path):
    """It is killed while the others stop."""
    await _stopped(seed, tmp_path, "store")


@pytest.mark.ci
@pytest.mark.parametrize("victim", ["store", "1", "2"])
async def test_one_that_freezes_for_longer_than_a_lease_and_goes_on_harms_nothing(victim: str, tmp_path: Path):
    """One of the two has the carrier, which is the other's meanwhile; without the store process nobody has anything."""
    verdict, _ = await play(Plan(_MANY_FROM, ((150, victim),), 700, frozen_s=TERM_S + BEAT_S), tmp_path)
    assert verdict.broken == [], f"the logs are in {tmp_path}"
