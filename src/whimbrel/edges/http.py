"""All HTTP doors on one port: the path decides which door answers. The hot routes are found in a dict before any router
looks. One `Door` stands behind all of them, so that a key has one rate wherever it is used.
"""

from whimbrel.edges.rest.door import rest_door
from whimbrel.edges.shared.asgi import Receive, Scope, Send
from whimbrel.edges.shared.door import Door
from whimbrel.edges.shared.exchange import Application
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.door import PREFIX as TWILIO
from whimbrel.edges.twilio.door import TwilioDoor


def doors(services: Services) -> Application:
    """The application of this node."""
    return _Doors(services)


class _Doors(Application):
    def __init__(self, services: Services) -> None:
        door = Door(services)
        rest = rest_door(services, door)
        self._failures = door.failures
        self._twilio = TwilioDoor(services, door.named("twilio"))
        self._hot, self._router = rest.hot, rest.app
        self.direct = rest.direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._failures.come_from(scope["client"])
        path: str = scope["path"]
        handler = self._hot.get((scope["method"], path))
        if handler is None:
            handler = self._twilio if path.startswith(TWILIO) else self._router
        await handler(scope, receive, send)
