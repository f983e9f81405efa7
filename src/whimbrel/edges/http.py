"""All HTTP doors on one port: the path decides which door answers. The hot routes are found in a dict before any router
looks.
"""

from whimbrel.edges.rest.door import rest_door
from whimbrel.edges.shared.asgi import ASGIApp, Receive, Scope, Send
from whimbrel.edges.shared.services import Services


def doors(services: Services) -> ASGIApp:
    """The ASGI application of this node."""
    rest = rest_door(services)
    hot, router = rest.hot, rest.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        handler = hot.get((scope["method"], scope["path"]), router)
        await handler(scope, receive, send)

    return app
