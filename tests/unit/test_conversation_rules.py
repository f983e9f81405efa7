"""What a phone's text brings about in a conversation: ratings, the automatic answer outside of hours of service."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.ids import MESSAGE
from whimbrel.domain import service_hours
from whimbrel.domain.conversations import NO_REACTION, Conversation, Desk, Reaction, arrivals, rating, reaction
from whimbrel.domain.model import Flag, Message
from whimbrel.domain.service_hours import Hours

SECOND = 1_000_000
HOUR = 3600 * SECOND
MONDAY = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()) * SECOND
OFFICE = Hours(start="09:00", end="17:00", days=(1, 2, 3, 4, 5))
DESK = Desk(hours=(OFFICE,), away_text="Back at nine.", question="How did we do?", thanks="Thank you.")


def text(said: str = "Hello", at: int = MONDAY, *, flags: int = 0, number: int = 1) -> Message:
    names = dict.fromkeys(Message.__struct_fields__)
    about = {
        "id": f"{MESSAGE}{number:032x}", "account_id": "AC1", "test": False, "direction": "in", "text": said,
        "flags": flags, "created_at": at, "recipient_hash": 1, "sender_hash": 2,
    }  # fmt: skip
    return Message(**(names | about))  # type: ignore[arg-type]


def talk(**about: int) -> Conversation:
    return msgspec.structs.replace(Conversation("CV1", "AC1", 0, 1, 2, "SM1", "SM1", 0), **about)


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("5", 5), (" 3 ", 3), ("1!", 1), ("4/5", 4), ("4 of 5", 4), ("4 von 5", 4), ("2 out of 5!", 2),
        ("\u2b50\u2b50\u2b50", 3), ("***", 3), ("5 \u2b50", 5), ("5\ufe0f\u20e3", 5), ("\u0664", 4), ("\uff15", 5),
        ("0", 0), ("6", 0), ("55", 0), ("10", 0), ("", 0), ("five", 0), ("2 pizzas", 0), ("1. December", 0),
        ("I give 5", 0), ("4/10", 0), ("******", 0), ("+15005550100", 0),
    ],
)  # fmt: skip
def test_what_is_a_rating(said: str, score: int) -> None:
    assert rating(said) == score


@given(st.text(max_size=40))
def test_any_text_is_a_rating_or_none(said: str) -> None:
    assert 0 <= rating(said) <= 5


@pytest.mark.parametrize(
    ("before", "message", "expected"),
    [
        (None, text(), NO_REACTION),  # Monday noon
        (None, text(at=MONDAY + 6 * HOUR), Reaction(0, "Back at nine.", True)),
        (None, text(at=MONDAY - 24 * HOUR), Reaction(0, "Back at nine.", True)),  # Sunday
        (talk(away_at=MONDAY + 5 * HOUR), text(at=MONDAY + 6 * HOUR), NO_REACTION),
        (talk(away_at=MONDAY + 5 * HOUR), text(at=MONDAY + 9 * HOUR), Reaction(0, "Back at nine.", True)),
        (None, text("STOP", MONDAY + 6 * HOUR, flags=Flag.KEYWORD_STOP), NO_REACTION),
        (talk(asked_at=MONDAY - HOUR), text("5"), Reaction(5, "Thank you.")),
        (talk(asked_at=MONDAY - HOUR), text("5", MONDAY + 6 * HOUR), Reaction(5, "Thank you.")),
        (talk(asked_at=MONDAY - 73 * HOUR), text("5"), NO_REACTION),
        (talk(asked_at=MONDAY - HOUR), text("Not good"), NO_REACTION),
        (talk(), text("5"), NO_REACTION),  # nobody asked
    ],
)
def test_what_a_text_brings_about(before: Conversation | None, message: Message, expected: Reaction) -> None:
    assert reaction(before, message, DESK) == expected


def test_closed_days_and_accounts_without_a_text() -> None:
    closed = msgspec.structs.replace(DESK, closed_on=("2026-11-30",))
    assert reaction(None, text(), closed).is_away
    assert reaction(None, text(at=MONDAY + 6 * HOUR), Desk(hours=(OFFICE,))) == NO_REACTION


def test_only_what_waits_for_an_answer_opens() -> None:
    stop, hello, rated = text(flags=Flag.KEYWORD_STOP), text(number=2, at=MONDAY + 1), text("5", number=3)
    (made,) = arrivals([stop, hello])
    assert (made.state, made.opens, made.at, made.waits_from, made.unread) == ("open", 1, MONDAY + 1, MONDAY + 1, 2)
    (made,) = arrivals([stop])
    assert (made.state, made.opens, made.waits_from, made.unread) == ("closed", 0, 0, 1)
    (made,) = arrivals([rated], rated=frozenset({rated.id}))
    assert (made.opens, made.unread) == (0, 0)
    (made,) = arrivals([text(flags=Flag.KEYWORD_STOP | Flag.KEYWORD_GUESSED)])
    assert made.opens == 1
    (made,) = arrivals([hello], read_before_us=MONDAY + 2)
    assert (made.state, made.opens, made.unread) == ("closed", 0, 0)


@pytest.mark.parametrize(
    ("hours", "member"),
    [
        (Hours(start="9:00", end="17:00"), "start"), (Hours(start="24:00", end="24:00"), "start"),
        (Hours(start="09:00", end="09:00"), "end"), (Hours(start="09:00", end="24:01"), "end"),
        (Hours(start="09:00", end="10:60"), "end"), (Hours(start="09:00", end="10:00", days=(0,)), "days"),
        (Hours(start="\u0660\u0669:00", end="10:00"), "start"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_hours(hours: Hours, member: str) -> None:
    wrong = service_hours.problem(hours)
    assert wrong is not None and wrong[0] == member


def test_hours_until_midnight_and_whole_days() -> None:
    assert service_hours.problem(late := Hours(start="22:00", end="24:00")) is None
    assert service_hours.is_open((late,), "UTC", (), MONDAY + 12 * HOUR - 1)
    assert not service_hours.is_open((late,), "UTC", (), MONDAY + 12 * HOUR)
    assert service_hours.is_day("2026-02-28") and not service_hours.is_day("2026-02-30")
    assert not service_hours.is_day("20260228")
    assert service_hours.is_zone("Europe/Berlin") and not service_hours.is_zone("Mars/Olympus")


@given(
    st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC"]),
    st.integers(0, 1438),
    st.integers(1, 1440),
    st.sets(st.integers(1, 7)),
)
def test_open_is_what_the_clock_on_the_wall_says(
    at: datetime, zone: str, start: int, length: int, days: set[int]
) -> None:
    end = min(start + length, 1440)
    hours = Hours(start=_clock(start), end=_clock(end), days=tuple(days))
    wall = at.astimezone(ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    expected = start <= minute < end and (not days or wall.isoweekday() in days)
    moment = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert service_hours.is_open((hours,), zone, (), moment) == expected


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
