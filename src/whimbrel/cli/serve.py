"""`whimbrel serve`: a node in production."""

import logging
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from whimbrel import config, master_key
from whimbrel.app import App
from whimbrel.base.limits import PROCESSES_MAX
from whimbrel.cli import database
from whimbrel.cli.options import ConfigFile
from whimbrel.cli.running import run
from whimbrel.cli.say import fail, guarded
from whimbrel.cli.supervisor import run_processes
from whimbrel.store.errors import SchemaError
from whimbrel.store.migrations import require_usable

_log = logging.getLogger("whimbrel.run")


@guarded
def serve(
    config_file: ConfigFile = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=PROCESSES_MAX, help="How many processes share the work; as many cores are used."),
    ] = None,
) -> None:
    """Run a node until SIGTERM; stops gracefully. Logs go to stderr, one JSON object a line."""
    settings = config.load(config_file, os.environ, {"processes": processes})
    key = master_key.load(Path(settings.server.data), os.environ)
    try:
        require_usable(database.status(settings))
    except SchemaError as error:
        fail(f"{database.shown(settings)}: {error}", code=2)
    if settings.processes > 1:
        raise typer.Exit(run_processes(settings, key))
    run(settings, key, _started)


def _started(app: App) -> None:
    where: dict[str, Any] = {}
    if app.server is not None:
        where["url"] = f"http://{app.settings.server.host}:{app.server.port}"
    if app.smpp is not None:
        where["smpp_ports"] = app.smpp.ports
    if app.mail is not None:
        where["mail_port"] = app.mail.port
    _log.info("ready", extra={"roles": list(app.settings.roles), **where})
