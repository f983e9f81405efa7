"""What the control plane does from the command line. While no node runs it is done in the database itself, which is how
an installation gets its first operator key. The database has one owner: a node that runs is asked over its API, with
the operator's key.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeVar, cast

import msgspec

from whimbrel import master_key
from whimbrel.cli.client import Client, listens_at, operator, stored
from whimbrel.cli.options import settings_of
from whimbrel.cli.say import fail
from whimbrel.config import Settings
from whimbrel.manage.context import Context
from whimbrel.manage.credentials import Credentials
from whimbrel.store.errors import StoreBusy

T = TypeVar("T")
ACTOR = "cli"


class Place(msgspec.Struct, frozen=True):
    """Whose things: the installation's as --config and --data name it, and in it an account's or the operator's."""

    config_file: Path | None
    data: Path | None
    account: str | None


class _Plane(Protocol):
    """`ControlPlane`, or `App` where there are several cells."""

    @property
    def manage(self) -> Context: ...
    async def open(self) -> None: ...
    async def stop(self) -> object: ...


def carry_out(place: Place, act: Callable[[Context], Awaitable[T]], ask: Callable[[Client], T]) -> T:
    """`act` on the database, or `ask` a node: the one of the environment when nothing else is named, or the one that
    has the database open."""
    found = (stored(place.data) if place.data is not None else None) or Credentials()
    if place.config_file is None and place.data is None and os.environ.get("WHIMBREL_URL"):
        return ask(operator(found, place.account))
    settings = settings_of(place.config_file, place.data)
    plane = _plane(settings)

    async def acting() -> T:
        try:
            await plane.open()
            return await act(plane.manage)
        finally:
            await plane.stop()

    try:
        return asyncio.run(acting())
    except StoreBusy as error:
        if not os.environ.get("WHIMBREL_OPERATOR_KEY") and not found.operator_key:
            fail(f"{error} That node does it with an operator's key: name one in WHIMBREL_OPERATOR_KEY")
        found = msgspec.structs.replace(found, http_url=found.http_url or listens_at(settings))
        return ask(operator(found, place.account))


def _plane(settings: Settings) -> _Plane:
    """Imported when it is needed: to ask a node takes none of it."""
    module, name = ("whimbrel.app", "App") if settings.cells else ("whimbrel.control_plane", "ControlPlane")
    made = getattr(import_module(module), name)(settings, master_key.load(Path(settings.server.data), os.environ))
    return cast(_Plane, made)
