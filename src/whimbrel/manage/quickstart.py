"""Quickstart: everything that a first text needs, made once: an account with pretend money, a price for every country,
a default sender, a carrier that is the simulator, a route to it, keys, a credential to bind with over SMPP, and
somebody who may do everything in the console.

Each step looks whether its work is done, so a second run changes nothing, a run that was cut short is completed, and
what an operator has changed since stays as it is. Keys and the SMPP password are known only when they are made: later
runs find them in credentials.json, or replace those that were lost.
"""

import asyncio
import csv
from importlib.resources import files

import msgspec

from whimbrel.base import limits
from whimbrel.base.vault import Seal
from whimbrel.domain import carrier_kinds
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Account, Carrier, Key, Price, Route, Sender, SmppCredential
from whimbrel.domain.people import User
from whimbrel.manage import (
    accounts,
    balance,
    carriers,
    keys,
    passwords,
    prices,
    routes,
    scopes,
    senders,
    sign_in_codes,
    smpp_credentials,
    users,
)
from whimbrel.manage.balance import LedgerRow
from whimbrel.manage.context import FIRST_PAGE, Context, after_position
from whimbrel.manage.credentials import Credentials
from whimbrel.manage.people_passwords import PeoplePasswords
from whimbrel.manage.smpp_credentials import NewPassword, NewSmppCredential
from whimbrel.store.interface import Write

ACTOR = "quickstart"
ACCOUNT_NAME = "Quickstart"
CREDIT = "1000000"  # pretend US dollars: enough for millions of texts to anywhere
SENDERS = ("+15005550006", "Whimbrel")  # a reserved number as the default, so that phones can answer; and a name
CARRIER_NAME = "sandbox"
_WINDOW = 100
SMPP_NAME, SMPP_SYSTEM_ID = "Quickstart", "quickstart"
PERSON = "owner@localhost"
_OWNER = users.NewUser(email=PERSON, role="owner", name="Owner")
_PASSWORD_OCTETS = 12
_LIVE, _TEST, _OPERATOR = "Quickstart live", "Quickstart test", "Quickstart operator"


class SandboxAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the simulator's SMSC listens, and what to bind with."""

    host: str
    port: int
    system_id: str = "whimbrel"
    password: str = "sandbox"  # noqa: S105 - the simulator takes any


async def seed(ctx: Context, sandbox: SandboxAddress, previous: Credentials | None = None) -> Credentials:
    """Make what is missing; the credentials of `previous` that still hold, new ones in place of the others."""
    known = previous or Credentials()
    account = await _account(ctx, known.account_sid)
    await _credit(ctx, account.id)
    await _senders(ctx, account.id)
    await _prices(ctx)
    await _route(ctx, await _carrier(ctx, sandbox))
    smpp_system_id, smpp_password = await _smpp(ctx, known, account.id)
    console_password = await _person(ctx, known.console_password)
    return msgspec.structs.replace(
        known,
        account_sid=account.id,
        auth_token=ctx.vault.open(account.auth_token, Seal.of(Seal.ACCOUNT_TOKEN, account.id)),
        api_key=await _key(ctx, known.api_key, _LIVE, "live", account.id),
        test_key=await _key(ctx, known.test_key, _TEST, "test", account.id),
        operator_key=await _key(ctx, known.operator_key, _OPERATOR, "live", None),
        smpp_system_id=smpp_system_id,
        smpp_password=smpp_password,
        console_user=PERSON,
        console_password=console_password,
    )


async def sign_in_code(ctx: Context) -> str:
    """The code of a link that signs in once, for whoever has just started it; earlier ones end."""
    (user,) = await ctx.store.fetch(User, "user_by_email", PERSON)
    code, made = sign_in_codes.link(ctx, user.id, limits.INVITATION_S)
    await ctx.store.write(made)
    return code.text


def price_list() -> tuple[prices.NewPrice, ...]:
    """The prices that quickstart begins with, for every calling code of a country: figures of our own, in US dollars a
    segment, in the range of what providers ask."""
    text = (files("whimbrel.manage") / "data" / "prices.csv").read_text("utf-8")
    return tuple(prices.NewPrice(prefix=row["prefix"], price=row["price"]) for row in csv.DictReader(text.splitlines()))


async def _account(ctx: Context, account_id: str) -> Account:
    rows = await ctx.store.fetch(Account, "account_by_id", account_id)
    if rows:
        return rows[0]
    named = [row for row in await ctx.store.fetch(Account, "accounts_all") if row.name == ACCOUNT_NAME]
    if named:
        return min(named, key=lambda row: row.id)
    created = await accounts.create(ctx, ACTOR, accounts.NewAccount(name=ACCOUNT_NAME))
    return await accounts.existing(ctx, created.id)


async def _credit(ctx: Context, account_id: str) -> None:
    if not await ctx.store.fetch(LedgerRow, "ledger_page", account_id, after_position(FIRST_PAGE), 1):
        request = balance.TopUp(amount=CREDIT, note="Pretend money to begin with.")
        await balance.top_up(ctx, ACTOR, request, account_id=account_id)


async def _senders(ctx: Context, account_id: str) -> None:
    if await ctx.store.fetch(Sender, "senders_of_account", account_id):
        return
    for place, value in enumerate(SENDERS):
        request = senders.NewSender(value=value, is_default=place == 0)
        await senders.create(ctx, ACTOR, request, account_id=account_id)


async def _prices(ctx: Context) -> None:
    if not await ctx.store.fetch(Price, "prices_all"):
        await prices.put_many(ctx, ACTOR, prices.NewPrices(prices=price_list()))


async def _carrier(ctx: Context, sandbox: SandboxAddress) -> str:
    """The carrier that is the simulator, at the address where the simulator is now."""
    rows = await ctx.store.fetch(Carrier, "carrier_by_name", CARRIER_NAME)
    if not rows:
        settings = {"host": sandbox.host, "port": sandbox.port, "system_id": sandbox.system_id, "window": _WINDOW}
        request = carriers.NewCarrier(name=CARRIER_NAME, settings=settings, password=sandbox.password, sandbox=True)
        return (await carriers.create(ctx, ACTOR, request)).id
    present = carrier_kinds.settings_of(rows[0])
    if isinstance(present, CarrierSettings) and (present.host, present.port) != (sandbox.host, sandbox.port):
        change = carriers.CarrierChange(settings={"host": sandbox.host, "port": sandbox.port})
        await carriers.update(ctx, ACTOR, rows[0].id, change)
    return rows[0].id


async def _route(ctx: Context, carrier_id: str) -> None:
    if not await ctx.store.fetch(Route, "routes_all"):
        await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(carrier_id,)))


async def _key(ctx: Context, known: str, name: str, mode: keys.Mode, account_id: str | None) -> str:
    """The known key if it still holds; otherwise a new one, and those of its name that were lost are revoked."""
    rows = await ctx.store.fetch(Key, "keys_by_name", account_id or "", name)
    if known and any(row.digest == keys.digest(known) for row in rows):
        return known
    for row in rows:
        await keys.revoke(ctx, ACTOR, row.id, account_id=account_id)
    granted = tuple(scopes.ACCOUNT_SCOPES) if account_id else (scopes.OPERATOR,)
    request = keys.NewKey(name=name, mode=mode, scopes=granted)
    return (await keys.create(ctx, ACTOR, request, account_id=account_id)).key


async def _person(ctx: Context, known: str) -> str:
    """Somebody who works for the operator and owns everything; their password: the known one, which they may have
    changed since, or that of somebody new."""
    passwords_of_people = PeoplePasswords(ctx.chance)
    rows = await ctx.store.fetch(User, "user_by_email", PERSON)
    if rows and known:
        return known
    user_id = rows[0].id if rows else (await users.invite(ctx, ACTOR, _OWNER, account_id=None)).id
    password = ctx.chance.octets(_PASSWORD_OCTETS).hex()
    kept = await passwords_of_people.kept(password)
    await ctx.store.write([Write("user_set_password", ((user_id, kept, "active", ctx.clock.now_us()),))])
    return password


async def _smpp(ctx: Context, known: Credentials, account_id: str) -> tuple[str, str]:
    """system_id and password of the credential: the known ones if they still hold, or else a new password for it; a
    credential where there is none."""
    own = await ctx.store.fetch(SmppCredential, "smpp_credentials_of_account", account_id)
    named = [row for row in own if row.system_id == known.smpp_system_id] or [
        row for row in own if row.name == SMPP_NAME and not row.test
    ]
    if not named:
        is_taken = await ctx.store.fetch(SmppCredential, "smpp_credential_by_system_id", SMPP_SYSTEM_ID)
        request = NewSmppCredential(name=SMPP_NAME, system_id=None if is_taken else SMPP_SYSTEM_ID)
        made = await smpp_credentials.create(ctx, ACTOR, request, account_id=account_id, test=False)
        return made.system_id, made.password
    (present,) = named[:1]
    if await asyncio.to_thread(passwords.matches, known.smpp_password, present.password):
        return present.system_id, known.smpp_password
    rotated = await smpp_credentials.rotate(
        ctx, ACTOR, present.id, NewPassword(), account_id=account_id, test=present.test
    )
    return rotated.system_id, rotated.password
