"""Quickstart: everything for a first text, made once, completed when cut short, and left alone when changed."""

import msgspec
import phonenumbers
import pytest

from whimbrel.domain.numbers import normalise
from whimbrel.manage import (
    balance,
    carriers,
    credentials,
    keys,
    passwords,
    prices,
    quickstart,
    routes,
    senders,
    smpp_credentials,
)
from whimbrel.manage.carriers import CarrierChange
from whimbrel.manage.credentials import Credentials
from whimbrel.manage.quickstart import SandboxAddress
from whimbrel.manage.smpp_credentials import NewSmppCredential, SmppCredentialChange

from .helpers import actions

pytestmark = pytest.mark.usefixtures("quick_passwords")
SANDBOX = SandboxAddress(host="127.0.0.1", port=2776)


async def test_everything_for_a_first_text(ctx, tables):
    made = await quickstart.seed(ctx, SANDBOX)
    number = normalise("+447400123456")
    assert tables.auth_token(made.account_sid) == made.auth_token
    assert tables.prices.price(made.account_sid, number.digits, 1) is not None
    (carrier,) = tables.carriers.values()
    assert (carrier.name, carrier.sandbox, tables.carrier_password(carrier)) == ("sandbox", True, "sandbox")
    for test in (True, False):
        assert tables.router.candidates(number, made.account_sid, test).carriers == (carrier.id,)
    assert tables.senders[made.account_sid].choose(None, "GB").value == "+15005550006"
    live, test, operator = (tables.keys[keys.digest(k)] for k in (made.api_key, made.test_key, made.operator_key))
    assert [(key.mode, key.account_id) for key in (live, test, operator)] == [
        ("live", made.account_sid),
        ("test", made.account_sid),
        ("live", None),
    ]
    assert (await balance.get(ctx, account_id=made.account_sid)).available == "1000000.00"
    (smpp,) = tables.smpp_credentials.values()
    assert (smpp.account_id, smpp.system_id, smpp.test) == (made.account_sid, made.smpp_system_id, False)
    assert passwords.matches(made.smpp_password, smpp.password)


async def test_a_second_run_changes_nothing(ctx):
    made = await quickstart.seed(ctx, SANDBOX)
    before = await actions(ctx)
    assert await quickstart.seed(ctx, SANDBOX, made) == made
    assert await actions(ctx) == before


async def test_other_fields_of_the_credentials_stay(ctx):
    made = await quickstart.seed(ctx, SANDBOX, Credentials(http_url="http://127.0.0.1:8080"))
    assert made.http_url == "http://127.0.0.1:8080"


async def test_lost_keys_are_replaced_and_no_longer_hold(ctx, tables):
    made = await quickstart.seed(ctx, SANDBOX)
    again = await quickstart.seed(ctx, SANDBOX)
    assert (again.account_sid, again.auth_token) == (made.account_sid, made.auth_token)
    for name in ("api_key", "test_key", "operator_key"):
        assert keys.digest(getattr(made, name)) not in tables.keys
        assert keys.digest(getattr(again, name)) in tables.keys
    assert len(tables.keys) == 3


async def test_keys_of_another_installation_are_replaced(ctx, tables):
    made = await quickstart.seed(ctx, SANDBOX)
    stale = Credentials(account_sid="AC0", auth_token="x", api_key="wk_live_x", test_key=made.test_key)
    again = await quickstart.seed(ctx, SANDBOX, stale)
    assert (again.account_sid, again.auth_token, again.test_key) == (made.account_sid, made.auth_token, made.test_key)
    assert keys.digest(again.api_key) in tables.keys


async def test_a_lost_smpp_password_is_replaced_and_no_longer_holds(ctx, tables):
    made = await quickstart.seed(ctx, SANDBOX)
    lost = msgspec.structs.replace(made, smpp_system_id="", smpp_password="")
    for known in (lost, msgspec.structs.replace(made, smpp_password="another1")):
        again = await quickstart.seed(ctx, SANDBOX, known)
        (smpp,) = tables.smpp_credentials.values()
        assert again.smpp_system_id == made.smpp_system_id
        assert passwords.matches(again.smpp_password, smpp.password)
        assert not passwords.matches(made.smpp_password, smpp.password)


async def test_an_smpp_credential_that_was_suspended_or_renamed_stays_so(ctx, tables):
    made = await quickstart.seed(ctx, SANDBOX)
    (smpp,) = tables.smpp_credentials.values()
    change = SmppCredentialChange(name="Renamed", status="suspended")
    await smpp_credentials.update(ctx, "cli", smpp.id, change, account_id=made.account_sid, test=False)
    assert await quickstart.seed(ctx, SANDBOX, made) == made
    (smpp,) = tables.smpp_credentials.values()
    assert (smpp.name, smpp.status) == ("Renamed", "suspended")


async def test_a_system_id_that_somebody_else_has_is_left_to_them(ctx, account, tables):
    request = NewSmppCredential(name="Office", system_id="quickstart")
    await smpp_credentials.create(ctx, "cli", request, account_id=account.id, test=False)
    made = await quickstart.seed(ctx, SANDBOX)
    assert made.smpp_system_id != "quickstart"
    assert tables.smpp_credentials[made.smpp_system_id].account_id == made.account_sid


async def test_the_carrier_follows_the_simulator(ctx):
    made = await quickstart.seed(ctx, SANDBOX)
    (carrier,) = (await carriers.find(ctx)).data
    await carriers.update(ctx, "cli", carrier.id, CarrierChange(settings={"window": 7}))
    await quickstart.seed(ctx, SandboxAddress(host="::1", port=9999), made)
    settings = (await carriers.get(ctx, carrier.id)).settings
    assert (settings.host, settings.port, settings.window) == ("::1", 9999, 7)


async def test_what_an_operator_changed_stays(ctx):
    made = await quickstart.seed(ctx, SANDBOX)
    for sender in (await senders.find(ctx, account_id=made.account_sid)).data[:1]:
        await senders.delete(ctx, "cli", sender.id, account_id=made.account_sid)
    await prices.put(ctx, "cli", prices.NewPrice(prefix="44", price="9"))
    (route,) = (await routes.find(ctx)).data
    await routes.update(ctx, "cli", route.id, routes.RouteChange(enabled=False))
    before = await actions(ctx)
    await quickstart.seed(ctx, SANDBOX, made)
    assert await actions(ctx) == before


@pytest.mark.parametrize("victim", ["_credit", "_senders", "_prices", "_route", "_smpp", "_key"])
async def test_a_run_that_was_cut_short_is_completed(ctx, victim, monkeypatch):
    """Cut before each of its steps; the next run ends as a whole one does."""

    async def cut(*_):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(quickstart, victim, cut)
        with pytest.raises(ConnectionError):
            await quickstart.seed(ctx, SANDBOX)
    made = await quickstart.seed(ctx, SANDBOX)
    found = await balance.ledger(ctx, account_id=made.account_sid)
    assert [row.amount for row in found.data] == ["1000000.00"]
    trail = await actions(ctx)
    assert [trail.count(f"{noun}.created") for noun in ("account", "carrier", "route", "key")] == [1, 1, 1, 3]
    assert (trail.count("prices.set"), trail.count("sender.created")) == (1, 2)
    assert trail.count("smpp_credential.created") == 1


def test_every_country_has_a_price():
    """One example number of each country that has phone numbers."""
    rows = {price.prefix: price for price in quickstart.price_list()}
    missing = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        digits = phonenumbers.format_number(
            phonenumbers.example_number(region), phonenumbers.PhoneNumberFormat.E164
        ).lstrip("+")
        if not any(digits[:length] in rows for length in range(1, 8)):
            missing.append(region)
    assert missing == []


def test_credentials_there_and_back(tmp_path):
    assert credentials.read(tmp_path) is None
    made = Credentials(account_sid="AC1", api_key="wk_live_x", smpp_port=2775)
    path = credentials.write(tmp_path, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert credentials.read(tmp_path) == made
    assert b"console" not in path.read_bytes()


def test_credentials_are_replaced_and_private_also_over_a_public_draft(tmp_path):
    (tmp_path / ".credentials.json.new").write_text("left by a crash")
    (tmp_path / ".credentials.json.new").chmod(0o644)
    credentials.write(tmp_path, Credentials(account_sid="AC1"))
    path = credentials.write(tmp_path, Credentials(account_sid="AC2"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert credentials.read(tmp_path) == Credentials(account_sid="AC2")


def test_damaged_credentials_say_what_to_do(tmp_path):
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(ValueError, match="remove it"):
        credentials.read(tmp_path)
