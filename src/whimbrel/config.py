"""Every setting of an installation: one frozen struct for each section, read from a TOML file and from the environment.

A setting has one name in every place: `server.port` in words is `port` under `[server]` in the file and
`WHIMBREL_SERVER__PORT` in the environment; those outside a section (`database`, `roles`) have no double underscore.
The environment wins over the file. Unknown names and bad values are refused, with the place, the name and what is
expected, before anything starts. `describe()` is the list that docs/settings.md must hold (a test compares).

The master key is no setting, see `master_key`.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from whimbrel import hints
from whimbrel.base.limits import PROCESSES_MAX
from whimbrel.channel_sections import RESERVED as RESERVED_CHANNELS
from whimbrel.channel_sections import Channel
from whimbrel.link_sections import Links
from whimbrel.mail_sections import Mail, Mailbox
from whimbrel.media_sections import Media
from whimbrel.sections import (
    Cell,
    Console,
    Limits,
    Log,
    Retention,
    Role,
    Senders,
    Server,
    Simulator,
    Smpp,
    Stream,
    Templates,
    Webhooks,
)

ENV = "WHIMBREL_"
_NAMED: dict[str, type[Stream] | type[Cell] | type[Channel]] = {"streams": Stream, "cells": Cell, "channels": Channel}
"""Sections that hold a table for each name; the names are the operator's own."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SECRETS = ("password", "token", "secret")
_LOGIN = re.compile(r"\S*@")  # what stands before the host of a URL
_SQLITE = "sqlite:///"
_ORIGINS = "origins"
Origin = Literal["file", "environment", "command_line"]


class ConfigError(Exception):
    """A setting that cannot be used; the message says where it stands, which it is and what is expected."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of an installation."""

    database: Annotated[
        str,
        Meta(
            pattern=r"^(sqlite:///|postgresql://).+",
            title="a URL such as sqlite:///whimbrel.db or postgresql://whimbrel@10.0.0.5/whimbrel",
            description='The database: "sqlite:///" and a file, relative to `server.data` unless it begins with "/"; '
            'or "postgresql://", which several nodes can share. It may name several hosts, with commas between them: '
            "the one that takes writes is used.",
        ),
    ] = "sqlite:///whimbrel.db"
    database_read: Annotated[
        str,
        Meta(
            pattern=r"^(postgresql://.+)?$",
            title='a URL such as postgresql://whimbrel@10.0.0.6/whimbrel, or ""',
            description="A replica of the database for lists and reports, which may show what was true a moment ago; "
            "without one they are read where everything is written. PostgreSQL only.",
        ),
    ] = ""
    cell: Annotated[
        str,
        Meta(
            description="The cell that this node works for, where there are several (docs/cells.md). Its database is "
            "that of `cells.NAME`; `database` is not set then."
        ),
    ] = ""
    processes: Annotated[
        int,
        Meta(
            ge=1,
            le=PROCESSES_MAX,
            description="Processes that `whimbrel serve` runs, to use as many cores (docs/processes.md). On SQLite one "
            "more owns the file.",
        ),
    ] = 1
    roles: Annotated[
        tuple[Role, ...],
        Meta(
            min_length=1,
            description="What this process does; all of it by default. `api` and `console` share the port.",
        ),
    ] = get_args(Role)
    server: Server = Server()
    smpp: Smpp = Smpp()
    webhooks: Webhooks = Webhooks()
    retention: Retention = Retention()
    limits: Limits = Limits()
    console: Console = Console()
    senders: Senders = Senders()
    templates: Templates = Templates()
    links: Links = Links()
    media: Media = Media()
    mail: Mail = Mail()
    mailbox: Mailbox = Mailbox()
    log: Log = Log()
    simulator: Simulator = Simulator()
    streams: dict[str, Stream] = {}
    cells: dict[str, Cell] = {}
    channels: dict[str, Channel] = {}
    origins: dict[str, Origin] = {}
    """Where each came from; those that are not in it are defaults. No setting itself."""

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database.startswith(_SQLITE)

    def database_path(self) -> Path:
        """The file of the SQLite database."""
        return Path(self.server.data) / self.database.removeprefix(_SQLITE)


class SettingDoc(msgspec.Struct, frozen=True):
    """One setting in words, for docs/settings.md and `/v1/settings`. `default` is JSON, `usual` the same as a value."""

    name: str
    type: str
    default: str
    meaning: str
    usual: Any

    @property
    def env(self) -> str:
        """Its name in the environment."""
        return ENV + self.name.upper().replace(".", "__")


# ---------------------------------------------------------------- reading


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings of a file (None: none), over them the environment, over both `overrides` (names such as "server.port",
    from the command line; None values are left out). ConfigError on the first thing that cannot be used."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name, value, origin in _given(path, environ, overrides or {}):
        values[name], origins[name] = value, origin
    return _build(values, origins)


def _given(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Origin]]:
    """Name, value and where it stands; what comes later wins."""
    if path is not None:
        for name, raw in _file_values(path):
            yield name, _convert(name, raw, str(path), strict=True), "file"
    for variable, name in _env_names(environ):
        yield name, _convert(name, _env_value(name, environ[variable]), variable, strict=False), "environment"
    for name, raw in overrides.items():
        if raw is not None:
            yield name, _convert(name, raw, "command line", strict=True), "command_line"


def _file_values(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no valid TOML: {error}") from None
    for name, value in tables.items():
        if name in _NAMED:
            yield from _file_named(path, name, value)
        elif name in _SECTIONS and isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        elif name in _SECTIONS:
            raise ConfigError(f"{path}: {name}: expected a table, [{name}]")
        else:
            yield name, value


def _file_named(path: Path, section: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A table for each name."""
    if not isinstance(value, dict) or not all(isinstance(inner, dict) for inner in value.values()):
        raise ConfigError(f"{path}: {section}: expected a table for each {section[:-1]}, [{section}.NAME]")
    for name, settings in value.items():
        if not _NAME.fullmatch(name) or "__" in name:
            raise ConfigError(f"{path}: {section}.{name}: expected a name of lower-case letters, digits and _")
        if not settings:
            raise ConfigError(f"{path}: {section}.{name}: the table is empty")
        yield from ((f"{section}.{name}.{key}", inner) for key, inner in settings.items())


def _env_names(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables that mean settings. Without a double underscore only settings outside a section count: other names
    (`WHIMBREL_MASTER_KEY`) belong to others."""
    for variable in sorted(environ):
        name = variable.removeprefix(ENV).lower().replace("__", ".")
        if variable.startswith(ENV) and ("." in name or name in _FIELDS):
            yield variable, name


def _env_value(name: str, text: str) -> Any:
    """Lists are written with commas in the environment."""
    field = _FIELDS.get(_written(name))
    if field is not None and hints.is_list(field):
        return [item.strip() for item in text.split(",") if item.strip()]
    if field is not None and hints.bare(field) is bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    return text


def _convert(name: str, raw: Any, place: str, *, strict: bool) -> Any:
    hint = _FIELDS.get(_written(name))
    if hint is None:
        raise ConfigError(f"{place}: {name} is no setting{_suggestion(name)}")
    try:
        value = msgspec.convert(raw, hint, strict=strict)
    except msgspec.ValidationError:
        given = "" if is_secret(name) else f", not {_LOGIN.sub('•••@', repr(raw))}"
        raise ConfigError(f"{place}: {name}: expected {hints.expected(hint)}{given}") from None
    if name in {"webhooks.allow_networks", "console.proxies", "mailbox.relays"}:
        _check_networks(value, place, name)
    return value


def _written(name: str) -> str:
    """A setting's name in the docs: a stream's or a cell's has NAME in it."""
    section, _, rest = name.partition(".")
    own, dot, key = rest.partition(".")
    is_named = section in _NAMED and dot and _NAME.fullmatch(own)
    return f"{section}.NAME.{key}" if is_named else name


def _check_networks(networks: tuple[str, ...], place: str, name: str) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(f"{place}: {name}: expected networks such as 10.1.0.0/16, not {network!r}") from None


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, _FIELDS, n=1)
    return f"; did you mean {close[0]}?" if close else "; docs/settings.md lists them"


def _build(values: Mapping[str, Any], origins: dict[str, Origin]) -> Settings:
    sections: dict[str, Any] = {
        section: kind(**{name.partition(".")[2]: v for name, v in values.items() if name.startswith(f"{section}.")})
        for section, kind in _SECTIONS.items()
    }
    named: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in _NAMED}
    for name, value in values.items():
        section, *names = name.split(".")
        if section in _NAMED:
            named[section].setdefault(names[0], {})[names[1]] = value
    made: dict[str, Any] = {
        section: {name: _NAMED[section](**given) for name, given in tables.items()} for section, tables in named.items()
    }
    alone = {name: value for name, value in values.items() if "." not in name}
    settings = Settings(**sections, **made, **alone, origins=origins)
    _check_tls(settings.smpp)
    for section, given in (("mail", settings.mail), ("mailbox", settings.mailbox), ("links", settings.links)):
        if problem := given.problem():
            raise ConfigError(f"{section}.{problem}")
    _check_named(made)
    return _at_home(settings, values)


def _check_named(made: Mapping[str, Mapping[str, Stream | Cell | Channel]]) -> None:
    for name in made["channels"]:
        if name in RESERVED_CHANNELS:
            raise ConfigError(f"channels.{name}: expected a name of its own: this one means a channel already")
    for section, tables in made.items():
        for name, table in tables.items():
            if problem := table.problem():
                raise ConfigError(f"{section}.{name}.{problem}")


def _at_home(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """With cells, the database is that of the node's own cell."""
    if not settings.cells and not settings.cell:
        return settings
    if settings.cell not in settings.cells:
        raise ConfigError(f"cell: expected the cell of this node ({', '.join(settings.cells) or 'there are no cells'})")
    for name in ("database", "database_read"):
        if name in values:
            raise ConfigError(f"{name}: means nothing with cells: set cells.{settings.cell}.{name}")
    if problem := Cell.problem_of(settings.cells.values()):
        raise ConfigError(f"cells: {problem}")
    home = settings.cells[settings.cell]
    origins = dict(settings.origins)
    for name in ("database", "database_read"):
        if origin := origins.get(f"cells.{settings.cell}.{name}"):
            origins[name] = origin
    return msgspec.structs.replace(settings, database=home.database, database_read=home.database_read, origins=origins)


def _check_tls(smpp: Smpp) -> None:
    """What means nothing without a certificate, and would leave open what was meant to be closed."""
    if smpp.tls_cert_file:
        return
    for name in ("tls_key_file", "tls_client_ca_file"):
        if getattr(smpp, name):
            raise ConfigError(f"smpp.{name}: means nothing without smpp.tls_cert_file")
    if not smpp.plain:
        raise ConfigError("smpp.plain: nobody could bind; set smpp.tls_cert_file, or leave `smpp` out of the roles")


# ---------------------------------------------------------------- describing


def describe() -> list[SettingDoc]:
    """Every setting: name, what it takes, default, meaning."""
    return [
        SettingDoc(
            name,
            hints.expected(hint),
            _default_text(_default(name)),
            hints.meta(hint, "description") or "",
            _default(name),
        )
        for name, hint in _FIELDS.items()
    ]


def is_secret(name: str) -> bool:
    """Whether a setting's value is shown to nobody."""
    return name.rpartition(".")[2] in _SECRETS


def _default(name: str) -> Any:
    section, _, key = name.rpartition(".")
    if kind := _NAMED.get(section.partition(".")[0]):
        return getattr(kind(), key)
    owner = getattr(Settings(), section) if section else Settings()
    return getattr(owner, key)


def _default_text(value: Any) -> str:
    return msgspec.json.encode(value).decode().replace('","', '", "')


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    name: hint for name, hint in hints.of(Settings).items() if isinstance(hint, type)
}
_APART = {*_SECTIONS, *_NAMED, _ORIGINS}
_FIELDS: dict[str, Any] = (
    {name: hint for name, hint in hints.of(Settings).items() if name not in _APART}
    | {f"{section}.{key}": hint for section, kind in _SECTIONS.items() for key, hint in hints.of(kind).items()}
    | {f"{section}.NAME.{key}": hint for section, kind in _NAMED.items() for key, hint in hints.of(kind).items()}
)
