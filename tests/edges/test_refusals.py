"""What is wrong with a request, as a table: the status, the code, the place that the problem points at; and that
nothing was stored.
"""

import msgspec
import pytest
import pytest_asyncio

from whimbrel.base.errors import CATALOGUE
from whimbrel.store.interface import Search

from .edge_rig import NUMBER, running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = {"to": NUMBER, "text": "Hello"}
JSON = {"Content-Type": "application/json"}
DEEP = b'{"to":"+14155550123","text":"x","metadata":{"a":' + b"[" * 50_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("refusals")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each row of the tables."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


async def nothing_stored(edge):
    search = Search(account_id=edge.customer.id, test=False)
    return await edge.app.store.search(search, 1) == []


def pointers(answer):
    return [error["pointer"] for error in answer.json.get("errors", [])]


MALFORMED = [
    ("empty", b""),
    ("half an object", b'{"to":"+1'),
    ("two objects", b"{}{}"),
    ("not UTF-8", b'{"to":"\xff","text":"x"}'),
    ("UTF-16", '{"to":"+14155550123","text":"x"}'.encode("utf-16")),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("half a surrogate pair", b'{"to":"+14155550123","text":"\\ud83d"}'),
    ("control character in a string", b'{"to":"+1\x004155550123","text":"x"}'),
    ("NaN", b'{"to":"+14155550123","text":"x","validity":NaN}'),
    ("nested 50,000 deep", DEEP),
    ("a member twice", b'{"to":"+14155550123","to":"+14155550124","text":"x"}'),
    ("a member twice, once escaped", b'{"to":"+14155550123","\\u0074o":"+14155550124","text":"x"}'),
]


@pytest.mark.parametrize("body", [pytest.param(body, id=label) for label, body in MALFORMED])
async def test_a_body_that_is_no_json(edge, body):
    answer = await edge.ask("POST", "/v1/messages", data=body, headers=JSON)
    assert (answer.status, answer.code) == (400, "malformed_json")
    assert await nothing_stored(edge)


FIELDS = [
    ("unknown field", GOOD | {"colour": "red"}, "/colour"),
    ("wrong type", GOOD | {"text": 7}, "/text"),
    ("number as text", GOOD | {"validity": "60"}, "/validity"),
    ("float for an integer", GOOD | {"validity": 1.5}, "/validity"),
    ("an object for a list", GOOD | {"tags": {"a": 1}}, "/tags"),
    ("a number in a list", GOOD | {"tags": ["a", 7]}, "/tags/1"),
    ("no time zone", GOOD | {"send_at": "2030-01-31T12:00:00"}, "/send_at"),
    ("too many parts asked for", GOOD | {"max_parts": 50}, "/max_parts"),
    ("unknown word", GOOD | {"on_doubt": "retry"}, "/on_doubt"),
    ("price that is no number", GOOD | {"max_price": "cheap"}, "/max_price"),
    ("account of another", GOOD | {"account_id": "AC0"}, "/account_id"),
    ("a list", [GOOD], ""),
]


@pytest.mark.parametrize(("body", "pointer"), [pytest.param(b, p, id=label) for label, b, p in FIELDS])
async def test_a_field_that_cannot_be(edge, body, pointer):
    answer = await edge.post("/v1/messages", body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert pointers(answer) == [pointer]
    assert await nothing_stored(edge)


MESSAGES = [
    ("no recipient", {"text": "x"}, "recipient_missing", "/to"),
    ("not a number", GOOD | {"to": "hello"}, "invalid_number", "/to"),
    ("impossible number", GOOD | {"to": "+14155"}, "invalid_number", "/to"),
    ("number without country", GOOD | {"to": "4155550123"}, "invalid_number", "/to"),
    ("no text", {"to": NUMBER}, "text_missing", "/text"),
    ("empty text", GOOD | {"text": ""}, "text_missing", "/text"),
    ("white space only", GOOD | {"text": " \n"}, "text_missing", "/text"),
    ("over-long text", GOOD | {"text": "x" * 1601}, "text_too_long", "/text"),
    ("more parts than wished", GOOD | {"text": "x" * 161, "max_parts": 1}, "too_many_parts", "/text"),
    ("control character", GOOD | {"text": "a\u0007b"}, "invalid_text", "/text"),
    ("sender of nobody", GOOD | {"sender": "+12025550199"}, "sender_not_allowed", "/sender"),
    ("no sender at all", GOOD | {"sender": "ThisNameIsFarTooLong"}, "invalid_sender", "/sender"),
    ("unknown class", GOOD | {"class": "urgent"}, "invalid_class", "/class"),
    ("in the past", GOOD | {"send_at": "2020-01-31T12:00:00Z"}, "invalid_schedule", "/send_at"),
    ("in two years", GOOD | {"send_at": "2099-01-31T12:00:00Z"}, "invalid_schedule", "/send_at"),
    ("validity of a second", GOOD | {"validity": 1}, "invalid_validity", "/validity"),
    ("validity of 30 digits", GOOD | {"validity": 10**30}, "invalid_validity", "/validity"),
    ("callback to nowhere", GOOD | {"callback_url": "nowhere"}, "invalid_callback_url", "/callback_url"),
    ("callback to a file", GOOD | {"callback_url": "file:///etc/passwd"}, "invalid_callback_url", "/callback_url"),
    ("callback to the metadata service", GOOD | {"callback_url": "http://169.254.169.254/"}, "invalid_callback_url",
     "/callback_url"),
    ("metadata of 5,000 octets", GOOD | {"metadata": {"a": "x" * 5000}}, "metadata_too_large", "/metadata"),
    ("metadata 60 levels deep", GOOD | {"metadata": {"a": msgspec.json.decode(b"[" * 60 + b"]" * 60)}},
     "metadata_too_large", "/metadata"),
    ("eleven tags", GOOD | {"tags": ["a"] * 11}, "metadata_too_large", "/tags"),
    ("an empty tag", GOOD | {"tags": ["a", ""]}, "invalid_request", "/tags/1"),
    ("a tag of 65 characters", GOOD | {"tags": ["x" * 65]}, "metadata_too_large", "/tags/0"),
    ("a tag that cannot be printed", GOOD | {"tags": ["a\n"]}, "invalid_request", "/tags/0"),
    ("marketing sent twice", GOOD | {"class": "marketing", "on_doubt": "retry_once"}, "invalid_request", "/on_doubt"),
    ("no class sent once more", GOOD | {"on_doubt": "retry_once"}, "invalid_request", "/on_doubt"),
    ("unknown class sent once more", GOOD | {"class": "x", "on_doubt": "retry_once"}, "invalid_class", "/class"),
    ("dearer than wished", GOOD | {"max_price": "0.001"}, "price_over_max", "/max_price"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "pointer"), [pytest.param(*row, id=label) for label, *row in MESSAGES])
async def test_a_message_that_is_refused(edge, body, code, pointer):
    answer = await edge.post("/v1/messages", body)
    assert (answer.status, answer.code) == (CATALOGUE[code].http, code)
    assert pointers(answer) == [pointer]
    assert await nothing_stored(edge)
    batch = await edge.post("/v1/messages/batch", {"messages": [GOOD, body]})
    assert batch.status == 202, batch.json
    accepted, refused = batch.json["data"]
    assert "error" not in accepted
    assert refused["error"]["code"] == code and list(refused) == ["error"]
    assert refused["error"]["pointer"] == f"/messages/1{pointer}"


async def test_an_account_without_balance_route_or_price_is_told_so(tmp_path):
    async with running_edge(tmp_path) as edge:
        await refused_step_by_step(edge)


async def refused_step_by_step(edge):
    poor = await edge.new_customer("Poor", credit="")
    assert (await edge.send(key=poor.live)).code == "no_sender"
    await edge.give_sender(poor.id, "Poor")
    answer = await edge.send(key=poor.live)
    assert (answer.status, answer.code) == (402, "insufficient_balance")
    (price,) = (await edge.get("/v1/prices", key=edge.operator)).json["data"]
    assert (await edge.ask("DELETE", f"/v1/prices/{price['id']}", key=edge.operator)).status == 204
    assert (await edge.send(key=poor.live)).code == "no_price"
    (route,) = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
    assert (await edge.ask("DELETE", f"/v1/routes/{route['id']}", key=edge.operator)).status == 204
    assert (await edge.send(key=poor.live)).code == "no_route"


async def test_a_doubt_that_a_batch_would_resend_is_refused_where_it_cannot_be(edge):
    defaults = {"text": "x", "class": "otp", "on_doubt": "retry_once"}
    listed = [
        {"to": NUMBER},
        {"to": NUMBER, "class": "marketing"},
        {"to": NUMBER, "class": "marketing", "on_doubt": "report"},
    ]
    first, second, third = (await edge.post("/v1/messages/batch", {"messages": listed, "defaults": defaults})).json[
        "data"
    ]
    assert "error" not in first and "error" not in third
    assert (second["error"]["code"], second["error"]["pointer"]) == ("invalid_request", "/messages/1/on_doubt")


WORDS = [
    ("a number for a text", GOOD | {"text": 7}, "`text` must be a string."),
    ("a number for a recipient", GOOD | {"to": 7}, "`to` must be a string."),
    ("text for a number", GOOD | {"validity": "60"}, "`validity` must be a whole number."),
    ("an object for a list", GOOD | {"tags": {"a": 1}}, "`tags` must be an array."),
    ("a number for a flag", GOOD | {"smart": 1}, "`smart` must be true or false."),
    ("too large a number", GOOD | {"max_parts": 50}, "`max_parts` must be a whole number <= 49."),
    ("a day", GOOD | {"send_at": "tomorrow"}, "`send_at` must be a moment of RFC 3339."),
    ("no zone", GOOD | {"send_at": "2030-01-31T12:00:00"}, "`send_at` must be a moment of RFC 3339 with a time zone."),
    ("an unknown word", GOOD | {"on_doubt": "retry"}, "`on_doubt` must be report or retry_once."),
    ("a list", [GOOD], "The body must be an object."),
    ("class", GOOD | {"class": "urgent"}, "The class is none of otp, transactional and marketing."),
    ("validity", GOOD | {"validity": 1}, "The validity is not between 5 and 604,800 seconds."),
    ("schedule", GOOD | {"send_at": "2099-01-31T12:00:00Z"},
     "The time to send is in the past or more than 366 days ahead."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), [pytest.param(b, w, id=label) for label, b, w in WORDS])
async def test_what_is_wrong_is_said_in_the_words_of_json_with_the_range(edge, body, words):
    problem = (await edge.post("/v1/messages", body)).json
    assert problem["detail"] == words
    assert problem["advice"] == CATALOGUE[problem["code"]].advice


async def test_what_is_wrong_with_a_setting_is_said_in_the_same_words(edge):
    new = {"name": "x", "password": "x", "settings": {"host": "127.0.0.1", "port": "2775"}}
    problem = (await edge.post("/v1/carriers", new, key=edge.operator)).json
    assert problem["detail"] == "`settings/port` must be a whole number."
    (carrier,) = (await edge.get("/v1/carriers", key=edge.operator)).json["data"]
    change = {"settings": {"port": "2775"}}
    problem = (await edge.ask("PATCH", f"/v1/carriers/{carrier['id']}", json=change, key=edge.operator)).json
    assert problem["detail"] == "`settings/port` must be a whole number."


HALVES = [
    ("alone", rb"\ud83d", rb"\ud83d"),
    ("the second", rb"x\uDC00x", rb"\uDC00"),
    ("before others", rb"\ud83dabcdefgh", rb"\ud83d"),
    ("twice the first", rb"\ud83d\ud83d\ude00", rb"\ud83d"),
    ("after a whole one", rb"\ud83d\ude00\ude01", rb"\ude01"),
]


@pytest.mark.parametrize(("text", "half"), [pytest.param(*row, id=label) for label, *row in HALVES])
async def test_half_of_a_surrogate_pair_is_told_as_such(edge, text, half):
    body = b'{"to":"+14155550123","metadata":{"a":"\\\\ud83d"},"text":"%s"}' % text
    answer = await edge.ask("POST", "/v1/messages", data=body, headers=JSON)
    assert (answer.status, answer.code) == (400, "malformed_json")
    place = body.index(half, body.index(b"text"))  # the one in metadata is a backslash and no escape
    assert f"The escape {half.decode()} at octet {place} is half of a surrogate pair" in answer.json["detail"]


async def test_a_body_that_was_cut_is_told_as_such(edge):
    answer = await edge.ask("POST", "/v1/messages", data=b'{"to":"+14155550123","text":"\\ud83d', headers=JSON)
    assert "truncated" in answer.json["detail"]


FULL = [
    ("GSM-7", "x" * 1600, 11),
    ("GSM-7, each in two septets", "€" * 1600, 22),
    ("UCS-2", "ж" * 1600, 24),
    ("emoji", "🙂" * 1600, 49),
]


@pytest.mark.parametrize(("text", "parts"), [pytest.param(*row, id=label) for label, *row in FULL])
async def test_any_text_of_1600_characters_is_sent(edge, text, parts):
    answer = await edge.send(text=text)
    assert (answer.status, answer.json["segments"]) == (202, parts)
    assert (await edge.send(text=text + text[0])).code == "text_too_long"

    async def delivered():
        return (await edge.get(f"/v1/messages/{answer.json['id']}")).json["status"] == "delivered"

    await until(delivered)


TYPES = [
    ("none", {}, 415),
    ("form", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ("text", {"Content-Type": "text/json"}, 415),
    ("latin-1", {"Content-Type": "application/json; charset=latin-1"}, 415),
    ("gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    ("with charset", {"Content-Type": 'Application/JSON; charset="UTF-8"'}, 202),
]


@pytest.mark.parametrize(("headers", "status"), [pytest.param(h, s, id=label) for label, h, s in TYPES])
async def test_content_types(edge, headers, status):
    skipped = {"skip_auto_headers": ["Content-Type"]} if not headers else {}
    answer = await edge.ask("POST", "/v1/messages", data=msgspec.json.encode(GOOD), headers=headers, **skipped)
    assert answer.status == status
    assert status == 202 or answer.code == "unsupported_media_type"


@pytest.mark.parametrize("chunked", [False, True])
async def test_giant_bodies(edge, chunked):
    body = b'{"to":"' + b"1" * 100_000 + b'"}'

    async def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    answer = await edge.ask("POST", "/v1/messages", data=pieces() if chunked else body, headers=JSON)
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_a_batch_of_none_and_of_too_many(edge):
    assert (await edge.post("/v1/messages/batch", {"messages": []})).code == "batch_empty"
    many = await edge.post("/v1/messages/batch", {"messages": [GOOD] * 10_001})
    assert (many.status, many.code) == (413, "batch_too_large")
    typo = await edge.post("/v1/messages/batch", {"messages": [GOOD, GOOD | {"txt": "x"}]})
    assert (typo.code, pointers(typo)) == ("invalid_request", ["/messages/1/txt"])
    assert await nothing_stored(edge)


QUERIES = [
    ("/v1/messages?limit=0", "invalid_parameter", "limit"),
    ("/v1/messages?limit=1001", "invalid_parameter", "limit"),
    ("/v1/messages?limit=ten", "invalid_parameter", "limit"),
    ("/v1/messages?colour=red", "invalid_parameter", "colour"),
    ("/v1/messages?status=lost", "invalid_parameter", "status"),
    ("/v1/messages?status=sent&status=queued", "invalid_parameter", "status"),
    ("/v1/messages?to=nobody", "invalid_parameter", "to"),
    ("/v1/messages?direction=up", "invalid_parameter", "direction"),
    ("/v1/messages?class=urgent", "invalid_parameter", "class"),
    ("/v1/messages?created_from=yesterday", "invalid_parameter", "created_from"),
    ("/v1/messages?created_from=2030-01-31T12:00:00", "invalid_parameter", "created_from"),
    ("/v1/messages?cursor=%21%21", "invalid_cursor", None),
    ("/v1/messages?cursor=aGVsbG8", "invalid_cursor", None),
    ("/v1/events?after=aGVsbG8", "invalid_cursor", None),
    ("/v1/events?types=message.lost", "invalid_parameter", "types"),
    ("/v1/stream?types=nothing", "invalid_parameter", "types"),
    ("/v1/stream?after=%FF", "invalid_parameter", None),
    ("/v1/keys?cursor=%C3%A4", "invalid_cursor", None),
    ("/v1/ledger?cursor=LTE", "invalid_cursor", None),
    ("/v1/balance?x=1", "invalid_parameter", "x"),
    ("/v1/opt-outs?number=hello", "invalid_number", "number"),
]


@pytest.mark.parametrize(("path", "code", "name"), QUERIES, ids=[path for path, *_ in QUERIES])
async def test_bad_parameters(edge, path, code, name):
    answer = await edge.get(path)
    assert (answer.status, answer.code) == (CATALOGUE[code].http, code)
    assert name is None or pointers(answer) == [name]


async def test_paths_and_methods_that_nobody_knows(edge):
    assert (await edge.get("/v3/messages")).code == "not_found"
    assert (await edge.get("/v1/messages/")).code == "not_found"
    for path, allow in (("/v1/messages", "GET, POST"), ("/v1/messages/batch", "POST"), ("/healthz", "GET")):
        answer = await edge.ask("PUT", path)
        assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", allow)


async def test_a_problem_says_where_to_read_on_and_which_request_it_was(edge):
    answer = await edge.post("/v1/messages", {})
    problem = answer.json
    assert problem["type"] == "/docs/errors#recipient_missing"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert f'id="{problem["code"]}"' in (await edge.get("/docs/errors", key="")).body.decode()
