"""A test of a carrier, over real sockets, against an SMSC without rules."""

import asyncio
from pathlib import Path
from typing import Any

from tests.net.certificates import Authority
from tests.traps.raw_smsc import RECEIPT, Bench, Connection, RawSmsc, bench, bound, listening
from whimbrel.carriers.probe import Probe, ProbeReport, ProbeText
from whimbrel.codec.smpp.bodies import BindResp, MessageId, ShortMessage
from whimbrel.codec.smpp.describe import describe
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import BINDS, DELIVER_SM, ENQUIRE_LINK, SUBMIT_SM, Status, Tag

TEXT = ProbeText(recipient="+447911123456", text="Hello", sender="+12025550100", wait_s=30)
IN_VAIN = ProbeText(recipient="+447911123456", text="Hello", sender="+12025550100", wait_s=0.3)
"""For a receipt that does not come."""


async def probed(made: Bench, text: ProbeText | None = TEXT, *, watched: bool = False) -> ProbeReport:
    watch = made.recorders.start("CR1", 60).recorder if watched else None
    probe = Probe(
        "tern", made.carrier.settings, "secret", clock=made.clock, handlers=made.carrier._handlers, watch=watch
    )
    report = await probe.run(text)
    made.recorders.close()
    return report


def steps(report: ProbeReport) -> list[tuple[str, str]]:
    return [(step.name, step.state) for step in report.steps]


def said(report: ProbeReport, name: str) -> str:
    return next(step.said for step in report.steps if step.name == name)


def reports(connection: Connection, pdu: Pdu, *, response: str = "1b4f", receipt: str = "6991", **body: Any) -> None:
    connection.take(pdu, response)
    fields: dict[str, Any] = {"source": "447911123456", "dest": "12025550100", "esm_class": 4}
    text = RECEIPT % receipt.encode()
    connection.send(DELIVER_SM, 0, 1, ShortMessage(**(fields | body), short_message=text))


def good(connection: Connection, pdu: Pdu) -> bool:
    if pdu.command_id in BINDS:
        connection.respond(pdu, 0, BindResp("SMSC"), [(Tag.SC_INTERFACE_VERSION, b"\x34")])
    elif pdu.command_id == SUBMIT_SM:
        reports(connection, pdu)
    else:
        return False
    return True


async def test_each_step_with_its_time_and_what_it_says_about_the_settings() -> None:
    async with listening(RawSmsc(good)) as smsc, bench(smsc) as made:
        report = await probed(made)
        assert steps(report) == [
            ("dns", "ok"),
            ("tcp", "ok"),
            ("bind transceiver", "ok"),
            ("enquire_link", "ok"),
            ("submit_sm", "ok"),
            ("receipt", "ok"),
        ]
        assert all(step.took_ms is not None and step.took_ms >= 0 for step in report.steps)
        assert (report.peer_version, report.message_id) == (0x34, "1b4f")
        assert [(each.setting, each.value) for each in report.proposals] == [("message_id", "hex_dec")]
        commands = [describe(entry.octets).command for entry in report.entries if entry.octets]
        assert commands[:6] == [
            "bind_transceiver",
            "bind_transceiver_resp",
            "enquire_link",
            "enquire_link_resp",
            "submit_sm",
            "submit_sm_resp",
        ]
        assert {"deliver_sm", "deliver_sm_resp", "unbind"} <= {*commands}
        assert [each.message_ids for each in made.reports] == [("6991",)]  # stored like any other


async def test_without_a_text_nothing_is_sent() -> None:
    async with listening(RawSmsc(good)) as smsc, bench(smsc) as made:
        report = await probed(made, None)
        assert steps(report)[-1] == ("enquire_link", "ok")
        assert all(connection.submits == [] for connection in smsc.connections)


async def test_what_is_refused_is_said_by_name() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            connection.respond(pdu, Status.ESME_RINVPASWD)
        return pdu.command_id in BINDS

    async with listening(RawSmsc(own)) as smsc, bench(smsc, up=False) as made:
        report = await probed(made)
        assert steps(report) == [("dns", "ok"), ("tcp", "ok"), ("bind transceiver", "failed")]
        assert said(report, "bind transceiver") == "refused: ESME_RINVPASWD (0x0000000e): invalid password"


async def test_what_does_not_answer_is_said() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        return pdu.command_id == ENQUIRE_LINK

    async with bound(own, response_timeout_s=0.1) as (_, made):
        assert steps(await probed(made))[-1] == ("enquire_link", "failed")
    async with listening(RawSmsc(lambda *_: True)) as smsc, bench(smsc, up=False, bind_timeout_s=1) as made:
        report = await probed(made)
        assert steps(report)[-1] == ("bind transceiver", "failed")
    async with listening(RawSmsc()) as gone:
        pass
    async with bench(gone, up=False) as made:
        assert steps(await probed(made)) == [("dns", "ok"), ("tcp", "failed")]


async def test_a_connection_that_is_lost_is_said() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.transport.close()
        return pdu.command_id == SUBMIT_SM

    async with bound(own) as (_, made):
        report = await probed(made)
        assert steps(report)[-1] == ("submit_sm", "failed")
        assert "the connection was lost" in said(report, "submit_sm")


async def test_a_peer_that_does_not_speak_smpp_is_said() -> None:
    """What it says first closes the session before we can bind."""

    class Mail(Connection):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.write(b"220 mail.example.com ESMTP ready\r\n")

    smsc = RawSmsc()
    server = await asyncio.get_running_loop().create_server(lambda: Mail(smsc), "127.0.0.1")
    smsc.port = server.sockets[0].getsockname()[1]
    async with server, bench(smsc, up=False) as made:
        report = await probed(made)
        assert steps(report) == [("dns", "ok"), ("tcp", "ok"), ("bind transceiver", "failed")]
        assert said(report, "bind transceiver") == "the connection was lost: what it sends is not SMPP, or out of step"


async def test_a_connection_that_is_lost_between_two_steps_is_said() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id in BINDS:
            connection.respond(pdu, 0, BindResp("SMSC"))
            connection.transport.write(b"out of step, on purpose")
        return pdu.command_id in BINDS

    async with listening(RawSmsc(own)) as smsc, bench(smsc, up=False) as made:
        probe = Probe("tern", made.carrier.settings, "secret", clock=made.clock, handlers=made.carrier._handlers)
        report = await probe.run(TEXT)
        assert steps(report)[-1] == ("enquire_link", "failed")
        assert "the connection was lost" in said(report, "enquire_link")
        assert probe._answers["enquire_link"].cancelled()  # not failed later, where nobody looks


async def test_a_peer_that_wants_a_certificate_is_suspected(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    tls = ours.server("smpp.example.com", clients=Authority(tmp_path, "theirs"))
    settings = {"tls": True, "tls_server_name": "smpp.example.com", "tls_ca_file": ours.file}
    async with listening(RawSmsc(good), tls) as smsc, bench(smsc, up=False, **settings) as made:
        report = await probed(made)
        assert steps(report)[-1] == ("bind transceiver", "failed")
        assert "a certificate of ours" in said(report, "bind transceiver")


async def test_a_receipt_that_comes_over_a_running_bind_is_seen() -> None:
    smsc = RawSmsc()

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.take(pdu, "77")
            smsc.connections[0].receipt("77")
        return pdu.command_id == SUBMIT_SM

    smsc.own = own
    async with listening(smsc), bench(smsc) as made:
        made.recorders.attach("CR1", made.carrier._binds[0].link)
        report = await probed(made, watched=True)
        assert steps(report)[-1] == ("receipt", "ok")
        assert report.proposals == ()
        assert "deliver_sm" in [describe(entry.octets).command for entry in report.entries if entry.octets]


async def test_a_word_that_nobody_knows_is_a_warning() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.take(pdu, "1b4f")
            text = (RECEIPT % b"1b4f").replace(b"DELIVRD", b"GREENED")
            body = ShortMessage(source="447911123456", dest="12025550100", esm_class=4, short_message=text)
            connection.send(DELIVER_SM, 0, 1, body)
        return pdu.command_id == SUBMIT_SM

    async with bound(own) as (_, made):
        report = await probed(made)
        assert steps(report)[-1] == ("receipt", "warning")
        assert said(report, "receipt").startswith('"GREENED" is no word that is known')
    async with bound(own, receipt_states={"GREENED": "UNKNOWN"}) as (_, made):
        assert steps(await probed(made))[-1] == ("receipt", "ok")


async def test_a_receipt_that_nothing_marks_is_seen() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            reports(connection, pdu, receipt="1b4f", esm_class=0)
        return pdu.command_id == SUBMIT_SM

    async with bound(own) as (_, made):
        report = await probed(made)
        assert steps(report)[-1] == ("receipt", "ok")
        assert [(each.setting, each.value) for each in report.proposals] == [("receipts_by_text", True)]
        assert len(made.texts) == 1  # stored as the settings read it


async def test_what_else_the_carrier_brings_is_stored() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.take(pdu, "77")
            connection.send(
                DELIVER_SM, 0, 1, ShortMessage(source="15005550100", dest="12025550100", short_message=b"hi")
            )
            connection.send(
                DELIVER_SM, 0, 2, ShortMessage(source="15005550100", esm_class=4, short_message=RECEIPT % b"5")
            )
        return pdu.command_id == SUBMIT_SM

    async with bound(own) as (_, made):
        report = await probed(made, IN_VAIN)
        assert steps(report)[-1] == ("receipt", "warning")
        assert [text.octets for text in made.texts] == [b"hi"]
        assert [each.message_ids for each in made.reports] == [("5",)]
        assert report.proposals == ()


async def test_a_pair_is_tested_on_both_connections() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.take(pdu, "77")
            connection.smsc.last.receipt("77")
        return pdu.command_id == SUBMIT_SM

    async with bound(own, bind_mode="pair") as (_, made):
        names = [name for name, _ in steps(await probed(made))]
        assert [name for name in names if name.startswith("bind")] == ["bind transmitter", "bind receiver"]
        assert names[-1] == "receipt"


async def test_further_hosts_are_looked_at() -> None:
    async with listening(RawSmsc()) as gone:
        pass
    async with listening(RawSmsc(good)) as smsc, listening(RawSmsc()) as second:
        hosts = (f"127.0.0.1:{second.port}", f"127.0.0.1:{gone.port}")
        async with bench(smsc, hosts=hosts) as made:
            report = await probed(made, None)
            assert steps(report)[-2:] == [(f"host {hosts[0]}", "ok"), (f"host {hosts[1]}", "warning")]


async def test_a_response_without_an_id_is_a_warning() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == SUBMIT_SM:
            connection.respond(pdu, 0, MessageId(""))
        return pdu.command_id == SUBMIT_SM

    async with bound(own) as (_, made):
        report = await probed(made, IN_VAIN)
        assert steps(report)[-2:] == [("submit_sm", "warning"), ("receipt", "warning")]
