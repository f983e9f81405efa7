"""Media by MMS or by a link: which way, what a carrier is given, and what it costs."""

import pytest

from whimbrel.base.clock import SystemChance
from whimbrel.base.vault import Vault
from whimbrel.carriers.http_parts import text_of
from whimbrel.codec import segments, shifts
from whimbrel.domain.model import PLAIN, Draft, Flag, Message, Options, Price, Sender
from whimbrel.domain.pricing import PriceList
from whimbrel.journey.mms import NO_MMS, TEXTS_ONLY, apart, choose
from whimbrel.journey.plan import Plan
from whimbrel.journey.submit import octets, parts

LINK = "https://s.example/l/abcd1234"
VAULT = Vault(bytes(32), SystemChance())


def _sender(*capabilities: str) -> Sender:
    return Sender("PN1", "AC1", "+14155550100", "long_code", False, (), None, "POST", None, 0, 0,
                  capabilities=capabilities)  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(
    ("sender", "takes_media", "flag", "by_link"),
    [
        (_sender("sms", "mms"), True, Flag.MMS, ""),
        (_sender("sms", "mms"), False, Flag.MMS, TEXTS_ONLY),
        (_sender("sms"), True, 0, NO_MMS),
        (_sender("sms"), False, 0, TEXTS_ONLY),
        (None, True, 0, NO_MMS),
    ],
)
def test_which_way(sender: Sender | None, takes_media: bool, flag: int, by_link: str) -> None:
    plan = Plan(Draft("AC1", False, "rest", "+14155550123", "x", options=Options(media=("ME1",))), 0)
    plan.sender, plan.carriers = sender, ("CR1", "CR2")
    choose([plan], {"CR1": takes_media, "CR2": not takes_media}.__getitem__)
    assert (plan.sender_flag & Flag.MMS, plan.media_by_link, plan.is_mms) == (flag, by_link, bool(flag and takes_media))


def test_what_has_no_media_or_was_refused_is_left_alone() -> None:
    plain = Plan(Draft("AC1", False, "rest", "+14155550123", "x", options=PLAIN), 0)
    refused = Plan(Draft("AC1", False, "rest", "+14155550123", "x", options=Options(media=("ME1",))), 0)
    plain.sender = refused.sender = _sender("mms")
    refused.refuse("no_route")
    choose([plain, refused], lambda _: True)
    assert [(each.sender_flag, each.is_mms) for each in (plain, refused)] == [(0, False), (0, False)]


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        (f"Your receipt:\n{LINK}", 2, ("Your receipt:", (f"{LINK}/1", f"{LINK}/2"))),
        (LINK, 1, ("", (f"{LINK}/1",))),
        (f"a\n\nb\n{LINK}", 1, ("a\n\nb", (f"{LINK}/1",))),
    ],
)
def test_a_text_and_its_media_apart(text: str, count: int, expected: tuple[str, tuple[str, ...]]) -> None:
    assert apart(text, count) == expected


def _message(text: str, *, encoding: str = "gsm7", count: int = 1, flags: int = Flag.MMS) -> Message:
    values = dict.fromkeys(Message.__struct_fields__, 0) | {
        "id": "SM" + "0" * 32, "text": text, "encoding": encoding, "segments": count, "flags": flags,
        "recipient": "+14155550123", "sender": "+14155550100", "options": '{"media":["ME1","ME2"]}',
    }  # fmt: skip
    return Message(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [("Hello", "gsm7", b"Hello"), ("", "gsm7", b""), ("Żółw", "ucs2", "Żółw".encode("utf-16-be"))],
)
def test_a_carrier_that_takes_media_is_given_them_and_no_link(text: str, encoding: str, expected: bytes) -> None:
    message = _message(f"{text}\n{LINK}" if text else LINK, encoding=encoding)
    built = octets(message, VAULT, whole=True, media=True)
    assert built == (expected,)
    (part,) = parts(message, built, (7,), 1, media=True)
    assert (part.media, part.octets, part.parts) == ((f"{LINK}/1", f"{LINK}/2"), expected, 1)


def test_a_text_in_national_tables_has_media_too() -> None:
    text = "Hola María, aquí está su factura"
    measure = segments.measure(f"{text}\n{LINK}" + " " * 40, languages=shifts.ALL_LANGUAGES)
    assert measure.encoding == "gsm7" and measure.shift != shifts.NO_SHIFT
    flags = Flag.MMS | measure.shift.single << Flag.SINGLE_SHIFT | measure.shift.locking << Flag.LOCKING_SHIFT
    message = _message(f"{text}\n{LINK}", flags=flags)
    (part,) = parts(message, octets(message, VAULT, whole=True, media=True), (7,), 1, media=True)
    assert text_of(part) == text


def test_any_other_carrier_is_given_the_link() -> None:
    message = _message(f"Hello\n{LINK}")
    built = octets(message, VAULT)
    (part,) = parts(message, built, (7,), 1)
    assert (part.media, part.octets) == ((), f"Hello\n{LINK}".encode())


def test_a_sender_without_mms_sends_the_link_by_any_carrier() -> None:
    message = _message(f"Hello\n{LINK}", flags=0)
    built = octets(message, VAULT, whole=True, media=True)
    (part,) = parts(message, built, (7,), 1, media=True)
    assert (part.media, part.octets) == ((), f"Hello\n{LINK}".encode())


def test_a_text_of_several_segments_is_one_message_with_media() -> None:
    message = _message("a" * 300 + f"\n{LINK}", count=3)
    built = octets(message, VAULT, whole=True, media=True)
    assert built == (b"a" * 300,)


@pytest.mark.parametrize(
    ("mms_price", "mms", "expected"),
    [(20_000, True, 20_000), (20_000, False, 15_000), (None, True, 15_000), (0, True, 0)],
)
def test_what_it_costs(mms_price: int | None, mms: bool, expected: int) -> None:
    prices = PriceList([Price("PR1", None, "1", 7_500, "USD", 0, 0, mms_price)])
    found = prices.price("AC1", "14155550123", 2, mms=mms)
    assert found is not None
    assert found[0] == expected
