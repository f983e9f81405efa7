"""`whimbrel quickstart`: from nothing to a first text in one command, on one machine, with pretend phones."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.panel import Panel

from whimbrel import config
from whimbrel.app import App
from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.cli.running import run
from whimbrel.cli.sandbox import SimulatorAddress, simulator
from whimbrel.cli.say import fail, guarded
from whimbrel.manage import credentials
from whimbrel.manage.quickstart import SandboxAddress, seed
from whimbrel.store.sqlite import schema

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_HELLO = "+15005550001"
LOG_FILE = "whimbrel.log"
SIMULATOR_LOG = "simulator.log"


@guarded
def quickstart(
    data: Annotated[Path, typer.Option(help="Folder for the database, keys and logs.")] = Path("whimbrel-data"),
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8080,
    smpp_port: Annotated[int, typer.Option(help="Port of the SMPP door.")] = 2775,
    simulator_address: Annotated[
        str, typer.Option("--simulator", metavar="HOST:PORT", help="Use an SMSC that runs already.")
    ] = "",
    simulator_smpp_port: Annotated[int, typer.Option(help="Port of the simulator's SMSC.")] = 2776,
    simulator_http_port: Annotated[int, typer.Option(help="Port of the simulator's control.")] = 8086,
) -> None:
    """Start everything on this machine: API, worker, and pretend phones to send to."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        config.create_master_key(data, SystemChance())
    settings = config.load(
        None,
        {},
        {
            "server.port": port,
            "server.data": str(data),
            "smpp.port": smpp_port,
            "webhooks.allow_networks": list(_LOOPBACK),
            "webhooks.allow_http": True,
        },
    )
    schema.apply(str(settings.database_path()), SystemClock())
    master_key = config.master_key(data, {})
    with _simulator(simulator_address, data, simulator_smpp_port, simulator_http_port) as address:

        async def started(app: App) -> None:
            await _started(app, data, address)

        run(settings, master_key, started, log_file=data / LOG_FILE)


@contextlib.contextmanager
def _simulator(named: str, data: Path, smpp_port: int, http_port: int) -> Iterator[SimulatorAddress]:
    if not named:
        with simulator(smpp_port=smpp_port, http_port=http_port, log=data / SIMULATOR_LOG) as address:
            yield address
        return
    host, _, port = named.rpartition(":")
    if not host or not port.isdigit():
        fail("--simulator takes HOST:PORT, such as 127.0.0.1:2776")
    yield SimulatorAddress(host, int(port))


async def _started(app: App, data: Path, address: SimulatorAddress) -> None:
    assert app.server is not None
    sandbox = SandboxAddress(host=address.smpp_host, port=address.smpp_port)
    made = await seed(app.manage, sandbox, credentials.read(data))
    complete = msgspec.structs.replace(
        made,
        http_url=f"http://127.0.0.1:{app.server.port}",
        simulator_smpp_port=address.smpp_port,
        simulator_http_url=address.http_url,
    )
    credentials.write(data, complete)
    _greet(complete.http_url, complete.api_key, data, address)


def _greet(url: str, key: str, data: Path, address: SimulatorAddress) -> None:
    curl = (
        f"curl {url}/v1/messages \\\n"
        f"  -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"to": "{_HELLO}", "text": "Hello from Whimbrel"}}\''
    )
    console = Console(soft_wrap=True)
    console.print(Panel.fit("Whimbrel is ready. Send a first text to a pretend phone:", border_style="green"))
    console.print(curl, markup=False, highlight=False)
    console.print()
    rows = [
        ("API reference", f"{url}/docs"),
        ("Live events", f"whimbrel tail --data {data}"),
        ("Keys", str(data / credentials.FILE)),
        ("Log", str(data / LOG_FILE)),
    ]
    if address.http_url:
        rows.append(("Phones", f"{address.http_url}/phones/{_HELLO}"))
    for name, value in rows:
        console.print(f"  {name:<14} {value}", markup=False, highlight=False)
    console.print("\n  Ctrl-C stops everything.", markup=False)
