"""People and roles."""

import msgspec

from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import users
from whimbrel.manage.context import Page
from whimbrel.manage.users import NewUser, RoleView, UserChange, UserInvited, UserView

_TAG = "Users"


class Roles(msgspec.Struct, frozen=True):
    """All roles."""

    data: tuple[RoleView, ...]


async def roles(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Roles(users.roles(of_operator=call.acting_for is None)))


async def invite(services: Services, call: Call[NoQuery, NewUser]) -> Answer:
    made = await users.invite(
        services.manage, call.actor, call.body, account_id=call.acting_for, grantor=call.principal.scopes
    )
    return Answer(made, location=f"/v1/users/{made.id}")


async def find(services: Services, call: Call[PageQuery, None]) -> Answer:
    return Answer(await users.find(services.manage, account_id=call.acting_for, paging=call.query.paging()))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await users.get(services.manage, call.path["id"], account_id=call.acting_for))


async def update(services: Services, call: Call[NoQuery, UserChange]) -> Answer:
    changed = await users.update(
        services.manage,
        call.actor,
        call.path["id"],
        call.body,
        account_id=call.acting_for,
        grantor=call.principal.scopes,
    )
    return Answer(changed)


async def reinvite(services: Services, call: Call[NoQuery, None]) -> Answer:
    made = await users.reinvite(
        services.manage, call.actor, call.path["id"], account_id=call.acting_for, grantor=call.principal.scopes
    )
    return Answer(made)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await users.delete(
        services.manage, call.actor, call.path["id"], account_id=call.acting_for, grantor=call.principal.scopes
    )
    return Answer()


_ONE = "The key acts for its account; without an account (an operator's key) for the operator's people."

OPERATIONS = (
    Operation(
        method="GET", path="/v1/roles", name="listRoles", tag=_TAG, summary="List the roles that people can have",
        access="any", scope="users:read", handle=roles, answer=Roles,
    ),
    Operation(
        method="POST", path="/v1/users", name="inviteUser", tag=_TAG, summary="Invite somebody to the console",
        description=f"The answer alone has the code of a link, which signs in once. {_ONE} Nobody can give a role that "
        "may do more than they themselves.",
        access="any", scope="users:write", live_only=True, handle=invite, body=NewUser, answer=UserInvited, status=201,
        errors=("conflict",), example={"email": "ada@example.com", "role": "support"},
    ),
    Operation(
        method="GET", path="/v1/users", name="listUsers", tag=_TAG, summary="List people", description=_ONE,
        access="any", scope="users:read", handle=find, query=PageQuery, answer=Page[UserView],
    ),
    Operation(
        method="GET", path="/v1/users/{id}", name="getUser", tag=_TAG, summary="Read a person",
        access="any", scope="users:read", handle=get, answer=UserView,
    ),
    Operation(
        method="PATCH", path="/v1/users/{id}", name="updateUser", tag=_TAG, summary="Change somebody's name or role",
        description="`disabled` ends all their sessions. The last owner stays one.",
        access="any", scope="users:write", live_only=True, handle=update, body=UserChange, answer=UserView,
        errors=("in_use",), example={"role": "developer"},
    ),
    Operation(
        method="POST", path="/v1/users/{id}/link", name="makeUserLink", tag=_TAG, summary="Make a link to sign in with",
        description="For whoever lost their link or password. It works once; earlier links end. Nobody can make one "
        "for whoever may do more than they themselves.",
        access="any", scope="users:write", live_only=True, handle=reinvite, answer=UserInvited, errors=("conflict",),
    ),
    Operation(
        method="DELETE", path="/v1/users/{id}", name="deleteUser", tag=_TAG, summary="Remove a person",
        description="With their sessions and passkeys. What they did stays in the audit log.",
        access="any", scope="users:write", live_only=True, handle=delete, status=204, errors=("in_use",),
    ),
)  # fmt: skip
