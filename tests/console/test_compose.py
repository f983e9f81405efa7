"""Compose: recipients as people paste them, what is told beside the form, and that a press sends once. The verdict is
the API's and the simulator's."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import pytest_asyncio

from tests.conftest import NODE
from tests.edges.edge_rig import NUMBER, SENDER, running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "+14155550124"
CURLY = "It’s “ready” – come"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("compose"), phones=True) as running:
        yield running


@pytest.fixture(autouse=True)
def phones(edge):
    """The simulator's phones, empty before each test."""
    edge.simulator.network.reset()
    return edge.simulator.network.phones


@pytest_asyncio.fixture(loop_scope="module")
async def form(browser):
    """A form that was just loaded: `await form(**fields)` gives its fields with these."""

    async def loaded(**fields):
        [key] = (await browser.get("/console/compose")).all(r'name="key" value="(RQ[0-9a-f]+)"')
        return {"key": key, **fields}

    return loaded


async def who(browser, text):
    """What the page says of a list of recipients, and the fields that it carries along."""
    seen = await browser.post("/console/compose/who", {"recipients": text}, part=True)
    assert seen.status == 200
    assert seen.headers["hx-trigger-after-swap"] == "recipients-read"
    return seen, [(name, unescape(value)) for name, value in seen.all(r'name="(count|first|sample)" value="([^"]*)"')]


async def look(browser, text, recipients=NUMBER, **fields):
    carried = (await who(browser, recipients))[1]
    pairs = [*carried, ("text", text), ("key", "k1"), *fields.items()]
    seen = await browser.post("/console/compose/look", pairs, part=True)
    assert seen.status == 200
    return seen


async def test_one_text_is_sent_and_told(edge, browser, form, phones):
    seen = await browser.post("/console/compose", await form(recipients=NUMBER, text="Hello"))
    assert seen.status == 200
    assert "One text is on its way." in seen.words
    [message_id] = seen.all(r'href="/console/messages/(SM[0-9a-f]+)"')
    assert seen.has(r'href="/console/phones\?to=%2B14155550123"')
    message = (await edge.get(f"/v1/messages/{message_id}")).json
    assert (message["to"], message["text"], message["sender"]) == (NUMBER, "Hello", SENDER)
    await until(lambda: [text.text for text in phones.read(NUMBER[1:])] == ["Hello"])


@pytest.mark.parametrize("recipients", [NUMBER, f"{NUMBER}\n{OTHER}"])
async def test_a_double_press_sends_once(browser, form, phones, recipients):
    fields = await form(recipients=recipients, text="Once")
    pressed = await asyncio.gather(*(browser.post("/console/compose", fields) for _ in range(4)))
    found = {tuple(seen.all(r'href="/console/messages/(SM[0-9a-f]+)"')) for seen in pressed}
    assert {seen.status for seen in pressed} == {200}
    assert len(found) == 1
    await until(lambda: phones.read(NUMBER[1:]))
    assert len(phones.read(NUMBER[1:])) == 1


async def test_a_form_that_was_sent_and_changed_gets_a_new_key(browser, form, phones):
    fields = await form(recipients=NUMBER, text="First")
    assert (await browser.post("/console/compose", fields)).status == 200
    seen = await browser.post("/console/compose", {**fields, "text": "Second"})
    assert seen.status == 422
    [key] = seen.all(r'name="key" value="([^"]+)"')
    assert key != fields["key"]
    assert (await browser.post("/console/compose", {**fields, "text": "Second", "key": key})).status == 200
    await until(lambda: len(phones.read(NUMBER[1:])) == 2)  # or they come to the phones of the next test


def working_day():
    """A Wednesday to come: on Sundays marketing waits for noon."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=14 + (2 - today.weekday()) % 7)


async def test_all_options_reach_the_message(edge, browser, form):
    fields = await form(recipients=NUMBER, text=f"{CURLY}\r\nsoon", smart="1", flash="1", validity="3600")
    day = working_day()
    fields |= {"class": "marketing", "sender": SENDER, "send_at": f"{day}T18:30", "offset": "-60"}
    seen = await browser.post("/console/compose", fields)
    [message_id] = seen.all(r'href="/console/messages/(SM[0-9a-f]+)"')
    message = (await edge.get(f"/v1/messages/{message_id}")).json
    assert message["text"] == 'It\'s "ready" - come\nsoon'
    assert (message["class"], message["status"], message["flash"]) == ("marketing", "scheduled", True)
    assert message["send_at"].startswith(f"{day}T17:30:00")
    assert message["expires_at"].startswith(f"{day}T18:30:00")


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"text": "Hi"}, "Name at least one recipient."),
        ({"recipients": f"{NUMBER}, 12", "text": "Hi"}, "One of the recipients is no number. Nothing was sent."),
        ({"recipients": NUMBER}, "The text is empty."),
        ({"recipients": NUMBER, "text": "Hi", "send_at": "tomorrow"}, "Give a date and a time."),
        ({"recipients": NUMBER, "text": "Hi", "send_at": "2020-01-01T00:00"}, "in the past"),
        ({"recipients": NUMBER, "text": "Hi", "send_at": "2027-03-01T08:30", "offset": "x"}, "Give a date and a time."),
        ({"recipients": NUMBER, "text": "Hi", "validity": "soon"}, "Give whole seconds."),
        ({"recipients": NUMBER, "text": "Hi", "validity": "1"}, "validity"),
        ({"recipients": NUMBER, "text": "Hi", "class": "other"}, "class"),
        ({"recipients": NUMBER, "text": "Hi", "sender": "+12025550199"}, "sender"),
        ({"recipients": NUMBER, "text": "é" * 1601}, "the most is 1600"),
    ],
)
@pytest.mark.parametrize("part", [False, True])
async def test_what_is_wrong_is_told_and_nothing_is_sent(edge, browser, form, fields, words, part):
    before = (await edge.get("/v1/messages?limit=1")).json["data"]
    seen = await browser.post("/console/compose", await form(**fields), part=part)
    assert seen.status == 422
    assert words in seen.words
    assert unescape(seen.inner("f-text")).strip() == fields.get("text", "")
    assert (await edge.get("/v1/messages?limit=1")).json["data"] == before


async def test_recipients_may_be_pasted_with_anything_between_them(browser):
    pasted = (
        f'{NUMBER}, +1 (415) 555-0124;+44 7911 123456\t0014155550125\n\n"+1 415 555 0126" | +14155550127 +14155550128'
    )
    seen, carried = await who(browser, pasted)
    assert "7 recipients" in seen.words
    assert "no phone number" not in seen.words
    assert [value for name, value in carried if name == "first"][:3] == [NUMBER, OTHER, "+447911123456"]


async def test_duplicates_and_bad_numbers_are_told_by_their_lines(browser):
    seen, _ = await who(browser, f"{NUMBER}\nhello\n(415) 555-0123\n\n+1 415-555-0123\n14155550124")
    assert "One recipient one left out: it is there twice 3 are no numbers" in seen.words
    for words in ("Line 2: hello is no phone number.", "Line 5: +1 415-555-0123 stands there already."):
        assert words in seen.words
    assert "Line 6: 14155550124 has no plus sign: +14155550124?" in seen.words
    for part in (True, False):
        tidied = await browser.post(
            "/console/compose/tidy",
            {"recipients": f"{NUMBER}\nhello\n{NUMBER}\n14155550124", "text": "Kept"},
            part=part,
        )
        assert tidied.inner("f-recipients").split() == [NUMBER, OTHER]
        assert part or tidied.inner("f-text").strip() == "Kept"


async def test_more_than_a_batch_takes_is_told_early_and_not_sent(edge, browser, form):
    numbers = "\n".join(f"+1{area}555{n:04}" for area in (415, 212) for n in range(5001))
    seen, carried = await who(browser, numbers)
    assert ("count", "10002") in carried and "10,000 are the most at a time" in seen.words
    seen = await browser.post("/console/compose", await form(recipients=numbers, text="All"), part=True)
    assert seen.status == 422 and "Nothing was sent." in seen.words
    assert "10002 recipients are too many" in seen.words


async def test_a_csv_file_is_previewed_and_a_column_of_it_chosen(browser):
    csv = '\ufeffName;Mobile;Since\r\nAda;+1 415 555 0123;2019\r\n"Grace; H.";14155550124;2020\r\nBob;n/a;2021\r\n'
    seen = await browser.post("/console/compose/file", {"csv": csv}, part=True)
    assert seen.all(r"<th>(.*?)</th>") == ["Name", "Mobile", "Since"]
    assert seen.all(r"<td>([^<]*)</td>")[:6] == ["Ada", "+1 415 555 0123", "2019", "Grace; H.", "14155550124", "2020"]
    assert seen.all(r'class="button small" data-column="(\d)"') == ["1"]
    seen = await browser.post("/console/compose/file", {"csv": csv, "column": "1"}, part=True)
    assert "One recipient 2 are no numbers" in seen.words
    assert "Line 3: 14155550124 has no plus sign: +14155550124?" in seen.words
    assert "Line 4: n/a is no phone number." in seen.words
    for empty, words in (("", ""), ("x" * 200_000, "no CSV file")):
        assert words in (await browser.post("/console/compose/file", {"csv": empty}, part=True)).words


async def test_segments_are_counted_as_the_api_counts_them(edge, browser):
    for text in ("", "Hello", "x" * 161, "Hello 👋", "ё" * 71):
        seen = await look(browser, text)
        if text:
            told = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": text})).json["encoding"]
            assert seen.inner("encoding") == {"gsm7": "GSM-7", "ucs2": "UCS-2"}[told["encoding"]]
            assert seen.inner("segments") == str(told["segments"])
        assert seen.inner("characters") == str(len(text))
    assert "Room for 155 more characters" in (await look(browser, "Hello")).words


async def test_what_makes_a_text_dear_is_marked_and_can_be_replaced(browser):
    seen = await look(browser, CURLY * 5)
    assert seen.all(r"<mark>(.*?)</mark>")[:4] == ["’", "“", "”", "–"]
    assert "With look-alikes in their place it would be one segment of GSM-7" in seen.words
    assert seen.has(r'data-tick="f-smart-1"')
    seen = await look(browser, CURLY * 5, smart="1")
    assert seen.inner("segments") == "1"
    assert not seen.has("<mark>") and "’ → '" in seen.words
    assert unescape(seen.inner("preview")).startswith('It\'s "ready" - come')
    seen = await look(browser, "Grüße 🎉 ‘so’")
    assert not seen.has('id="offer"')


async def test_the_cost_is_that_of_all(browser):
    seen = await look(
        browser, "x" * 200, recipients="\n".join(f"+1415555{n:04}" for n in range(1000)) + "\n+447911123456"
    )
    assert "15.015 USD" in seen.words
    assert "about" not in seen.inner("cost")


async def test_what_becomes_of_it_is_told_step_by_step(edge, browser):
    seen = await look(browser, "Hello")
    assert "It would be accepted." in seen.words
    for words in ("+14155550123", SENDER, "Tern", "0.0075 USD"):
        assert words in seen.words
    await edge.post("/v1/opt-outs", {"number": OTHER})
    seen = await look(browser, "Hello", recipients=OTHER)
    assert "opted out" in seen.words and "opted_out" in seen.words
    seen = await look(browser, "Hello", recipients="")
    assert "an example number" in seen.words
    seen = await look(browser, "Hello", validity="x")
    assert "Give whole seconds." in seen.words


async def test_what_was_typed_is_shown_and_never_run(browser):
    nasty = "</textarea><script>alert(1)</script>{{ 7*7 }}’"
    seen = await look(browser, nasty, recipients=f"{NUMBER}\n<img src=x>")
    assert "<script>" not in seen.text
    seen = await browser.post("/console/compose", {"recipients": "<img src=x>", "text": nasty, "key": '"><i>'})
    assert "<script>alert" not in seen.text and "<img" not in seen.text and '"><i>' not in seen.text


@pytest.mark.parametrize("recipients", [NUMBER, f"{NUMBER} {OTHER}"])
async def test_the_code_does_the_same(edge, browser, phones, recipients):
    text = 'It\'s "$HOME" `x` \\n\nÄ 👋'
    seen = await look(browser, text, recipients=recipients)
    environ = {**os.environ, "WHIMBREL_API_KEY": edge.customer.live, "no_proxy": "*"}
    commands = {
        "curl": ["bash", "-c"],
        "python": [sys.executable, "-c"],
        "node": [str(NODE / "bin" / "node"), "--input-type=commonjs", "--eval"],
    }
    for name, command in commands.items():
        code = unescape(seen.inner(f"code-{name}"))
        assert re.search(r"Idempotency-Key\W+k1", code)
        code = code.replace("k1", f"{name}-{len(recipients)}")
        done = await asyncio.to_thread(
            subprocess.run, [*command, code], env=environ, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    await until(lambda: len(phones.read(NUMBER[1:])) == 3)
    assert {each.text for each in phones.read(NUMBER[1:])} == {text}


async def test_many_go_out_in_parts_with_their_progress(edge, browser, form):
    numbers = [f"+1415556{n:04}" for n in range(1199)]
    fields = await form(recipients="\n".join([*numbers, "+18005550199"]), text="To all")
    seen = await browser.post("/console/compose", fields, part=True)
    assert seen.status == 200
    kept = {name: unescape(value) for name, value in seen.all(r'name="(key)" value="([^"]*)"')}
    kept |= {"text": seen.text.split('<textarea name="text">\n')[1].split("</textarea>")[0]}
    kept |= {"numbers": seen.text.split('<textarea name="numbers">')[1].split("</textarea>")[0]}
    done = []
    while carried := seen.all(r"hx-vals='(\{.*?\})'"):
        values = dict(re.findall(r'"(\w+)": "(\w*)"', unescape(carried[0])))
        done.append(int(values["place"]))
        seen = await browser.post("/console/compose/step", {**kept, **values}, part=True)
        assert seen.status == 200
        again = await browser.post("/console/compose/step", {**kept, **values}, part=True)
        assert again.words == seen.words
    assert done == [0, 500, 1000]
    assert "texts are on their way." in seen.words
    [count] = re.findall(r"([\d,]+) texts are on their way", seen.words)
    accepted = int(count.replace(",", ""))
    assert accepted == 1200
    rows = (await edge.get("/v1/messages?limit=1000")).json["data"]
    assert len({row["to"] for row in rows if row["text"] == "To all"}) == 1000


async def test_refusals_are_told_one_by_one(edge, browser, form, phones):
    await edge.post("/v1/opt-outs", {"number": "+14155550177"})
    seen = await browser.post("/console/compose", await form(recipients=f"{NUMBER}\n+14155550177", text="Some"))
    assert "One text is on its way." in seen.words and "one refused" in seen.words
    assert "The recipient has opted out." in seen.words
    assert "Do not text this number" in seen.words
    await until(lambda: phones.read(NUMBER[1:]))


async def test_who_may_not_send_sees_no_form(edge, sign_in):
    await edge.new_customer("Second")
    looker, operator = await sign_in("read_only"), await sign_in("owner", None)
    assert (await looker.get("/console/compose")).status == 403
    assert (await looker.post("/console/compose", {"recipients": NUMBER, "text": "x"})).status == 403
    seen = await operator.get("/console/compose")
    assert seen.status == 200 and "Acme" in seen.words
    await operator.act_for(edge.customer.id)
    assert (await operator.get("/console/compose")).has('id="f-recipients"')


async def test_another_accounts_senders_are_not_offered(edge, sign_in):
    other = await edge.new_customer("Other")
    await edge.give_sender(other.id, "+12025550111")
    theirs = await sign_in("owner", other.id)
    seen = await theirs.get("/console/compose?to=%2B14155550123&text=Hi")
    assert "+12025550111" in seen.text and SENDER not in seen.text
    assert seen.inner("f-recipients").strip() == NUMBER
    fields = {"recipients": NUMBER, "text": "x", "sender": SENDER, "key": "k"}
    assert (await theirs.post("/console/compose", fields)).status == 422
