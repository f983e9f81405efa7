"""Which route answers at a path, and that routes are made when they are first asked for."""

from functools import partial

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from whimbrel.edges.shared.paths import Paths

PATHS = ("/", "/v1/things", "/v1/things/{id}", "/v1/things/counts", "/v1/things/{id}/parts", "/v1/others/{name:path}")


class Making:
    """Paths whose routes answer with what they are, and remember that they were made."""

    def __init__(self):
        self.made = []
        self.paths = Paths({path: partial(self.route, path) for path in PATHS}, PlainTextResponse("lost", 404))

    def route(self, path):
        self.made.append(path)
        return Route(path, lambda request: PlainTextResponse(f"{path} {request.path_params}"))

    async def ask(self, path):
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b"", "headers": []}
        await self.paths(scope, None, send)
        return sent[1]["body"].decode()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/", "/ {}"),
        ("/v1/things", "/v1/things {}"),
        ("/v1/things/7", "/v1/things/{id} {'id': '7'}"),
        ("/v1/things/counts", "/v1/things/counts {}"),
        ("/v1/things/counts/parts", "/v1/things/{id}/parts {'id': 'counts'}"),
        ("/v1/others/a/b/c", "/v1/others/{name:path} {'name': 'a/b/c'}"),
        ("/v1/things/", "lost"),
        ("/v1/things/7/more", "lost"),
        ("/v1/nothing", "lost"),
        ("/v1", "lost"),
        ("//v1/things", "lost"),
    ],
)
async def test_the_most_exact_route_answers(asked, answer):
    assert await Making().ask(asked) == answer


async def test_only_what_begins_alike_is_made_and_once():
    making = Making()
    assert making.made == []
    for _ in range(2):
        await making.ask("/v1/things/7")
    assert making.made == ["/v1/things", "/v1/things/counts", "/v1/things/{id}", "/v1/things/{id}/parts"]
