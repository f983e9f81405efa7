"""Flows that are deleted: marked at once, so that nothing of them goes on; then their runs end in lists, each with its
event, and flow and versions are gone. What the request does not come to, the engine does.
"""

from typing import Final

from whimbrel.base.clock import Clock
from whimbrel.products.flows.rows import RunMark, gone_change
from whimbrel.store.interface import Store, Write

_PAGE: Final = 500


async def end_runs(store: Store, clock: Clock, flow_id: str, *, pages: int) -> bool:
    """End runs of a deleted flow, in at most so many lists. Whether none is left, and the flow is gone."""
    before = "~"
    for _ in range(pages):
        runs = await store.fetch(RunMark, "flow_runs_marks", flow_id, before, _PAGE)
        changes = [gone_change(flow_id, run, clock.now_us()) for run in runs if run.state == "running"]
        if changes and not all(await store.advance_flow_runs(changes)):
            continue  # one took a turn meanwhile: the same list once more
        if len(runs) < _PAGE:
            await store.write([Write("flow_versions_delete", ((flow_id,),)), Write("flow_delete", ((flow_id,),))])
            return True
        before = runs[-1].id
    return False
