"""A carrier over HTTP against a provider over loopback: what it writes, and what becomes of each message for each way
in which a request can end. What counts is the provider's list: a message that may be there is never written again."""

import asyncio
import base64
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import pytest

from tests.net.http_rig import certificate_for
from whimbrel.carriers.http_sender import DOUBTS_MAX
from whimbrel.codec import segments, shifts, udh
from whimbrel.domain.model import MARKETING, OTP, TRANSACTIONAL

from .provider import FIELDS, HOUR_US, Drop, Hang, carrier, provider, says, until


async def test_a_message_is_one_request_of_json() -> None:
    async with provider() as peer, carrier(peer.port, auth="bearer", headers={"X-Ref": "{reference}"}) as bench:
        (reply,) = await bench.send(bench.part('Hi "you"\n{x}'))
    (heard,) = peer.heard
    assert heard.line == "POST /v1/messages HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["authorization"] == "Bearer secret"
    assert heard.headers["x-ref"] == "SM1-1"
    assert heard.json == {
        "to": "+447911123456",
        "from": "12025550100",
        "text": 'Hi "you"\n{x}',
        "ref": "SM1-1",
        "callback": "https://us.example/r",
    }
    assert (reply.kind, reply.carrier_message_id, reply.bind) == ("accepted", "P1", "tern")


async def test_a_form_and_basic_authentication() -> None:
    fields = {"To": "{to}", "Body": "{text}", "MediaUrl": "{media}", "Fixed": True, "None": "{callback}"}
    settings = {"encoding": "form", "fields": fields, "auth": "basic", "username": "AC1", "media": True}
    async with provider() as peer, carrier(peer.port, callback="", **settings) as bench:
        await bench.send(bench.part("a&b=c d", media=("https://m.example/1", "https://m.example/2")))
    (heard,) = peer.heard
    assert base64.b64decode(heard.headers["authorization"].removeprefix("Basic ")) == b"AC1:secret"
    assert parse_qsl(heard.body.decode()) == [
        ("To", "+447911123456"),
        ("Body", "a&b=c d"),
        ("MediaUrl", "https://m.example/1"),
        ("MediaUrl", "https://m.example/2"),
        ("Fixed", "true"),
    ]


async def test_a_get_has_everything_in_its_url() -> None:
    settings = {"method": "GET", "encoding": "query", "fields": {"t": "{text}"}, "username": "a b"}
    async with provider() as peer:
        url = f"http://127.0.0.1:{peer.port}/{{username}}/{{to}}?k={{password}}"
        async with carrier(peer.port, **settings | {"url": url}) as bench:
            (reply,) = await bench.send(bench.part("ä €&"))
    (heard,) = peer.heard
    method, target, _ = heard.line.split(" ")
    assert (method, urlsplit(target).path, heard.body) == ("GET", "/a%20b/%2B447911123456", b"")
    assert parse_qs(urlsplit(target).query)["k"] == ["secret"]
    assert "content-length" not in heard.headers
    assert reply.kind == "accepted"


@pytest.mark.parametrize("text", ["Grüße €[]", "Привет, 🐦", "a\nb"])
async def test_the_text_arrives_as_it_was_written(text: str) -> None:
    encoding = segments.measure(text).encoding
    octets = b"".join(segments.cut(text, encoding=encoding))
    async with provider() as peer, carrier(peer.port, fields=FIELDS | {"kind": "{encoding}"}) as bench:
        await bench.send(bench.part(octets=octets, encoding=encoding))
    assert peer.heard[0].json["text"] == text
    assert peer.heard[0].json["kind"] == encoding


async def test_a_text_in_national_tables_arrives_as_it_was_written() -> None:
    turkish = shifts.Shift(locking=1, single=1)
    text = "ışık ğ Ş"
    header = udh.build(udh.shift_elements(turkish))[1:]
    async with provider() as peer, carrier(peer.port, fields=FIELDS | {"kind": "{encoding}"}) as bench:
        await bench.send(bench.part(octets=shifts.encode(text, turkish), header=header))
    assert (peer.heard[0].json["text"], peer.heard[0].json["kind"]) == (text, "ucs2")


async def test_binary_goes_to_another_carrier() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        (reply,) = await bench.send(bench.part(octets=b"\x01\x02", encoding="binary"))
    assert (reply.kind, reply.reason, peer.heard) == ("refused_now", "carrier_unavailable", [])


async def test_what_has_expired_does_not_leave() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        replies = await bench.send(bench.part(expires_at=1), bench.part())
    assert [reply.kind for reply in replies] == ["expired", "accepted"]
    assert len(peer.heard) == 1


# Answers.

ANSWERS = [
    (says(200, {"id": 77}), {}, ("accepted", "77", None, None)),
    (says(202), {"answer_id": ""}, ("accepted", None, None, None)),
    (says(202), {}, ("in_doubt", None, "carrier_error", 202)),
    (says(200, {"messages": [{"mid": "a"}]}), {"answer_id": "messages[0].mid"}, ("accepted", "a", None, None)),
    (says(200, b"ID: a1"), {"answer_id": "@"}, ("accepted", "ID: a1", None, None)),
    (says(400, {"code": 21211}), {}, ("refused", None, "carrier_rejected", 400)),
    (says(409), {}, ("refused", None, "carrier_rejected", 409)),
    (says(401), {}, ("refused_now", None, "carrier_unavailable", 401)),
    (says(404), {}, ("refused_now", None, "carrier_unavailable", 404)),
    (says(301, location="https://x.example/"), {}, ("refused_now", None, "carrier_unavailable", 301)),
    (says(302, location="https://x.example/"), {}, ("in_doubt", None, "carrier_error", 302)),
    (says(500), {}, ("in_doubt", None, "carrier_error", 500)),
    (says(504), {}, ("in_doubt", None, "carrier_error", 504)),
    (says(500), {"statuses": {"500": "temporary"}}, ("refused_now", None, "carrier_unavailable", 500)),
    (
        says(400, {"code": 21211}),
        {"answer_code": "code", "statuses": {"21211": "invalid_destination"}},
        ("refused", None, "invalid_destination", 21211),
    ),
    (
        says(200, {"messages": [{"status": "0", "mid": "x"}]}),
        {"answer_code": "messages[0].status", "answer_ok": ("0",), "answer_id": "messages[0].mid"},
        ("accepted", "x", None, None),
    ),
    (
        says(200, {"messages": [{"status": "5"}]}),
        {"answer_code": "messages[0].status", "answer_ok": ("0",), "statuses": {"5": "doubt"}},
        ("in_doubt", None, "carrier_error", 5),
    ),
    (
        says(200, {"messages": [{"status": "29"}]}),
        {"answer_code": "messages[0].status", "answer_ok": ("0",)},
        ("refused", None, "carrier_rejected", 29),
    ),
    (says(200, b"<html>"), {"answer_code": "status", "answer_ok": ("0",)}, ("in_doubt", None, "carrier_error", 200)),
    (b"nonsense\r\n\r\n", {}, ("in_doubt", None, "carrier_error", None)),
    (Drop(), {}, ("in_doubt", None, "link_lost", None)),
    (Drop(b"HTTP/1.1 200 OK\r\ncontent-le"), {}, ("in_doubt", None, "link_lost", None)),
    (Drop(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), {}, ("in_doubt", None, "carrier_error", None)),
]


@pytest.mark.parametrize(("answer", "settings", "expected"), ANSWERS)
async def test_answers(answer, settings, expected) -> None:
    async with provider() as peer, carrier(peer.port, **settings) as bench:
        peer.answer = lambda _: answer
        (reply,) = await bench.send(bench.part())
        assert bench.carrier.health().in_flight == 0
    assert (reply.kind, reply.carrier_message_id, reply.reason, reply.status_code) == expected
    assert len(peer.heard) == 1


async def test_what_it_takes_without_an_id_is_told() -> None:
    settings = {"answer_code": "code", "answer_ok": ("0",)}
    async with provider() as peer, carrier(peer.port, **settings) as bench:
        peer.answer = lambda _: says(200, {"code": "0"})
        (reply,) = await bench.send(bench.part())
        assert (reply.kind, reply.carrier_message_id) == ("accepted", None)
        assert "without an id" in (bench.carrier.health().last_error or "")
        peer.answer = lambda _: says(200, {"code": "0", "id": "a"})
        await bench.send(bench.part())
        assert bench.carrier.health().last_error is None


async def test_a_silent_provider_leaves_it_in_doubt() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        await bench.send(bench.part())  # the next one leaves at once, on the connection that is kept
        sender = bench.carrier._sender
        sender._settings = msgspec.structs.replace(sender._settings, response_timeout_s=0.1)
        peer.answer = lambda _: Hang()
        (_, reply) = await bench.send(bench.part())
        await until(lambda: len(peer.heard) == 2)
    assert (reply.kind, reply.reason, len(peer.heard)) == ("in_doubt", "response_timeout", 2)


async def test_a_kept_connection_that_breaks_is_no_reason_to_send_again() -> None:
    """The HTTP client repeats such a request for webhooks; a text would come twice."""
    async with provider() as peer, carrier(peer.port) as bench:
        await bench.send(bench.part())
        peer.answer = lambda _: Drop()
        await bench.send(bench.part())
        peer.answer = lambda _: says(201, {"id": "z"})
        await bench.send(bench.part())
    assert bench.kinds() == [(1, "accepted"), (2, "in_doubt"), (3, "accepted")]
    assert len(peer.heard) == 3


async def test_429_waits_as_long_as_it_says_and_then_goes_again_with_the_same_reference() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        peer.answer = lambda heard: says(429, retry_after="60") if len(peer.heard) == 1 else says(201, {"id": "a"})
        part = bench.part()
        bench.carrier.submit([part])
        await until(lambda: bool(bench.carrier.health().throttled))
        assert bench.carrier._sender.room == 0
        assert bench.replies == []
        assert bench.carrier.unsent() == {part.message_id}
        assert 50 < bench.rested() <= 60
        (reply,) = await bench.answered(1)
    assert (reply.kind, reply.part.throttled) == ("accepted", 1)
    assert [heard.json["ref"] for heard in peer.heard] == ["SM1-1", "SM1-1"]


async def test_503_is_slower_and_no_doubt() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        peer.answer = lambda _: says(503) if len(peer.heard) == 1 else says(201, {"id": "a"})
        (reply,) = await bench.send(bench.part())
        assert bench.carrier.health().throttled == 1
    assert reply.kind == "accepted"


# Window, order, speed.


async def test_no_more_requests_are_under_way_than_the_window_has() -> None:
    async with provider() as peer, carrier(peer.port, window=3) as bench:
        peer.answer = lambda _: Hang()
        bench.carrier.submit([bench.part() for _ in range(5)])
        await until(lambda: len(peer.heard) == 3)
        health = bench.carrier.health()
        assert (health.in_flight, health.waiting, health.window, health.binds_up) == (3, 2, 3, 1)
        assert bench.carrier.room(TRANSACTIONAL) == 0
    assert sorted(bench.kinds()) == [
        (1, "in_doubt"),
        (2, "in_doubt"),
        (3, "in_doubt"),
        (4, "withdrawn"),
        (5, "withdrawn"),
    ]
    assert len(peer.heard) == 3


async def test_codes_go_first_and_the_last_places_are_kept_from_marketing() -> None:
    async with provider() as peer, carrier(peer.port, window=10) as bench:
        peer.answer = lambda _: Hang()
        bench.carrier.submit([bench.part(priority=MARKETING) for _ in range(10)])
        await until(lambda: len(peer.heard) == 9)
        bench.carrier.submit([bench.part(priority=OTP)])
        await until(lambda: len(peer.heard) == 10)
        assert peer.heard[-1].json["ref"] == "SM11-11"


async def test_connections_are_used_again() -> None:
    async with provider() as peer, carrier(peer.port, window=2) as bench:
        for _ in range(5):
            await bench.send(*[bench.part() for _ in range(4)])
        assert len(peer._writers) == 2
    assert bench.kinds() == [(n, "accepted") for n in range(1, 21)]


# Trouble.


async def test_a_provider_that_is_gone_gets_its_messages_when_it_is_back() -> None:
    """Nothing left, so all goes back to the queue; none is used to find out when it is there again."""
    async with provider() as peer, carrier(peer.port, window=2) as bench:
        await peer.close()
        replies = await bench.send(*[bench.part() for _ in range(3)])
        assert {(reply.kind, reply.reason) for reply in replies} == {("withdrawn", "not_sent")}
        health = bench.carrier.health()
        assert (health.state, health.binds_up, bench.carrier.room(OTP)) == ("connecting", 0, 0)
        assert (health.last_error or "").startswith("connect_failed: ")
        bench.carrier.submit([bench.part()])  # committed as it went down
        assert bench.replies[-1].kind == "withdrawn"
        await peer.open()
        await until(lambda: bench.carrier.health().binds_up == 1)
        assert bench.carrier.health().last_error is None
        await bench.send(bench.part())
    assert bench.replies[-1].kind == "accepted"
    assert len(peer.heard) == 1


async def test_it_may_say_itself_who_asks() -> None:
    async with provider() as peer, carrier(peer.port, headers={"User-Agent": "Curlew/2"}) as bench:
        (reply,) = await bench.send(bench.part())
    assert (reply.kind, peer.heard[0].headers["user-agent"]) == ("accepted", "Curlew/2")


async def test_a_request_that_cannot_be_made_goes_to_another_carrier_and_says_nothing_of_this_one() -> None:
    """Nothing that is looked at would mend it: taken for one that is not there, it would come back for ever."""
    settings = {"headers": {"X-Sender": "{from}"}, "fields": {"to": "{to}", "text": "{text}"}}
    async with provider() as peer, carrier(peer.port, **settings) as bench:
        await bench.send(bench.part())
        replies = await bench.send(bench.part(source="\ud800"))
        health = bench.carrier.health()
    assert [(reply.kind, reply.reason) for reply in replies] == [
        ("accepted", None),
        ("refused_now", "carrier_unavailable"),
    ]
    assert (health.binds_up, health.last_error) == (1, "bad_url: a header holds what is no character")
    assert len(peer.heard) == 1


async def test_one_that_lets_everything_in_doubt_is_left_alone_but_for_one_request() -> None:
    async with provider() as peer, carrier(peer.port, window=1, reconnect_min_s=600, reconnect_max_s=900) as bench:
        peer.answer = lambda _: says(500)
        bench.carrier.submit([bench.part() for _ in range(DOUBTS_MAX + 2)])
        await bench.answered(DOUBTS_MAX)
        assert bench.carrier.health().binds_up == 0
        assert bench.carrier.health().last_error == "answered 500"
        assert 300 <= bench.rested() <= 600
        await bench.answered(DOUBTS_MAX + 1)  # one tries
        peer.answer = lambda _: says(201, {"id": "a"})
        assert 450 <= bench.rested() <= 900
        await bench.answered(DOUBTS_MAX + 2)
        assert bench.carrier.health().binds_up == 1
        assert bench.carrier.health().last_error is None
    assert [kind for _, kind in bench.kinds()] == ["in_doubt"] * (DOUBTS_MAX + 1) + ["accepted"]
    assert len(peer.heard) == DOUBTS_MAX + 2


async def test_while_more_than_one_is_under_way_no_request_tries() -> None:
    """Room below zero would be tokens that the outbox gives back to its rate."""
    async with provider() as peer, carrier(peer.port, reconnect_min_s=600, reconnect_max_s=600) as bench:
        peer.answer = lambda heard: Hang() if heard.json["text"] == "slow" else says(500)
        bench.carrier.submit([bench.part("slow"), bench.part("slow")])
        bench.carrier.submit([bench.part() for _ in range(DOUBTS_MAX)])
        await bench.answered(DOUBTS_MAX)
        bench.rested()
        assert (bench.carrier._sender.in_flight, bench.carrier._sender.room) == (2, 0)
        bench.carrier.submit([bench.part()])
        assert len(bench.carrier._outbox) == 1
        assert len(peer.heard) == DOUBTS_MAX + 2


async def test_while_one_request_tries_marketing_has_its_place_too() -> None:
    async with provider() as peer, carrier(peer.port, window=20, reconnect_min_s=600, reconnect_max_s=600) as bench:
        peer.answer = lambda _: says(500)
        await bench.send(*[bench.part(priority=MARKETING) for _ in range(DOUBTS_MAX)])
        bench.carrier.submit([bench.part(priority=MARKETING) for _ in range(3)])
        peer.answer = lambda _: says(201, {"id": "a"})
        bench.rested()
        await bench.answered(DOUBTS_MAX + 3)
        assert bench.carrier.health().state == "up"


async def test_a_key_that_is_refused_fails_four_texts_and_the_others_wait() -> None:
    """As at a carrier over SMPP that refuses our name."""
    async with provider() as peer, carrier(peer.port, window=1, reconnect_min_s=600, reconnect_max_s=900) as bench:
        peer.answer = lambda _: says(401)
        replies = await bench.send(*[bench.part() for _ in range(DOUBTS_MAX + 3)])
        told = [(reply.kind, reply.reason, reply.status_code) for reply in replies]
        waits = [("withdrawn", "not_sent", 401)] + [("withdrawn", "not_sent", None)] * 3
        assert told == [("refused_now", "carrier_unavailable", 401)] * (DOUBTS_MAX - 1) + waits
        health = bench.carrier.health()
        assert (health.state, health.binds_up, health.last_error) == ("connecting", 0, "answered 401")
        assert (health.connections[0].state, health.waiting) == ("waiting", 0)
        assert [bench.carrier.room(each) for each in (OTP, TRANSACTIONAL, MARKETING)] == [0, 0, 0]
        await bench.send(bench.part())  # committed as it was refused
        assert (bench.replies[-1].kind, len(peer.heard)) == ("withdrawn", DOUBTS_MAX)

        assert 300 <= bench.rested() <= 600
        assert [bench.carrier.room(each) for each in (OTP, TRANSACTIONAL, MARKETING)] == [1, 1, 1]
        await bench.send(bench.part())
        assert (bench.replies[-1].kind, bench.replies[-1].status_code) == ("withdrawn", 401)
        assert bench.carrier.room(OTP) == 0
        assert 450 <= bench.rested() <= 900

        peer.answer = lambda _: says(201, {"id": "a"})
        await bench.send(bench.part())
        health = bench.carrier.health()
        assert (health.state, health.last_error, bench.replies[-1].kind) == ("up", None, "accepted")
        peer.answer = lambda _: says(401)  # counted anew, and its rest is short again
        await bench.send(*[bench.part() for _ in range(DOUBTS_MAX)])
        assert [reply.kind for reply in bench.replies[-DOUBTS_MAX:]] == ["refused_now"] * 4 + ["withdrawn"]
        assert bench.rested() <= 600
    assert len(peer.heard) == DOUBTS_MAX + 2 + DOUBTS_MAX


async def test_of_a_window_that_is_refused_all_but_four_go_back_and_then_one_tries_at_a_time() -> None:
    async with provider() as peer, carrier(peer.port, window=20, reconnect_min_s=600, reconnect_max_s=600) as bench:
        peer.answer = lambda _: says(308, location="https://other.example/")
        replies = await bench.send(*[bench.part(priority=MARKETING) for _ in range(30)])
        assert [reply.kind for reply in replies].count("refused_now") == DOUBTS_MAX - 1
        assert [reply.kind for reply in replies].count("withdrawn") == 30 - (DOUBTS_MAX - 1)
        left = len(peer.heard)
        assert left <= 20
        peer.answer = lambda _: Hang()
        bench.rested()
        assert bench.carrier.room(MARKETING) == 1  # none ahead of the one that tries
        bench.carrier.submit([bench.part(priority=MARKETING), bench.part()])
        await until(lambda: len(peer.heard) == left + 1)
        assert bench.carrier.room(OTP) == 0
        assert bench.carrier.health().in_flight == 1


async def test_refusals_of_our_account_between_other_answers_are_those_of_single_texts() -> None:
    ends = {"taken": says(201, {"id": "a"}), "bad": says(400), "key": says(401), "fault": says(500)}
    texts = [*["key"] * 4, "taken", *["key"] * 4, "bad", *["key"] * 3, "fault"]
    kinds = {"taken": "accepted", "bad": "refused", "key": "refused_now", "fault": "in_doubt"}
    async with provider() as peer, carrier(peer.port, window=1) as bench:
        peer.answer = lambda heard: ends[heard.json["text"]]
        await bench.send(*[bench.part(text) for text in texts])
        assert bench.carrier.health().binds_up == 1
    assert bench.kinds() == [(n, kinds[text]) for n, text in enumerate(texts, 1)]


@pytest.mark.parametrize(("status", "settings"), [(404, {"statuses": {"404": "temporary"}}), (403, {})])
async def test_a_status_that_speaks_of_the_text_is_no_reason_to_rest(status: int, settings: dict[str, object]) -> None:
    async with provider() as peer, carrier(peer.port, **settings) as bench:
        peer.answer = lambda _: says(status)
        replies = await bench.send(*[bench.part() for _ in range(DOUBTS_MAX * 2)])
        assert {reply.kind for reply in replies} == {"refused_now"}
        assert bench.carrier.health().binds_up == 1


async def test_the_request_that_tries_may_hear_that_the_key_is_refused_too() -> None:
    async with provider() as peer, carrier(peer.port, reconnect_min_s=600, reconnect_max_s=600) as bench:
        peer.answer = lambda _: says(500, connection="close")
        await bench.send(*[bench.part() for _ in range(DOUBTS_MAX)])
        peer.answer = lambda _: says(401, connection="close")
        bench.rested()
        await bench.send(bench.part())
        assert (bench.replies[-1].kind, bench.carrier.room(OTP)) == ("withdrawn", 0)
        await peer.close()
        bench.rested()
        await bench.send(bench.part())
        assert (bench.replies[-1].kind, bench.carrier.room(OTP)) == ("withdrawn", 0)
        assert (bench.carrier.health().last_error or "").startswith("connect_failed: ")
        assert bench.carrier._sender._rest is None  # it is looked at instead


async def test_what_is_said_against_our_account_is_told_to_the_operator() -> None:
    async with provider() as peer, carrier(peer.port, answer_code="error") as bench:
        peer.answer = lambda _: says(401, {"error": "bad key"})
        await bench.send(bench.part())
        assert bench.carrier.health().last_error == "answered 401 (bad key)"
        peer.answer = lambda _: says(201, {"id": "a"})
        await bench.send(bench.part())
        assert bench.carrier.health().last_error is None


async def test_a_word_that_no_setting_names_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"answer_code": "error", "statuses": {"E2": "barred", "E3": "carrier_rejected"}}
    async with provider() as peer, carrier(peer.port, **settings) as bench:
        for word in ("E1", "E1", "E2", "E3", "E9"):
            peer.answer = lambda _, word=word: says(400, {"error": word})
            await bench.send(bench.part())
    told = [(record.word, record.status) for record in caplog.records if "do not name" in record.message]
    assert told == [("E1", 400), ("E9", 400)]


async def test_who_may_submit_no_more_gives_back_what_has_not_left() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        bench.may_submit = False
        assert bench.carrier.room(OTP) == 0
        (reply,) = await bench.send(bench.part())
    assert (reply.kind, peer.heard) == ("withdrawn", [])


# TLS.


async def test_a_provider_whose_certificate_nobody_knows_is_trusted_by_its_file(tmp_path: Path) -> None:
    serving, _ = certificate_for("localhost", tmp_path)
    async with provider(serving) as peer:
        url = f"https://localhost:{peer.port}/messages"
        async with carrier(peer.port, url=url) as bench:
            (reply,) = await bench.send(bench.part())
            assert reply.kind == "withdrawn"
            assert (bench.carrier.health().last_error or "").startswith("tls_failed: ")
        pem = str(tmp_path / "server.pem")
        for trusting in ({"tls_ca_file": pem}, {"tls_verify": False}):
            async with carrier(peer.port, url=url, **trusting) as bench:
                assert [reply.kind for reply in await bench.send(bench.part())] == ["accepted"]
        async with carrier(peer.port, url=url, tls_ca_file=str(tmp_path / "none.pem")) as bench:
            (reply,) = await bench.send(bench.part())
            assert reply.kind == "withdrawn"
            assert "none.pem cannot be read" in (bench.carrier.health().last_error or "")
    assert len(peer.heard) == 2


# Stopping.


async def test_it_waits_for_answers_under_way_when_it_stops() -> None:
    async with provider() as peer, carrier(peer.port, window=1) as bench:
        peer.answer = lambda _: Hang()
        bench.carrier.submit([bench.part(), bench.part()])
        await until(lambda: len(peer.heard) == 1)
        stopping = asyncio.get_running_loop().create_task(bench.carrier.stop(30.0))
        await until(lambda: bool(bench.replies))
        (writer,) = peer._writers
        writer.write(says(201, {"id": "a"}))
        await stopping
        bench.carrier.submit([bench.part()])
    assert bench.kinds() == [(1, "accepted"), (2, "withdrawn"), (3, "withdrawn")]


async def test_without_time_nothing_leaves_any_more() -> None:
    """The lease is lost: a connection that is being opened must not bring a request that another node makes too."""
    async with provider() as peer, carrier(peer.port) as bench:
        bench.carrier.submit([bench.part() for _ in range(3)])  # their connections are not open yet
        await bench.carrier.stop(0.0)
        await bench.carrier.stop(1.0)
        async with carrier(peer.port) as later:  # what had left before it would be heard before it
            await later.send(later.part("later"))
    assert bench.kinds() == [(n, "withdrawn") for n in (1, 2, 3)]
    assert [heard.json["text"] for heard in peer.heard] == ["later"]


async def test_a_request_that_is_told_to_wait_while_it_stops_goes_back() -> None:
    async with provider() as peer, carrier(peer.port) as bench:
        peer.answer = lambda _: Hang()
        bench.carrier.submit([bench.part(expires_at=bench.clock.now_us() + HOUR_US)])
        await until(lambda: len(peer.heard) == 1)
        stopping = asyncio.get_running_loop().create_task(bench.carrier.stop(30.0))
        await asyncio.sleep(0)
        (writer,) = peer._writers
        writer.write(says(429))
        await stopping
    assert bench.kinds() == [(1, "withdrawn")]
