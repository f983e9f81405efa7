"""A reader: one thread, one read-only connection. Reads never wait for the writer, the event loop never for reads."""

import asyncio
import threading

from whimbrel.store.sqlite.jobs import Job, Jobs, answer
from whimbrel.store.sqlite.runner import Runner

TURN_MAX = 16  # reads answered in one go: enough to save wake-ups, few enough that none waits for many


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
        while jobs := self._jobs.take(TURN_MAX):
            for job in jobs:
                self._run(job)
            answer(loop, jobs)
            del jobs

    def _run(self, job: Job) -> None:
        execute = self._runner.connection.execute
        try:
            execute("BEGIN")
            try:
                job.result = self._runner.run(job.script())
            finally:
                execute("ROLLBACK")
        except Exception as error:
            job.error = error
