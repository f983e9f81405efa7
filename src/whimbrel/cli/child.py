"""One of the processes that `whimbrel serve --processes N` runs, as the supervisor starts it: `python -m
whimbrel.cli.child`. A node like any other, at its place among them.
"""

import logging
import sys

import uvloop

from whimbrel.app import App
from whimbrel.base.log import configure
from whimbrel.cli.errors import PortTaken
from whimbrel.cli.orders import Ready, lifeline, read_orders, say_ready, tidy
from whimbrel.cli.running import nothing, serving
from whimbrel.store.errors import StoreError
from whimbrel.store.sqlite.connect import tune_library

_log = logging.getLogger("whimbrel.run")


def main() -> None:
    """Do what standard input says until told to stop; exit status 1 for what cannot start."""
    orders = read_orders()
    configure(orders.settings.log.level, process=orders.place.name)
    tune_library()
    try:
        app = App(orders.settings, orders.master_key, place=orders.place)
        with tidy(orders.place):
            uvloop.run(serving(app, nothing, _started, lifeline))
    except (StoreError, PortTaken, OSError) as error:
        _log.error("cannot go on: %s", error)
        sys.exit(1)
    except Exception:  # the log is JSON, whatever happens
        _log.exception("cannot go on")
        sys.exit(1)


def _started(app: App) -> None:
    url = "" if app.server is None else f"http://{app.settings.server.host}:{app.server.port}"
    say_ready(Ready(app.settings.roles, url, () if app.smpp is None else app.smpp.ports))


if __name__ == "__main__":
    main()
