"""`whimbrel restored`: what to look at, and what to do, between restoring a database to an earlier moment and starting
nodes on it (docs/production.md). The application, of which it uses the sweep and the leases, is imported when it acts:
`--help` needs none of it.
"""

import asyncio
import os
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import master_key
from whimbrel.base import moments
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.domain.model import PRIORITY, Carrier
from whimbrel.journey.restored import Restored, Standing

Doubt = Annotated[bool, typer.Option("--doubt", help="Put what waits in doubt: it may have been sent since.")]
Carriers = Annotated[
    list[str] | None, typer.Option("--carrier", metavar="NAME", help="Only of this carrier; may be repeated.")
]


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `--json` prints. `put_in_doubt` is there after `--doubt`."""

    standing: Standing
    put_in_doubt: int | None = None


@guarded
def restored(
    doubt: Doubt = False,
    carrier: Carriers = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Show what a restored database believes to be waiting; with --doubt, keep it from being sent a second time. For a
    database that was restored to an earlier moment, before any node is started on it."""
    settings = settings_of(config_file, data)
    app = import_module("whimbrel.app").App(settings, master_key.load(Path(settings.server.data), os.environ))
    report = asyncio.run(_carried_out(app, doubt, carrier))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)


async def _carried_out(app: Any, doubt: bool, names: Collection[str] | None) -> Report:
    try:
        await app.open()
        tool = Restored(
            store=app.store,
            tables=app.tables,
            vault=app.vault,
            clock=app.clock,
            owners=app.owners,
            fall_due=app.sweep.fall_due,
        )
        before = await tool.standing()
        if not doubt:
            return Report(before)
        if before.alive:
            names = ", ".join(before.alive)
            fail(f"a node uses this database ({names}): stop all of them first; one that died counts for some seconds")
        return Report(before, await tool.put_in_doubt(_chosen(app, names, before)))
    finally:
        await app.stop()


def _chosen(app: Any, names: Collection[str] | None, before: Standing) -> Collection[str]:
    """Ids of the carriers that are meant; without names also of those that are gone, whose texts others would take."""
    carriers: Mapping[str, Carrier] = app.tables.carriers
    if not names:
        return carriers.keys() | {queued.carrier_id for queued in before.queued}
    known = {carrier.name: carrier.id for carrier in carriers.values()}
    for name in names:
        if name not in known:
            fail(f"there is no carrier {name}; there are {', '.join(sorted(known))}", code=2)
    return [known[name] for name in names]


def _print(report: Report) -> None:
    console, standing = Console(soft_wrap=True), report.standing
    as_of = "holds no events" if standing.as_of is None else f"ends at {moments.to_text(standing.as_of)}"
    console.print(f"The event log {as_of}: what happened later is not known here.", highlight=False)
    console.print(f"{standing.unanswered} segments were on the wire then; they become in doubt.", highlight=False)
    if standing.queued:
        table = Table("carrier", *PRIORITY, "accepted since")
        for queued in standing.queued:
            counts = (str(queued.by_class.get(name, 0)) for name in PRIORITY)
            table.add_row(queued.carrier, *counts, moments.to_text(queued.since))
        console.print(table)
    else:
        console.print("Nothing waits.")
    if report.put_in_doubt is not None:
        console.print(f"{report.put_in_doubt} messages were put in doubt.", highlight=False)
    elif standing.queued:
        console.print("These would be sent when a node starts, also those that were sent in the time that is lost.")
        console.print("`whimbrel restored --doubt` keeps them from being sent twice.", highlight=False)
