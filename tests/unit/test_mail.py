"""What a mail says and who it is from: addresses, Authentication-Results, texts, and what is written."""

import email
import email.policy
import time

import pytest

from whimbrel.base.errors import CATALOGUE
from whimbrel.domain import mail_addresses, mail_results, mail_text
from whimbrel.domain.mail_addresses import Target
from whimbrel.domain.mail_reading import Unreadable, read
from whimbrel.domain.mail_writing import Letter, answering, written
from whimbrel.edges.mail import statuses
from whimbrel.edges.smpp import statuses as smpp_statuses


@pytest.mark.parametrize(
    ("local", "target"),
    [
        ("+4915112345678", Target("+4915112345678")),
        ("4915112345678", Target("+4915112345678")),
        ("004915112345678", Target("+4915112345678")),
        ("+4915112345678+K3F9", Target("+4915112345678", "k3f9")),
        ("015112345678", None),
        ("+4915112345678+", None),
        ("+4915112345678+k3f9+x", None),
        ("+49151", None),
        ("bob", None),
        ("", None),
    ],
)
def test_an_address_is_a_phone_and_perhaps_a_mailbox(local, target):
    assert mail_addresses.target_of(local) == target
    if target is not None:
        assert mail_addresses.target_of(mail_addresses.address_of(target, "x.example").partition("@")[0]) == target


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("alice@Shop.example", "alice@shop.example"),
        ('"Alice, of \\"Shop\\"" <alice@shop.example>', "alice@shop.example"),
        ("=?utf-8?q?eve=40evil.example?= <alice@shop.example>", "alice@shop.example"),
        ("<alice@shop.example>", "alice@shop.example"),
        ("alice@shop.example, eve@evil.example", None),
        ("alice@shop.example <eve@evil.example>", None),
        ("<alice@shop.example> <eve@evil.example>", None),
        ("Friends: alice@shop.example;", None),
        ("alice@shop.example (eve@evil.example)", None),
        ("alice", None),
        ("alice@localhost", None),
        ("", None),
        ('"' * 3000 + "<alice@shop.example>", None),
    ],
)
def test_a_from_field_has_one_address_or_none(field, address):
    assert mail_addresses.only_address(field) == address


@pytest.mark.parametrize(
    ("field", "wanted", "authentic"),
    [
        ("mx.example; dkim=pass header.d=shop.example", "dkim", True),
        ("mx.example 1; dkim/1 = pass reason=\"a; b\" header . d=shop.example", "dkim", True),
        ("MX.example (a (nested; one)) ; spf=pass (x) smtp.mailfrom=bounce@m.shop.example", "spf", True),
        ("mx.example; dkim=pass header.i=@shop.example", "any", True),
        ("mx.example; dkim=fail header.d=shop.example; dkim=pass header.d=shop.example", "dkim", True),
        ("mx.example; dmarc=pass header.from=shop.example", "any", True),
        ("mx.example; dmarc=pass header.from=shop.example", "dkim", False),
        ("mx.example; dmarc=pass header.from=evil.example", "any", False),
        ("mx.example; spf=pass smtp.mailfrom=shop.example", "dkim", False),
        ("mx.example; dkim=pass header.d=shop.example.evil.example", "any", False),
        ("mx.example; dkim=pass header.d=notshop.example", "any", False),
        ("mx.example; dkim=pass header.d=example", "any", False),
        ("mx.example; dkim=pass", "any", False),
        ("mx.example; dkim=neutral header.d=shop.example", "any", False),
        ("mx.example; spf=pass smtp.helo=shop.example", "any", False),
        ("mx.example; x=\"; dkim=pass header.d=shop.example\"", "any", False),
        ("mx.example (; dkim=pass header.d=shop.example)", "any", False),
        ("mx.example (\\); dkim=pass header.d=shop.example", "any", False),
        ("mx.other; dkim=pass header.d=shop.example", "any", False),
        ("other mx.example; dkim=pass header.d=shop.example", "any", False),
        ("; dkim=pass header.d=shop.example", "any", False),
        ("mx.example; none", "any", False),
        ("", "any", False),
        ("", "none", True),
    ],
)  # fmt: skip
def test_results_are_believed_of_one_server_and_for_one_domain(field, wanted, authentic):
    found = mail_results.results_of([field], ["mx.example"])
    assert mail_results.is_authentic(found, "shop.example", wanted) is authentic


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hello\r\n\r\n-- \r\nAlice", "Hello"),
        ("Yes\n\nOn Fri, 27 Nov 2026, Bob <b@x.example> wrote:\n> Hello\n> you\n", "Yes"),
        ("Yes\n\nAm Fr., 27. Nov. 2026 um 10:00 schrieb Bob <bob@x.example\n>:\n> Hallo\n", "Yes"),
        ("Yes\n\nOn Fri, 27 Nov, Bob <b@x.example>\nwrote:\n\n> Hello\n", "Yes"),
        ("> Hello\n\nYes, at 5\n", "Yes, at 5"),
        ("Yes\n\n-----Original Message-----\nFrom: x", "Yes"),
        ("Ja\n\n________________________________\nVon: x", "Ja"),
        ("Ja\n\nVon: Bob <b@x.example>\nGesendet: gestern\nAn: mich\n\nHallo", "Ja"),
        ("Bring:\nmilk\nbread", "Bring:\nmilk\nbread"),
        ("From: 5 to 6\nWhere: here\nWho: all", "From: 5 to 6\nWhere: here\nWho: all"),
        ("a\n\n\n\n\nb\tc\u00a0 d\u200b", "a\n\nb c d"),
        ("--\nonly a signature", ""),
    ],
)
def test_what_was_written_now_is_what_is_said(body, text):
    assert mail_text.said(body) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Hi&nbsp;<b>Al</b>ice</p>\n<p>two<br>three</p>", "Hi Alice\ntwo\nthree"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<head><title>T</title><style>p{}</style></head><script>x()</script>a &amp; b", "a & b"),
        ("Yes<div class='gmail_quote'>On <i>x</i><blockquote><p>Hello</blockquote></div>!", "Yes!"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<style>a", ""),
        ("2 < 3 <b>> 1</b> <", "2 < 3 > 1"),
        ("<SCRIPT>x</Script>a<!-- <p> -->b<!doctype html>c<p", "abc"),
        ("a<br/><img src=x>b<!-- c -->", "a\nb"),
    ],
)
def test_a_page_becomes_lines(markup, text):
    assert mail_text.tidy(mail_text.from_html(markup)) == text


@pytest.mark.parametrize(
    "bit", ["<a ", "<!--", "<", '<a b="', "</", "<script></script>", "<blockquote></p>", "&", "<!"]
)
def test_a_page_that_is_meant_to_take_long_does_not(bit):
    began = time.process_time()
    mail_text.from_html(bit * (500_000 // len(bit)))
    assert time.process_time() - began < 3


def test_flowed_lines_are_one():
    assert mail_text.unflowed("a \r\nb\r\n c\r\n-- \r\nd", del_sp=False) == "a b\nc\n-- \nd"
    assert mail_text.unflowed("あ \nい", del_sp=True) == "あい"


def whole(head, body=b"Hello"):
    return b"From: alice@shop.example\r\n" + head + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (whole(b"Content-Type: text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe"), "Grüße"),
        (whole(b"Content-Type: text/plain; charset=utf-8", b"Gr\xfc\xdfe"), "Grüße"),
        (whole(b"Content-Type: text/plain; charset=nonsense", "Grüße".encode()), "Grüße"),
        (whole(b"Content-Type: text/plain; charset=punycode", b"abc-"), "abc-"),
        (whole(b"Content-Type: text/plain; charset=rot13", b"abc"), "abc"),
        (whole(b"Content-Transfer-Encoding: base64", b"SGVsbG8="), "Hello"),
        (whole(b"Content-Transfer-Encoding: base64", b"*"), ""),
        (whole(b"Content-Type: text/html", b"<p>Hello</p>"), "Hello"),
        (whole(b"Content-Type: multipart/mixed; boundary=x", b"--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@b.c"
               b"\r\n\r\nforwarded\r\n--x--"), ""),
        (whole(b"Content-Type: multipart/mixed", b"no boundary"), ""),
        (whole(b"Content-Type: multipart/alternative; boundary=x", b"--x\r\n\r\n \r\n--x\r\nContent-Type: text/html"
               b"\r\n\r\n<i>Hello</i>\r\n--x--"), "Hello"),
    ],
)  # fmt: skip
def test_a_body_is_read_whatever_it_says_of_itself(octets, body):
    assert read(octets).body == body


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"Subject: x\r\n\r\nHello",
        b"From: a@b.example\r\nFrom: c@d.example\r\n\r\nHello",
        b"From: a@b.example\r\nX: " + b"x" * 70_000 + b"\r\n\r\nHello",
        whole(b"Content-Type: message/rfc822", b"Content-Type: message/rfc822\r\n\r\n" * 5000),
        whole(b"X: y", b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 200),
        b"From: \xff@b.example\r\n\r\nHello",
    ],
)
def test_what_cannot_be_read_is_refused(octets):
    with pytest.raises(Unreadable):
        read(octets)


@pytest.mark.parametrize(
    ("head", "automatic"),
    [
        (b"Subject: x", ""),
        (b"Auto-Submitted: no", ""),
        (b"Auto-Submitted: auto-generated", "machine"),
        (b"Auto-Submitted: Auto-Replied (vacation)", "reply"),
        (b"Auto-Submitted: auto-replied; owner-email=a@b.example", "reply"),
        (b"Precedence: junk", "machine"),
        (b"List-Id: <l.example>", "machine"),
        (b"X-Autoreply: yes", "reply"),
        (b"X-Whimbrel-Mailbox: MB1", "reply"),
        (b"Content-Type: multipart/report; report-type=delivery-status; boundary=x", "reply"),
    ],
)
def test_who_wrote_it_person_or_machine(head, automatic):
    assert read(whole(head)).automatic == automatic


def test_a_mail_without_an_id_is_named_by_what_it_says():
    first, again = read(whole(b"Date: x")), read(b"Received: y\r\n" + whole(b"Date: x"))
    assert first.name == again.name != read(whole(b"Date: z")).name
    assert read(whole(b"Message-ID: <1@x>")).name == "<1@x>"
    assert read(whole(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=")).subject == "Grüße"
    assert read(whole(b"Reply-To: Desk <desk@shop.example>")).reply_to == "desk@shop.example"
    assert read(whole(b"Reply-To: a@b.example, c@d.example")).reply_to == "alice@shop.example"


def test_a_letter_is_the_same_on_every_try_and_keeps_its_thread():
    letter = Letter(
        id="MM1",
        mailbox_id="MB1",
        sender="+4915112345678+k3f9@sms.example.com",
        shown="+4915112345678",
        to="alice@shop.example",
        subject=answering("Grüße " + "x" * 100),
        body="Grüße\n" + "x" * 200,
        answers=f"<{'1' * 200}@shop.example>",
        references=tuple(f"<{number}@shop.example>" for number in range(30)),
        at_us=1_795_000_000_000_000,
        automatic=False,
    )
    octets = written(letter)
    assert octets == written(letter) and max(map(len, octets.split(b"\r\n"))) < 998 and octets.isascii()
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    assert mail["In-Reply-To"].strip() == letter.answers
    ids = mail["References"].split()
    assert (len(ids), ids[0], ids[-1]) == (12, "<0@shop.example>", letter.answers)
    assert mail["Subject"] == letter.subject[:200] and answering("RE: x") == "RE: x"
    assert mail.get_content().splitlines() == letter.body.splitlines()
    assert read(octets).automatic == "reply", "our own mail is never taken again"


def test_every_refusal_of_a_text_has_its_reply():
    own = {"idempotency_key_reused", "recipient_missing", "invalid_class", "invalid_schedule", "invalid_validity"}
    own |= {"not_found", "not_cancelable", "unauthorized"}  # of requests that the door does not make
    assert set(smpp_statuses.STATUS_OF) - own <= set(statuses.STATUS_OF) <= set(CATALOGUE)
    for code, status in statuses.STATUS_OF.items():
        number, _, enhanced = status.partition(" ")
        assert number[0] == enhanced[0] and number[0] in "45", code
        assert (number[0] == "5") == (CATALOGUE[code].permanent), code
        assert statuses.reply(code).startswith(f"{status} {code}: ") and len(statuses.reply(code)) <= 400


def test_a_line_of_a_reply_holds_nothing_else():
    assert statuses.line("250 a\r\n250 b\u00e9") == "250 a 250 b?"
