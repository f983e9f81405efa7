"""SMPP credentials: what is kept of them, what is refused, what the gate sees of each change."""

import json
import re
import string
from pathlib import Path

import msgspec
import pytest

from whimbrel.base.clock import SeededChance
from whimbrel.domain.customers import CustomerBounds, CustomerSettings
from whimbrel.manage import accounts, passwords, smpp_credentials
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.context import Paging
from whimbrel.manage.smpp_credentials import NewPassword, NewSmppCredential, SmppCredentialChange
from whimbrel.store.interface import Write

from .helpers import actions, refused

DOCS = Path(__file__).parents[2] / "docs" / "smpp-server.md"


async def make(ctx, account, *, test=False, **fields):
    request = NewSmppCredential(**{"name": "Office"} | fields)
    return await smpp_credentials.create(ctx, "cli", request, account_id=account.id, test=test)


async def change(ctx, made, **fields):
    request = SmppCredentialChange(**fields)
    return await smpp_credentials.update(ctx, "cli", made.id, request, account_id=made.account_id, test=made.test)


async def test_a_credential_is_made_and_its_password_is_shown_once(ctx, account, tables):
    made = await make(ctx, account)
    assert (made.id[:2], made.status, made.test, made.settings) == ("SC", "active", False, CustomerSettings())
    assert len(made.password) == 8
    assert 1 <= len(made.system_id) <= 15
    shown = await smpp_credentials.get(ctx, made.id, account_id=account.id, test=False)
    assert msgspec.structs.asdict(made) == msgspec.structs.asdict(shown) | {"password": made.password}
    kept = tables.smpp_credentials[made.system_id]
    assert kept.password.startswith("$argon2id$")
    assert made.password not in msgspec.json.encode(kept).decode()
    assert passwords.matches(made.password, kept.password)


async def test_what_is_given_is_taken(ctx, account, tables):
    settings = CustomerSettings(allow_addresses=("203.0.113.0/24", "2001:db8::/32"), binds_max=2, id_format="hex")
    made = await make(ctx, account, system_id="acme", password="correct-horse", settings=settings)
    assert (made.system_id, made.password, made.settings) == ("acme", "correct-horse", settings)
    assert passwords.matches("correct-horse", tables.smpp_credentials["acme"].password)


async def test_made_passwords_have_no_digits_that_look_alike_and_differ():
    chance = SeededChance(1)
    made = {passwords.make(chance) for _ in range(500)}
    assert len(made) == 500
    used = set("".join(made))
    assert used < set(string.ascii_letters + string.digits)
    assert len(used) == 55
    assert not used & set("0O1lIio")


@pytest.mark.parametrize("password", ["", "x", "correct-horse"])
def test_nobodys_password_matches_nothing_and_is_looked_at_like_any_other(password):
    assert not passwords.matches(password, passwords.NOBODY)
    real = passwords.stored("correct-horse", SeededChance(1))
    parameters = [kept.rsplit("$", 2)[0] for kept in (real, passwords.NOBODY)]
    assert parameters[0] == parameters[1]
    assert len(real) == len(passwords.NOBODY)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"system_id": ""}, "/system_id"),
        ({"system_id": "sixteen-letters-"}, "/system_id"),
        ({"system_id": "with blank"}, "/system_id"),
        ({"system_id": "naïve"}, "/system_id"),
        ({"system_id": "nul\0"}, "/system_id"),
        ({"password": "seven77"}, "/password"),
        ({"password": "x" * 65}, "/password"),
        ({"password": "with a blank"}, "/password"),
        ({"password": "пароль-пароль"}, "/password"),
        ({"settings": CustomerSettings(allow_addresses=("::/0", "10.0.0.1/8"))}, "/settings/allow_addresses/1"),
        ({"settings": CustomerSettings(allow_addresses=("10.0.0.0/8",) * 65)}, "/settings/allow_addresses"),
        ({"settings": CustomerSettings(binds_max=11)}, "/settings/binds_max"),
        ({"settings": CustomerSettings(binds_max=-1)}, "/settings/binds_max"),
        ({"settings": CustomerSettings(throughput_per_s=10_001)}, "/settings/throughput_per_s"),
        ({"settings": CustomerSettings(window=0)}, "/settings/window"),
        ({"settings": CustomerSettings(validity_s=1)}, "/settings/validity_s"),
        ({"settings": CustomerSettings(source_ton=7)}, "/settings/source_ton"),
        ({"settings": CustomerSettings(source_npi=-1)}, "/settings/source_npi"),
        ({"settings": CustomerSettings(enquire_link_s=0)}, "/settings/enquire_link_s"),
        ({"settings": CustomerSettings(inactivity_s=1)}, "/settings/inactivity_s"),
    ],
)
async def test_what_cannot_be_is_refused_and_pointed_at(ctx, account, tables, fields, pointer):
    await refused(make(ctx, account, **fields), "invalid_request", pointer)
    assert tables.smpp_credentials == {}


async def test_a_system_id_is_one_in_the_installation(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    await make(ctx, account, system_id="acme")
    await refused(make(ctx, other, system_id="acme"), "conflict")
    await make(ctx, other, system_id="ACME")


async def test_an_account_has_so_many_and_a_closed_one_none(ctx, account):
    few = msgspec.structs.replace(ctx, smpp=CustomerBounds(credentials=2))
    made = await make(few, account)
    await make(few, account, test=True)
    await refused(make(few, account), "too_many_smpp_credentials")
    await smpp_credentials.delete(few, "cli", made.id, account_id=account.id, test=False)
    await make(few, account)
    await accounts.close(few, "cli", account.id)
    await refused(make(few, account), "conflict")


async def test_others_and_other_modes_have_no_such_credential(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    made = await make(ctx, account)
    for account_id, test in ((other.id, False), (account.id, True)):
        whose = {"account_id": account_id, "test": test}
        await refused(smpp_credentials.get(ctx, made.id, **whose), "not_found")
        await refused(smpp_credentials.update(ctx, "cli", made.id, SmppCredentialChange(), **whose), "not_found")
        await refused(smpp_credentials.rotate(ctx, "cli", made.id, NewPassword(), **whose), "not_found")
        await refused(smpp_credentials.delete(ctx, "cli", made.id, **whose), "not_found")
        assert (await smpp_credentials.find(ctx, **whose)).data == ()
    assert len((await smpp_credentials.find(ctx, account_id=account.id, test=False)).data) == 1


async def test_pages(ctx, account):
    made = [await make(ctx, account, name=str(number)) for number in range(3)]
    first = await smpp_credentials.find(ctx, account_id=account.id, test=False, paging=Paging(limit=2))
    second = await smpp_credentials.find(
        ctx, account_id=account.id, test=False, paging=Paging(cursor=first.next_cursor, limit=2)
    )
    assert [row.id for row in (*first.data, *second.data)] == [row.id for row in reversed(made)]
    assert second.next_cursor is None


async def test_settings_are_merged_and_checked_as_a_whole(ctx, account, tables):
    made = await make(ctx, account, settings=CustomerSettings(window=7, plus=True))
    changed = await change(ctx, made, settings={"window": 9, "source_ton": 1}, name="Branch")
    assert changed.settings == CustomerSettings(window=9, plus=True, source_ton=1)
    assert smpp_credentials.view(tables.smpp_credentials[made.system_id]) == changed
    await refused(change(ctx, made, settings={"windows": 9}), "invalid_request", "/settings/windows")
    await refused(change(ctx, made, settings={"window": "9"}), "invalid_request", "/settings/window")
    await refused(change(ctx, made, settings={"window": 0}), "invalid_request", "/settings/window")
    await refused(change(ctx, made, settings={"id_format": "octal"}), "invalid_request", "/settings/id_format")
    await refused(change(ctx, made, name=""), "invalid_request", "/name")
    assert (await smpp_credentials.get(ctx, made.id, account_id=account.id, test=False)) == changed


async def test_a_bound_that_was_lowered_stops_no_other_change(ctx, account):
    made = await make(ctx, account, settings=CustomerSettings(binds_max=10))
    lower = msgspec.structs.replace(ctx, smpp=CustomerBounds(binds_max=5))
    assert (await change(lower, made, status="suspended")).settings.binds_max == 10
    await refused(change(lower, made, settings={"plus": True}), "invalid_request", "/settings/binds_max")
    assert (await change(lower, made, settings={"plus": True, "binds_max": 5})).settings.binds_max == 5


async def test_a_rotated_password_holds_and_the_old_one_no_more(ctx, account, tables):
    made = await make(ctx, account)
    whose = {"account_id": account.id, "test": False}
    rotated = await smpp_credentials.rotate(ctx, "cli", made.id, NewPassword(), **whose)
    kept = tables.smpp_credentials[made.system_id].password
    assert (passwords.matches(rotated.password, kept), passwords.matches(made.password, kept)) == (True, False)
    chosen = await smpp_credentials.rotate(ctx, "cli", made.id, NewPassword(password="chosen-by-me"), **whose)
    assert chosen.password == "chosen-by-me"
    short = smpp_credentials.rotate(ctx, "cli", made.id, NewPassword(password="short"), **whose)
    await refused(short, "invalid_request", "/password")
    assert passwords.matches("chosen-by-me", tables.smpp_credentials[made.system_id].password)


class _Total(msgspec.Struct, frozen=True):
    count: int


class _Owed(msgspec.Struct, frozen=True):
    credential_id: str
    count: int
    oldest_at: int | None


async def test_what_a_deleted_credential_is_owed_goes_with_it(ctx, account, tables, store):
    made, other = await make(ctx, account), await make(ctx, account)
    for credential_id in (made.id, other.id):
        await store.write([Write("smpp_owed_insert", ((credential_id, 1, "SM1", "message.delivered", "{}", 1),))])
    await smpp_credentials.delete(ctx, "cli", made.id, account_id=account.id, test=False)
    assert set(tables.smpp_credentials) == {other.system_id}
    (left,) = await store.fetch(_Total, "smpp_owed_total", 10)
    (owed,) = await store.fetch(_Owed, "smpp_owed_counts", (other.id,), 10)
    assert (left.count, owed.count) == (1, 1)


async def test_every_change_is_told_in_the_audit_trail_without_secrets(ctx, account):
    made = await make(ctx, account, password="correct-horse")
    whose = {"account_id": account.id, "test": False}
    await change(ctx, made, status="suspended")
    await smpp_credentials.rotate(ctx, "cli", made.id, NewPassword(password="battery-staple"), **whose)
    await smpp_credentials.delete(ctx, "cli", made.id, **whose)
    told = [action for action in await actions(ctx) if action.startswith("smpp")]
    assert told == [f"smpp_credential.{what}" for what in ("created", "updated", "password_rotated", "deleted")]


def test_every_setting_is_documented_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| .+\. \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    defaults = json.loads(msgspec.json.encode(CustomerSettings()))
    assert {name: json.loads(default) for name, default in rows} == defaults
    assert [name for name, _ in rows] == list(defaults)
