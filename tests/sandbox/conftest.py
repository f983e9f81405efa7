"""A simulator in the test's own loop, on free ports, with delays a thousand times shorter; and clients that are
closed when the test ends.
"""

from contextlib import AsyncExitStack

import pytest
from sandbox_esme import Esme

from whimbrel_sandbox.serve import running
from whimbrel_sandbox.settings import Settings

FAST = {"smpp_port": 0, "http_port": None, "time_scale": 0.001, "seed": 7, "deliver_retry_ms": 1}


@pytest.fixture
async def start():
    """Starts simulators with settings; all stop at the end of the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings):
            return await stack.enter_async_context(running(Settings(**FAST | settings)))

        yield start


@pytest.fixture
async def connect():
    """Binds clients to a simulator; all leave at the end of the test."""
    clients = []

    async def connect(simulator, **bind):
        clients.append(await Esme.bound(simulator.address.smpp_port, **bind))
        return clients[-1]

    yield connect
    for client in clients:
        await client.leave()
