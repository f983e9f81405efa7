"""From the settings to the server that the API and the console share. Apart from `app`, which has enough to build."""

from whimbrel.cells import Cells
from whimbrel.config import Settings
from whimbrel.edges.console.request import Settings as ConsoleSettings
from whimbrel.edges.http import doors
from whimbrel.edges.shared.server import HttpServer
from whimbrel.edges.shared.services import Services


def server(settings: Settings, services: Services, *, cells: Cells | None, shared: bool) -> HttpServer:
    """The server of this process; its port is taken. `cells`: all of them, where there are several. `shared`: other
    processes listen at the same port. OSError when it is taken."""
    shown = ConsoleSettings(
        idle_s=settings.console.idle_minutes * 60,
        longest_s=settings.console.session_hours * 3600,
        simulator_url=settings.console.simulator_url,
        proxies=settings.console.proxies,
    )
    roles = settings.roles
    application = doors(services, cells, api="api" in roles, console=shown if "console" in roles else None)
    return HttpServer(application, host=settings.server.host, port=settings.server.port, shared=shared)
