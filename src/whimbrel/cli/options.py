"""Options that several verbs share, and what they mean together: which settings a command has."""

import os
from pathlib import Path
from typing import Annotated

import typer

from whimbrel import config

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The node's TOML file (docs/settings.md).")
]
OfQuickstart = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of a quickstart instead.")]
DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder of a quickstart, for its address and keys.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DATA = Path("whimbrel-data")


def settings_of(file: Path | None, data: Path | None = None) -> config.Settings:
    """The settings of a command: its file, the environment over it, and the folder over both."""
    return config.load(file, os.environ, {"server.data": None if data is None else str(data)})
