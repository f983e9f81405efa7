"""`whimbrel backup`: the database in one file, also while the node runs."""

from pathlib import Path
from typing import Annotated

import typer

from whimbrel.cli.options import ConfigFile, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.store.sqlite import backup as copying


@guarded
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.")],
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Copy the database as it is at this moment; the node may run. The master key is not in it."""
    settings = settings_of(config_file, data)
    if not settings.is_sqlite:
        fail("the database is PostgreSQL: use pg_dump, or pg_basebackup with the archive of its log", code=2)
    copying.backup(str(settings.database_path()), str(target))
    typer.echo(f"{target}: {target.stat().st_size / 2**20:,.1f} MiB")
