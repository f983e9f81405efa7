"""`whimbrel doctor`: looks at configuration, store, clock, carriers and node, and says what to do about each."""

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
from rich.console import Console

from whimbrel import config
from whimbrel.base import moments
from whimbrel.base.clock import SystemClock
from whimbrel.cli.say import guarded
from whimbrel.domain.model import CarrierSettings
from whimbrel.manage import credentials
from whimbrel.store.sqlite import schema

_TIMEOUT_S = 3.0
_YEAR_2026_US = 1_767_225_600_000_000
_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[red]error[/]"}


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    state: str  # ok, warning, error
    detail: str
    advice: str = ""


@guarded
def doctor(
    config_file: Annotated[Path | None, typer.Option("--config", help="The node's TOML file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of a quickstart instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check everything that can be checked from here; exit code 1 when something is wrong."""
    findings = list(_findings(config_file, data))
    if as_json:
        typer.echo(msgspec.json.encode(findings).decode())
    else:
        console = Console()
        for each in findings:
            console.print(f"{_MARKS[each.state]:<20} {each.subject}: {each.detail}", highlight=False)
            if each.advice:
                console.print(f"          → {each.advice}", highlight=False)
    if any(each.state == "error" for each in findings):
        raise typer.Exit(1)


def _findings(config_file: Path | None, data: Path | None) -> Iterator[Finding]:
    overrides = None if data is None else {"server.data": str(data)}
    try:
        settings = config.load(config_file, os.environ, overrides)
    except config.ConfigError as error:
        yield Finding("configuration", "error", str(error), "docs/settings.md lists every setting")
        return
    yield Finding("configuration", "ok", str(config_file or "defaults and environment"))
    for check in (_master_key, _store, _carriers, _clock):
        yield from _careful(check, settings)
    yield _node(settings, data)


def _careful(check: Callable[[config.Settings], Iterator[Finding]], settings: config.Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except (OSError, apsw.Error) as error:
        yield Finding(check.__name__.strip("_"), "error", str(error), "see the message")


def _master_key(settings: config.Settings) -> Iterator[Finding]:
    try:
        config.master_key(Path(settings.server.data), os.environ)
    except config.ConfigError as error:
        yield Finding("master key", "error", str(error), "restore secret.key from your backup, or run quickstart")
        return
    yield Finding("master key", "ok", "readable by its owner only")


def _store(settings: config.Settings) -> Iterator[Finding]:
    path = settings.database_path()
    if not path.exists():
        yield Finding("store", "error", f"{path} does not exist", "run: whimbrel migrate apply")
        return
    status = schema.status(str(path))
    if status.current:
        yield Finding("store", "ok", f"{path}, schema current, SQLite {apsw.sqlite_lib_version()}")
    else:
        yield Finding("store", "error", f"{path}: the schema is not current", "run: whimbrel migrate apply")
    free = os.statvfs(path.parent)
    free_mib = free.f_bavail * free.f_frsize // (1024 * 1024)
    if free_mib < 1024:
        yield Finding("disk", "warning", f"{free_mib} MiB are free", "make room: a full disk stops accepting")


def _carriers(settings: config.Settings) -> Iterator[Finding]:
    path = settings.database_path()
    if not path.exists():
        return
    connection = apsw.Connection(f"file:{path}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        rows = connection.execute("SELECT name, status, settings FROM carriers ORDER BY id").fetchall()
    finally:
        connection.close()
    if not rows:
        yield Finding("carriers", "warning", "there are none", "add one: POST /v1/carriers")
    for name, status, text in rows:
        spoken = msgspec.json.decode(str(text), type=CarrierSettings)
        yield _reach(f"carrier {name}", spoken.host, spoken.port, paused=status != "active")


def _reach(subject: str, host: str, port: int, *, paused: bool) -> Finding:
    if paused:
        return Finding(subject, "warning", "is paused", "resume it when it should take messages")
    try:
        socket.create_connection((host, port), _TIMEOUT_S).close()
    except OSError as error:
        detail = f"{host}:{port} does not answer: {error}"
        return Finding(subject, "error", detail, "check address, firewall and carrier")
    return Finding(subject, "ok", f"{host}:{port} takes connections")


def _clock(settings: config.Settings) -> Iterator[Finding]:
    now = SystemClock().now_us()
    if now < _YEAR_2026_US:
        yield Finding("clock", "error", "the clock is years behind", "set it, and keep it with NTP")
        return
    yield Finding("clock", "ok", moments.to_text(now))


def _node(settings: config.Settings, data: Path | None) -> Finding:
    found = credentials.read(data) if data is not None else None
    url = found.http_url if found else f"http://{settings.server.host}:{settings.server.port}"
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_TIMEOUT_S) as answer:
            return Finding("node", "ok", f"{url} is ready ({answer.status})")
    except urllib.error.HTTPError as error:
        return Finding("node", "error", f"{url} is not ready: {error.read(500).decode('utf-8', 'replace')}")
    except OSError as error:
        return Finding("node", "warning", f"{url} does not answer: {error}", "start it: whimbrel serve")
