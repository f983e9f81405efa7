"""Running a node until a signal asks it to stop."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from whimbrel.app import App
from whimbrel.base.log import configure
from whimbrel.config import Settings

_GC_THRESHOLD = 50_000  # objects: nothing on the hot path makes cycles, so looking for them often is waste

Started = Callable[[App], Awaitable[None]]


def run(settings: Settings, master_key: bytes, started: Started, *, log_file: Path | None = None) -> None:
    """Start the node, call `started`, and stop gracefully at SIGTERM or SIGINT. A second signal ends it at once."""
    stream = log_file.open("a", encoding="utf-8", buffering=1) if log_file is not None else None
    configure(settings.log.level, stream)
    uvloop.run(_serve(App(settings, master_key), started))


async def _serve(app: App, started: Started) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            loop.stop()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await app.start()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        await started(app)
        await stopping.wait()
    finally:
        await app.stop()
