"""One process owns the file: two writers work, but starve each other for seconds, and both would claim the same queue.
The lock is the operating system's (fcntl), so it goes with its process, however that ends.
"""

import fcntl
import os
from typing import Self

from whimbrel.store.errors import StoreBusy, StoreError


class OwnerLock:
    """`<database>.lock`, held from `take` to `drop`; the file itself stays."""

    def __init__(self, database: str) -> None:
        self._path = f"{database}.lock"
        self._database = database
        self._descriptor: int | None = None

    def take(self) -> Self:
        """StoreBusy, naming the process, when another one has it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be made: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StoreBusy(
                f"{self._database} is used by process {owner or '(unknown)'}: stop it first, or name another file."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def drop(self) -> None:
        """Let another process have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.take()

    def __exit__(self, *_: object) -> None:
        self.drop()
