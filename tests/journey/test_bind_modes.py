"""How a carrier is bound to: roles, versions, hosts, and who calls whom. The counterpart is an SMSC without rules."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import msgspec
import pytest

from tests.traps.raw_smsc import Bench, Connection, RawSmsc, bench, bound, listening, until
from whimbrel.carriers.smpp_bind import SmppBind
from whimbrel.carriers.smpp_dial import addresses, session_settings
from whimbrel.codec.smpp.bodies import BindResp, MessageId
from whimbrel.codec.smpp.events import Settings
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BINDS,
    DELIVER_SM_RESP,
    SUBMIT_SM,
    Status,
    Tag,
)
from whimbrel.domain.dialect import CarrierSettings


def bind_of(connection: Connection) -> Pdu:
    return next(pdu for pdu in connection.got if pdu.command_id in BINDS)


def role(smsc: RawSmsc, command_id: int) -> Connection:
    """The newest connection of this role."""
    return [one for one in smsc.connections if one.got and bind_of(one).command_id == command_id][-1]


def connections(made: Bench) -> list[tuple[str, str, str]]:
    return [(one.name, one.role, one.state) for one in made.carrier.health().connections]


@pytest.mark.parametrize(("version", "number"), [("3.3", 0x33), ("3.4", 0x34), ("5.0", 0x50)])
async def test_the_bind_says_what_the_settings_say(version: str, number: int) -> None:
    async with bound(interface_version=version, system_type="WEB", address_range="1202") as (smsc, _):
        body = bind_of(smsc.last).body
        assert (body.system_id, body.password, body.system_type) == ("us", "secret", "WEB")
        assert (body.interface_version, body.address_range) == (number, "1202")


def test_timers_and_window_of_a_session_are_those_of_the_settings() -> None:
    own = CarrierSettings("h", 1, window=7, response_timeout_s=2.5, bind_timeout_s=1.5, enquire_link_s=45)
    assert session_settings(own) == Settings(
        window=7,
        response_timeout_ms=2_500,
        bind_timeout_ms=1_500,
        enquire_link_ms=45_000,
        enquire_link_answer_ms=10_000,
    )
    assert session_settings(msgspec.structs.replace(own, enquire_link_s=2)).enquire_link_answer_ms == 2_000


async def test_a_pair_sends_on_one_connection_and_receives_on_the_other() -> None:
    async with bound(bind_mode="pair", binds=2) as (smsc, made):
        await until(lambda: len([one for one in made.carrier.health().connections if one.state == "up"]) == 4)
        assert connections(made) == [
            ("tern#1", "transmitter", "up"),
            ("tern#1r", "receiver", "up"),
            ("tern#2", "transmitter", "up"),
            ("tern#2r", "receiver", "up"),
        ]
        health = made.carrier.health()
        assert (health.binds, health.binds_up, health.window) == (2, 2, 100)
        made.submit(made.part())
        await until(lambda: sum(len(one.submits) for one in smsc.connections) == 1)
        assert [bind_of(one).command_id for one in smsc.connections if one.submits] == [BIND_TRANSMITTER]
        receiver = role(smsc, BIND_RECEIVER)
        receiver.receipt("a")
        await receiver.until_got(DELIVER_SM_RESP)
        assert len(made.reports) == 1


async def test_each_connection_of_a_pair_comes_back_alone() -> None:
    async with bound(bind_mode="pair") as (smsc, made):
        await until(lambda: sum(bool(one.got) for one in smsc.connections) == 2)
        transmitter, receiver = role(smsc, BIND_TRANSMITTER), role(smsc, BIND_RECEIVER)
        receiver.transport.abort()
        await until(lambda: role(smsc, BIND_RECEIVER) is not receiver)
        assert made.carrier.health().binds_up == 1
        again = role(smsc, BIND_RECEIVER)
        transmitter.transport.abort()
        await until(lambda: role(smsc, BIND_TRANSMITTER) is not transmitter)
        await made.up()
        assert not again.is_closed
        assert len(smsc.connections) == 4


async def test_a_pair_is_up_when_its_transmitter_is() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == BIND_TRANSMITTER:
            connection.respond(pdu, Status.ESME_RSYSERR)
        return pdu.command_id == BIND_TRANSMITTER

    async with listening(RawSmsc(own)) as smsc, bench(smsc, up=False, bind_mode="pair") as made:
        await until(lambda: ("tern#1r", "receiver", "up") in connections(made))
        await until(lambda: made.carrier.health().last_error == "bind refused: 0x00000008")
        assert (made.carrier.health().state, made.carrier.room(1)) == ("connecting", 0)


@pytest.mark.parametrize(("mode", "command_id"), [("transmitter", BIND_TRANSMITTER), ("receiver", BIND_RECEIVER)])
async def test_one_role_alone(mode: str, command_id: int) -> None:
    async with bound(bind_mode=mode) as (smsc, made):
        assert [bind_of(one).command_id for one in smsc.connections] == [command_id]
        assert made.carrier.health().state == "up"
        assert (made.carrier.room(1) > 0) == (mode == "transmitter")


def test_hosts_of_a_carrier() -> None:
    settings = CarrierSettings(host="a.example.com", port=1, hosts=("b.example.com:2", "[2001:db8::1]:3"))
    assert addresses(settings) == (("a.example.com", 1), ("b.example.com", 2), ("2001:db8::1", 3))


async def test_binds_are_spread_over_hosts_and_fail_over_and_come_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmppBind, "go_home_s", 0.02)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(listening(RawSmsc()))
        second = RawSmsc()
        async with listening(second), bench(first, binds=2, hosts=(f"127.0.0.1:{second.port}",), up=False) as made:
            await made.up(2)
            hosts = [one.host for one in made.carrier.health().connections]
            assert hosts == [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]
            assert (len(first.connections), len(second.connections)) == (1, 1)
            await stack.aclose()
            await until(lambda: made.carrier.health().binds_up == 2 and len(second.connections) >= 2)
            assert {one.host for one in made.carrier.health().connections} == {f"127.0.0.1:{second.port}"}
            before = len(first.connections)
            async with listening(first):
                await until(lambda: len(first.connections) > before + 1 and made.carrier.health().binds_up == 2)
                await until(lambda: [one.host for one in made.carrier.health().connections] == hosts)


async def test_each_connection_says_how_it_is() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            connection.respond(pdu, 0, BindResp("SMSC"), [(Tag.SC_INTERFACE_VERSION, b"\x50")])
        return pdu.command_id in BINDS

    async with bound(own) as (smsc, made):
        (one,) = made.carrier.health().connections
        assert (one.state, one.peer_version, one.last_error, one.in_flight) == ("up", "5.0", None, 0)
        made.submit(made.part())
        await smsc.last.until_got(SUBMIT_SM)
        (one,) = made.carrier.health().connections
        assert one.in_flight == 1
    async with listening(RawSmsc()) as gone:
        pass
    async with bench(gone, up=False) as made:
        await until(lambda: made.carrier.health().last_error)
        (one,) = made.carrier.health().connections
        assert (one.state, one.host, one.peer_version) == ("waiting", f"127.0.0.1:{gone.port}", None)
        assert str(one.last_error).startswith(f"connect: 127.0.0.1:{gone.port}: ")


async def test_congestion_of_a_carrier_of_5_0_slows_us() -> None:
    states: Iterator[int] = iter([10] * 100 + [95])

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            state = next(states, 10)
            connection.respond(pdu, 0, MessageId("a"), [(Tag.CONGESTION_STATE, bytes((state,)))])
        return pdu.command_id == SUBMIT_SM

    async with bound(own, interface_version="5.0", window=1) as (_, made):
        made.submit(*[made.part() for _ in range(100)])
        await until(lambda: len(made.replies) == 100)
        assert made.carrier.health().throughput_per_s == 0
        made.submit(made.part())
        await until(lambda: len(made.replies) == 101)
        assert 0 < made.carrier.health().throughput_per_s <= 51
        assert made.carrier.health().throttled == 0  # nothing was refused


async def test_a_bind_that_is_stopped_while_it_connects_leaves_nothing() -> None:
    async with listening(RawSmsc(lambda connection, pdu: True)) as smsc:
        async with bench(smsc, up=False):
            await until(lambda: smsc.connections)
        await until(lambda: all(one.is_closed for one in smsc.connections))
        assert BIND_TRANSCEIVER in {pdu.command_id for pdu in smsc.last.got} or smsc.last.got == []
        await asyncio.sleep(0)
