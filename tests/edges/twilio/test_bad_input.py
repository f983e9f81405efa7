"""What is wrong with a request to the Twilio door, as a table: status, Twilio's number, our code, the parameter; and
that nothing was stored. And what is taken although it means nothing here.
"""

import datetime

import msgspec
import pytest
import pytest_asyncio

from tests.edges.edge_rig import NUMBER, SENDER, running_edge, until
from whimbrel.base.errors import CATALOGUE
from whimbrel.store.interface import Search

from .twilio_rig import FORM, ask, create

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICE = "MG" + "0" * 32
LATER = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("twilio")) as running:
        running.first_customer = running.customer
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each row of the tables."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


async def stored(edge):
    return await edge.app.store.search(Search(account_id=edge.customer.id, test=False), 10)


REFUSED = [
    ("no recipient", {"To": None}, 21604, "recipient_missing", "To"),
    ("an empty recipient", {"To": ""}, 21604, "recipient_missing", "To"),
    ("not a number", {"To": "hello"}, 21211, "invalid_number", "To"),
    ("an impossible number", {"To": "+14155"}, 21211, "invalid_number", "To"),
    ("a number without its country", {"To": "4155550123"}, 21211, "invalid_number", "To"),
    ("another channel", {"To": f"whatsapp:{NUMBER}"}, 21211, "invalid_number", "To"),
    ("no text", {"Body": None}, 21602, "text_missing", "Body"),
    ("an empty text", {"Body": ""}, 21602, "text_missing", "Body"),
    ("white space", {"Body": " \n"}, 21602, "text_missing", "Body"),
    ("an over-long text", {"Body": "x" * 1601}, 21617, "text_too_long", "Body"),
    ("an over-long text in Cyrillic", {"Body": "ж" * 1601}, 21617, "text_too_long", "Body"),
    ("a control character", {"Body": "a\x07b"}, 20001, "invalid_text", "Body"),
    ("a sender of nobody", {"From": "+12025550199"}, 21606, "sender_not_allowed", "From"),
    ("the number of another account", {"From": SENDER}, 21606, "sender_not_allowed", "From"),
    ("a sender that cannot be", {"From": "ThisNameIsFarTooLong"}, 21212, "invalid_sender", "From"),
    ("a service that cannot be", {"MessagingServiceSid": "MG1"}, 20001, "invalid_request", "MessagingServiceSid"),
    ("a picture of a private network", {"MediaUrl": "https://10.0.0.1/a.png"}, 21620, "invalid_media_url", "MediaUrl"),
    ("a picture that is a file here", {"Body": None, "MediaUrl": "file:///etc/passwd"}, 21620, "invalid_media_url",
     "MediaUrl"),
    ("no content", {"ContentSid": "HX1"}, 20001, "invalid_request", "ContentSid"),
    ("a template that is not there", {"ContentSid": "HX" + "0" * 32}, 20404, "template_not_found", "ContentSid"),
    ("variables that are none", {"ContentSid": "HX" + "0" * 32, "ContentVariables": "[1]"}, 20001, "invalid_request",
     "ContentVariables"),
    ("an application", {"ApplicationSid": "AP" + "0" * 32}, 20001, "not_supported", "ApplicationSid"),
    ("not to be kept", {"ContentRetention": "discard"}, 20001, "not_supported", "ContentRetention"),
    ("to be obfuscated", {"AddressRetention": "obfuscate"}, 20001, "not_supported", "AddressRetention"),
    ("a callback to nowhere", {"StatusCallback": "nowhere"}, 21609, "invalid_callback_url", "StatusCallback"),
    ("a callback to a file", {"StatusCallback": "file:///etc/passwd"}, 21609, "invalid_callback_url", "StatusCallback"),
    ("a callback to the metadata service", {"StatusCallback": "http://169.254.169.254/"}, 21609, "invalid_callback_url",
     "StatusCallback"),
    ("an endless callback", {"StatusCallback": "https://example.com/" + "x" * 2048}, 21609, "invalid_callback_url",
     "StatusCallback"),
    ("validity of a word", {"ValidityPeriod": "long"}, 20001, "invalid_request", "ValidityPeriod"),
    ("validity of a part", {"ValidityPeriod": "1.5"}, 20001, "invalid_request", "ValidityPeriod"),
    ("no validity", {"ValidityPeriod": "0"}, 20001, "invalid_validity", "ValidityPeriod"),
    ("negative validity", {"ValidityPeriod": "-1"}, 20001, "invalid_request", "ValidityPeriod"),
    ("validity of 30 digits", {"ValidityPeriod": "9" * 30}, 20001, "invalid_request", "ValidityPeriod"),
    ("a schedule without a time", {"ScheduleType": "fixed"}, 35114, "invalid_schedule", "SendAt"),
    ("another schedule", {"ScheduleType": "optimize", "SendAt": LATER}, 20001, "invalid_request", "ScheduleType"),
    ("a day", {"SendAt": LATER[:10], "ScheduleType": "fixed"}, 35114, "invalid_schedule", "SendAt"),
    ("a time that is a word", {"SendAt": "tomorrow", "ScheduleType": "fixed"}, 35114, "invalid_schedule", "SendAt"),
    ("a time long ago", {"SendAt": "2020-01-31T12:00:00Z", "ScheduleType": "fixed"}, 35114, "invalid_schedule",
     "SendAt"),
    ("a time in many years", {"SendAt": "2099-01-31T12:00:00Z", "ScheduleType": "fixed"}, 35114, "invalid_schedule",
     "SendAt"),
    ("a boolean that is none", {"SmartEncoded": "maybe"}, 20001, "invalid_request", "SmartEncoded"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "number", "code", "parameter"), [pytest.param(*row, id=label) for label, *row in REFUSED]
)
async def test_a_message_that_is_refused(edge, form, number, code, parameter):
    answer = await create(edge, **({"From": "Acme"} | form))
    problem = answer.json
    assert (answer.status, problem["status"], problem["code"]) == (400, 400, number)
    assert (problem["details"]["code"], problem["details"]["parameter"]) == (code, parameter)
    assert await stored(edge) == []


async def test_advice_leads_to_nothing_that_only_another_door_has(edge):
    """The members of REST's problems; this door's are `message` and `details`."""
    answer = await create(edge, From="Acme", ScheduleType="optimize", SendAt=LATER)
    assert answer.json["details"]["advice"] == "Correct the field that the answer names."
    assert [row.code for row in CATALOGUE.values() if "`errors`" in row.advice or "`detail`" in row.advice] == []


@pytest.mark.parametrize(("text", "parts"), [("x" * 1600, "11"), ("ж" * 1600, "24"), ("🙂" * 1600, "49")])
async def test_a_body_of_1600_characters_is_sent(edge, text, parts):
    answer = await create(edge, From="Acme", Body=text)
    assert (answer.status, answer.json["num_segments"]) == (201, parts)


BODIES = [
    ("not UTF-8", b"To=%2B14155550123&Body=%FF", 400, "malformed_form"),
    ("bare Latin-1", "To=%2B14155550123&Body=ü".encode("latin-1"), 400, "malformed_form"),
    ("half a surrogate pair", b"To=%2B14155550123&Body=%ED%A0%BD", 400, "malformed_form"),
    ("too many fields", b"&".join(b"a=%d" % n for n in range(102)), 400, "malformed_form"),
    ("a field twice", b"To=%2B14155550123&To=%2B14155550124&Body=x&From=Acme", 400, "invalid_request"),
    ("nothing", b"", 400, "recipient_missing"),
    ("JSON declared as a form", b'{"To":"+14155550123"}', 400, "recipient_missing"),
    ("NUL in the number", b"To=%2B14155550123%00&Body=x&From=Acme", 400, "invalid_number"),
    ("a giant", b"To=%2B14155550123&Body=" + b"x" * 70_000, 413, "body_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), [pytest.param(*row, id=label) for label, *row in BODIES])
async def test_a_body_that_is_no_form(edge, body, status, code):
    answer = await ask(edge, "POST", data=body, headers={"Content-Type": FORM})
    assert (answer.status, answer.json["details"]["code"]) == (status, code)
    assert await stored(edge) == []


TYPES = [
    ("JSON", {"Content-Type": "application/json"}, 415),
    ("several parts", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ("Latin-1", {"Content-Type": f"{FORM}; charset=iso-8859-1"}, 415),
    ("gzip", {"Content-Type": FORM, "Content-Encoding": "gzip"}, 415),
    ("with its charset", {"Content-Type": f"{FORM}; charset=UTF-8"}, 201),
    ("of Java's kind", {"Content-Type": FORM, "Accept-Encoding": "utf-8", "Accept-Charset": "utf-8"}, 201),
]


@pytest.mark.parametrize(("headers", "status"), [pytest.param(*row, id=label) for label, *row in TYPES])
async def test_content_types(edge, headers, status):
    answer = await ask(edge, "POST", data=b"To=%2B14155550123&From=Acme&Body=x", headers=headers)
    assert answer.status == status
    assert len(await stored(edge)) == (status == 201)


async def test_an_account_without_a_sender_or_without_money(edge):
    edge.customer = await edge.new_customer("Poor", credit="")
    answer = await create(edge, From=None)
    assert (answer.status, answer.json["code"], answer.json["details"]["code"]) == (400, 21603, "no_sender")
    answer = await create(edge, From=None, MessagingServiceSid=SERVICE)
    assert (answer.status, answer.json["code"], answer.json["details"]["code"]) == (400, 21703, "pool_without_senders")
    await edge.give_sender(edge.customer.id, "Poor")
    answer = await create(edge, From=None)
    assert (answer.status, answer.json["details"]["code"]) == (400, "insufficient_balance")
    assert await stored(edge) == []


TAKEN = [
    ("an unknown name", {"Colour": "red"}),
    ("no sender: the default one", {"From": None}),
    ("punctuation", {"To": "+1 (415) 555-0123"}),
    ("a short validity", {"ValidityPeriod": "5"}),
    ("Twilio's longest validity", {"ValidityPeriod": "36000"}),
    ("empty options", {"StatusCallback": "", "MediaUrl": "", "SendAt": "", "MessagingServiceSid": ""}),
    ("an application beside a callback", {"ApplicationSid": "AP" + "0" * 32, "StatusCallback": "https://example.com/"}),
    (
        "what means nothing here",
        {
            "Attempt": "1", "ForceDelivery": "true", "ProvideFeedback": "true", "MaxPrice": "0.01",
            "ContentRetention": "retain", "AddressRetention": "retain", "PersistentAction": "x", "TrafficType": "free",
            "ShortenUrls": "false", "SendAsMms": "false", "RiskCheck": "disable", "FallbackFrom": "Acme",
            "ContentVariables": "{}", "SmartEncoded": "false",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", [pytest.param(form, id=label) for label, form in TAKEN])
async def test_what_is_taken(edge, form):
    answer = await create(edge, **({"From": "Acme"} | form))
    assert (answer.status, answer.json["from"], answer.json["to"]) == (201, "Acme", NUMBER), answer.json


TIMES = [
    ("UTC", LATER, 0),
    ("another zone", LATER[:-1] + "+02:00", -7200),
    ("a fraction", LATER[:-1] + ".000000001Z", 0),
    ("no zone: UTC, as Java's SDK writes it", LATER[:-1], 0),
]


@pytest.mark.parametrize(("at", "later_s"), [pytest.param(*row, id=label) for label, *row in TIMES])
async def test_times(edge, at, later_s):
    answer = await create(edge, From="Acme", SendAt=at, ScheduleType="fixed", ValidityPeriod="60")
    assert (answer.status, answer.json["status"]) == (201, "scheduled")
    (message,) = await stored(edge)
    assert message.expires_at - message.due_at == 60_000_000
    assert message.due_at == (int(datetime.datetime.fromisoformat(LATER).timestamp()) + later_s) * 1_000_000


UPDATES = [
    ("nothing", {}, 400, 20001),
    ("another text", {"Body": "new"}, 400, 20001),
    ("another status", {"Status": "delivered"}, 400, 20001),
    ("erased too early", {"Body": ""}, 409, 20009),
]


@pytest.mark.parametrize(("form", "status", "code"), [pytest.param(*row, id=label) for label, *row in UPDATES])
async def test_updates_that_cannot_be(edge, form, status, code):
    sid = (await create(edge, From="Acme", SendAt=LATER)).json["sid"]
    (before,) = await stored(edge)
    answer = await ask(edge, "POST", f"/Messages/{sid}.json", data=form or b"", headers={"Content-Type": FORM})
    assert (answer.status, answer.json["code"]) == (status, code)
    deleted = await ask(edge, "DELETE", f"/Messages/{sid}.json")
    assert (deleted.status, deleted.json["code"]) == (409, 20009)
    assert await stored(edge) == [before]


async def test_canceled_and_erased_at_once(edge):
    sid = (await create(edge, From="Acme", SendAt=LATER)).json["sid"]
    answer = await ask(edge, "POST", f"/Messages/{sid}.json", data={"Status": "canceled", "Body": ""})
    assert (answer.status, answer.json["status"], answer.json["body"]) == (200, "canceled", "")


QUERIES = [
    ("PageSize=0", "PageSize"),
    ("PageSize=1001", "PageSize"),
    ("PageSize=ten", "PageSize"),
    ("PageSize=-1", "PageSize"),
    ("Page=-1", "Page"),
    ("Page=1000&PageSize=1000", "Page"),
    ("PageToken=PAhello", "PageToken"),
    (f"PageToken=PB{'SM' + '0' * 32}", "PageToken"),
    ("DateSent=yesterday", "DateSent"),
    ("DateSent=2030-02-31", "DateSent"),
    ("DateSent%3C=2030-1-1", "DateSent<"),
    ("DateSent%3E=2030-01-31T12", "DateSent>"),
    ("DateSent%3E=2030-01-31T25:00:00", "DateSent>"),
    ("To=%FF", None),
]


@pytest.mark.parametrize(("query", "parameter"), QUERIES, ids=[query for query, _ in QUERIES])
async def test_bad_parameters(edge, query, parameter):
    answer = await ask(edge, "GET", f"/Messages.json?{query}")
    assert (answer.status, answer.json["code"]) == (400, 20001)
    assert answer.json["details"].get("parameter") == parameter


DAY = "2030-01-31"


@pytest.mark.parametrize(
    "query",
    [
        f"DateSent%3E={DAY}T12:00:00",  # Java's
        f"DateSent%3E={DAY}T12:00:00Z",
        f"DateSent%3E={DAY}T12:00:00%2B01:00",
        f"DateSent%3E={DAY}",
        f"DateSent={DAY}T12:00:00",
        f"DateSent={DAY}",
    ],
)
async def test_dates(edge, query):
    await create(edge, From="Acme")
    for asked, count in ((query, 0), (query.replace("2030", "2020").replace("DateSent=", "DateSent%3E="), 1)):
        answer = await ask(edge, "GET", f"/Messages.json?{asked}")
        assert (answer.status, len(answer.json["messages"])) == (200, count)


@pytest.mark.parametrize("query", ["", "Status=failed", "PageSize=", "PageSize=1000", "To=nobody", "From=x&Page=2"])
async def test_parameters_that_find_nothing(edge, query):
    answer = await ask(edge, "GET", f"/Messages.json?{query}")
    assert (answer.status, answer.json["messages"]) == (200, [])


async def test_a_plus_sign_that_was_not_encoded(edge):
    await create(edge, From="Acme")
    (message,) = await stored(edge)
    found = msgspec.structs.asdict(message)
    assert found["recipient"] == NUMBER
    for query in (f"To={NUMBER}", f"To=%2B{NUMBER[1:]}", f"To={NUMBER[1:]}"):

        async def found_by(query=query):
            return (await ask(edge, "GET", f"/Messages.json?{query}")).json["messages"]

        listed = await until(found_by)  # numbers are found a second or two after
        assert [each["sid"] for each in listed] == [message.id], query
