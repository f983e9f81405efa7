"""Binding, versions, unbinding, TLS, and what ends a bind: over real connections."""

import asyncio
import ssl

import msgspec
import pytest

from tests.edges.edge_rig import ACTOR, until
from tests.net.certificates import Authority
from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp.bodies import Bind, DataSm, Outbind, QuerySm
from whimbrel.codec.smpp.fields import tlv_integer
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    OUTBIND,
    QUERY_SM,
    Tag,
)
from whimbrel.config import Smpp
from whimbrel.edges.smpp import gate
from whimbrel.edges.smpp.registry import Listener
from whimbrel.manage import accounts, smpp_credentials

from .customer import PASSWORD, QUIET, Door, esme, running_door


@pytest.mark.parametrize("command_id", [BIND_TRANSMITTER, BIND_TRANSCEIVER, BIND_RECEIVER])
@pytest.mark.parametrize(("version", "told"), [(0x33, None), (0x34, 0x34), (0x50, 0x50), (0x00, None)])
async def test_every_bind_in_every_version_and_no_tlv_towards_3_3(door: Door, command_id, version, told):
    async with esme(door.port) as one:
        answer = await one.bind(command_id, interface_version=version)
        assert (answer.status, answer.body.system_id) == (0, "whimbrel")
        assert tlv_integer(answer.tlvs, Tag.SC_INTERFACE_VERSION) == told
        (bound,) = door.app.binds.bound(door.credential_id)
        assert bound.can_receive is (command_id != BIND_TRANSMITTER) and bound.peer_version == version


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"password": "wrong"}, Status.ESME_RINVPASWD),
        ({"system_id": "nobody"}, Status.ESME_RINVPASWD),
        ({"system_id": ""}, Status.ESME_RINVPASWD),
    ],
)
async def test_a_refused_bind_is_told_why_and_the_connection_ends(door: Door, fields, status):
    async with esme(door.port) as one:
        assert (await one.bind(**fields)).status == status
        await until(lambda: one.closed)
    assert door.app.binds.count == 0


async def test_who_is_refused_time_and_again_is_answered_later(door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "SMPP_FAILED_BINDS_MAX", 1)
    monkeypatch.setattr(gate, "_WAIT_S", 0.1)
    took = []
    for _ in range(2):
        async with esme(door.port) as one:
            began = asyncio.get_running_loop().time()
            assert (await one.bind(password="wrong")).status in (Status.ESME_RINVPASWD, Status.ESME_RBINDFAIL)
            took.append(asyncio.get_running_loop().time() - began)
    assert took[1] > 0.09
    async with esme(door.port) as one:  # nor is it waited for one that has gone
        one.link.bind(BIND_TRANSCEIVER, Bind("acme", "wrong"))
        await until(lambda: door.app.smpp._sessions)
        one.link.abort()
        await until(lambda: not door.app.smpp._sessions)


async def test_binds_beyond_the_most_are_refused_also_when_they_come_at_once(door: Door):
    await door.change(settings={"binds_max": 3})
    async with esme(door.port) as a, esme(door.port) as b, esme(door.port) as c, esme(door.port) as d:
        answers = await asyncio.gather(*(one.bind() for one in (a, b, c, d)))
        assert sorted(answer.status for answer in answers) == [0, 0, 0, Status.ESME_RBINDFAIL]
        a.link.abort()
        await until(lambda: door.app.binds.count < 3 or a.closed)


async def test_a_second_bind_on_a_session_is_refused_and_the_first_holds(door: Door):
    async with door.bound() as one:
        octets = bytes.fromhex("00000028000000090000000000000009") + b"acme\0wrong\0\0\x34\0\0\0"
        assert one.link.transport is not None
        one.link.transport.write(len(octets).to_bytes(4, "big") + octets[4:])
        await until(lambda: one.seen(ev.Stray))
        assert one.seen(ev.Stray)[0].pdu.status == Status.ESME_RALYBND
        assert (await one.submit()).status == 0


async def test_a_receiver_may_not_submit_and_nobody_may_before_binding(door: Door):
    async with door.bound(BIND_RECEIVER) as one:
        assert (await one.submit()).status == Status.ESME_RINVBNDSTS
        assert (await one.ask(QUERY_SM, QuerySm("x"))).status == Status.ESME_RINVBNDSTS
        assert (await one.ask(DATA_SM, DataSm())).status == Status.ESME_RINVBNDSTS
    assert await door.messages() == []


async def test_the_registry_tells_of_receivers_that_come_and_go(door: Door):
    told: list[tuple[str, str]] = []
    door.app.binds.subscribe(
        Listener(
            on_up=lambda of: told.append(("up", of)),
            on_down=lambda of: told.append(("down", of)),
            on_replies=lambda bound, replies: None,
            on_lost=lambda bound, tokens: None,
            on_room=lambda bound: None,
        )
    )
    mine = door.credential_id
    async with door.bound(BIND_TRANSMITTER):
        assert told == [] and door.app.binds.receivers(mine) == [] and len(door.app.binds.bound(mine)) == 1
    async with door.bound(BIND_RECEIVER) as one:
        assert told == [("up", mine)]
        one.link.abort()
        await until(lambda: len(told) == 2)
    assert told[1] == ("down", mine)
    await until(lambda: door.app.binds.count == 0)


async def test_unbind_of_the_customer_is_answered_when_its_requests_are(door: Door):
    async with door.bound() as one:
        future = one.submit()
        one.link.unbind()
        await until(lambda: one.closed)
        assert one.closed == "unbound"
        assert (await future).status == 0


async def test_silence_is_asked_for_life_and_then_ended(door: Door):
    await door.change(settings={"enquire_link_s": 5, "inactivity_s": 10})
    async with door.bound():
        (bound,) = door.app.binds.bound(door.credential_id)
        settings = bound.link.session.settings
        assert (settings.enquire_link_ms, settings.inactivity_ms, settings.window) == (5000, 10_000, 100)
        await door.change(settings={"enquire_link_s": 7, "window": 9})
        settings = bound.link.session.settings
        assert (settings.enquire_link_ms, settings.window) == (7000, 9)


# ---------------------------------------------------------------- what ends a bind


async def _suspend(door: Door) -> None:
    await door.change(status="suspended")


async def _rotate(door: Door) -> None:
    request = smpp_credentials.NewPassword()
    await smpp_credentials.rotate(
        door.app.manage, ACTOR, door.credential_id, request, account_id=door.edge.customer.id, test=False
    )


async def _delete(door: Door) -> None:
    await smpp_credentials.delete(
        door.app.manage, ACTOR, door.credential_id, account_id=door.edge.customer.id, test=False
    )


async def _suspend_account(door: Door) -> None:
    await accounts.suspend(door.app.manage, ACTOR, door.edge.customer.id)


@pytest.mark.parametrize("end", [_suspend, _rotate, _delete, _suspend_account])
async def test_who_may_no_longer_be_bound_is_unbound(door: Door, end):
    async with door.bound() as one, door.bound(BIND_RECEIVER) as two:
        await end(door)
        await until(lambda: one.closed and two.closed)
        assert one.seen(ev.PeerUnbound) and two.seen(ev.PeerUnbound)
    async with esme(door.port) as again:
        assert (await again.bind()).status != 0


async def test_a_stop_answers_what_is_under_way_refuses_what_comes_and_unbinds(door: Door, monkeypatch):
    stored, accept = asyncio.Event(), door.app.store.accept

    async def slow(*args):
        await stored.wait()
        return await accept(*args)

    monkeypatch.setattr(door.app.store, "accept", slow)
    async with door.bound() as one:
        futures = [one.submit(b"%d" % n) for n in range(50)]
        (session,) = door.app.binds.bound(door.credential_id)
        await until(lambda: session.under_way == 50)
        server, door.app.smpp = door.app.smpp, None
        stopping = asyncio.ensure_future(server.stop(120.0))
        await asyncio.sleep(0)
        assert (await one.submit(b"too late")).status == Status.ESME_RMSGQFUL
        assert not one.seen(ev.PeerUnbound)
        stored.set()
        answers = await asyncio.gather(*futures)
        await stopping
        await until(lambda: one.closed)
        assert one.seen(ev.PeerUnbound)
        accepted = {answer.body.message_id for answer in answers if not answer.status}
        assert len(accepted) == 50 and {message.id for message in await door.messages()} == accepted
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", door.port)


async def test_a_stop_does_not_wait_for_a_peer_that_does_not_answer(door: Door):
    door.app.smpp.settings = msgspec.structs.replace(door.app.smpp.settings, unbind_timeout_ms=600_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    body = b"acme\0" + PASSWORD.encode() + b"\0\0\x34\0\0\0"
    writer.write((16 + len(body)).to_bytes(4, "big") + bytes.fromhex("000000090000000000000001") + body)
    await reader.readexactly(16)
    async with asyncio.timeout(60):
        await door.app.smpp.stop(0.2)
    door.app.smpp = None
    writer.close()


# ---------------------------------------------------------------- outbind, TLS


async def test_an_outbind_of_nobody_ends_the_connection(door: Door):
    async with esme(door.port) as one:
        one.link.session.notify(OUTBIND, Outbind("carrier", "x"))
        one.link.wake()
        await until(lambda: one.closed)


async def test_binds_over_tls_beside_plain_ones(tmp_path):
    authority = Authority(tmp_path, "ours")
    cert, key = authority.issue("localhost")
    smpp = Smpp(port=0, tls_port=0, tls_cert_file=cert, tls_key_file=key)
    tls = {"ssl": ssl.create_default_context(cafile=authority.file), "server_hostname": "localhost"}
    async with running_door(tmp_path, smpp=smpp) as door:
        plain, secure = door.app.smpp.ports
        async with esme(secure, QUIET, **tls) as one, esme(plain) as other:
            assert (await one.bind()).status == 0 and (await other.bind()).status == 0
            assert (await one.submit(b"over TLS")).status == 0
        reader, writer = await asyncio.open_connection("127.0.0.1", secure)  # trap T49: no TLS on the port of TLS
        writer.write(bytes(16))
        await asyncio.wait_for(reader.read(), 30)
        writer.close()
        async with esme(secure, QUIET, **tls) as one:
            assert (await one.bind()).status == 0


async def test_client_certificates_and_no_plain_port_where_that_is_wanted(tmp_path):
    authority = Authority(tmp_path, "ours")
    cert, key = authority.issue("localhost")
    smpp = Smpp(plain=False, tls_port=0, tls_cert_file=cert, tls_key_file=key, tls_client_ca_file=authority.file)
    context = ssl.create_default_context(cafile=authority.file)
    tls = {"ssl": context, "server_hostname": "localhost"}
    async with running_door(tmp_path, smpp=smpp) as door:
        (port,) = door.app.smpp.ports
        async with esme(port, QUIET, **tls) as stranger:
            await until(lambda: stranger.closed)
        context.load_cert_chain(*authority.issue("customer"))
        async with esme(port, QUIET, **tls) as one:
            assert (await one.bind()).status == 0


async def test_a_port_that_is_taken_is_told_before_anything_starts(door: Door, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(OSError, match=f"port {door.port}"):
        async with running_door(other, smpp=Smpp(port=door.port)):
            pass
