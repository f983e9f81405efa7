"""TLS over real sockets: what connects, and what does not, in words."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.net.certificates import Authority
from tests.servers import ended
from whimbrel.net.dial import Dial, DialError
from whimbrel.net.tls import TlsFileError, client_context, in_words, server_context

NAME = "smpp.example.com"


class Quiet(asyncio.Protocol):
    """Says nothing; closed with its test."""

    def __init__(self, opened: list[asyncio.BaseTransport]) -> None:
        self.opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.opened.append(transport)


class Greets(Quiet):
    """A peer without TLS that answers whatever comes, as an SMSC answers octets that are no PDU."""

    def data_received(self, data: bytes) -> None:
        self.opened[-1].write(bytes.fromhex("00000010800000000000000200000000"))  # type: ignore[attr-defined]


async def tried(
    server: ssl.SSLContext | None, client: ssl.SSLContext, *, name: str = NAME, peer: type[Quiet] = Quiet
) -> Dial | str:
    """The try that connected, or what it failed with."""
    loop = asyncio.get_running_loop()
    opened: list[asyncio.Transport] = []
    listener = await loop.create_server(lambda: peer(opened), "127.0.0.1", 0, ssl=server)
    dial = Dial("127.0.0.1", listener.sockets[0].getsockname()[1], tls=lambda: client, server_name=name)
    try:
        await dial.run(loop, lambda: Quiet(opened), 30.0)
    except DialError as error:
        return str(error)
    finally:
        await ended(listener, opened)
    return dial


async def test_a_verified_peer(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    dial = await tried(ours.server(NAME), client_context(ca_file=ours.file))
    assert isinstance(dial, Dial)
    assert (dial.stage, sorted(dial.took_ms)) == ("open", ["dns", "tcp", "tls"])


async def test_a_peer_that_need_not_be_verified(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    assert isinstance(await tried(ours.server("else", expired=True), client_context(verify=False)), Dial)


async def test_what_is_wrong_is_said_in_words(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    known = client_context(ca_file=ours.file)
    assert await tried(ours.server(NAME, expired=True), known) == "TLS: the peer's certificate has expired"
    assert await tried(ours.server("else"), known) == "TLS: the peer's certificate is for another name"
    unknown = "TLS: the peer's certificate is signed by an authority that is not known here"
    assert await tried(theirs.server(NAME), known) == unknown
    assert await tried(None, known, peer=Greets) == "TLS: the peer speaks no TLS on this port"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "TLS: the peer and we have no version of TLS in common"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLS: the peer wants a certificate of ours"),
        ("TLSV1_ALERT_UNKNOWN_CA", "TLS: the peer does not know who signed our certificate"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "TLS: our certificate has expired, says the peer"),
        ("DATA_LENGTH_TOO_LONG", "TLS: data length too long"),
    ],
)
def test_alerts_of_the_peer(reason: str, words: str) -> None:
    error = ssl.SSLError(1, "")
    error.reason = reason
    assert in_words(error) == words


async def test_a_certificate_of_ours_is_shown_where_it_is_wanted(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    issued = theirs.issue("us")
    shown = client_context(ca_file=ours.file, cert_file=issued.cert, key_file=issued.key)
    assert isinstance(await tried(ours.server(NAME, clients=theirs), shown), Dial)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    one, other = ours.issue("one"), ours.issue("other")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(TlsFileError, match=r"other-new.key is not that of the certificate .*one-new.pem"):
        server_context(one.cert, other.key)
    with pytest.raises(TlsFileError, match="cannot be read: No such file"):
        server_context(one.cert, str(tmp_path / "none.key"))
    with pytest.raises(TlsFileError, match="hold no certificate with its key"):
        server_context(str(empty), one.key)
    with pytest.raises(TlsFileError, match=r"empty.pem holds no certificate"):
        client_context(ca_file=str(empty))
    with pytest.raises(TlsFileError, match=r"none.pem cannot be read"):
        client_context(ca_file=str(tmp_path / "none.pem"))


async def test_names_and_ports_that_lead_nowhere() -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    refused = Dial("127.0.0.1", port)
    with pytest.raises(DialError, match=f"127.0.0.1:{port}: "):
        await refused.run(loop, asyncio.Protocol, 30.0)
    assert refused.stage == "tcp"
    unknown = Dial("no-such-host.invalid", 2775)
    with pytest.raises(DialError):
        await unknown.run(loop, asyncio.Protocol, 5.0)
    assert (unknown.stage, unknown.took_ms) == ("dns", {})
