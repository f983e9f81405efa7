"""A carrier that calls us: outbind on the port of customers, and the bind that we make on that connection."""

import asyncio
from pathlib import Path

import pytest

from tests.edges.edge_rig import ACTOR, Edge, running_edge, until
from tests.traps.raw_smsc import Connection, RawSmsc
from whimbrel.base.limits import SMPP_FAILED_BINDS_MAX
from whimbrel.codec.smpp.bodies import Outbind
from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSCEIVER, DELIVER_SM_RESP, OUTBIND, SUBMIT_SM
from whimbrel.manage import carriers

PASSWORD = "secret"


async def calls(edge: Edge, smsc: RawSmsc, system_id: str = "us", password: str = PASSWORD) -> Connection:
    """The SMSC connects to our port and asks us to bind."""
    assert edge.app.smpp is not None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(smsc), "127.0.0.1", edge.app.smpp.ports[0])
    connection.send(OUTBIND, 0, 1, Outbind(system_id, password))
    return connection


async def add_carrier(edge: Edge, **settings: object) -> str:
    wanted = {"host": "127.0.0.1", "port": 9, "system_id": "us", "outbind": True} | settings
    new = carriers.NewCarrier(name="Caller", settings=wanted, password="secret")
    made = await carriers.create(edge.app.manage, ACTOR, new)
    await until(lambda: edge.app.worker.lane(made.id))
    return made.id


def state(edge: Edge, carrier_id: str) -> list[tuple[str, str]]:
    return [(one.role, one.state) for one in edge.app.worker.health()[carrier_id].connections]


@pytest.mark.parametrize(("mode", "command_id"), [("receiver", BIND_RECEIVER), ("transceiver", BIND_TRANSCEIVER)])
async def test_a_carrier_that_calls_is_bound_to(tmp_path: Path, mode: str, command_id: int) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await add_carrier(edge, bind_mode=mode)
        assert state(edge, carrier_id) == [(mode, "waiting")]
        smsc = RawSmsc()
        connection = await calls(edge, smsc)
        (bind,) = await connection.until_got(command_id)
        assert (bind.body.system_id, bind.body.password) == ("us", "secret")
        await until(lambda: state(edge, carrier_id) == [(mode, "up")])
        connection.receipt("a1")
        (answer,) = await connection.until_got(DELIVER_SM_RESP)
        assert answer.status == 0
        connection.transport.abort()
        await until(lambda: state(edge, carrier_id) == [(mode, "waiting")])
        again = await calls(edge, smsc)
        await again.until_got(command_id)
        await until(lambda: state(edge, carrier_id) == [(mode, "up")])


async def test_messages_leave_over_a_connection_that_the_carrier_opened(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await add_carrier(edge)
        route = {"carriers": [carrier_id], "position": 1}
        assert (await edge.post("/v1/routes", route, key=edge.operator)).status == 201
        connection = await calls(edge, RawSmsc())
        await until(lambda: state(edge, carrier_id) == [("transceiver", "up")])
        await edge.send()
        (submit,) = await connection.until_got(SUBMIT_SM)
        connection.take(submit, "a1")


@pytest.mark.parametrize(("system_id", "password"), [("us", "wrong"), ("them", "secret"), ("us", "")])
async def test_strangers_are_bound_to_by_nobody(tmp_path: Path, system_id: str, password: str) -> None:
    async with running_edge(tmp_path) as edge:
        await add_carrier(edge)
        connection = await calls(edge, RawSmsc(), system_id, password)
        await until(lambda: connection.is_closed)
        assert connection.got == []


async def test_a_password_is_not_guessed(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await add_carrier(edge)
        for guess in range(SMPP_FAILED_BINDS_MAX):
            refused = await calls(edge, RawSmsc(), password=f"guess{guess}")
            await until(lambda refused=refused: refused.is_closed)
        late = await calls(edge, RawSmsc())  # the right one, too late
        await until(lambda: late.is_closed)
        assert (late.got, state(edge, carrier_id)) == ([], [("transceiver", "waiting")])


async def test_no_more_connections_than_binds(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await add_carrier(edge, binds=1)
        smsc = RawSmsc()
        await calls(edge, smsc)
        await until(lambda: state(edge, carrier_id) == [("transceiver", "up")])
        second = await calls(edge, smsc)
        await until(lambda: second.is_closed)
        assert second.got == []
        assert not smsc.connections[0].is_closed
