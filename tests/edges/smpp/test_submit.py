"""submit_sm, data_sm and submit_multi over a real connection: what is stored, what is answered, what is refused."""

import asyncio

import msgspec
import pytest

from tests.edges.edge_rig import ACTOR, SENDER, until
from tests.house.code import SOURCE
from whimbrel.base.errors import CATALOGUE
from whimbrel.codec.smpp.bodies import DataSm, DistributionList, MessageId, SmeAddress, SubmitMulti
from whimbrel.codec.smpp.fields import tlv_text
from whimbrel.codec.smpp.statuses import STATUSES, Status
from whimbrel.codec.smpp.tables import DATA_SM, SUBMIT_MULTI, Tag
from whimbrel.domain.model import Options
from whimbrel.edges.smpp import statuses
from whimbrel.manage import opt_outs
from whimbrel.store.errors import CommitFailed, CommitUnknown

from .customer import TO, Door

REFERENCE = ((Tag.USER_MESSAGE_REFERENCE, b"\x00\x2a"),)


def words(pdu) -> str:
    return tlv_text(pdu.tlvs, Tag.ADDITIONAL_STATUS_INFO_TEXT) or ""


async def test_a_submit_is_answered_with_our_id_once_it_is_stored_and_is_delivered(door: Door):
    async with door.bound() as one:
        answer = await one.submit(b"Hello", registered_delivery=1)
        assert answer.status == 0 and answer.tlvs == ()
        message = await door.message(answer.body.message_id)
        assert (message.door, message.recipient, message.sender, message.text) == ("smpp", f"+{TO}", SENDER, "Hello")
        origin = msgspec.json.decode(message.options, type=Options).origin
        assert origin is not None and origin.credential_id == door.credential_id

        async def delivered() -> bool:
            return (await door.message(message.id)).state == "delivered"

        await until(delivered)


@pytest.mark.parametrize("form", ["id", "hex", "decimal"])
async def test_ids_are_written_as_the_credential_wants_them(door: Door, form: str):
    await door.change(settings={"id_format": form})
    async with door.bound() as one:
        written = (await one.submit()).body.message_id
    (message,) = await door.messages()
    digits = message.id[2:]
    assert written == {"id": message.id, "hex": digits, "decimal": str(int(digits, 16))}[form]


async def test_submits_of_one_read_go_to_accept_together_and_each_has_its_answer(door: Door, monkeypatch):
    accept, lists = door.app.store.accept, []

    async def counted(*args):
        lists.append(args)
        return await accept(*args)

    monkeypatch.setattr(door.app.store, "accept", counted)
    async with door.bound() as one:
        answers = await asyncio.gather(*(one.submit(b"%d" % number) for number in range(90)))
    assert [answer.status for answer in answers] == [0] * 90
    texts = {
        message.id: message.text for message in await door.app.store.messages([a.body.message_id for a in answers])
    }
    assert [texts[answer.body.message_id] for answer in answers] == [str(number) for number in range(90)]
    assert 0 < len(lists) < 60


async def test_a_payload_longer_than_a_segment_is_cut_by_us(door: Door):
    async with door.bound() as one:
        answer = await one.submit(b"", tlvs=((Tag.MESSAGE_PAYLOAD, b"0123456789" * 40),))
    message = await door.message(answer.body.message_id)
    assert (message.segments, message.text) == (3, "0123456789" * 40)


async def test_parts_of_a_customers_own_are_messages_of_their_own(door: Door):
    async with door.bound() as one:
        parts = [bytes([5, 0, 3, 9, 2, number]) + b"x" * 153 for number in (1, 2)]
        answers = [await one.submit(part, esm_class=0x40) for part in parts]
    assert [answer.status for answer in answers] == [0, 0]
    assert [message.segments for message in await door.messages()] == [1, 1]


async def test_a_part_that_does_not_fit_one_segment_is_refused(door: Door):
    async with door.bound() as one:
        answer = await one.submit(bytes([5, 0, 3, 9, 2, 1]) + b"x" * 154, esm_class=0x40)
    assert answer.status == Status.ESME_RINVMSGLEN and words(answer).startswith("too_many_parts")


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"dest": "123"}, Status.ESME_RINVDSTADR, "invalid_number"),
        ({"dest": ""}, Status.ESME_RINVDSTADR, "recipient_missing"),
        ({"source": "447911123456"}, Status.ESME_RINVSRCADR, "sender_not_allowed"),
        ({"source_ton": 5, "source": "no/such*name"}, Status.ESME_RINVSRCADR, "invalid_sender"),
        ({"short_message": b""}, Status.ESME_RINVMSGLEN, "text_missing"),
        ({"validity_period": "000000000001000R"}, Status.ESME_RINVEXPIRY, "invalid_validity"),
        ({"schedule_time": "200101000000000+"}, Status.ESME_RINVSCHED, "invalid_schedule"),
        ({"dest_ton": 2}, Status.ESME_RINVDSTTON, "a national number"),
    ],
)
async def test_a_refusal_has_its_status_and_its_words_and_stores_nothing(door: Door, fields, status, code):
    async with door.bound() as one:
        answer = await one.submit(**fields)
        assert answer.status == status and words(answer).startswith(code)
        assert answer.body == MessageId("")
    assert await door.messages() == []


async def test_a_peer_of_3_3_is_told_the_status_alone(door: Door):
    async with door.bound(interface_version=0x33) as one:
        answer = await one.submit(dest="123")
        assert (answer.status, answer.body, answer.tlvs) == (Status.ESME_RINVDSTADR, None, ())


async def test_a_number_that_opted_out_and_an_empty_balance_have_statuses_of_our_own(door: Door):
    customer = door.edge.customer
    request = opt_outs.NewOptOut(number=f"+{TO}")
    await opt_outs.create(door.app.manage, ACTOR, request, account_id=customer.id)
    async with door.bound() as one:
        assert (await one.submit()).status == statuses.OPTED_OUT == 0x402
        poor = await door.edge.new_customer("Poor", credit="")
        await door.edge.give_sender(poor.id, "+12025550199")
        door.edge.customer = poor
        await door.credential("poor")
        async with door.bound(system_id="poor") as other:
            answer = await other.submit(source="12025550199", dest="14155550124")
            assert answer.status == statuses.INSUFFICIENT_BALANCE == 0x401 and words(answer) == "insufficient_balance"


def test_every_code_that_accept_may_refuse_with_has_a_status():
    """Codes as the source names them, so that a new one is not forgotten here."""
    steps = [f"journey/{name}.py" for name in ("screen", "route", "encode", "price", "accept")]
    steps += [f"domain/{name}.py" for name in ("screening", "schedule", "senders", "sender_fitness")]
    text = "".join((SOURCE / "whimbrel" / step).read_text() for step in steps)
    named = {code for code, spec in CATALOGUE.items() if spec.http and f'"{code}"' in text}
    assert len(named) > 15
    assert named - set(statuses.STATUS_OF) == {"forbidden"}, "which is a verdict on a sender there"


def test_whoever_is_refused_for_good_is_not_told_to_try_again():
    assert statuses.status_of("too_many_flows") == Status.ESME_RSUBMITFAIL  # any code that has no status of its own
    for code in ("carrier_unavailable", "nobody knows"):
        assert statuses.status_of(code) == Status.ESME_RSYSERR, code
    final = [code for code, spec in CATALOGUE.items() if spec.http and spec.permanent]
    assert all(statuses.status_of(code) != Status.ESME_RSYSERR for code in final)


def test_no_status_of_a_refusal_is_success_and_our_own_are_the_vendors():
    assert set(statuses.STATUS_OF) <= set(CATALOGUE)
    for status in statuses.STATUS_OF.values():
        assert status in STATUSES or 0x400 <= status <= 0x4FF
        assert status != 0


async def test_a_store_that_fails_is_a_system_error_and_never_success(door: Door, monkeypatch):
    async def broken(*_: object) -> None:
        raise OSError("disk")

    async with door.bound() as one:
        monkeypatch.setattr(door.app.store, "accept", broken)
        answers = await asyncio.gather(one.submit(), one.submit())
        assert [answer.status for answer in answers] == [Status.ESME_RSYSERR] * 2
        monkeypatch.undo()
        assert (await one.submit()).status == 0


# ---------------------------------------------------------------- unique references


async def test_a_reference_that_is_unique_makes_twice_once(door: Door):
    await door.change(settings={"unique_reference": True})
    async with door.bound() as one:
        first = await one.submit(tlvs=REFERENCE)
    async with door.bound() as one:
        again = await one.submit(tlvs=REFERENCE)
        assert (first.status, again.body) == (0, first.body)
        other = await one.submit(b"Another text", tlvs=REFERENCE)
        assert other.status == Status.ESME_RINVOPTPARAMVAL and words(other).startswith("idempotency_key_reused")
    assert len(await door.messages()) == 1


async def test_otherwise_the_same_reference_may_come_again(door: Door):
    async with door.bound() as one:
        answers = [await one.submit(tlvs=REFERENCE) for _ in range(2)]
    assert len({answer.body.message_id for answer in answers}) == 2


# ---------------------------------------------------------------- data_sm, submit_multi


async def test_data_sm_is_a_submit_whose_text_is_in_message_payload(door: Door):
    body = DataSm(source="12025550100", source_ton=1, dest=TO, dest_ton=1, registered_delivery=1)
    async with door.bound() as one:
        answer = await one.ask(DATA_SM, body, ((Tag.MESSAGE_PAYLOAD, b"by data"),))
        assert answer.status == 0
        assert (await door.message(answer.body.message_id)).text == "by data"
        assert (await one.ask(DATA_SM, body)).status == Status.ESME_RINVMSGLEN


async def test_submit_multi_is_a_message_for_each_destination_and_names_those_that_fail(door: Door):
    good = SmeAddress(1, 1, "14155550124")
    more = SmeAddress(1, 1, "14155550125")
    bad = SmeAddress(1, 1, "123")
    national = SmeAddress(2, 1, "2025550123")
    to = (DistributionList("friends"), bad, good, national, more)
    async with door.bound() as one:
        answer = await one.ask(SUBMIT_MULTI, SubmitMulti(destinations=to, short_message=b"Hi all"))
    assert answer.status == 0
    messages = await door.messages()
    assert [message.recipient for message in messages] == ["+14155550124", "+14155550125"]
    assert answer.body.message_id == messages[0].id
    assert [(each.address, each.status) for each in answer.body.unsuccessful] == [
        ("friends", Status.ESME_RINVDLNAME),
        ("123", Status.ESME_RINVDSTADR),
        ("2025550123", Status.ESME_RINVDSTTON),
    ]


async def test_the_receipts_of_a_submit_multi_bear_the_id_of_its_answer(door: Door):
    numbers = ["14155550126", "14155550127", "14155550128"]
    to = tuple(SmeAddress(1, 1, number) for number in numbers)
    async with door.bound() as one:
        asked = SubmitMulti(destinations=to, short_message=b"Hi all", registered_delivery=1)
        answer = await one.ask(SUBMIT_MULTI, asked)
        assert answer.status == 0
        messages = await door.messages()
    assert messages[0].id == answer.body.message_id
    told = [msgspec.json.decode(message.options, type=Options).origin.told_id for message in messages]
    assert told == ["", messages[0].id, messages[0].id]


async def test_submit_multi_of_254_destinations_is_taken_whole(door: Door):
    to = tuple(SmeAddress(1, 1, f"1415555{number:04d}") for number in range(254))
    async with door.bound() as one:
        answer = await one.ask(SUBMIT_MULTI, SubmitMulti(destinations=to, short_message=b"Hi all"))
    assert answer.status == 0 and answer.body.unsuccessful == ()
    assert door.app.metrics.accepted.labels("smpp")._value.get() == 254


async def test_submit_multi_of_which_nothing_is_taken_is_refused(door: Door):
    async with door.bound() as one:
        lists = SubmitMulti(destinations=(DistributionList("friends"),), short_message=b"x")
        assert (await one.ask(SUBMIT_MULTI, lists)).status == Status.ESME_RINVDLNAME
        bad = SubmitMulti(destinations=(SmeAddress(1, 1, "123"),), short_message=b"x")
        assert (await one.ask(SUBMIT_MULTI, bad)).status == Status.ESME_RINVDSTADR
        assert (await one.ask(SUBMIT_MULTI, SubmitMulti(short_message=b"x"))).status == Status.ESME_RINVNUMDESTS
    assert await door.messages() == []


async def test_test_traffic_is_seen_by_test_keys_only(door: Door):
    await door.credential("test", test=True)
    async with door.bound(system_id="test") as one:
        answer = await one.submit(dest="15005550001")
    message = await door.message(answer.body.message_id)
    assert message.test and message.held_micros == 0


# ---------------------------------------------------------------- from the customer's octets to the carrier's

PORTS = bytes.fromhex("0605041f9023f0")
PART = bytes.fromhex("050003070201")


@pytest.mark.parametrize(
    ("fields", "data_coding", "esm_class", "octets"),
    [
        ({"short_message": b"flash", "data_coding": 0x10}, 0x10, 0, b"flash"),
        ({"short_message": b"flash", "data_coding": 0xF0}, 0x10, 0, b"flash"),
        ({"short_message": b"\x01\xff", "data_coding": 4}, 4, 0, b"\x01\xff"),
        ({"short_message": b"\x01\xff", "data_coding": 0xF5}, 0x15, 0, b"\x01\xff"),
        ({"short_message": PORTS + b"\x01", "data_coding": 4, "esm_class": 0x40}, 4, 0x40, PORTS + b"\x01"),
        ({"short_message": PART + b"half", "esm_class": 0x43}, 0, 0x40, PART + b"half"),
        ({"short_message": PART + b"\0h\0i", "esm_class": 0x40, "data_coding": 8}, 8, 0x40, PART + b"\0h\0i"),
        ({"short_message": b"One voicemail", "data_coding": 0xC8}, 0xC8, 0, b"One voicemail"),
        ({"short_message": b"\x04\x16", "data_coding": 8}, 8, 0, b"\x04\x16"),
        ({"short_message": "Ça".encode("latin-1"), "data_coding": 3}, 0, 0, b"\x09a"),
    ],
)
async def test_what_a_customer_wrote_is_what_its_carrier_gets(door: Door, fields, data_coding, esm_class, octets):
    async with door.bound() as one:
        assert (await one.submit(**fields)).status == 0
        (event,) = await until(door.submitted)
    assert (event.data_coding, event.esm_class, event.octets) == (data_coding, esm_class, octets.hex())


async def test_what_could_not_be_stored_is_refused_for_now(door: Door, monkeypatch: pytest.MonkeyPatch):
    async def failed(*args):
        raise CommitFailed("nothing was stored")

    monkeypatch.setattr(door.app.store, "accept", failed)
    async with door.bound() as one:
        assert (await one.submit()).status == Status.ESME_RMSGQFUL


@pytest.mark.parametrize("tlvs", [(), REFERENCE], ids=["alone", "with a reference"])
async def test_what_may_have_been_stored_has_no_answer(door: Door, monkeypatch: pytest.MonkeyPatch, tlvs):
    accept, calls = door.app.store.accept, []

    async def unknown(*args):
        calls.append(args)
        if len(calls) == 1:
            raise CommitUnknown("it may or may not have been stored")
        return await accept(*args)

    monkeypatch.setattr(door.app.store, "accept", unknown)
    async with door.bound() as one:
        silent = asyncio.ensure_future(one.submit(b"First", tlvs=tlvs))
        await until(lambda: calls)
        assert (await one.submit(b"Second")).status == 0
        assert not silent.done(), "any answer would be a promise"
        silent.cancel()
