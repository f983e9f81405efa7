"""All HTTP doors on one port: the path decides which door answers."""

from collections.abc import Awaitable, Callable
from typing import Any

from whimbrel.edges.shared.services import Services

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


def doors(services: Services) -> ASGIApp:
    """The ASGI application of this node."""
    raise NotImplementedError(services)
