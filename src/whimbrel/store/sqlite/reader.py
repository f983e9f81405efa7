"""A reader: one thread, one read-only connection. Reads never wait for the writer, the event loop never for reads."""

import asyncio
import threading

from whimbrel.store.sqlite.jobs import Jobs, answer
from whimbrel.store.sqlite.runner import Runner


class Reader:
    """Several readers may share one `Jobs`."""

    def __init__(self, runner: Runner, jobs: Jobs) -> None:
        self._runner = runner
        self._jobs = jobs
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = threading.Thread(target=self._work, args=(loop,), name="store-reader", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread's end, after its jobs were closed. Blocks."""
        if self._thread is not None:
            self._thread.join()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while jobs := self._jobs.take(1):  # one at a time: a short read must not wait behind a long one
            (job,) = jobs
            try:
                job.result = self._runner.run(job.script())
            except Exception as error:
                job.error = error
            answer(loop, jobs)
            del job, jobs
