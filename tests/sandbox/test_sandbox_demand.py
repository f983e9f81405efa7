"""What the control sends on demand, the stage by HTTP, calls of the SMSC, and its port for TLS."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sandbox_esme import Esme, eventually

from whimbrel.codec.smpp.pdu import Bind, Decoder, Pdu, encode, tlv
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, DATA_SM, ENQUIRE_LINK, ENQUIRE_LINK_RESP, OUTBIND, Tag
from whimbrel_sandbox.scenarios.table import SCENARIOS

PHONE = "447700900123"


@pytest.fixture
async def control(start):
    """A simulator with its control, and `ask(method, path, body)` that answers (status, JSON)."""
    simulator = await start(http_port=0)
    async with aiohttp.ClientSession(simulator.address.http_url) as http:

        async def ask(method, path, body=None):
            async with http.request(method, path, json=body) as answer:
                return answer.status, await answer.json()

        yield simulator, ask


async def test_scenarios_are_listed_and_switched(control, connect):
    simulator, ask = control
    listed = (await ask("GET", "/scenarios"))[1]
    assert [row["name"] for row in listed["scenarios"]] == [row.name for row in SCENARIOS]
    assert listed["on"] == {"all": [], "clients": {}, "numbers": {}}
    client = await connect(simulator)
    for body in (
        {"scenarios": ["refused=0x0b", "receipt_late"]},
        {"scenarios": ["refused=0x14"], "system_id": "esme"},
        {"scenarios": ["refused=0x58"], "number": "+" + PHONE},
    ):
        assert (await ask("POST", "/scenarios", body))[0] == 200
    on = (await ask("GET", "/scenarios"))[1]["on"]
    assert on == {
        "all": ["refused=0x0b", "receipt_late"],
        "clients": {"esme": ["refused=0x14"]},
        "numbers": {PHONE: ["refused=0x58"]},
    }
    assert [(await client.submitted(number)).status for number in (PHONE, "447700900124")] == [0x58, 0x14]
    await ask("POST", "/reset")
    assert (await ask("GET", "/scenarios"))[1]["on"] == {"all": [], "clients": {}, "numbers": {}}
    assert (await client.submitted(PHONE)).status == 0


@pytest.mark.parametrize(
    "path, body, words",
    [
        ("/scenarios", {"scenarios": ["nonsense"]}, "nonsense is no scenario"),
        ("/scenarios", {"scenarios": ["black_hole"], "number": PHONE}, "a number takes"),
        ("/scenarios", {"scenarios": "black_hole"}, "array"),
        ("/receipts", {"message_id": "1", "system_id": "esme", "octets": "xyz"}, "hex"),
        ("/receipts", {"message_id": "1", "system_id": "esme", "tlvs": {"tag": "00"}}, "TLV"),
        ("/octets", {"octets": "0"}, "hex"),
    ],
)
async def test_what_is_wrong_is_refused_with_words(control, connect, path, body, words):
    simulator, ask = control
    await connect(simulator)
    status, answer = await ask("POST", path, body)
    assert status == 400 and words in answer["detail"]


async def test_a_receipt_for_a_message_that_is_known(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    told = (await client.submitted(PHONE, registered=0)).body.message_id
    assert (await ask("POST", "/receipts", {"message_id": told, "stat": "UNDELIV", "err": "027"}))[0] == 202
    [got] = await client.receipts(1)
    assert (got.message_ids, got.stat, got.error) == ((told,), "UNDELIV", "027")
    assert (client.delivered()[0].body.source, client.delivered()[0].body.dest) == (PHONE, "Shop")


async def test_a_raw_receipt(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    assert (await ask("POST", "/receipts", {"message_id": "77"}))[0] == 409
    raw = {"message_id": "77", "system_id": "esme", "source": PHONE, "dest": "Shop", "esm_class": 8, "data_coding": 3}
    await ask("POST", "/receipts", raw | {"text": "id:77 stat:?", "tlvs": {"0x1403": "00ff"}})
    await ask("POST", "/receipts", raw | {"octets": "84ff", "tlvs": {}})
    first, second = await client.deliveries(2)
    body = first.body
    assert (body.short_message, body.esm_class, body.data_coding) == (b"id:77 stat:?", 8, 3)
    assert first.tlvs == ((0x1403, b"\0\xff"),)
    assert (second.body.short_message, second.tlvs) == (b"\x84\xff", ())


async def test_a_receipt_as_data_sm_on_demand(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await ask("POST", "/receipts", {"message_id": "77", "system_id": "esme", "as_data_sm": True})
    [got] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == DATA_SM])
    assert tlv(got.tlvs, Tag.MESSAGE_PAYLOAD).startswith(b"id:77 sub:001 dlvrd:001 ")
    await eventually(lambda: simulator.center.counts.receipts_answered == 1)


async def test_octets_as_they_stand(control, connect):
    simulator, ask = control
    client, other = await connect(simulator), await connect(simulator, system_id="other")
    octets = encode(Pdu(ENQUIRE_LINK, 0, 4711)).hex()
    assert (await ask("POST", "/octets", {"octets": octets, "system_id": "esme"}))[1] == {"connections": 1}
    await client.until(lambda: [pdu for pdu in client.received if pdu.sequence == 4711])
    assert (await ask("POST", "/octets", {"octets": octets}))[1] == {"connections": 2}
    await other.until(lambda: [pdu for pdu in other.received if pdu.sequence == 4711])


async def test_outbind_to_a_client_that_listens(control):
    simulator, ask = control
    seen = []

    async def client(reader, writer):
        decoder = Decoder()
        while not any(pdu.command_id == OUTBIND for pdu in seen):
            seen.extend(decoder.feed(await reader.read(1000)))
        writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("esme", ""))))
        while len(seen) < 2:
            seen.extend(decoder.feed(await reader.read(1000)))
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    call = {"host": "127.0.0.1", "port": port, "system_id": "smsc", "password": "secret"}
    assert (await ask("POST", "/outbind", call))[0] == 200
    await eventually(lambda: len(seen) == 2)
    server.close()
    assert (seen[0].body.system_id, seen[0].body.password, seen[1].status) == ("smsc", "secret", 0)
    await server.wait_closed()
    await eventually(lambda: not simulator.center.links)
    assert (await ask("POST", "/outbind", call))[0] == 409


def certificate(folder, name):
    """A certificate of its own making with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{name}.pem"
    path.write_bytes(key.private_bytes(*private) + made.public_bytes(serialization.Encoding.PEM))
    return path


async def asked_by_tls(port, context):
    """The answer to an enquire_link over TLS; raises what the handshake raises."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="smsc")
    try:
        writer.write(encode(Pdu(ENQUIRE_LINK, 0, 5)))
        async with asyncio.timeout(60):
            data = await reader.read(100)
        if not data:
            raise ConnectionError("closed without an answer")
        return Decoder().feed(data)
    finally:
        writer.close()


async def test_smpp_over_tls(start, tmp_path):
    path = certificate(tmp_path, "smsc")
    simulator = await start(tls_cert=str(path), tls_port=0)
    trusting = ssl.create_default_context(cafile=path)
    [answer] = await asked_by_tls(simulator.address.smpp_tls_port, trusting)
    assert answer.command_id == ENQUIRE_LINK_RESP
    with pytest.raises(ssl.SSLCertVerificationError):
        await asked_by_tls(simulator.address.smpp_tls_port, ssl.create_default_context())
    plain = await Esme.bound(simulator.address.smpp_port)
    assert (await plain.submitted(PHONE)).status == 0
    await plain.leave()


async def test_a_client_without_a_certificate_is_not_let_in(start, tmp_path):
    path, client = certificate(tmp_path, "smsc"), certificate(tmp_path, "client")
    simulator = await start(tls_cert=str(path), tls_client_ca=str(client), tls_port=0)
    trusting = ssl.create_default_context(cafile=path)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asked_by_tls(simulator.address.smpp_tls_port, trusting)
    trusting.load_cert_chain(client)
    [answer] = await asked_by_tls(simulator.address.smpp_tls_port, trusting)
    assert answer.command_id == ENQUIRE_LINK_RESP


async def test_a_certificate_that_is_none(start, tmp_path):
    with pytest.raises(OSError):
        await start(tls_cert=str(tmp_path / "none.pem"), tls_port=0)
