"""The mailbox door with real parts: mail by Python's smtplib, texts at the simulator's phones, answers at a mail server
of aiosmtpd's."""

import asyncio
import email
import email.policy
import smtplib
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

import msgspec
import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from tests.journey.rig import ShiftedClock
from whimbrel import mailroom
from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.config import Mail, Mailbox
from whimbrel.journey.accept import Accept
from whimbrel.products.mailboxes.answers import Answers
from whimbrel.store.errors import CommitUnknown
from whimbrel_sandbox.network import PhoneText

from .edge_rig import running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOMAIN = "sms.example.com"
PASSED = "mx.example.com; dkim=pass header.d=shop.example; spf=pass smtp.mailfrom=shop.example"
FAILED = "mx.example.com; dkim=fail header.d=shop.example; spf=fail smtp.mailfrom=shop.example"
ALICE = "alice@shop.example"
PHONES = iter(f"+4915112{number:06d}" for number in range(345000, 999999))


class Inbox:
    """Takes mail as anybody's server does; refuses what it is told to."""

    def __init__(self):
        self.mails = []
        self.answers = []

    async def handle_DATA(self, server, session, envelope):
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return answer

    def answering(self, mail):
        """Mails that answer this one."""
        return [each for each in self.mails if each["In-Reply-To"] == mail["Message-ID"]]


@asynccontextmanager
async def mail_server():
    inbox, loop = Inbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="inbox.example", loop=loop), "127.0.0.1", 0)
    try:
        inbox.port = server.sockets[0].getsockname()[1]
        yield inbox
    finally:
        server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with mail_server() as inbox:
        settings = {
            "mailbox": Mailbox(domain=DOMAIN, port=0, authserv_ids=("mx.example.com",), size_max=256 * 1024),
            "mail": Mail(host="127.0.0.1", port=inbox.port, security="none", sender="sms@example.com"),
        }
        async with running_edge(tmp_path_factory.mktemp("mail"), clock=ShiftedClock(), **settings) as edge:
            edge.inbox = inbox
            yield edge


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    return installation


def mail(to, text="Your order is ready.", *, sender=ALICE, results=PASSED, subject="Order 7", **fields):
    message = EmailMessage()
    message["From"] = f"Alice <{sender}>"
    message["To"] = "undisclosed"
    message["Subject"] = subject
    if results:
        message["Authentication-Results"] = results
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    if fields.get("Message_ID") == "":
        del message["Message-ID"]
    elif "Message_ID" not in fields:
        message["Message-ID"] = f"<{id(message)}.{next(PHONES)}@shop.example>"
    message.set_content(text)
    return message


async def send(edge, message, *to, mail_from=ALICE):
    """What the door says to each recipient it refuses and to the whole."""

    def run():
        with smtplib.SMTP("127.0.0.1", edge.app.mail.port, timeout=60) as client:
            client.ehlo("mx.example.com")
            client.mail(mail_from)
            said = [client.rcpt(address) for address in to]
            if all(code >= 400 for code, _ in said):
                return said[0]
            return client.data(message if isinstance(message, bytes) else message.as_bytes(policy=email.policy.SMTP))

    code, words = await asyncio.to_thread(run)
    return code, words.decode()


async def new_mailbox(edge, *senders, number=None, **more):
    if number is None:
        number = next(PHONES)
        await edge.give_sender(edge.customer.id, number)
    made = await edge.post("/v1/mailboxes", {"name": "Shop", "senders": senders or [ALICE]} | more)
    assert made.status == 201, made.body
    return made.json | {"number": number}


def address(mailbox, phone):
    return mailbox["address"].replace("NUMBER", phone)


async def texts(edge, phone):
    return [text.text for text in edge.simulator.network.phones.read(phone.lstrip("+"))]


def say(edge, phone, mailbox, text):
    """A phone's text to the number that the mailbox sends from."""
    sent = PhoneText(to=mailbox["number"].lstrip("+"), text=text, system_id="whimbrel")
    edge.simulator.network.send_text(phone, sent)


async def log(edge, mailbox, query=""):
    return (await edge.get(f"/v1/mailboxes/{mailbox['id']}/log{query}")).json["data"]


async def test_a_mail_becomes_a_text_and_the_answer_a_mail(edge):
    mailbox = await new_mailbox(edge, "@shop.example")
    phone = next(PHONES)
    message = mail(phone, "Your order is ready.\n-- \nAlice\n", References="<0@shop.example>")
    code, words = await send(edge, message, address(mailbox, phone))
    assert code == 250 and "Accepted as SM" in words
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    (line,) = await log(edge, mailbox)
    assert line["message_id"] in words
    assert (line["kind"], line["state"], line["address"], line["subject"]) == ("text", "sent", ALICE, "Order 7")
    assert line["phone"].startswith("+4915") and "•" in line["phone"]
    told = (await edge.get(f"/v1/messages/{line['message_id']}")).json
    assert (told["text"], told["to"], told["sender"], told["class"]) == (
        "Your order is ready.", phone, mailbox["number"], "transactional",
    )  # fmt: skip
    say(edge, phone, mailbox, "Grüße, I come at 5")
    (answer,) = await until(lambda: edge.inbox.answering(message))
    assert answer["To"] == ALICE
    assert answer["References"] == f"<0@shop.example> {message['Message-ID']}"
    assert (answer["Auto-Submitted"], answer["Subject"]) == ("no", "Re: Order 7")
    assert answer["From"].addresses[0].addr_spec == address(mailbox, phone)
    assert answer.get_content().splitlines() == ["Grüße, I come at 5"]
    newest, _ = await until(lambda: log_of(edge, mailbox, "answer", "sent"))
    assert (newest["kind"], newest["tries"], newest["address"]) == ("answer", 1, ALICE)
    again = mail(phone, "Fine.\n\nOn Fri, somebody wrote:\n> Grüße\n", In_Reply_To=answer["Message-ID"])
    assert (await send(edge, again, answer["From"].addresses[0].addr_spec))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready.", "Fine."]))


async def texts_are(edge, phone, expected):
    return await texts(edge, phone) == expected


async def log_of(edge, mailbox, kind, state, tried=0):
    lines = await log(edge, mailbox)
    found = [line for line in lines if (line["kind"], line["state"]) == (kind, state)]
    return lines if any(line["tries"] >= tried for line in found) else None


def bare(*lines):
    """A mail as octets, for what no library writes."""
    return "\r\n".join((*lines, "", "Hello", "")).encode()


AR = f"Authentication-Results: {PASSED}"
REFUSED = {
    "nobody's sender": (mail(0, sender="eve@evil.example"), "550 5.7.1", "mail_sender_unknown"),
    "SPF and DKIM failed": (mail(0, results=FAILED), "550 5.7.26", "mail_not_authenticated"),
    "no result at all": (mail(0, results=""), "550 5.7.26", "mail_not_authenticated"),
    "a result that the writer wrote": (
        mail(0, results=PASSED.replace("mx.example.com", "mx.evil.example")), "550 5.7.26", "mail_not_authenticated",
    ),
    "signed by another domain": (
        mail(0, results="mx.example.com; dkim=pass header.d=evil.example"), "550 5.7.26", "mail_not_authenticated",
    ),
    "a result within a comment": (
        mail(0, results="mx.example.com (; dkim=pass header.d=shop.example)"), "550 5.7.26", "mail_not_authenticated",
    ),
    "an automatic answer": (mail(0, Auto_Submitted="auto-replied"), "550 5.7.1", "mail_automatic"),
    "a machine": (mail(0, Auto_Submitted="auto-generated"), "550 5.7.1", "mail_automatic"),
    "a list": (mail(0, Precedence="bulk"), "550 5.7.1", "mail_automatic"),
    "our own": (mail(0, X_Whimbrel_Mailbox="MB1"), "550 5.7.1", "mail_automatic"),
    "nothing to send": (mail(0, "-- \nAlice\n"), "550 5.6.0", "text_missing"),
    "too long": (mail(0, "abcdefghi\n" * 120), "552 5.3.4", "too_many_parts"),
    "two From fields": (
        bare(f"From: {ALICE}", "From: eve@evil.example", AR), "550 5.6.0", "mail_unreadable",
    ),
    "two addresses in From": (bare(f"From: {ALICE}, eve@evil.example", AR), "550 5.6.0", "mail_unreadable"),
    "an address within a name": (bare(f'From: "{ALICE}" <eve@evil.example>', AR), "550 5.7.1", "mail_sender_unknown"),
    "no From": (bare("Subject: x", AR), "550 5.6.0", "mail_unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused_after_data_sends_nothing(edge, case):
    message, status, code = REFUSED[case]
    mailbox = await new_mailbox(edge, max_parts=2)
    phone = next(PHONES)
    number, words = await send(edge, message, address(mailbox, phone))
    assert f"{number} {words}".startswith(f"{status} {code}: "), words
    assert (await edge.get("/v1/messages")).json["data"] == []
    lines = await log(edge, mailbox, "?state=refused")
    assert [(line["reason"], line["message_id"]) for line in lines] == [(code, None)] * (code != "mail_unreadable")


@pytest.mark.parametrize(
    ("to", "mail_from", "said"),
    [
        ("+4915112345678@elsewhere.example", ALICE, "550 5.7.1 Mail for sms.example.com is taken here"),
        (f"alice@{DOMAIN}", ALICE, "553 5.1.3 invalid_number"),
        (f"+49151@{DOMAIN}", ALICE, "553 5.1.3 invalid_number"),
        (f"+4915112345678+nobody@{DOMAIN}", ALICE, "550 5.1.1 mailbox_unknown"),
        (f"+4915112345678@{DOMAIN}", "", "550 5.7.1 mail_automatic"),
    ],
)
async def test_what_can_be_known_at_each_recipient_is_said_there(edge, to, mail_from, said):
    code, words = await send(edge, mail(0), to, mail_from=mail_from)
    assert f"{code} {words}".startswith(said)


async def test_the_same_mail_again_sends_nothing_again(edge):
    mailbox = await new_mailbox(edge)
    phone, other = next(PHONES), next(PHONES)
    message = mail(phone)
    to = address(mailbox, phone)
    answers = await asyncio.gather(*(send(edge, message, to) for _ in range(3)))
    taken = {words for code, words in answers if code == 250}
    assert len(taken) == 1 and all(code in (250, 451) for code, _ in answers), answers
    again = await send(edge, message, to, address(mailbox, other))  # the server asks for one more than before
    assert again[0] == 250 and next(iter(taken)).partition("as ")[2] in again[1]
    assert len(await log(edge, mailbox)) == 2
    for each in (phone, other):
        await until(lambda each=each: texts_are(edge, each, ["Your order is ready."]))
    assert await texts(edge, phone) == ["Your order is ready."]


async def test_a_mail_without_a_name_is_known_by_what_it_says(edge):
    mailbox = await new_mailbox(edge)
    to = address(mailbox, next(PHONES))
    first = await send(edge, mail(0, Message_ID=""), to)
    assert first == await send(edge, mail(0, Message_ID="", Received="by another way"), to)
    assert first != await send(edge, mail(0, "Another text", Message_ID=""), to)


async def test_one_mail_for_many_phones(edge):
    mailbox = await new_mailbox(edge)
    phones = [next(PHONES) for _ in range(4)]
    assert (await edge.post("/v1/opt-outs", {"number": phones[0]})).status in (200, 201)
    message = mail(0)
    message.add_attachment(b"x" * 100, maintype="image", subtype="png", filename="logo.png")
    code, words = await send(edge, message, *(address(mailbox, each) for each in [*phones, phones[1]]))
    assert code == 250 and words.count("SM") == 3
    assert words.endswith("1 refused (opted_out); 1 attachments left out")
    for phone in phones[1:]:
        await until(lambda phone=phone: texts_are(edge, phone, ["Your order is ready."]))
    (report,) = await until(lambda: edge.inbox.answering(message))
    assert (report["Auto-Submitted"], report["Subject"]) == ("auto-generated", "Re: Order 7")
    assert phones[0] in report.get_content() and "opted_out" in report.get_content()
    lines = await log(edge, mailbox)
    assert sorted((line["kind"], line["reason"]) for line in lines if line["reason"]) == [
        ("report", "opted_out"), ("text", "opted_out"),
    ]  # fmt: skip


async def test_a_tag_says_whose_mailbox_where_several_take_the_sender(edge):
    first = await new_mailbox(edge, "@both.example")
    edge.customer, mine = await edge.new_customer(), edge.customer
    second = await new_mailbox(edge, "@both.example")
    message = mail(0, sender="bob@both.example", results="mx.example.com; dmarc=pass header.from=both.example")
    phone = next(PHONES)
    code, words = await send(edge, message, f"{phone}@{DOMAIN}")
    assert code == 550 and "mail_sender_ambiguous" in words
    assert (await send(edge, message, address(second, phone)))[0] == 250
    assert [len(await log(edge, each)) for each in (second,)] == [1]
    exact = await edge.ask(
        "PATCH", f"/v1/mailboxes/{first['id']}", json={"senders": ["bob@both.example"]}, key=mine.live
    )
    assert exact.json["senders"] == ["bob@both.example"]
    other = next(PHONES)
    assert (await send(edge, message, f"{other}@{DOMAIN}"))[0] == 250
    edge.customer = mine
    assert len(await log(edge, first)) == 1
    assert (await edge.get(f"/v1/mailboxes/{second['id']}")).code == "not_found"


async def test_machines_subjects_and_pauses_are_settings(edge):
    mailbox = await new_mailbox(edge, machines=True, subject=True, auth="none", max_parts=1)
    phone = next(PHONES)
    alarm = mail(0, "Disk of db-1 is full", subject="Alarm", results="", Auto_Submitted="auto-generated")
    assert (await send(edge, alarm, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Alarm\nDisk of db-1 is full"]))
    changed = await edge.ask("PATCH", f"/v1/mailboxes/{mailbox['id']}", json={"status": "paused"})
    assert (changed.json["status"], changed.json["machines"]) == ("paused", True)
    code, words = await send(edge, mail(0), address(mailbox, phone))
    assert code == 550 and "mailbox_paused" in words
    assert (await edge.ask("DELETE", f"/v1/mailboxes/{mailbox['id']}")).status == 204
    code, words = await send(edge, mail(0), address(mailbox, phone))
    assert code == 550 and "mailbox_unknown" in words


async def test_what_is_too_large_is_not_read(edge):
    mailbox = await new_mailbox(edge)
    message = mail(0)
    message.add_attachment(b"x" * 300_000, maintype="image", subtype="png", filename="logo.png")
    code, words = await send(edge, message, address(mailbox, next(PHONES)))
    assert (code, words) == (552, "Error: Too much mail data")


async def test_other_servers_are_turned_away_at_once(edge):
    strict = msgspec.structs.replace(edge.app.settings.mailbox, relays=("10.0.0.0/8",))
    settings = msgspec.structs.replace(edge.app.settings, mailbox=strict)
    server = mailroom.server(settings, edge.app.services(), cells=None, shared=False)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.readline()).startswith(b"554 5.7.1")
        writer.write(b"EHLO evil.example\r\nMAIL FROM:<alice@shop.example>\r\n")
        with suppress(ConnectionError):  # nobody is there any more
            assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop(1.0)


async def test_failed_texts_are_told_by_mail(edge):
    mailbox = await new_mailbox(edge, "carol@shop.example", report="failed")
    message = mail(0, sender="carol@shop.example")
    assert (await send(edge, message, address(mailbox, "+15005550201")))[0] == 250
    (report,) = await until(lambda: edge.inbox.answering(message))
    line = (await until(lambda: log_of(edge, mailbox, "report", "sent")))[0]
    told = (await edge.get(f"/v1/messages/{line['message_id']}")).json
    assert f"+15005550201: {told['status']}" in report.get_content() and told["reason"]["code"] in report.get_content()
    assert report["To"] == "carol@shop.example"


async def test_mail_out_is_tried_again_and_refused_for_good(edge):
    mailbox = await new_mailbox(edge, "dave@shop.example", answers="address", answers_to="desk@shop.example")
    phone = next(PHONES)
    message = mail(0, sender="dave@shop.example")
    assert (await send(edge, message, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    edge.inbox.answers = ["451 4.2.0 greylisted"]
    say(edge, phone, mailbox, "First")
    line = (await until(lambda: log_of(edge, mailbox, "answer", "pending", tried=1)))[0]
    assert (line["tries"], line["detail"], line["address"]) == (1, "451 4.2.0 greylisted", "desk@shop.example")
    assert line["next_try_at"] is not None and edge.inbox.answering(message) == []
    edge.inbox.answers = ["550 5.1.1 no such mailbox"]
    say(edge, phone, mailbox, "Second")
    line = (await until(lambda: log_of(edge, mailbox, "answer", "failed")))[0]
    assert (line["reason"], line["detail"], line["next_try_at"]) == ("mail_refused", "550 5.1.1 no such mailbox", None)
    edge.app.clock.advance(31)
    (answer,) = await until(lambda: edge.inbox.answering(message))
    assert answer.get_content().strip() == "First" and answer["To"] == "desk@shop.example"


async def test_stop_is_no_answer(edge):
    mailbox = await new_mailbox(edge)
    phone = next(PHONES)
    message = mail(0)
    assert (await send(edge, message, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    say(edge, phone, mailbox, "STOP")
    say(edge, phone, mailbox, "I mean it")
    (answer,) = await until(lambda: edge.inbox.answering(message))
    assert answer.get_content().strip() == "I mean it"


async def test_a_log_that_is_taken_again_makes_no_second_mail(edge):
    mailbox = await new_mailbox(edge)
    phone = next(PHONES)
    message = mail(0)
    assert (await send(edge, message, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    say(edge, phone, mailbox, "Good")
    before = await until(lambda: log_of(edge, mailbox, "answer", "sent"))
    taken = await Answers(edge.app.manage)._take(0)
    assert any(before[0]["id"] in str(row) for write in taken.also for row in write.rows)
    await edge.app.store.write(taken.also)
    assert await log(edge, mailbox) == before
    assert len(edge.inbox.answering(message)) == 1


async def test_answers_of_another_number_or_account_or_time_are_none(edge):
    mailbox = await new_mailbox(edge, answer_days=1)
    other = await new_mailbox(edge, "nobody@shop.example")
    phone = next(PHONES)
    message = mail(0)
    assert (await send(edge, message, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    sent_from = (await edge.get("/v1/messages")).json["data"][0]["sender"]
    wrong = other if sent_from == mailbox["number"] else mailbox
    say(edge, phone, wrong, "To another number")
    say(edge, next(PHONES), wrong | {"number": sent_from}, "From another phone")
    say(edge, phone, {"number": sent_from}, "Right")
    (answer,) = await until(lambda: edge.inbox.answering(message))
    assert answer.get_content().strip() == "Right"


async def test_what_was_stored_but_not_answered_is_found_when_the_mail_comes_again(edge, monkeypatch):
    mailbox = await new_mailbox(edge)
    phone = next(PHONES)
    message, submit = mail(0), Accept.submit

    async def lost(self, *drafts, **more):
        await submit(self, *drafts, **more)
        raise CommitUnknown("the connection was lost within a commit")

    monkeypatch.setattr(Accept, "submit", lost)
    code, words = await send(edge, message, address(mailbox, phone))
    assert (code, words) == (451, "4.3.0 Try again.")
    monkeypatch.undo()
    code, words = await send(edge, message, address(mailbox, phone))
    (line,) = await log(edge, mailbox)
    assert code == 250 and line["message_id"] in words
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))


async def test_what_is_not_stored_is_not_taken(edge, monkeypatch):
    mailbox = await new_mailbox(edge)
    phone = next(PHONES)
    message = mail(0)

    async def full(self, *drafts, **more):
        raise WhimbrelError("overloaded")

    with monkeypatch.context() as patched:
        patched.setattr(Accept, "submit", full)
        code, words = await send(edge, message, address(mailbox, phone))
    assert code == 451 and words.startswith("4.3.0 overloaded: ") and await log(edge, mailbox) == []
    assert (await send(edge, message, address(mailbox, phone)))[0] == 250
    await until(lambda: texts_are(edge, phone, ["Your order is ready."]))
    broke = await edge.new_customer("Broke", credit="")
    await edge.give_sender(broke.id, next(PHONES))
    edge.customer = broke
    poor = await new_mailbox(edge, "erin@shop.example", number="")
    code, words = await send(edge, mail(0, sender="erin@shop.example"), address(poor, phone))
    assert code == 552 and "insufficient_balance" in words
    assert [line["state"] for line in await log(edge, poor)] == ["refused"]


async def test_a_mailbox_takes_so_many_mails_a_minute(edge, monkeypatch):
    monkeypatch.setattr(limits, "MAILBOX_RATE_PER_MIN", 2)
    mailbox = await new_mailbox(edge)
    answers = [await send(edge, mail(0), address(mailbox, next(PHONES))) for _ in range(3)]
    assert [code for code, _ in answers] == [250, 250, 451] and "rate_limited" in answers[2][1]
