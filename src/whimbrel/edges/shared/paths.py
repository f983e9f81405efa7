"""Which handler answers at a path. Starlette's routes decide; those that begin alike are made when the first request
comes for one of them: a node that starts compiles none of its hundreds of patterns, and a request is compared with
those of its own resource only.
"""

from collections.abc import Callable, Mapping

from starlette.routing import Route, Router

from whimbrel.edges.shared.asgi import ASGIApp, Receive, Scope, Send

MakeRoute = Callable[[], Route]


class Paths:
    """The ASGI application of all these paths, such as "/v1/messages/{id}", whose first two parts name nothing; `lost`
    answers at any other."""

    def __init__(self, routes: Mapping[str, MakeRoute], lost: ASGIApp) -> None:
        self._lost = lost
        self._unmade: dict[str, list[MakeRoute]] = {}
        self._made: dict[str, Router] = {}
        for path in sorted(routes, key=_literal_first):
            self._unmade.setdefault(_head(path), []).append(routes[path])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._found(_head(scope["path"]))(scope, receive, send)

    def _found(self, head: str) -> ASGIApp:
        router = self._made.get(head)
        if router is None and head in self._unmade:
            routes = [make() for make in self._unmade[head]]
            router = self._made[head] = Router(routes, redirect_slashes=False, default=self._lost)
        return router or self._lost


def _head(path: str) -> str:
    return "/".join(path.split("/", 3)[:3])


def _literal_first(path: str) -> str:
    """/v1/messages/batch before /v1/messages/{id}: Starlette takes the first that matches."""
    return path.replace("{", "\x7f")
