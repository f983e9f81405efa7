"""Times of SMPP (clause 7.1.1): both forms, quarter hours either way, the shorter forms that peers send (T62)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.times import RELATIVE_MAX_S, BadTime, read_time, write_absolute, write_relative


def us(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000


NOW = us(2026, 11, 26, 12, 0, 0)
DAY = 86_400_000_000

READ = {
    "absolute UTC": ("261126130000000+", us(2026, 11, 26, 13)),
    "tenths": ("261126130000900+", us(2026, 11, 26, 13) + 900_000),
    "ahead of UTC by an hour": ("261126130000004+", us(2026, 11, 26, 12)),
    "ahead by five hours and three quarters": ("261126130000023+", us(2026, 11, 26, 7, 15)),
    "behind UTC by three hours and a half": ("261126130000014-", us(2026, 11, 26, 16, 30)),
    "the largest offset": ("261126130000048-", us(2026, 11, 27, 1)),
    "over the end of the year": ("270101000000008+", us(2026, 12, 31, 22)),
    "a leap day": ("280229000000000+", us(2028, 2, 29)),
    "the last century": ("991231235959000+", us(1999, 12, 31, 23, 59, 59)),
    "the nearest century": ("750101000000000+", us(2075, 1, 1)),
    "relative": ("000001020304000R", NOW + DAY + us(1970, 1, 1, 2, 3, 4)),
    "relative, all zero": ("000000000000000R", NOW),
    "relative with tenths": ("000000000001500R", NOW + 1_500_000),
    "relative in small letters": ("000000010000000r", NOW + 3_600_000_000),
    "relative days beyond a month": ("000099000000000R", NOW + 99 * DAY),
    "relative hours beyond a day": ("000000480000000R", NOW + 2 * DAY),
    "relative month": ("000100000000000R", us(2026, 12, 26, 12)),
    "relative year and months": ("010200000000000R", us(2028, 1, 26, 12)),
    "twelve digits": ("261126130000", us(2026, 11, 26, 13)),
    "twelve digits and R": ("000001000000R", NOW + DAY),
    "ten digits": ("2611261300", us(2026, 11, 26, 13)),
    "fourteen digits": ("20261126130000", us(2026, 11, 26, 13)),
    "blanks around": (" 261126130000000+ ", us(2026, 11, 26, 13)),
    "nothing": ("", None),
    "blanks": ("  ", None),
}


@pytest.mark.parametrize(("text", "at_us"), READ.values(), ids=READ.keys())
def test_read_time(text, at_us):
    assert read_time(text, NOW) == at_us


def test_a_month_from_a_long_month_ends_in_the_short_one():
    assert read_time("000100000000000R", us(2027, 1, 31)) == us(2027, 2, 28)
    assert read_time("010000000000000R", us(2028, 2, 29)) == us(2029, 2, 28)


GARBAGE = {
    "tenths of two digits": "2611261300001000+",
    "an offset beyond twelve hours": "261126130000049+",
    "month 13": "261326130000000+",
    "day 30 of February": "260230130000000+",
    "no leap day": "270229000000000+",
    "hour 24": "261126240000000+",
    "all zero and absolute": "000000000000000+",
    "ten zeros": "0000000000",
    "no sign": "261126130000000",
    "another sign": "261126130000000Z",
    "letters": "tomorrow",
    "other digits": "٢٦١١٢٦١٣٠٠٠٠",
    "a sign first": "+261126130000",
    "eleven digits": "26112613000",
    "ISO 8601": "2026-11-26T13:00",
    "year 0": "00001126130000",
    "before the calendar": "00010101000000-",
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_a_typed_error(text):
    with pytest.raises(BadTime):
        read_time(text, NOW)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_the_error(text):
    try:
        found = read_time(text, NOW)
    except CodecError:
        return
    assert found is None or isinstance(found, int)


@given(st.from_regex(r"\d{15}[-+R]", fullmatch=True, alphabet=st.characters(codec="ascii")), st.integers(0, 4 * 10**15))
def test_any_digits_are_a_time_or_the_error(text, now_us):
    try:
        assert isinstance(read_time(text, now_us), int)
    except CodecError:
        assert not text.endswith("R")


@given(st.integers(1, RELATIVE_MAX_S), st.integers(0, 4 * 10**15))
def test_relative_comes_back(seconds, now_us):
    text = write_relative(seconds)
    assert len(text) == 16
    assert read_time(text, now_us) == now_us + seconds * 1_000_000


@given(st.integers(us(1980, 1, 1), us(2070, 1, 1)))
def test_absolute_comes_back_to_the_tenth(at_us):
    text = write_absolute(at_us)
    assert len(text) == 16
    assert read_time(text, NOW) == at_us - at_us % 100_000


@given(st.integers(us(2000, 1, 1), us(2050, 1, 1)), st.integers(0, 9), st.integers(-48, 48))
def test_any_offset_is_the_same_instant(local_us, tenths, quarters):
    local = datetime.fromtimestamp(local_us // 1_000_000, UTC)
    text = f"{local:%y%m%d%H%M%S}{tenths}{abs(quarters):02d}{'-' if quarters < 0 else '+'}"
    at = local - timedelta(minutes=15 * quarters) + timedelta(milliseconds=100 * tenths)
    assert read_time(text, NOW) == round(at.timestamp() * 10) * 100_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "000000000001000R"),
        (-5, "000000000001000R"),
        (59, "000000000059000R"),
        (90_061, "000001010101000R"),
        (172_800, "000002000000000R"),
        (RELATIVE_MAX_S, "000099000000000R"),
        (RELATIVE_MAX_S + 1, "000099000000000R"),
    ],
)
def test_write_relative(seconds, text):
    assert write_relative(seconds) == text


def test_tenths_have_one_digit():
    assert write_absolute(NOW + 999_999) == "261126120000900+"
    assert write_absolute(NOW) == "261126120000000+"


def test_a_time_beyond_the_calendar_is_not_written():
    with pytest.raises(BadTime):
        write_absolute(10**18)
    with pytest.raises(BadTime):
        read_time("990000000000000R", us(9950, 1, 1))
