"""All HTTP doors on one port: the path decides which one a request is for."""

from whimbrel.edges.rest.door import rest_door
from whimbrel.edges.shared.asgi import ASGIApp
from whimbrel.edges.shared.door import Application
from whimbrel.edges.shared.services import Services


def doors(services: Services) -> ASGIApp:
    """The ASGI application of a process."""
    rest = rest_door(services)
    return Application(hot=rest.hot, doors=(), rest=rest.app)
