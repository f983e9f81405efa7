"""`whimbrel doctor`: looks at configuration, store, clock, carriers and node, and says what to do about each. A check
changes nothing and may run beside a running node, which is asked for what it alone knows; one that cannot look says so
and does not stop the others.
"""

import functools
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import apsw
import msgspec
import typer
from cryptography.exceptions import InvalidTag
from rich.console import Console

from whimbrel import config, master_key
from whimbrel.base import moments
from whimbrel.base.clock import MINUTE_US, SystemChance, SystemClock
from whimbrel.base.vault import Seal, Vault
from whimbrel.cli import (
    carrier_health,
    database,
    doctor_carrier,
    doctor_cells,
    doctor_http_carrier,
    doctor_mailbox,
    doctor_smpp,
    doctor_streams,
    doctor_ways,
)
from whimbrel.cli.client import Client, Refused, Unreachable, listens_at, stored
from whimbrel.cli.finding import Finding
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.domain import carrier_kinds
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.manage.credentials import Credentials
from whimbrel.store.errors import SchemaError, StoreError
from whimbrel.store.migrations import label, require_usable

_MARKS = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "error": "[red]error[/]  "}
_TIMEOUT_S = 3.0
_YEAR_2026_US = 1_767_225_600_000_000
_FREE_MIB = 1024

Check = Callable[[config.Settings], Iterator[Finding]]


@guarded
def doctor(
    what: Annotated[
        str | None, typer.Argument(help="`carrier` tests one of a running node.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Its name or id.", show_default=False)] = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    to: Annotated[str | None, typer.Option(help="With `carrier`: the phone that gets a text.")] = None,
    text: Annotated[str | None, typer.Option(help="That text, one segment.")] = None,
    sender: Annotated[str | None, typer.Option(help="Its sender.")] = None,
    wait: Annotated[int, typer.Option(help="Seconds to wait for its receipt.")] = 10,
    as_json: Json = False,
) -> None:
    """Check everything that can be checked from here, or test a carrier; exit code 1 when something is wrong."""
    if what is not None:
        if what != "carrier" or name is None:
            fail("doctor looks at everything, or at one carrier: whimbrel doctor carrier NAME", code=2)
        node = _client(settings_of(config_file, data), data)
        asked = {"to": to, "text": text, "sender": sender}
        request = {key: value for key, value in asked.items() if value is not None} | {"wait_s": wait}
        if not doctor_carrier.test(node, name, request, as_json=as_json):
            raise typer.Exit(1)
        return
    found = list(look(config_file, data))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if any(each.state == "error" for each in found):
        raise typer.Exit(1)


def _print(found: list[Finding]) -> None:
    console = Console(soft_wrap=True)
    for each in found:
        console.print(_MARKS[each.state], end="  ")
        console.print(f"{each.subject}: {each.detail}", highlight=False, markup=False)
        if each.advice:
            console.print(f"         → {each.advice}", highlight=False, markup=False)


def look(file: Path | None, data: Path | None) -> Iterator[Finding]:
    """Everything, in the order in which a node needs it."""
    try:
        settings = settings_of(file, data)
    except config.ConfigError as error:
        yield Finding("configuration", "error", str(error), "docs/settings.md lists every setting")
        return
    yield Finding("configuration", "ok", str(file or data or "defaults and environment"))
    node = _client(settings, data)
    ready = _node(node.url)
    running = node if ready.state == "ok" else None
    carriers = functools.partial(_carriers, node=running)
    streams = functools.partial(doctor_streams.look, node=running)
    checks: tuple[tuple[str, Check], ...] = (
        ("master key", _master_key), ("store", _store), ("disk", _disk), ("carriers", carriers),
        ("SMPP", doctor_smpp.look), ("streams", streams), ("channels", doctor_ways.look),
        ("mailbox", doctor_mailbox.look), ("cells", doctor_cells.look), ("clock", _clock),
    )  # fmt: skip
    for subject, check in checks:
        yield from _careful(subject, check, settings)
    yield ready


def _careful(subject: str, check: Check, settings: config.Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except (OSError, apsw.Error, StoreError, msgspec.DecodeError) as error:
        yield Finding(subject, "error", str(error), "see the message")


# ---------------------------------------------------------------- here


def _master_key(settings: config.Settings) -> Iterator[Finding]:
    try:
        master_key.load(Path(settings.server.data), os.environ)
    except config.ConfigError as error:
        yield Finding("master key", "error", str(error), "a node does not start without it")
        return
    yield Finding("master key", "ok", "readable by its owner only")


def _store(settings: config.Settings) -> Iterator[Finding]:
    place, is_sqlite = database.shown(settings), settings.is_sqlite
    if is_sqlite and not settings.database_path().exists():
        yield Finding("store", "error", f"{place} does not exist", "run: whimbrel migrate apply")
        return
    found = database.status(settings)
    try:
        require_usable(found)
    except SchemaError as error:
        advice = "stop the node before you run migrations" if is_sqlite else "see docs/migrations.md"
        yield Finding("store", "error", f"{place}: {error}", advice)
        return
    library = f", SQLite {apsw.sqlite_lib_version()}" if is_sqlite else ""
    if found.pending:
        names = ", ".join(map(label, found.pending))
        yield Finding("store", "warning", f"{place} works without {names}{library}", "run: whimbrel migrate apply")
        return
    yield Finding("store", "ok", f"{place}, schema current{library}")


def _disk(settings: config.Settings) -> Iterator[Finding]:
    folder = settings.database_path().parent if settings.is_sqlite else Path(settings.server.data)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("disk", "error", f"{folder} cannot be written to", "make it the folder of the user who runs this")
        return
    free = os.statvfs(folder)
    free_mib = free.f_bavail * free.f_frsize // 2**20
    if free_mib < _FREE_MIB:
        yield Finding("disk", "warning", f"{free_mib:,} MiB are free", "make room: a full disk stops accepting")
    else:
        yield Finding("disk", "ok", f"{free_mib:,} MiB are free")


def _clock(settings: config.Settings) -> Iterator[Finding]:
    """Against what the database has seen: a clock that went back orders events wrongly and sends late."""
    now = SystemClock().now_us()
    newest = database.rows(settings, "SELECT created_at FROM events ORDER BY position DESC LIMIT 1")
    seen = int(newest[0][0]) if newest else _YEAR_2026_US
    if now < seen - MINUTE_US:
        detail = f"{moments.to_text(now)} is before {moments.to_text(seen)}, which was written already"
        yield Finding("clock", "error", detail, "set the clock, and keep it with NTP")
    else:
        yield Finding("clock", "ok", moments.to_text(now))


# ---------------------------------------------------------------- carriers


def _carriers(settings: config.Settings, *, node: Client | None) -> Iterator[Finding]:
    """A node that runs is asked; otherwise we look whether anybody takes connections."""
    rows = database.rows(settings, "SELECT id, name, status, settings, password, kind FROM carriers ORDER BY id")
    if not rows:
        yield Finding("carriers", "warning", "there are none", "add one: POST /v1/carriers")
        return
    if not _opens(settings, str(rows[0][0]), rows[0][4]):
        yield Finding("master key", "error", "the database was made with another master key",
                      "restore the secret.key that belongs to it")  # fmt: skip
    known: dict[str, carrier_health.Carrier] = {}
    waits: carrier_health.Ages = {}
    if node is not None:
        try:
            known, waits = carrier_health.ask(node)
        except (Refused, Unreachable, msgspec.DecodeError) as error:
            yield Finding("carriers", "warning", f"the node does not say whether their binds are up: {error}",
                          "name an operator's key in WHIMBREL_OPERATOR_KEY")  # fmt: skip
    for carrier_id, name, status, text, _, kind in rows:
        told = known.get(str(carrier_id))
        spoken = carrier_kinds.read(str(kind), str(text))
        if isinstance(spoken, HttpSettings):
            yield from doctor_http_carrier.unheard(name, spoken, settings.server.public_url)
        if status == "active" and told is not None and told.health is not None:
            yield from carrier_health.findings(told, told.health, waits.get(told.name, {}))
            continue
        where = doctor_http_carrier.place(spoken) if isinstance(spoken, HttpSettings) else (spoken.host, spoken.port)
        yield _reach(f"carrier {name}", *where, active=status == "active")


def _opens(settings: config.Settings, carrier_id: str, sealed: bytes) -> bool:
    """Whether our master key opens a secret of the database; a key that is missing has its own finding."""
    try:
        vault = Vault(master_key.load(Path(settings.server.data), os.environ), SystemChance())
        vault.open(sealed, Seal.of(Seal.CARRIER_PASSWORD, carrier_id))
    except InvalidTag:
        return False
    except config.ConfigError:
        return True
    return True


def _reach(subject: str, host: str, port: int, *, active: bool) -> Finding:
    if not active:
        return Finding(subject, "warning", "is paused", "resume it when it should take messages")
    try:
        socket.create_connection((host, port), _TIMEOUT_S).close()
    except OSError as error:
        detail = f"{host}:{port} does not answer: {error}"
        return Finding(subject, "error", detail, "check address, firewall and carrier")
    return Finding(subject, "ok", f"{host}:{port} takes connections; whether it takes texts, a running node knows")


# ---------------------------------------------------------------- the node


def _client(settings: config.Settings, data: Path | None) -> Client:
    """The node of a folder or of the settings, with the operator's key of the folder or of the environment."""
    found = (stored(data) if data is not None else None) or Credentials()
    return Client(
        found.http_url or listens_at(settings), found.operator_key or os.environ.get("WHIMBREL_OPERATOR_KEY", "")
    )


def _node(url: str) -> Finding:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_TIMEOUT_S):
            return Finding("node", "ok", f"{url} is ready")
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(500).decode("utf-8", "replace")
        return Finding("node", "error", f"{url} is not ready: {said}", "its log says why")
    except OSError as error:
        reason = getattr(error, "reason", error)
        return Finding("node", "warning", f"{url} does not answer: {reason}", "start it: whimbrel serve")
