"""The accounts of several cells as one list, page by page."""

import asyncio
from types import SimpleNamespace

import pytest

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared.inside_cells import CellInside
from whimbrel.manage.context import NEWEST, Page, Paging, after, page

EU = ["AC9", "AC8", "AC5", "AC1"]
US = ["AC7", "AC6", "AC5", "AC4", "AC3", "AC2"]  # AC5 has moved there
LIVES = dict.fromkeys(EU, "eu") | dict.fromkeys(US, "us")
OPERATOR = SimpleNamespace(principal=SimpleNamespace(account_id=None), acting_for=None)


def cell(ids):
    async def listed(asked, name, *, query, **more):
        paging = Paging(query.get("cursor"), int(query.get("limit", 50)))
        rows = [SimpleNamespace(id=each) for each in ids if each < after(paging, NEWEST)]
        return page(rows[: paging.limit + 1], paging, lambda row: row, lambda row: row.id)

    return listed


def inside(down=()):
    def of(name):
        if name in down:
            raise WhimbrelError("cell_unavailable")
        return cell({"eu": EU, "us": US}[name])

    cells = SimpleNamespace(home="eu", directories=lambda: {"eu": None, "us": None})
    return CellInside(cells, (), of, SimpleNamespace(cell_of_account=LIVES.get))


def walk(inside, limit):
    found, query = [], {"limit": str(limit)}
    for _ in range(20):
        answer: Page = asyncio.run(inside(OPERATOR, "listAccounts", query=query))
        found += [row.id for row in answer.data]
        if answer.next_cursor is None:
            return found
        query["cursor"] = answer.next_cursor
    raise AssertionError("it never ends")


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 9, 50])
def test_every_account_stands_there_once_newest_first(limit):
    assert walk(inside(), limit) == [f"AC{digit}" for digit in "987654321"]


def test_a_cell_that_is_down_is_left_out():
    assert walk(inside(down={"us"}), 2) == ["AC9", "AC8", "AC1"]
