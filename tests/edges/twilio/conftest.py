"""The SDK and a customer's application for each test that asks for them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from twilio.rest import Client

from tests.edges.edge_rig import Edge

from .twilio_rig import Sink, running_sink, sdk


@pytest.fixture
def client(edge: Edge) -> Iterator[Client]:
    made = sdk(edge)
    yield made
    made.http_client.session.close()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as running:
        yield running
