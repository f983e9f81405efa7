"""People: invited, changed, disabled, removed; and the owner that always stays."""

import pytest

from whimbrel.base.limits import INVITATION_S
from whimbrel.domain.people import ROLES, User, scopes_of
from whimbrel.manage import accounts, audit, scopes, sign_in_codes, users
from whimbrel.manage.users import NewUser, UserChange

from .helpers import refused


async def owner_of(ctx, account_id=None, email="ada@example.com"):
    return await users.invite(ctx, "cli", NewUser(email=email, role="owner"), account_id=account_id)


def test_roles_name_scopes_that_exist():
    for name, role in ROLES.items():
        assert role.account <= set(scopes.ACCOUNT_SCOPES), name
        assert role.installation <= set(scopes.OPERATOR_SCOPES), name
    assert scopes_of("owner", of_operator=False) == set(scopes.ACCOUNT_SCOPES)
    assert "operator" in scopes_of("owner", of_operator=True)


@pytest.mark.parametrize("role", ["support", "billing", "read_only"])
def test_who_only_looks_or_talks_makes_no_keys(role):
    held = scopes_of(role, of_operator=False)
    assert not held & {"keys:write", "users:write", "accounts:write", "webhooks:write"}
    if role != "support":
        assert not [scope for scope in held if scope.endswith(":write")]


async def test_an_invitation_is_a_link_that_works_once(ctx, account, clock):
    made = await users.invite(ctx, "cli", NewUser(email=" Ada@Example.com ", role="developer"), account_id=account.id)
    assert (made.email, made.name, made.status, made.role) == ("ada@example.com", "ada", "invited", "developer")
    assert await sign_in_codes.take(ctx, made.code, "recovery") is None
    assert await sign_in_codes.take(ctx, made.code, "link") == made.id
    assert await sign_in_codes.take(ctx, made.code, "link") is None
    later = await users.reinvite(ctx, "cli", made.id, account_id=account.id)
    clock.advance(INVITATION_S + 1)
    assert await sign_in_codes.take(ctx, later.code, "link") is None


async def test_a_new_link_ends_the_old_one(ctx):
    made = await owner_of(ctx)
    again = await users.reinvite(ctx, "cli", made.id, account_id=None)
    assert await sign_in_codes.take(ctx, made.code, "link") is None
    assert await sign_in_codes.take(ctx, again.code, "link") == made.id


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        (NewUser(email="ada", role="owner"), "/email"),
        (NewUser(email="a b@example.com", role="owner"), "/email"),
        (NewUser(email="ada@example.com", role="owner", name="a\nb"), "/name"),
    ],
)
async def test_bad_requests_are_refused(ctx, request_, pointer):
    await refused(users.invite(ctx, "cli", request_, account_id=None), "invalid_request", pointer)
    assert (await users.find(ctx, account_id=None)).data == ()


async def test_an_address_is_one_person_s(ctx, account):
    await owner_of(ctx, account.id)
    await refused(owner_of(ctx, None, "ADA@example.com"), "conflict", "/email")


async def test_nobody_gives_more_than_they_have(ctx, account):
    held = scopes_of("developer", of_operator=False) | {"users:write"}
    await refused(
        users.invite(ctx, "US", NewUser(email="x@y.z", role="owner"), account_id=account.id, grantor=held),
        "invalid_request",
        "/role",
    )
    made = await users.invite(ctx, "US", NewUser(email="x@y.z", role="support"), account_id=account.id, grantor=held)
    change = UserChange(role="owner")
    await refused(
        users.update(ctx, "US", made.id, change, account_id=account.id, grantor=held), "invalid_request", "/role"
    )
    assert (await users.get(ctx, made.id, account_id=account.id)).role == "support"


async def test_nobody_signs_in_for_or_removes_whoever_may_do_more(ctx, account):
    ada = await owner_of(ctx, account.id)
    await owner_of(ctx, account.id, "bob@example.com")
    held, change = frozenset({"users:write", "users:read"}), UserChange(disabled=True)
    asked = {"account_id": account.id, "grantor": held}
    await refused(users.reinvite(ctx, "KE", ada.id, **asked), "forbidden")
    await refused(users.update(ctx, "KE", ada.id, change, **asked), "forbidden")
    await refused(users.delete(ctx, "KE", ada.id, **asked), "forbidden")
    assert (await users.get(ctx, ada.id, account_id=account.id)).status == "invited"


async def test_a_link_ends_with_being_disabled(ctx, account):
    ada = await owner_of(ctx, account.id)
    await owner_of(ctx, account.id, "bob@example.com")
    for disabled in (True, False):
        await users.update(ctx, "cli", ada.id, UserChange(disabled=disabled), account_id=account.id)
    assert await sign_in_codes.take(ctx, ada.code, "link") is None


async def test_the_last_owner_stays(ctx, account):
    ada = await owner_of(ctx, account.id)
    await owner_of(ctx, None, "operator@example.com")  # of the operator: no owner of the account
    for change in (UserChange(role="developer"), UserChange(disabled=True)):
        await refused(users.update(ctx, "cli", ada.id, change, account_id=account.id), "in_use")
    await refused(users.delete(ctx, "cli", ada.id, account_id=account.id), "in_use")
    bob = await owner_of(ctx, account.id, "bob@example.com")
    await users.update(ctx, "cli", ada.id, UserChange(disabled=True), account_id=account.id)
    await refused(users.delete(ctx, "cli", bob.id, account_id=account.id), "in_use")
    await users.update(ctx, "cli", ada.id, UserChange(disabled=False), account_id=account.id)
    await users.delete(ctx, "cli", bob.id, account_id=account.id)
    assert [each.email for each in (await users.find(ctx, account_id=account.id)).data] == ["ada@example.com"]


async def test_accounts_do_not_see_each_other_s_people(ctx, account):
    ada = await owner_of(ctx, account.id)
    other = await accounts.create(ctx, "cli", accounts.NewAccount(name="Other"))
    for whose in (other.id, None):
        await refused(users.get(ctx, ada.id, account_id=whose), "not_found")
        await refused(users.update(ctx, "cli", ada.id, UserChange(name="x"), account_id=whose), "not_found")
        await refused(users.delete(ctx, "cli", ada.id, account_id=whose), "not_found")
        assert (await users.find(ctx, account_id=whose)).data == ()


async def test_a_person_leaves_nothing_behind_but_the_audit(ctx, store):
    await owner_of(ctx, None, "stays@example.com")
    ada = await owner_of(ctx)
    await users.delete(ctx, "cli", ada.id, account_id=None)
    assert await store.fetch(User, "user_by_id", ada.id) == []
    assert await sign_in_codes.take(ctx, ada.code, "link") is None
    told = [entry.action for entry in (await audit.find(ctx)).data if entry.subject_id == ada.id]
    assert told == ["user.deleted", "user.invited"]
