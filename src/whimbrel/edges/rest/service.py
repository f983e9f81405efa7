"""What is about the service itself: health, readiness, metrics, and the reference that it carries with it."""

import asyncio
from collections.abc import Callable

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared import openapi, pages
from whimbrel.edges.shared.routes import Answer, Call, Handle, NoQuery, Operation
from whimbrel.edges.shared.services import Services

_TAG = "service"
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class Ready(msgspec.Struct, frozen=True):
    """Requests are taken."""

    status: str = "ready"


async def alive(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Alive())


async def ready(services: Services, call: Call[NoQuery, None]) -> Answer:
    reasons = await services.ready()
    if reasons:
        raise WhimbrelError("overloaded", "; ".join(reasons), retry_after_s=1)
    return Answer(Ready())


async def metrics(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await services.scrape(), content_type=_METRICS.encode())


async def root(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(location="/docs")


def _page(make: Callable[[], bytes], content_type: str = _HTML) -> Handle:
    """Made when it is asked for, in a thread: a node that starts, or answers others, does not wait for it."""
    headers = ((b"content-security-policy", pages.CONTENT_POLICY), (b"x-content-type-options", b"nosniff"))

    async def page(services: Services, call: Call[NoQuery, None]) -> Answer:
        body = await asyncio.to_thread(make)
        return Answer(body, headers=headers, content_type=content_type.encode())

    return page


def _operation(path: str, name: str, summary: str, handle: Handle | None, content_type: str = _HTML) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag=_TAG,
        summary=summary,
        access="public",
        handle=handle,
        content_type=content_type,
    )


class Reference(msgspec.Struct, frozen=True):
    """What is answered about all operations: the document as JSON, and as a page."""

    document: bytes = b""
    page: bytes = b""


def reference(others: tuple[Operation, ...], version: str) -> Reference:
    """The reference of the `others` and of the service's own operations."""
    document = openapi.document((*others, *operations(Reference)), version=version)
    return Reference(msgspec.json.encode(document), pages.reference(document))


def operations(told: Callable[[], Reference]) -> tuple[Operation, ...]:
    """The service's own operations; some of them answer the reference, which is `told` once and kept."""
    return (
        Operation(
            method="GET", path="/healthz", name="getHealth", tag=_TAG, summary="Whether the process is alive",
            access="public", handle=alive, answer=Alive,
        ),
        Operation(
            method="GET", path="/readyz", name="getReadiness", tag=_TAG, summary="Whether requests are taken",
            description="200 only when the store answers and its migrations are current.",
            access="public", handle=ready, answer=Ready,
        ),
        Operation(
            method="GET", path="/", name="getRoot", tag=_TAG, summary="Leads to the reference",
            access="public", handle=root, status=302,
        ),
        _operation("/metrics", "getMetrics", "Metrics for Prometheus", metrics, _METRICS),
        _operation("/openapi.json", "getOpenapi", "This document", _page(lambda: told().document, _JSON), _JSON),
        _operation("/docs", "getDocs", "The reference as a page", _page(lambda: told().page)),
        _operation("/docs/errors", "getDocsErrors", "The codes of errors as a page", _page(pages.errors)),
        _operation("/docs/events", "getDocsEvents", "The types of events as a page", _page(pages.events)),
        _operation(
            "/docs/style.css", "getDocsStyle", "The pages' style", _page(pages.STYLE.encode, "text/css"), "text/css"
        ),
    )  # fmt: skip
