"""Phones where the simulator does not answer."""

import pytest
import pytest_asyncio

from tests.edges.edge_rig import running_edge
from whimbrel.sections import Console

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSED = "http://127.0.0.1:9"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("gone"), console=Console(simulator_url=CLOSED)) as running:
        yield running


async def test_the_page_says_so_and_what_to_do(browser):
    seen = await browser.get("/console/phones")
    assert seen.status == 503
    assert "The simulator does not answer" in seen.words and "console.simulator_url" in seen.words
    assert seen.has('<a class="button quiet" href="">Try again')


async def test_a_live_page_ends_its_stream(browser):
    async with browser.open("/console/phones/live") as answer:
        assert answer.status == 200
        assert await answer.read() == b"retry: 2000\n\n"


@pytest.mark.parametrize("fields", [{"off": "1"}, {"memory_full": "0"}])
async def test_what_is_done_to_a_phone_is_refused(browser, fields):
    for part in (True, False):
        seen = await browser.post("/console/phones/15005550001/set", fields, part=part)
        assert seen.status == 503
        assert "The simulator does not answer" in seen.words
