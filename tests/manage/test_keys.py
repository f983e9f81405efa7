"""API keys: their shape and check digits, what is stored of them, scopes, revocation; and that the docs list them."""

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.clock import SeededChance
from whimbrel.manage import accounts, keys, scopes
from whimbrel.manage.keys import NewKey

from .helpers import actions, refused

DOCS = Path(__file__).parents[2] / "docs" / "keys.md"
READ = ("messages:read",)


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_key_has_its_shape_and_its_check_digits(mode):
    key = keys.make(mode, SeededChance(1))
    assert re.fullmatch(rf"wk_{mode}_[0-9A-Za-z]{{33}}", key)
    assert keys.well_formed(key)


class Fixed(SeededChance):
    """Draws zeros for ever."""

    def octets(self, count: int) -> bytes:
        return bytes(count)


def test_a_known_key():
    """160 zero bits; the check digits were reckoned apart, with binascii.crc32 and digits from the highest down."""
    assert keys.make("live", Fixed(0)) == "wk_live_" + "0" * 27 + "1LHqez"


@given(st.integers(0, 2**32), st.data())
def test_one_wrong_character_is_noticed(seed, data):
    key = keys.make("live", SeededChance(seed))
    place = data.draw(st.integers(8, len(key) - 1))
    other = data.draw(st.sampled_from("0aZ").filter(lambda c: c != key[place]))
    assert not keys.well_formed(key[:place] + other + key[place + 1 :])


@pytest.mark.parametrize("text", ["", "wk_live_", "sk_live_" + "0" * 33, "wk_prod_" + "0" * 33, "wk_live_" + "0" * 34])
def test_other_shapes_are_not_keys(text):
    assert not keys.well_formed(text)


async def test_a_key_is_shown_once_and_stored_as_its_digest(ctx, account, tables):
    made = await keys.create(ctx, "cli", NewKey(name="app", scopes=READ), account_id=account.id)
    assert made.key.startswith(made.hint)
    assert len(made.hint) == 12
    stored = tables.keys[hashlib.sha256(made.key.encode()).digest()]
    assert (stored.id, stored.account_id, stored.scopes) == (made.id, account.id, READ)
    assert not hasattr(await keys.get(ctx, made.id, account_id=account.id), "key")
    assert made.rate_per_s == ctx.rate_per_s


async def test_a_revoked_key_is_gone_from_the_tables_at_once_and_stays_in_the_list(ctx, account, tables):
    made = await keys.create(ctx, "cli", NewKey(name="app", scopes=READ), account_id=account.id)
    revoked = await keys.revoke(ctx, "cli", made.id, account_id=account.id)
    assert revoked.status == "revoked"
    assert revoked.revoked_at is not None
    assert keys.digest(made.key) not in tables.keys
    assert (await keys.find(ctx, account_id=account.id)).data == (revoked,)
    assert await keys.revoke(ctx, "cli", made.id, account_id=account.id) == revoked
    assert (await actions(ctx)).count("key.revoked") == 1


async def test_keys_of_accounts_and_of_the_operator_are_apart(ctx, account):
    own = await keys.create(ctx, "cli", NewKey(name="app", scopes=READ), account_id=account.id)
    operator = await keys.create(ctx, "cli", NewKey(name="op", scopes=(scopes.OPERATOR,)), account_id=None)
    assert [key.id for key in (await keys.find(ctx, account_id=account.id)).data] == [own.id]
    assert [key.id for key in (await keys.find(ctx, account_id=None)).data] == [operator.id]
    await refused(keys.get(ctx, own.id, account_id=None), "not_found")
    await refused(keys.revoke(ctx, "KE", operator.id, account_id=account.id), "not_found")


@pytest.mark.parametrize(
    ("request_", "pointers"),
    [
        (NewKey(name="", scopes=READ), ("/name",)),
        (NewKey(name="x", scopes=()), ("/scopes",)),
        (NewKey(name="x", scopes=("messages:*",)), ("/scopes/0",)),
        (NewKey(name="x", scopes=("messages:read", "operator")), ("/scopes/1",)),
        (NewKey(name="x", scopes=("carriers:read",)), ("/scopes/0",)),
        (NewKey(name="x", scopes=READ, rate_per_s=0), ("/rate_per_s",)),
        (NewKey(name="x", scopes=READ, expires_at="tomorrow"), ("/expires_at",)),
        (NewKey(name="x", scopes=READ, expires_at="2020-01-01T00:00:00Z"), ("/expires_at",)),
    ],
)
async def test_bad_requests_are_refused(ctx, account, request_, pointers):
    await refused(keys.create(ctx, "cli", request_, account_id=account.id), "invalid_request", *pointers)
    assert (await keys.find(ctx, account_id=account.id)).data == ()


async def test_operator_keys_are_live(ctx):
    request = NewKey(name="op", scopes=("operator",), mode="test")
    await refused(keys.create(ctx, "cli", request, account_id=None), "invalid_request", "/mode")


async def test_a_key_cannot_make_a_mightier_one(ctx, account, tables):
    made = await keys.create(
        ctx, "cli", NewKey(name="x", scopes=("keys:write", "messages:read")), account_id=account.id
    )
    asking = tables.keys[keys.digest(made.key)]
    grantor = keys.Grantor(frozenset(asking.scopes), asking.mode == "test")
    wider = NewKey(name="y", scopes=("messages:read", "messages:write"))
    verb = keys.create(ctx, made.id, wider, account_id=account.id, grantor=grantor)
    await refused(verb, "invalid_request", "/scopes/1")
    same = NewKey(name="y", scopes=("messages:read",))
    assert (await keys.create(ctx, made.id, same, account_id=account.id, grantor=grantor)).scopes == READ


async def test_a_test_key_makes_test_keys_only(ctx, account, tables):
    made = await keys.create(ctx, "cli", NewKey(name="x", scopes=("keys:write",), mode="test"), account_id=account.id)
    asking = tables.keys[keys.digest(made.key)]
    grantor = keys.Grantor(frozenset(asking.scopes), asking.mode == "test")
    live = NewKey(name="y", scopes=("keys:write",), mode="live")
    await refused(keys.create(ctx, "KE", live, account_id=account.id, grantor=grantor), "invalid_request", "/mode")


async def test_keys_are_for_accounts_that_exist_and_are_open(ctx, account):
    await refused(keys.create(ctx, "cli", NewKey(name="x", scopes=READ), account_id="AC0"), "not_found")
    await accounts.close(ctx, "cli", account.id)
    await refused(keys.create(ctx, "cli", NewKey(name="x", scopes=READ), account_id=account.id), "conflict")


async def test_expiry_is_kept(ctx, account, tables):
    request = NewKey(name="x", scopes=READ, expires_at="2030-01-31T12:00:00+01:00")
    made = await keys.create(ctx, "cli", request, account_id=account.id)
    assert made.expires_at == "2030-01-31T11:00:00.000000Z"
    assert tables.keys[keys.digest(made.key)].expires_at == 1_896_087_600_000_000


def test_the_operator_scope_allows_everything_that_exists():
    assert all(scopes.allows((scopes.OPERATOR,), scope) for scope in scopes.SCOPES)
    assert not scopes.allows(("messages:read",), "messages:write")
    with pytest.raises(KeyError):
        scopes.allows((scopes.OPERATOR,), "messages:wirte")


def test_account_and_operator_scopes_do_not_overlap():
    assert scopes.ACCOUNT_SCOPES.keys() & scopes.OPERATOR_SCOPES.keys() == set()


def test_every_scope_is_documented_as_it_is():
    rows = {line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    expected = {f"| `{name}` | account | {text} |" for name, text in scopes.ACCOUNT_SCOPES.items()}
    expected |= {f"| `{name}` | operator | {text} |" for name, text in scopes.OPERATOR_SCOPES.items()}
    assert rows == expected
