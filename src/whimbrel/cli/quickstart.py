"""`whimbrel quickstart`: from nothing to a first text in one command, on one machine, with pretend phones.

Order matters: the port is bound first (a port that is taken is told before anything changes), then everything is seeded
and credentials.json written, then the doors open, and last the line to try is printed. Whoever sees /readyz answer 200,
or that line, finds the credentials complete.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.panel import Panel

from whimbrel import config, master_key
from whimbrel.app import App
from whimbrel.base.clock import SystemChance
from whimbrel.cli import database
from whimbrel.cli.client import stored
from whimbrel.cli.options import DATA
from whimbrel.cli.running import run
from whimbrel.cli.sandbox import SimulatorAddress, simulator
from whimbrel.cli.say import fail, guarded, warn
from whimbrel.manage import credentials
from whimbrel.manage.credentials import Credentials
from whimbrel.manage.quickstart import SandboxAddress, seed, sign_in_code

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_HELLO = "+15005550001"
_LOOK_S = 3.0
LOG_FILE = "whimbrel.log"
SIMULATOR_LOG = "simulator.log"


@guarded
def quickstart(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the database, keys and logs.")] = DATA,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = 8080,
    smpp_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port that customers bind to; 0 takes a free one.")
    ] = 2775,
    simulator_address: Annotated[
        str, typer.Option("--simulator", metavar="HOST:PORT", help="Use an SMSC that runs already.")
    ] = "",
    simulator_smpp_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the simulator's SMSC; 0 takes a free one.")
    ] = 2776,
    simulator_http_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the simulator's control; 0 takes a free one.")
    ] = 8086,
    database_url: Annotated[
        str, typer.Option("--database", metavar="URL", help="A PostgreSQL database instead of a file in the folder.")
    ] = "",
) -> None:
    """Start everything on this machine: API, SMPP, worker, and pretend phones to send to."""
    settings = _settings(data, port, smpp_port, database_url)
    external = _external(simulator_address)
    key = _prepare_folder(data, settings)
    if external is not None:
        _look(external)
    with _simulator(external, data, simulator_smpp_port, simulator_http_port) as address:
        settings = _with_phones(settings, address.http_url)
        codes: list[str] = []

        async def prepare(app: App) -> None:
            await _seed(app, data, address)
            codes.append(await sign_in_code(app.manage))

        def started(app: App) -> None:
            _greet(data, address, codes[-1])

        run(settings, key, started, prepare=prepare, log_file=data / LOG_FILE)


def _settings(data: Path, port: int, smpp_port: int, database_url: str) -> config.Settings:
    """quickstart reads no file and no environment: it is the same everywhere."""
    return config.load(
        None,
        {},
        {
            "server.port": port,
            "smpp.port": smpp_port,
            "database": database_url or None,
            "server.data": str(data),
            "webhooks.allow_networks": list(_LOOPBACK),
            "webhooks.allow_http": True,
        },
    )


def _with_phones(settings: config.Settings, http_url: str) -> config.Settings:
    """The console shows the simulator's phones."""
    console = msgspec.structs.replace(settings.console, simulator_url=http_url)
    origins: dict[str, config.Origin] = {**settings.origins, "console.simulator_url": "command_line"}
    return msgspec.structs.replace(settings, console=console, origins=origins)


def _prepare_folder(data: Path, settings: config.Settings) -> bytes:
    """The folder, the schema and the master key; what is there stays. Gives the key."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    stored(data)
    with contextlib.suppress(FileExistsError):
        master_key.create(data, SystemChance())
    database.apply(settings, warn)
    return master_key.load(data, {})


def _external(named: str) -> SimulatorAddress | None:
    if not named:
        return None
    host, _, port = named.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        fail(f"--simulator takes HOST:PORT, such as 127.0.0.1:2776, not {named}", code=2)
    return SimulatorAddress(host.strip("[]"), int(port))


def _look(external: SimulatorAddress) -> None:
    """Whether anybody is there. It may come later, so this stops nothing."""
    host, port = external.smpp_host, external.smpp_port
    try:
        socket.create_connection((host, port), _LOOK_S).close()
    except OSError as error:
        warn(f"nobody answers at {host}:{port} ({error.strerror or error}); texts wait until an SMSC listens there: "
             f"start one with `whimbrel simulator --smpp-port {port}`, or leave --simulator away")  # fmt: skip


@contextlib.contextmanager
def _simulator(
    external: SimulatorAddress | None, data: Path, smpp_port: int, http_port: int
) -> Iterator[SimulatorAddress]:
    if external is not None:
        yield external
        return
    with simulator(smpp_port=smpp_port, http_port=http_port, log=data / SIMULATOR_LOG) as address:
        yield address


async def _seed(app: App, data: Path, address: SimulatorAddress) -> None:
    assert app.server is not None and app.smpp is not None
    sandbox = SandboxAddress(host=address.smpp_host, port=address.smpp_port)
    made = await seed(app.manage, sandbox, credentials.read(data))
    complete = msgspec.structs.replace(
        made,
        http_url=f"http://127.0.0.1:{app.server.port}",
        console_url=f"http://localhost:{app.server.port}/console",
        smpp_host=app.settings.smpp.host,
        smpp_port=app.smpp.ports[0],
        simulator_smpp_port=address.smpp_port,
        simulator_http_url=address.http_url,
    )
    credentials.write(data, complete)


def _greet(data: Path, address: SimulatorAddress, code: str) -> None:
    found = credentials.read(data)
    assert found is not None
    console = Console(soft_wrap=True)
    console.print(Panel.fit("Whimbrel is ready. Send a first text to a pretend phone:", border_style="green"))
    console.print(_curl(found), markup=False, highlight=False)
    console.print()
    rows = [
        ("Console", f"{found.console_url}/link/{code}"),
        ("", f"later as {found.console_user}, password {found.console_password}"),
        ("API reference", f"{found.http_url}/docs"),
        ("Live events", f"whimbrel tail --data {data}"),
        ("SMPP", f"{found.smpp_host} port {found.smpp_port}, system_id {found.smpp_system_id}"),
        ("Keys", str(data / credentials.FILE)),
        ("Log", str(data / LOG_FILE)),
    ]
    if address.http_url:
        rows.append(("Phones", f"{address.http_url}/phones/{_HELLO}"))
    for name, value in rows:
        console.print(f"  {name:<14} {value}", markup=False, highlight=False)
    console.print("\n  Ctrl-C stops everything.", markup=False)


def _curl(found: Credentials) -> str:
    return (
        f"curl {found.http_url}/v1/messages \\\n"
        f"  -H 'Authorization: Bearer {found.api_key}' -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"to": "{_HELLO}", "text": "Hello from Whimbrel"}}\''
    )
