"""/v1/cells and the moves of accounts between them: for the operator."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import CellStatus, CellsView, MoveStatus, Services
from whimbrel.manage import accounts

_TAG = "cells"


class CellList(msgspec.Struct, frozen=True):
    """All cells; none where the installation has one database."""

    data: tuple[CellStatus, ...]


class MoveList(msgspec.Struct, frozen=True):
    """Moves of an account, the newest first."""

    data: tuple[MoveStatus, ...]


class NewMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an account is to live; the cell that it comes from calls its move off."""

    cell: Annotated[str, Meta(description="The name of the cell.")]
    lost: Annotated[
        bool,
        Meta(description="The cell to which it was going is gone for good, and cannot be asked. Only to call off."),
    ] = False


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(CellList(() if services.cells is None else tuple(await services.cells.status())))


async def moves(services: Services, call: Call[NoQuery, None]) -> Answer:
    cells = await _cells(services, call.path["id"])
    return Answer(MoveList(tuple(await cells.moves(call.path["id"]))))


async def move(services: Services, call: Call[NoQuery, NewMove]) -> Answer:
    cells = await _cells(services, call.path["id"])
    return Answer(await cells.move(call.actor, call.path["id"], call.body.cell, lost=call.body.lost))


async def _cells(services: Services, account_id: str) -> CellsView:
    if services.cells is None:
        await accounts.existing(services.manage, account_id)
        raise WhimbrelError("conflict", "There is one cell only.")
    return services.cells


OPERATIONS = (
    Operation(
        method="GET", path="/v1/cells", name="listCells", tag=_TAG, summary="List cells",
        description="What the node that is asked sees of each: whether it can be reached, how long a commit and a read "
        "take there (`lag_s`), how many accounts and nodes it has.",
        access="operator", account_header="refused", scope="accounts:read", handle=find, answer=CellList,
    ),
    Operation(
        method="POST", path="/v1/accounts/{id}/move", name="moveAccount", tag=_TAG,
        summary="Move an account to another cell",
        description="With its sub-accounts. It goes on by itself; meanwhile the account is answered `account_moving`. "
        "With the cell that it comes from, a move that has not arrived is called off.",
        access="operator", account_header="refused", scope="accounts:write", handle=move, body=NewMove,
        answer=MoveStatus, status=202, errors=("not_found", "conflict"), example={"cell": "us"},
    ),
    Operation(
        method="GET", path="/v1/accounts/{id}/move", name="getMove", tag=_TAG, summary="How far a move has come",
        description="`departing`, `closed`, `arrived`, `cleared`, then `moved`; called off: `recalled`, `returning`, "
        "`returned`, then nothing. `waits_for` says why it does not go on.",
        access="operator", account_header="refused", scope="accounts:read", handle=moves, answer=MoveList,
        errors=("not_found", "conflict"),
    ),
)  # fmt: skip
