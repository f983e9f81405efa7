"""Inbound texts on a real SQLite: stored once, long ones joined in any order, keywords in effect with the text."""

import itertools

import msgspec
import pytest
from after_submit import ACCOUNT, CARRIER, HOUR, OTHER, SECOND, START

from whimbrel.base.limits import INBOUND_PART_WAIT_S
from whimbrel.codec import gsm7
from whimbrel.domain.model import Flag
from whimbrel.store.interface import InboundRow

MINUTE = 60 * SECOND
WAIT = INBOUND_PART_WAIT_S * SECOND


class Phone:
    """Texts with ids and fingerprints of their own, as the journey makes them."""

    def __init__(self):
        self.made = 0

    def text(self, text, *, session="s1", at=START, fingerprint=None, **more):
        self.made += 1
        fields = {
            "carrier_id": CARRIER,
            "account_id": ACCOUNT,
            "test": False,
            "source": "+15005550901",
            "destination": "+15005550000",
            "source_hash": 11,
            "destination_hash": 22,
            "encoding": "gsm7",
            "opt_out_id": f"OO{self.made:032x}",
            "masked": "+1500*****01",
        }
        fields = {**fields, **more}
        is_wide = fields["encoding"] == "ucs2"
        fields.setdefault("octets", text.encode("utf-16-be") if is_wide else gsm7.encode(text))
        fields.setdefault("data_coding", 8 if is_wide else 0)
        print_ = fingerprint or hash((text, more.get("reference", 0), more.get("number", 1), more.get("total", 1))) >> 2
        return InboundRow(
            message_id=f"SM{0xF000 + self.made:032x}",
            session=session,
            fingerprint=print_,
            text=text,
            at=at,
            **fields,
        )

    def part(self, number, text, *, total=3, reference=5, **more):
        return self.text(text, total=total, reference=reference, number=number, **more)


@pytest.fixture
def phone():
    return Phone()


def texts(rig):
    return rig.all("SELECT text FROM messages WHERE direction = 'in' ORDER BY id")


def stops(rig):
    return rig.all("SELECT number_hash FROM opt_outs WHERE account_id = ?", ACCOUNT)


def test_a_text_is_stored_with_its_event(rig, phone):
    row = phone.text("hello")
    assert rig.inbound(row) == ["stored"]
    columns = (
        "state, direction, sender, recipient, text, segments, carrier_id, created_at, final_at, sender_hash, flags"
    )
    assert rig.message(row.message_id, columns) == (
        "received",
        "in",
        "+15005550901",
        "+15005550000",
        "hello",
        1,
        CARRIER,
        START,
        START,
        11,
        0,
    )
    assert rig.events(row.message_id) == ["received"]
    assert rig.last_data(row.message_id) == {}


def test_a_text_to_nobody_is_counted_and_not_stored(rig, phone):
    assert rig.inbound(phone.text("hello", account_id=None), phone.text("hi")) == ["nobody", "stored"]
    assert rig.inbound(phone.text("hello", account_id=None)) == ["nobody"]
    assert texts(rig) == ["hi"]
    assert rig.one("SELECT COUNT(*) FROM inbound_seen") == 1


REPEATS = {
    # what differs in the second text: result
    "on another connection soon after": ({"session": "s2", "at": START + 9 * MINUTE}, "repeated"),
    "on the same connection": ({"at": START + MINUTE}, "stored"),
    "on another connection much later": ({"session": "s2", "at": START + 11 * MINUTE}, "stored"),
    "by another carrier": ({"session": "s2", "carrier_id": OTHER}, "stored"),
    "another text": ({"session": "s2", "fingerprint": 4}, "stored"),
    "the same id, the same connection": ({"has_id": True, "at": START + MINUTE}, "repeated"),
    "the same id hours later": ({"has_id": True, "at": START + 23 * 60 * MINUTE}, "repeated"),
    "the same id days later": ({"has_id": True, "at": START + 25 * 60 * MINUTE}, "stored"),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize(("changes", "result"), REPEATS.values(), ids=REPEATS)
def test_repetitions(rig, phone, changes, result, together):
    rows = [phone.text("ok", fingerprint=3), phone.text("ok", **{"fingerprint": 3, **changes})]
    results = rig.inbound(*rows) if together else [rig.inbound(row)[0] for row in rows]
    assert results == ["stored", result]
    assert len(texts(rig)) == 1 + (result == "stored")


def test_after_a_repetition_the_new_connection_may_bring_a_new_text(rig, phone):
    sessions = ["s1", "s2", "s2"]
    results = [rig.inbound(phone.text("ok", session=s, at=START + n)) for n, s in enumerate(sessions)]
    assert results == [["stored"], ["repeated"], ["stored"]]


def test_the_same_row_handed_in_again_is_a_repetition(rig, phone):
    row = phone.text("hello")
    assert rig.inbound(row) == ["stored"]
    assert rig.inbound(row) == ["repeated"]


# long texts


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])), ids=str)
def test_parts_in_any_order(rig, phone, order, together):
    rows = [phone.part(n, "abc"[n - 1], session=f"s{n}", at=START + i) for i, n in enumerate(order)]
    results = rig.inbound(*rows) if together else [rig.inbound(row)[0] for row in rows]
    assert results == ["waiting", "waiting", "stored"]
    assert texts(rig) == ["abc"]
    assert rig.message(rows[-1].message_id, "segments, flags") == (3, 0)
    assert rig.one("SELECT COUNT(*) FROM inbound_parts") == 0


PARTS = {
    # parts as (number, text, changes): results, stored texts, parts that still wait
    "a part twice": (
        [(1, "a", {}), (1, "a", {}), (2, "b", {}), (3, "c", {})],
        ["waiting", "repeated", "waiting", "stored"],
        ["abc"],
        0,
    ),
    "a part twice in other octets": (
        [(1, "a", {}), (1, "a", {"fingerprint": 99}), (2, "b", {}), (3, "c", {})],
        ["waiting", "repeated", "waiting", "stored"],
        ["abc"],
        0,
    ),
    "a part again after all": (
        [(1, "a", {}), (2, "b", {}), (3, "c", {}), (2, "b", {})],
        ["waiting", "waiting", "stored", "repeated"],
        ["abc"],
        0,
    ),
    "the reference used again": (
        [(1, "a", {}), (2, "b", {}), (1, "A", {}), (2, "B", {}), (3, "C", {})],
        ["waiting", "waiting", "waiting", "waiting", "stored"],
        ["ab", "ABC"],
        0,
    ),
    "two phones with one reference": (
        [(1, "a", {}), (1, "x", {"source_hash": 12}), (2, "b", {}), (3, "c", {})],
        ["waiting", "waiting", "waiting", "stored"],
        ["abc"],
        1,
    ),
    "another total": (
        [(1, "a", {}), (2, "y", {"total": 2}), (1, "x", {"total": 2})],
        ["waiting", "waiting", "stored"],
        ["xy"],
        1,
    ),
    "number 0 and a number above the total": (
        [(0, "a", {}), (4, "b", {})],
        ["stored", "stored"],
        ["a", "b"],
        0,
    ),
    "a part that comes too late for the others": (
        [(1, "a", {}), (2, "b", {"at": START + WAIT + 1}), (3, "c", {"at": START + WAIT + 2})],
        ["waiting", "waiting", "waiting"],
        ["a"],
        2,
    ),
    "parts of two encodings": (
        [(1, "a", {}), (2, "б", {"encoding": "ucs2"}), (3, "c", {})],
        ["waiting", "waiting", "stored"],
        ["aбc"],
        0,
    ),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize(("parts", "results", "stored", "left"), PARTS.values(), ids=PARTS)
def test_parts(rig, phone, parts, results, stored, left, together):
    rows = [phone.part(number, text, **changes) for number, text, changes in parts]
    found = rig.inbound(*rows) if together else [rig.inbound(row)[0] for row in rows]
    assert found == results
    assert texts(rig) == stored
    assert rig.one("SELECT COUNT(*) FROM inbound_parts") == left


def test_what_was_left_incomplete_is_marked(rig, phone):
    rig.inbound(phone.part(1, "a"), phone.part(1, "A"))
    assert rig.one("SELECT text, segments, flags FROM messages") == ("a", 1, int(Flag.PARTIAL))


def test_parts_that_wait_in_vain_are_delivered_as_they_are(rig, phone):
    rig.inbound(
        phone.part(3, "c"), phone.part(1, "a", at=START + MINUTE), phone.part(1, "x", reference=6, at=START + HOUR)
    )
    assert rig.flush_parts(START + WAIT) == 0
    assert rig.flush_parts(START + WAIT + 1) == 1
    assert rig.one("SELECT text, segments, flags FROM messages") == ("ac", 2, int(Flag.PARTIAL))
    assert rig.flush_parts(START + WAIT + 2) == 0
    assert rig.one("SELECT reference FROM inbound_parts") == 6


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the other way round"])
def test_a_character_cut_between_two_parts_is_whole(rig, phone, order, together):
    bird = "🐦".encode("utf-16-be")
    halves = [
        phone.part(1, "\ufffd", total=2, octets=bird[:2], encoding="ucs2"),
        phone.part(2, "\ufffd", total=2, octets=bird[2:], encoding="ucs2"),
    ]
    rows = [halves[place] for place in order]
    for batch in [rows] if together else [[row] for row in rows]:
        rig.inbound(*batch)
    assert texts(rig) == ["🐦"]


def test_half_a_character_that_waits_in_vain_is_delivered(rig, phone):
    rig.inbound(phone.part(1, "a\ufffd", octets=b"\0a\xd8\x3d", encoding="ucs2"))
    assert rig.flush_parts(START + WAIT + 1) == 1
    assert texts(rig) == ["a\ufffd"]


def test_a_part_that_the_first_release_stored_joins_those_of_this_one(rig, phone):
    rig.inbound(phone.part(1, "€a", total=2, octets=None))
    rig.inbound(phone.part(2, "b", total=2))
    assert texts(rig) == ["€ab"]


# keywords


def test_stop_takes_effect_with_the_text(rig, phone):
    row = phone.text("Stop!")
    rig.inbound(row)
    assert rig.one("SELECT id, number_hash, masked, source FROM opt_outs") == (
        row.opt_out_id,
        11,
        "+1500*****01",
        "keyword",
    )
    assert rig.message(row.message_id, "flags") == Flag.KEYWORD_STOP
    assert rig.last_data(row.message_id) == {"keyword": "stop"}
    assert rig.events(row.opt_out_id) == ["opt_out.created"]
    assert rig.last_data(row.opt_out_id) == {"source": "keyword", "message_id": row.message_id}


def test_a_stop_in_other_words_takes_effect_and_is_marked(rig, phone):
    row = phone.text("please don't text me any more")
    rig.inbound(row)
    assert rig.one("SELECT id, source FROM opt_outs") == (row.opt_out_id, "phrase")
    assert rig.message(row.message_id, "flags") == Flag.KEYWORD_STOP | Flag.KEYWORD_GUESSED
    assert rig.last_data(row.message_id) == {"keyword": "stop", "level": "phrase"}
    assert rig.last_data(row.opt_out_id) == {"source": "phrase", "message_id": row.message_id}


def test_start_takes_it_back(rig, phone):
    stop = phone.text("STOP")
    rig.inbound(stop)
    start = phone.text("START")
    rig.inbound(start)
    assert stops(rig) == []
    assert rig.events(stop.opt_out_id) == ["opt_out.created", "opt_out.deleted"]
    assert rig.message(start.message_id, "flags") == Flag.KEYWORD_START


TALKS = {
    # texts of one phone: is it opted out at the end, the keywords that counted
    "stop": (["STOP"], True, ["stop"]),
    "stop twice": (["STOP", "stop"], True, ["stop", "stop"]),
    "stop, start": (["STOP", "START"], False, ["stop", "start"]),
    "stop, start, stop": (["STOP", "unstop", "End"], True, ["stop", "start", "stop"]),
    "stop, yes": (["STOP", "Yes"], False, ["stop", "start"]),
    "yes without a stop": (["yes"], False, [None]),
    "yes after start": (["STOP", "START", "yes"], False, ["stop", "start", None]),
    "start without a stop": (["START"], False, ["start"]),
    "help": (["Help"], False, ["help"]),
    "an ordinary text": (["please stop by at six"], False, [None]),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one by one"])
@pytest.mark.parametrize(("said", "is_out", "words"), TALKS.values(), ids=TALKS)
def test_talks(rig, phone, said, is_out, words, together):
    rows = [phone.text(text, at=START + place) for place, text in enumerate(said)]
    for batch in [rows] if together else [[row] for row in rows]:
        rig.inbound(*batch)
    assert stops(rig) == ([11] if is_out else [])
    assert [rig.last_data(row.message_id).get("keyword") for row in rows] == words


def test_a_stop_in_parts_counts(rig, phone):
    rig.inbound(phone.part(2, "op", total=2), phone.part(1, "st", total=2))
    assert stops(rig) == [11]


def test_a_repeated_stop_is_not_heard_again(rig, phone):
    rows = [phone.text("STOP"), phone.text("START", at=START + 1), phone.text("STOP", session="s2", at=START + 2)]
    assert rig.inbound(*rows) == ["stored", "stored", "repeated"]
    assert stops(rig) == []


def test_a_stop_holds_for_its_account_only(rig, phone):
    rig.inbound(phone.text("STOP"), phone.text("STOP", account_id="AC2", fingerprint=8))
    assert rig.all("SELECT account_id, number_hash FROM opt_outs ORDER BY account_id") == [(ACCOUNT, 11), ("AC2", 11)]
    rig.inbound(phone.text("START", account_id="AC2", fingerprint=9))
    assert rig.all("SELECT account_id FROM opt_outs") == [ACCOUNT]


def test_media_that_came_with_a_text_are_its_media(rig, phone):
    media = ((f"ME{1:032x}", "image/png"), (f"ME{2:032x}", "text/vcard"))
    row = phone.text("look", media=media)
    assert rig.inbound(row, phone.text("plain")) == ["stored", "stored"]
    options = rig.message(row.message_id, "options")
    assert msgspec.json.decode(options) == {
        "media": [f"ME{1:032x}", f"ME{2:032x}"],
        "media_types": ["image/png", "text/vcard"],
    }
    uses = rig.all("SELECT message_id, place, media_id, account_id FROM message_media ORDER BY place")
    assert uses == [(row.message_id, place, media_id, ACCOUNT) for place, (media_id, _) in enumerate(media)]
