"""The rules of channels as tables: addresses, the order of channels, when is looked again, what an answer means."""

import email
from email.policy import default

import pytest

from whimbrel.base.log import mask_text
from whimbrel.domain import verify_channels as chains
from whimbrel.domain.addresses import mask_address, normal_address
from whimbrel.domain.verify import SECOND_US
from whimbrel.net.http import Failure, Response
from whimbrel.products.verify.calling import outcome_of, said
from whimbrel.products.verify.mailing import written
from whimbrel.products.verify.ways import Outcome, Parcel

START = 1_800_000_000 * SECOND_US
PARCEL = Parcel(
    attempt_id="VL1", verification_id="VE1", account_id="AC1", service_id="VA1", service="A <b>&", channel="voice",
    to="ada@example.com", language="ar", code="120456", warns=False, expires_in_s=600, at_us=START,
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "is_written_to"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.L+x@EXAMPLE.Com ", "Ada.L+x@example.com"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("o'neil@mail.example.co.uk", "o'neil@mail.example.co.uk"),
        ("a@b", None),
        ("@example.com", None),
        ("a.@example.com", None),
        ("a..b@example.com", None),
        ('"a b"@example.com', None),
        ("ä@example.com", None),
        ("a@[192.0.2.1]", None),
        ("a@192.0.2.1", None),
        ("a@-x.example", None),
        ("a@example.com\r\nBcc: b@example.com", None),
        ("a" * 65 + "@example.com", None),
        ("a@" + "x" * 63 + ".example", "a@" + "x" * 63 + ".example"),
        ("a@" + "x" * 64 + ".example", None),
        ("a@" + ".".join(["x" * 60] * 5) + ".example", None),
    ],
)
def test_addresses(given: str, is_written_to: str | None) -> None:
    assert normal_address(given) == is_written_to


def test_addresses_are_masked() -> None:
    assert mask_address("ada@example.com") == "a•••@example.com"
    assert mask_text("to <ada.l@mail.example.com>: no such user") == "to <a•••@mail.example.com>: no such user"
    assert mask_text("postgresql://whimbrel@10.0.0.5/db of AC1@x") == "postgresql://whimbrel@10.0.0.5/db of AC1@x"


@pytest.mark.parametrize(
    ("chain", "channel", "left"),
    [
        (("sms", "voice", "chat"), "sms", ("voice", "chat")),
        (("sms", "voice"), "voice", ()),
        (("sms", "voice"), "chat", ()),
    ],
)
def test_what_follows_a_channel(chain: tuple[str, ...], channel: str, left: tuple[str, ...]) -> None:
    assert chains.following(chain, channel) == left
    assert chains.onwards(chain, channel) == (channel, *left)


def test_a_message_is_looked_at_ever_more_seldom() -> None:
    looks = {True: [START], False: [START]}
    for has_next, times in looks.items():
        while times[-1] < START + 300 * SECOND_US:
            times.append(chains.next_look(START, times[-1], has_next=has_next))
    ages = {key: [(at - START) // SECOND_US for at in times] for key, times in looks.items()}
    assert ages == {True: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512], False: [0, 5, 20, 80, 320]}


def test_a_channel_is_asked_three_times() -> None:
    waits = [chains.retry_at(tries, START) for tries in (1, 2, 3)]
    assert waits == [START + 2 * SECOND_US, START + 8 * SECOND_US, None]


def answered(status: int, body: bytes = b"") -> Response:
    return Response(status, body, "application/json", None, 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (answered(202, b'{"id": "c1", "more": 1}'), Outcome("sent", reference="c1")),
        (answered(204), Outcome("sent")),
        (answered(200, b'{"id": "a\\nb"}'), Outcome("sent")),
        (answered(302), Outcome("refused", "http_302")),
        (answered(400), Outcome("refused", "http_400")),
        (answered(429), Outcome("refused", "http_429", is_temporary=True)),
        (answered(503), Outcome("refused", "http_503", is_temporary=True)),
        (answered(500), Outcome("in_doubt", "http_500")),
        (answered(504), Outcome("in_doubt", "http_504")),
        (Failure("connect_failed", 1), Outcome("refused", "connect_failed", is_temporary=True)),
        (Failure("timeout", 1), Outcome("in_doubt", "timeout")),
        (Failure("connection_lost", 1), Outcome("in_doubt", "connection_lost")),
    ],
)
def test_what_an_answer_means(answer: Response | Failure, outcome: Outcome) -> None:
    assert outcome_of(answer) == outcome


def test_a_voice_reads_the_signs_one_by_one() -> None:
    assert "1, 2, 0, 4, 5, 6" in said(PARCEL).spoken_text
    assert "120456" in said(PARCEL).text


def test_a_mail_is_the_same_on_each_try_and_its_page_escapes_names() -> None:
    octets = written(PARCEL, "codes@acme.example")
    assert octets == written(PARCEL, "codes@acme.example")
    assert octets.isascii()
    mail = email.message_from_bytes(octets, policy=default)
    page = mail.get_body(("html",)).get_content()
    assert ('lang="ar" dir="rtl"' in page, "A &lt;b&gt;&amp;" in page, "<b>" in page) == (True, True, False)
    assert "A <b>&" in mail.get_body(("plain",)).get_content()
    assert mail["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
