"""The installation: its nodes and what each does for all, its database, its cells, its streams to brokers, and
whether requests are taken."""

import asyncio
from typing import Any

from starlette.responses import Response

from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page


async def system(request: Request) -> Response:
    """All of it; a script asks for it again and again."""
    nodes, cells, streams, store, reasons = await asyncio.gather(
        request.api("listNodes"),
        _if_allowed(request, "listCells"),
        _if_allowed(request, "listStreams"),
        request.api("getStore"),
        request.services.ready(),
    )
    values = {
        "nodes": nodes.data,
        "cells": cells.data if cells is not None and len(cells.data) > 1 else (),
        "streams": streams.data if streams is not None else (),
        "store": store,
        "reasons": reasons,
    }
    if request.is_part:
        return request.part("system/system.html", "now", **values)
    return request.page("system/system.html", **values)


async def _if_allowed(request: Request, operation: str) -> Any:
    return await request.api(operation) if request.api.may(operation) else None


PAGES = (Page(path="/console/system", handle=system),)
