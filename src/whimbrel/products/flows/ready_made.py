"""Flows that come with Whimbrel: JSON documents in `ready/`, each with a title. Whoever installs one has a copy of his
own, paused, to write his texts into.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.manage.context import Context
from whimbrel.products.flows import keeping
from whimbrel.products.flows.keeping import FlowView, NewFlow


class ReadyMade(msgspec.Struct, frozen=True):
    """A flow that can be installed."""

    name: str
    title: str
    document: dict[str, Any]


class Install(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of them, and under what name."""

    ready_made: str
    name: Annotated[str | None, Meta(description="Its title, unless another is given.")] = None
    variables: Annotated[dict[str, Any], Meta(description="In place of the document's own.")] = {}


@lru_cache(maxsize=1)
def every() -> tuple[ReadyMade, ...]:
    """All of them, by name."""
    found = [file for file in (files(__package__) / "ready").iterdir() if file.name.endswith(".json")]
    return tuple(_read(file.name.removesuffix(".json"), file.read_bytes()) for file in sorted(found, key=str))


def _read(name: str, text: bytes) -> ReadyMade:
    about = msgspec.json.decode(text, type=dict[str, Any])
    return ReadyMade(name, about["title"], about["document"])


async def install(ctx: Context, actor: str, request: Install, *, account_id: str) -> FlowView:
    """A copy. WhimbrelError: invalid_request, too_many_flows."""
    found = next((each for each in every() if each.name == request.ready_made), None)
    if found is None:
        detail = f"must be one of {', '.join(each.name for each in every())}"
        raise WhimbrelError("invalid_request", f"`ready_made` {detail}.", errors=[FieldError("/ready_made", detail)])
    document = {**found.document, "variables": {**found.document.get("variables", {}), **request.variables}}
    new = NewFlow(name=request.name or found.title, document=document, status="paused")
    return await keeping.create(ctx, actor, new, account_id=account_id)
