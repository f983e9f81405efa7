"""`whimbrel backup`: the database in one file, also while the node runs."""

from pathlib import Path
from typing import Annotated

import typer

from whimbrel.cli.options import ConfigFile, OfQuickstart, settings_of
from whimbrel.cli.say import guarded
from whimbrel.store.sqlite import backup as copying


@guarded
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.")],
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Copy the database as it is at this moment; the node may run. The master key is not in it."""
    copying.backup(str(settings_of(config_file, data).database_path()), str(target))
    typer.echo(f"{target}: {target.stat().st_size / 2**20:,.1f} MiB")
