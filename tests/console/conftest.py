"""A running installation for each module of tests, and browsers that people use its console with. The tests of a module
share its loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio

from tests.console.browser import Browser
from tests.edges.edge_rig import Edge, running_edge
from whimbrel.domain.people import RoleName

SignIn = Callable[..., Awaitable[Browser]]
_STRANGERS = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """One installation for all tests of a file: a customer that may send, and the simulator as the carrier."""
    async with running_edge(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def sign_in(edge: Edge) -> AsyncIterator[SignIn]:
    """Somebody new with a browser of their own: `await sign_in(role, account_id)`; the account is the customer's, and
    None is the operator."""
    async with AsyncExitStack() as stack:

        async def somebody(role: RoleName = "owner", account_id: str | None = edge.customer.id) -> Browser:
            jar = aiohttp.CookieJar(unsafe=True)
            browser = Browser(edge, await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)))
            await browser.sign_in(role, account_id)
            return browser

        yield somebody


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(edge: Edge) -> AsyncIterator[Callable[[], Browser]]:
    """Browsers in which nobody has signed in."""
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
            for _ in range(_STRANGERS)
        ]
        unused = iter(sessions)
        yield lambda: Browser(edge, next(unused))


@pytest_asyncio.fixture(loop_scope="module")
async def newcomer(edge: Edge, sign_in: SignIn) -> Browser:
    """An owner of an account in which there is nothing, whatever other tests have made in the customer's."""
    return await sign_in(account_id=(await edge.new_customer("New")).id)


@pytest_asyncio.fixture(loop_scope="module")
async def browser(sign_in: SignIn) -> Browser:
    """An owner of the customer."""
    return await sign_in()
