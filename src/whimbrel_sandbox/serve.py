"""Starts and stops a simulator: its SMPP port, its HTTP control, its timers. In order, and back in reverse.

Apart so that the product's command line, `python -m whimbrel_sandbox` and tests start it the same way: tests with
`async with running(Settings(smpp_port=0, http_port=0)) as simulator`, processes with `serve`.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette

from whimbrel.base.clock import Chance, Clock, SeededChance, SystemChance, SystemClock
from whimbrel_sandbox import tls
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.control import app
from whimbrel_sandbox.network import Network
from whimbrel_sandbox.provider import CLIENT, Provider
from whimbrel_sandbox.provider_http import ProviderServer
from whimbrel_sandbox.session import Session
from whimbrel_sandbox.settings import Settings
from whimbrel_sandbox.smsc import Smsc

_BACKLOG = 1024
_SWEEP_S = 1.0


class Address(Struct, frozen=True):
    """Where a running simulator is found; `http_url` is empty when it has no control, `provider_url` when it has no
    provider over HTTP, and `smpp_tls_port` None without a certificate."""

    smpp_host: str
    smpp_port: int
    http_url: str
    smpp_tls_port: int | None = None
    provider_url: str = ""


class Simulator(Struct, frozen=True):
    """A running simulator, for whoever shares its process."""

    address: Address
    center: Center
    network: Network
    provider: Provider


class _Server(uvicorn.Server):
    """uvicorn inside a process that handles its signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, chance: Chance | None = None
) -> AsyncIterator[Simulator]:
    """A simulator in this event loop, stopped at the end of the block. Raises OSError when a port is taken."""
    if chance is None:
        chance = SystemChance() if settings.seed is None else SeededChance(settings.seed)
    center = Center(settings, clock or SystemClock(), chance)
    network = Network(center)
    smsc = Smsc(center, network)
    provider = Provider(center, network, smsc)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(center.close)
        smpp = await center.loop.create_server(
            lambda: Session(center, smsc), settings.host, settings.smpp_port, backlog=_BACKLOG
        )
        stack.callback(smpp.close)
        tls_port = await _listen_tls(center, smsc, stack)
        provider_url = await _listen_provider(center, provider, stack)
        url = ""
        if settings.http_port is not None:
            http = socket.create_server((settings.host, settings.http_port), backlog=_BACKLOG)
            url = f"http://{settings.host}:{http.getsockname()[1]}"
            stack.push_async_callback(_stop_http, *_start_http(app(center, network, smsc, provider), http))
            stack.callback(network.phones.changes.close)
        sweeper = asyncio.create_task(_sweep(center))
        stack.callback(sweeper.cancel)
        port = smpp.sockets[0].getsockname()[1]
        address = Address(settings.host, port, url, tls_port, provider_url)
        yield Simulator(address, center, network, provider)


async def serve(settings: Settings, ready: Callable[[Address], None]) -> None:
    """Run until SIGTERM or SIGINT, or until canceled; `ready` is called once when both ports listen."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(settings) as simulator:
            ready(simulator.address)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _listen_tls(center: Center, smsc: Smsc, stack: contextlib.AsyncExitStack) -> int | None:
    settings = center.settings
    context = tls.context(settings)
    if context is None:
        return None
    server = await center.loop.create_server(
        lambda: Session(center, smsc), settings.host, settings.tls_port, backlog=_BACKLOG, ssl=context
    )
    stack.callback(server.close)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _listen_provider(center: Center, provider: Provider, stack: contextlib.AsyncExitStack) -> str:
    settings = center.settings
    if settings.provider_port is None:
        return ""
    bound = socket.create_server((settings.host, settings.provider_port), backlog=_BACKLOG)
    server = ProviderServer(center, provider)
    await server.start(bound)
    provider.callbacks.serve(center.esme(CLIENT))
    stack.push_async_callback(server.stop)
    return f"http://{settings.host}:{bound.getsockname()[1]}"


def _start_http(control: Starlette, bound: socket.socket) -> tuple[_Server, asyncio.Task[None]]:
    config = uvicorn.Config(control, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = _Server(config)
    return server, asyncio.create_task(server.serve(sockets=[bound]))


async def _stop_http(server: _Server, task: asyncio.Task[None]) -> None:
    server.should_exit = True
    await task


async def _sweep(center: Center) -> None:
    settings = center.settings
    timers_s = [ms / 4000 for ms in (settings.deliver_timeout_ms, settings.enquire_link_ms) if ms]
    while True:
        await asyncio.sleep(min([_SWEEP_S, *timers_s]))
        center.sweep()
