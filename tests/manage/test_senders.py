"""Senders: what may be one, whose it is, which is the default, and what the journey sees of it."""

import msgspec
import pytest

from whimbrel.manage import accounts, senders
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.senders import NewSender, SenderAssignment, SenderChange

from .helpers import actions, refused


async def give(ctx, account, value, **more):
    return await senders.create(ctx, "cli", NewSender(value=value, **more), account_id=account.id)


def defaults(tables, account, *countries):
    """The sender that a message to each country gets, by value or by the code of the refusal."""
    chosen = [tables.senders[account.id].choose(None, country) for country in countries]
    return [found if isinstance(found, str) else found.value for found in chosen]


@pytest.mark.parametrize(
    ("given", "value", "kind"),
    [
        ("+447400123456", "+447400123456", "long_code"),
        ("+44 7400 123-456", "+447400123456", "long_code"),
        ("+18005551234", "+18005551234", "toll_free"),
        ("12345", "12345", "short_code"),
        ("ACME Ltd", "ACME Ltd", "alphanumeric"),
    ],
)
async def test_values_are_recognised(ctx, account, tables, given, value, kind):
    made = await give(ctx, account, given)
    assert (made.value, made.kind) == (value, kind)
    assert (await senders.get(ctx, made.id, account_id=account.id)) == made
    assert tables.senders[account.id].choose(value, "GB").id == made.id


@pytest.mark.parametrize("value", ["", "12", "TWELVE CHARS", "+44123", "a\nb", " ACME"])
async def test_other_values_are_refused(ctx, account, value):
    await refused(give(ctx, account, value), "invalid_sender", "/value")
    assert (await senders.find(ctx, account_id=account.id)).data == ()


async def test_inbound_texts_find_numbers_by_their_digits_and_names_never(ctx, account, tables):
    number = await give(ctx, account, "+447400123456")
    code = await give(ctx, account, "12345")
    await give(ctx, account, "ACME")
    assert {value: sender.id for value, sender in tables.senders_by_value.items()} == {
        "447400123456": number.id,
        "12345": code.id,
    }


async def test_a_number_belongs_to_one_account_and_a_name_to_many(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    await give(ctx, account, "+447400123456")
    await give(ctx, account, "ACME")
    await refused(give(ctx, other, "+447400123456"), "conflict")
    await refused(give(ctx, account, "ACME"), "conflict")
    await give(ctx, other, "ACME")


async def test_the_newest_default_takes_the_mark(ctx, account, tables):
    first = await give(ctx, account, "ONE", is_default=True)
    await give(ctx, account, "TWO", is_default=True)
    assert defaults(tables, account, "GB") == ["TWO"]
    assert not (await senders.get(ctx, first.id, account_id=account.id)).is_default


async def test_defaults_by_country_go_before_the_default_for_all(ctx, account, tables):
    await give(ctx, account, "ALL", is_default=True)
    british = await give(ctx, account, "EU", is_default=True, countries=("GB", "DE"))
    assert defaults(tables, account, "GB", "DE", "US") == ["EU", "EU", "ALL"]
    await give(ctx, account, "UK", is_default=True, countries=("GB",))
    assert defaults(tables, account, "GB", "DE", "US") == ["UK", "EU", "ALL"]
    assert (await senders.get(ctx, british.id, account_id=account.id)).countries == ("DE",)
    await give(ctx, account, "DE", is_default=True, countries=("DE",))
    left = await senders.get(ctx, british.id, account_id=account.id)
    assert (left.is_default, left.countries) == (False, ())


async def test_a_change_keeps_what_it_does_not_name(ctx, account, tables):
    made = await give(ctx, account, "12345", sms_url="https://example.com/in")
    changed = await senders.update(ctx, "cli", made.id, SenderChange(is_default=True), account_id=account.id)
    assert (changed.sms_url, changed.is_default) == ("https://example.com/in", True)
    cleared = await senders.update(ctx, "cli", made.id, SenderChange(sms_url=None), account_id=account.id)
    assert cleared.sms_url is None
    assert tables.senders_by_value["12345"].sms_url is None


@pytest.mark.parametrize(
    ("more", "code", "pointers"),
    [
        ({"countries": ("GB",)}, "invalid_request", ("/countries",)),
        ({"is_default": True, "countries": ("XX", "GB", "gb")}, "invalid_request", ("/countries/0", "/countries/2")),
        ({"sms_url": "ftp://example.com"}, "webhook_url_refused", ("/sms_url",)),
        ({"sms_url": "https://192.168.0.1/"}, "webhook_url_refused", ("/sms_url",)),
        ({"sms_fallback_url": "nonsense"}, "webhook_url_refused", ("/sms_fallback_url",)),
    ],
)
async def test_bad_input_is_refused(ctx, account, more, code, pointers):
    await refused(give(ctx, account, "12345", **more), code, *pointers)
    assert await actions(ctx) == ["account.created"]


async def test_a_name_receives_no_texts(ctx, account):
    verb = give(ctx, account, "ACME", sms_url="https://example.com/in")
    await refused(verb, "invalid_request", "/sms_url")


async def test_senders_of_others_are_not_found(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    made = await give(ctx, account, "ACME")
    await refused(senders.get(ctx, made.id, account_id=other.id), "not_found")
    await refused(senders.update(ctx, "KE", made.id, SenderChange(), account_id=other.id), "not_found")
    await refused(senders.delete(ctx, "KE", made.id, account_id=other.id), "not_found")
    await refused(give(ctx, NewlyGone, "ACME"), "not_found")


class NewlyGone:
    """An account that is not there."""

    id = "AC0"


async def test_a_deleted_sender_is_gone_at_once(ctx, account, tables):
    made = await give(ctx, account, "12345")
    await senders.delete(ctx, "cli", made.id, account_id=account.id)
    assert tables.senders_by_value == {}
    assert tables.senders.get(account.id) is None
    assert await actions(ctx) == ["account.created", "sender.created", "sender.deleted"]


async def test_what_becomes_of_a_sender_is_told(ctx, account):
    made = await give(ctx, account, "Acme", approval="pending")
    whose = {"account_id": account.id}
    for change in ({"approval": "approved"}, {"approval": "rejected", "approval_reason": "Fraud."}):
        await senders.assign(ctx, "cli", made.id, SenderAssignment(**change), **whose)
    await senders.update(ctx, "cli", made.id, SenderChange(is_default=True), **whose)
    await senders.assign(ctx, "cli", made.id, SenderAssignment(approval="pending"), **whose)
    await senders.delete(ctx, "cli", made.id, **whose)
    events = [event for event in await ctx.store.events_after(0, 100) if event.subject_id == made.id]
    assert [(event.seq, event.type) for event in events] == [
        (1, "sender.created"),
        (2, "sender.approved"),
        (3, "sender.rejected"),
        (4, "sender.updated"),
        (5, "sender.updated"),
        (6, "sender.deleted"),
    ]
    told = [msgspec.json.decode(event.data) for event in events]
    assert [each.get("fields") for each in told][3:5] == [["is_default"], ["approval", "approval_reason"]]
    assert told[2]["approval_reason"] == "Fraud."
    assert {(each["id"], each["value"], each["kind"]) for each in told} == {(made.id, "Acme", "alphanumeric")}


async def test_a_sender_that_is_no_default_any_more_can_be_changed(ctx, account):
    """Another one took the mark: that is no event of this one."""
    first = await give(ctx, account, "Acme", is_default=True)
    await give(ctx, account, "Other", is_default=True)
    changed = await senders.update(ctx, "cli", first.id, SenderChange(is_default=True), account_id=account.id)
    assert changed.is_default


async def test_of_two_who_change_a_sender_at_once_the_second_is_told(ctx, account, monkeypatch):
    """Two nodes: what the second has read is older than what the first has written."""
    made = await give(ctx, account, "Acme")
    row = await senders.existing(ctx, made.id, account.id)
    await senders.assign(ctx, "cli", made.id, SenderAssignment(approval="rejected"), account_id=account.id)

    async def stale(*_):
        return row

    monkeypatch.setattr(senders, "existing", stale)
    late = senders.update(ctx, "cli", made.id, SenderChange(is_default=True), account_id=account.id)
    await refused(late, "conflict")
    await refused(senders.delete(ctx, "cli", made.id, account_id=account.id), "conflict")
    monkeypatch.undo()
    now = await senders.existing(ctx, made.id, account.id)
    assert (now.approval, now.is_default, now.seq) == ("rejected", False, 2)
    assert (await actions(ctx)).count("sender.updated") == 1
