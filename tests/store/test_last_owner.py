"""The last owner of an account stays, whoever does what at the same time."""

import pytest
from node import Node, waiting
from store_samples import NOW

from whimbrel.domain.people import User
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns
from whimbrel.store.store import SqlStore
from whimbrel.store.verbs.owners import unless_alone
from whimbrel.store.verbs.write import write

ADA, BOB, EVE = (f"US{digit * 32}" for digit in "123")
ROLE = "owner"


def person(user_id: str, **more: object) -> Write:
    fields = {
        "id": user_id, "account_id": None, "email": f"{user_id}@example.com", "name": "x", "role": ROLE,
        "status": "active", "password": "", "totp": None, "totp_step": 0, "failures": 0, "locked_until": 0,
        "preferences": "{}", "created_at": NOW, "updated_at": NOW, "signed_in_at": None,
    } | more  # fmt: skip
    return Write("user_insert", (to_columns(User(**fields)),))


def disabled(user_id: str) -> list[Write]:
    return [Write("user_set_profile", ((user_id, "x", ROLE, "disabled", NOW),))]


async def owners(store: SqlStore, account_id: str = "") -> list[str]:
    return await store.fetch(str, "users_with_role", account_id, ROLE)


async def test_the_last_one_stays(store: SqlStore) -> None:
    others = [person(EVE, role="support"), person("US4", account_id="AC1"), person("US5", status="disabled")]
    await store.write([person(ADA), person(BOB), *others])
    assert await store.unless_alone(ADA, "", ROLE, disabled(ADA))
    assert not await store.unless_alone(BOB, "", ROLE, disabled(BOB))
    assert await owners(store) == [BOB] and await owners(store, "AC1") == ["US4"]


@pytest.mark.parametrize("is_undone", [False, True])
async def test_two_who_disable_each_other_on_two_nodes(
    third: SqlStore, nodes: tuple[Node, Node], is_undone: bool
) -> None:
    one, two = nodes
    await third.write([person(ADA), person(BOB)])
    assert await one.run(unless_alone(ADA, "", ROLE, disabled(ADA)))
    other = await waiting(two, two.whole(unless_alone(BOB, "", ROLE, disabled(BOB))), one)
    await (one.roll_back() if is_undone else one.commit())
    assert await other == is_undone
    assert await owners(third) == ([ADA] if is_undone else [BOB])


async def test_whoever_is_made_an_owner_meanwhile_counts(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await third.write([person(ADA), person(EVE, role="support")])
    promoted = [Write("user_set_profile", ((EVE, "x", ROLE, "active", NOW),))]
    await one.whole(write(promoted))
    assert await two.whole(unless_alone(ADA, "", ROLE, disabled(ADA)))
    assert await owners(third) == [EVE]
