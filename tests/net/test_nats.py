"""The publisher against a real NATS server: what is acknowledged is in the stream, in order for each key, also when the
server is killed in between; who we are; TLS; and what is said when something is wrong. A client that is not ours looks.
"""

import asyncio
import contextlib
import gc
import os
import socket
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest

from whimbrel.net import nats as module
from whimbrel.net.brokers import Access, BrokerError, Creation
from whimbrel.net.nats import NatsPublisher, wildcard
from whimbrel.net.nkeys import NkeyError, credentials_of, seed_of

from . import publishing
from .certificates import Authority
from .nats_keys import Key, damaged, jwt
from .nats_server import STREAM, NatsServer, ids_in_order, jetstream, nats_server
from .publishing import be_patient, publish_all, record, records, refusal

SUBJECT = "whimbrel.events.{account_id}.{type}"
CREATION = Creation(replicas=1, partitions=1, keep_days=3)
SLOWLY = "timeout: 60"  # for who we are, and for TLS: a client that is held up for two seconds would be cut off
NOT_US = ("'Authorization Violation'", "the server closed the connection: does it take our credentials?")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch, module)


def publisher(server: NatsServer, *, creation: Creation | None = CREATION, subject: str = SUBJECT, **access: object):
    chosen = Access(servers=(server.address,), **access)
    return NatsPublisher(chosen, stream=STREAM, subject=subject, creation=creation)


def connected(server: NatsServer, **more: object) -> AbstractAsyncContextManager[NatsPublisher]:
    """A publisher to it, as long as the block."""
    return publishing.connected(publisher(server, **more))


# ---------------------------------------------------------------- what is in the stream


async def test_what_is_acknowledged_is_in_the_stream(tmp_path):
    async with nats_server(tmp_path) as server, connected(server) as made:
        wanted, taken = records(300), []
        await made.publish(wanted, taken.append)
        assert sorted(taken) == list(range(900))
        seen = await server.everything()
        assert {each.headers["Nats-Msg-Id"] for each in seen} == {each.event_id for each in wanted}
        assert len(seen) == 900
        assert set(map(tuple, ids_in_order([each.event for each in seen]).values())) == {(1, 2, 3)}
        first = next(each for each in seen if each.event["id"] == "EV000001")
        assert first.subject == "whimbrel.events.AC1.message.sent"
        assert first.headers["Whimbrel-Event-Id"] == "EV000001"
        assert first.headers["Whimbrel-Event-Type"] == "message.sent"
        assert first.headers["Whimbrel-Account-Id"] == "AC1"


async def test_what_comes_twice_is_in_the_stream_once(tmp_path):
    async with nats_server(tmp_path) as server, connected(server) as made:
        await made.publish(records(50), lambda _: None)
        await made.publish(records(60), lambda _: None)
        assert await server.count() == 180


async def test_the_server_is_killed_while_many_are_under_way(tmp_path):
    """Nothing is missing, nothing comes twice, and no event comes before an earlier one of its message."""
    async with nats_server(tmp_path) as server, connected(server) as made:
        wanted = records(800, 5)

        async def kill_often() -> None:
            for count in (300, 1200, 2400):
                await server.holds(count)
                await server.kill()
                await server.start()

        killing = asyncio.create_task(kill_often())
        for start in range(0, len(wanted), 500):
            await publish_all(made, wanted[start : start + 500])
        await killing
        seen = [each.event for each in await server.everything()]
        assert len(seen) == len(wanted)
        assert set(map(tuple, ids_in_order(seen).values())) == {(1, 2, 3, 4, 5)}


async def test_nothing_overtakes_what_is_refused(tmp_path):
    async with nats_server(tmp_path) as server:
        await server.make_stream(max_msg_size=500)
        async with connected(server) as made:
            taken: set[int] = set()
            wanted = [record(1, 1), record(2, 1, size=600), record(2, 2), record(3, 1)]
            with pytest.raises(BrokerError, match="JetStream refuses: message size exceeds maximum allowed"):
                await made.publish(wanted, taken.add)
            assert 1 not in taken
            assert 2 not in taken
        assert "EV000202" not in {each.event["id"] for each in await server.everything()}


async def test_acknowledgements_that_come_late_count_for_their_own_list_only(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ACK_S", 0.3)
    async with nats_server(tmp_path) as server, connected(server) as made:
        server.freeze()
        with pytest.raises(BrokerError, match="no acknowledgement within"):
            await made.publish([record(1, 1)], lambda _: None)
        server.thaw()
        monkeypatch.setattr(module, "_ACK_S", 60.0)  # it may take a while to come to itself
        taken: list[int] = []
        await made.publish([record(2, 1), record(2, 2)], taken.append)
        assert taken == [0, 1]
        assert await server.count() == 3


async def test_a_lost_connection_is_known_before_anything_is_published(tmp_path):
    async with nats_server(tmp_path) as server, connected(server) as made:
        await made.check()
        await server.kill()
        async with asyncio.timeout(30):
            while True:
                try:
                    await made.check()
                except BrokerError as error:
                    assert str(error) == "the connection was lost"
                    break
                await asyncio.sleep(0.01)
        with pytest.raises(BrokerError):
            await made.publish([record(1, 1)], lambda _: None)


async def test_a_server_that_takes_nothing_any_more_holds_up_no_end(tmp_path, monkeypatch):
    """Octets that it does not read are not waited for, and the connection is gone: with a large buffer of the system
    and with a small one."""
    monkeypatch.setattr(module, "_ACK_S", 0.3)
    monkeypatch.setattr(module, "_CLOSE_S", 60.0)
    async with nats_server(tmp_path) as server:
        gc.collect()  # what other tests have left open would be closed meanwhile
        before = len(os.listdir("/proc/self/fd"))
        for buffer_octets in (2**20, 4096):
            made = publisher(server)
            await made.connect()
            sock = made._client._transport._io_writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_octets)
            server.freeze()
            async with asyncio.timeout(30):
                with pytest.raises(BrokerError, match="no acknowledgement within"):
                    await made.publish([record(message, 1, size=5000) for message in range(2000)], lambda _: None)
            async with asyncio.timeout(30):  # less than a close that is waited for
                await made.close()
            await asyncio.sleep(0)
            assert len(os.listdir("/proc/self/fd")) == before
            server.thaw()


async def test_a_server_that_vanished_is_missed_while_there_is_nothing_to_publish(tmp_path):
    async with nats_server(tmp_path) as server, connected(server) as made:
        client = made._client
        assert client is not None
        assert client.options["ping_interval"] == module._PING_S
        server.freeze()
        client.options["ping_interval"] = 0.2  # from now on: a server that is slow would be missed before
        client._ping_interval_task.cancel()
        client._ping_interval_task = asyncio.create_task(client._ping_interval())
        await asyncio.wait_for(_lost(made), 30)
        assert client._pings_outstanding == 2  # at the second
        server.thaw()


async def _lost(made: NatsPublisher) -> None:
    with contextlib.suppress(BrokerError):
        while True:
            await made.check()
            await asyncio.sleep(0.01)


async def test_a_stream_of_any_name(tmp_path):
    """Its name is in each acknowledgement."""
    async with nats_server(tmp_path) as server:
        access = Access(servers=(server.address,))
        made = NatsPublisher(access, stream="error", subject=SUBJECT, creation=CREATION)
        async with publishing.connected(made):
            await made.publish(records(3), lambda _: None)
        assert await server.count("error") == 9


# ---------------------------------------------------------------- the stream


async def test_a_stream_that_is_missing(tmp_path):
    async with nats_server(tmp_path) as server:
        said = await refusal(publisher(server, creation=None))
        assert said == "there is no stream WHIMBREL: make it, or set `create`"
        async with connected(server), server.client() as client:
            config = (await jetstream(client).stream_info(STREAM)).config
            assert config.subjects == ["whimbrel.events.*.>"]
            assert config.max_age == 3 * 86_400
            assert config.storage == "file"


async def test_a_stream_that_is_there_is_left_as_it_is(tmp_path):
    async with nats_server(tmp_path) as server:
        await server.make_stream("whimbrel.>", max_age=60)
        async with connected(server), server.client() as client:
            assert (await jetstream(client).stream_info(STREAM)).config.subjects == ["whimbrel.>"]


async def test_subjects_that_no_stream_takes(tmp_path):
    async with nats_server(tmp_path) as server:
        await server.make_stream("other.>")
        async with connected(server) as made:
            with pytest.raises(BrokerError, match="no stream takes whimbrel"):
                await made.publish([record(1, 1)], lambda _: None)


async def test_subjects_that_another_stream_takes(tmp_path):
    async with nats_server(tmp_path) as server:
        await server.make_stream("elsewhere.>")
        await server.make_stream("whimbrel.>", name="OTHER")
        async with connected(server) as made:
            with pytest.raises(BrokerError, match="expected stream does not match"):
                await made.publish([record(1, 1)], lambda _: None)


async def test_a_server_without_jetstream(tmp_path):
    async with nats_server(tmp_path, jetstream=False) as server:
        assert await refusal(publisher(server)) == "JetStream is not enabled on the server, or not for this account"


@pytest.mark.parametrize(
    ("pattern", "subjects"),
    [
        ("whimbrel.events.{account_id}.{type}", "whimbrel.events.*.>"),
        ("w.{mode}.{type}.{account_id}", "w.*.*.*.*"),
        ("w.x-{mode}.{type}", "w.*.>"),
        ("{type}", "*.*"),
        ("w.{account_id}-{type}", "w.*.*"),
        ("whimbrel", "whimbrel"),
    ],
)
def test_the_subjects_of_a_stream_that_is_made(pattern, subjects):
    assert wildcard(pattern) == subjects


# ---------------------------------------------------------------- who we are


async def test_nobody_is_there(tmp_path):
    server = NatsServer(tmp_path)
    assert "Connect call failed" in await refusal(publisher(server))


async def test_one_of_several_servers_is_there(tmp_path):
    gone = NatsServer(tmp_path / "gone")
    async with nats_server(tmp_path / "here") as server:
        access = Access(servers=(gone.address, server.address))
        for _ in range(4):  # whichever is tried first
            made = NatsPublisher(access, stream=STREAM, subject=SUBJECT, creation=CREATION)
            await made.connect()
            await made.close()


async def test_user_and_password(tmp_path):
    config = f'authorization {{ {SLOWLY}, user: "whimbrel", password: "right" }}'
    async with nats_server(tmp_path, config) as server:
        async with connected(server, user="whimbrel", password="right"):
            pass
        said = await refusal(publisher(server, user="whimbrel", password="wrong"))
        assert said in NOT_US
        assert "wrong" not in said
        assert await refusal(publisher(server)) in NOT_US


async def test_a_token(tmp_path):
    async with nats_server(tmp_path, f'authorization {{ {SLOWLY}, token: "right" }}') as server:
        async with connected(server, token="right"):
            pass
        assert await refusal(publisher(server, token="wrong")) in NOT_US


async def test_an_nkey(tmp_path):
    ours, other = Key("U"), Key("U")
    config = f'authorization {{ {SLOWLY}, users: [ {{ nkey: "{ours.public}" }} ] }}'
    async with nats_server(tmp_path, config) as server:
        async with connected(server, nkey_file=ours.file(tmp_path)):
            pass
        assert await refusal(publisher(server, nkey_file=other.file(tmp_path))) in NOT_US


async def test_a_credentials_file(tmp_path):
    operator, account, system, user = Key("O"), Key("A"), Key("A"), Key("U")
    owner = jwt(operator, operator, {"type": "operator", "version": 2, "system_account": system.public})
    limits = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    limits |= {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
    tenant = jwt(operator, account, {"type": "account", "version": 2, "limits": limits})
    watcher = jwt(operator, system, {"type": "account", "version": 2})
    config = f"""
        authorization {{ {SLOWLY} }}
        operator: {owner}
        system_account: {system.public}
        resolver: MEMORY
        resolver_preload: {{ {account.public}: {tenant}, {system.public}: {watcher} }}
    """
    unlimited = {"subs": -1, "data": -1, "payload": -1}
    allowed = jwt(account, user, {"type": "user", "version": 2, **unlimited})
    file = tmp_path / "user.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{allowed}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    async with nats_server(tmp_path, config) as server:
        async with connected(server, credentials_file=str(file)) as made:
            await made.publish(records(3), lambda _: None)
        assert await refusal(publisher(server)) in NOT_US


async def test_files_that_hold_no_key(tmp_path):
    file = tmp_path / "seed"
    for text in ("", "SUAB", Key("A").seed, damaged(Key("U").seed), Key("U").public):
        file.write_text(text)
        with pytest.raises(NkeyError, match="holds no user's seed"):
            seed_of(str(file))
        with pytest.raises(NkeyError, match="holds no user's JWT"):
            credentials_of(str(file))
    server = NatsServer(tmp_path)
    assert "holds no user's seed" in await refusal(publisher(server, nkey_file=str(file)))
    assert "No such file" in await refusal(publisher(server, nkey_file=str(tmp_path / "none")))


async def test_a_user_who_may_not_publish(tmp_path):
    allow = '["$JS.API.STREAM.INFO.WHIMBREL", "_INBOX.>"]'
    user = f'{{ user: "w", password: "p", permissions: {{ publish: {allow}, subscribe: "_INBOX.>" }} }}'
    config = f'authorization {{ {SLOWLY}, users: [ {user}, {{ user: "root", password: "r" }} ] }}'
    async with nats_server(tmp_path, config) as server:
        async with server.client(user="root", password="r") as client:
            await jetstream(client).add_stream(name=STREAM, subjects=["whimbrel.>"])
        async with connected(server, user="w", password="p") as made:
            with pytest.raises(BrokerError, match=r"(?i)permissions violation for publish to .whimbrel.events.AC1"):
                await made.publish([record(1, 1)], lambda _: None)


# ---------------------------------------------------------------- TLS


def tls_config(authority: Authority, name: str, *, clients: Authority | None = None) -> str:
    issued = authority.issue(name)
    more = f'ca_file: "{clients.file}", verify: true' if clients else ""
    return f'tls {{ {SLOWLY}, cert_file: "{issued.cert}", key_file: "{issued.key}", {more} }}'


async def test_tls(tmp_path):
    authority, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    async with nats_server(tmp_path / "nats", tls_config(authority, "localhost")) as server:
        access = Access(servers=(f"localhost:{server.port}",), tls=True, tls_ca_file=authority.file)
        made = NatsPublisher(access, stream=STREAM, subject=SUBJECT, creation=CREATION)
        await made.connect()
        await made.publish(records(3), lambda _: None)
        await made.close()
        stranger = msgspec.structs.replace(access, tls_ca_file=other.file)
        said = await refusal(NatsPublisher(stranger, stream=STREAM, subject=SUBJECT, creation=CREATION))
        assert "is signed by an authority that is not known here" in said
        elsewhere = msgspec.structs.replace(access, servers=(server.address,))
        said = await refusal(NatsPublisher(elsewhere, stream=STREAM, subject=SUBJECT, creation=CREATION))
        assert "is for another address" in said


async def test_a_certificate_of_ours(tmp_path):
    authority = Authority(tmp_path, "ours")
    ours = authority.issue("whimbrel")
    async with nats_server(tmp_path / "nats", tls_config(authority, "localhost", clients=authority)) as server:
        access = Access(servers=(f"localhost:{server.port}",), tls=True, tls_ca_file=authority.file)
        shown = msgspec.structs.replace(access, tls_cert_file=ours.cert, tls_key_file=ours.key)
        made = NatsPublisher(shown, stream=STREAM, subject=SUBJECT, creation=CREATION)
        await made.connect()
        await made.close()
        said = await refusal(NatsPublisher(access, stream=STREAM, subject=SUBJECT, creation=CREATION))
        assert said in NOT_US or "TLS: the peer wants a certificate of ours" in said


async def test_a_password_is_never_sent_in_the_clear_where_tls_is_asked_for():
    said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","headers":true,"max_payload":1000,"auth_required":true}\r\n')
        said.set_result(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        access = Access(servers=(f"127.0.0.1:{port}",), tls=True, user="whimbrel", password="hidden")
        made = NatsPublisher(access, stream=STREAM, subject=SUBJECT, creation=CREATION)
        assert await refusal(made) == "the server offers no TLS, and `tls` asks for it"
        async with asyncio.timeout(30):
            assert await said == b""


async def test_files_of_tls_that_cannot_be_read(tmp_path):
    server = NatsServer(tmp_path)
    assert "cannot be read" in await refusal(publisher(server, tls=True, tls_ca_file=str(tmp_path / "none.pem")))
