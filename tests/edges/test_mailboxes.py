"""The mailbox door with real parts: mail by Python's smtplib, texts at the simulator's phones, answers at a mail server of
aiosmtpd's."""

import asyncio
import email
import email.policy
import smtplib
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from whimbrel.config import Mail, Mailbox
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
            self.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return answer

    def to(self, address):
        return [mail for envelope, mail in self.mails if address in envelope.rcpt_tos]


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
        async with running_edge(tmp_path_factory.mktemp("mail"), **settings) as edge:
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
    if "Message_ID" not in fields:
        message["Message-ID"] = f"<{id(message)}.{next(PHONES)}@shop.example>"
    message.set_content(text)
    return message


async def send(edge, message, *to, mail_from=ALICE):
    """What the door says to each recipient it refuses and to the whole."""

    def run():
        with smtplib.SMTP("127.0.0.1", edge.app.mail.port, timeout=10) as client:
            client.ehlo("mx.example.com")
            client.mail(mail_from)
            said = [client.rcpt(address) for address in to]
            if all(code >= 400 for code, _ in said):
                return said[0]
            return client.data(message.as_bytes())

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
    (answer,) = await until(lambda: edge.inbox.to(ALICE))
    assert answer["In-Reply-To"] == message["Message-ID"]
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


async def log_of(edge, mailbox, kind, state):
    lines = await log(edge, mailbox)
    return lines if any((line["kind"], line["state"]) == (kind, state) for line in lines) else None
