"""Ports for processes that listen on them later, or again after they were killed.

The system gives ports of its own range to everybody who asks for any, so one of those that is free now may be another
test's before its process listens. These are below that range: only who asks for one by its number gets it.
"""

import random
import socket
from typing import Final

_BELOW: Final = range(10_000, 32_768)  # the range begins at 32,768 on Linux, at 49,152 elsewhere
_CHANCE: Final = random.SystemRandom()  # no two workers alike
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that nobody listens on, and that this process was not given before."""
    while True:
        port = _CHANCE.choice(_BELOW)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
