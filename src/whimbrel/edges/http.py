"""All HTTP doors on one port: the path decides which door answers. The hot routes are found in a dict before any router
looks. One `Door` stands behind all of them, so that a key has one rate wherever it is used.
"""

from whimbrel.edges.rest.door import rest_door
from whimbrel.edges.shared.asgi import ASGIApp, Receive, Scope, Send
from whimbrel.edges.shared.door import Door
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.door import PREFIX as TWILIO
from whimbrel.edges.twilio.door import TwilioDoor


def doors(services: Services) -> ASGIApp:
    """The ASGI application of this node."""
    door = Door(services)
    rest = rest_door(services, door)
    twilio = TwilioDoor(services, door.named("twilio"))
    hot, router = rest.hot, rest.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        door.failures.come_from(scope["client"])
        path: str = scope["path"]
        handler = hot.get((scope["method"], path))
        if handler is None:
            handler = twilio if path.startswith(TWILIO) else router
        await handler(scope, receive, send)

    return app
