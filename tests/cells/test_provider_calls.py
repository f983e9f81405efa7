"""A carrier over HTTP of two cells: its provider calls whichever node it likes, and what it brings finds its cell."""

from urllib.parse import urlsplit

import pytest

from tests.cells.scene import ACTOR, Node, Scene, scene, until
from whimbrel.domain.model import Route
from whimbrel.manage import carriers, routes
from whimbrel_sandbox.network import PhoneText
from whimbrel_sandbox.provider_settings import ProviderChange, change

pytestmark = pytest.mark.ci
NUMBERS = [f"+4479111{n:05}" for n in range(20)]


async def _furnish_over_http(made: Scene) -> carriers.CarrierView:
    """Everything goes by the provider."""
    await made.furnish()
    ctx = made.nodes["eu"].app.manage
    fields = {"to": "{to}", "from": "{from}", "text": "{text}"}
    settings = {"url": f"{made.simulator.address.provider_url}/messages", "fields": fields}
    view = await carriers.create(ctx, ACTOR, carriers.NewCarrier(name="heron", kind="http", settings=settings))
    await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(view.id,), prefix="44", position=1))
    for node in made.nodes.values():
        await until(lambda node=node: view.id in node.app.standing.health())
        await until(lambda node=node: _has_routes(node, 2))
        await node.app.tables.current()
    return view


async def test_what_a_provider_brings_finds_its_cell_at_whichever_node_it_calls(databases, tmp_path):
    async with scene(databases, tmp_path, sandbox={"provider_port": 0}) as made:
        carrier = await _furnish_over_http(made)
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        for called in made.nodes.values():
            path = {name: urlsplit(getattr(carrier, name)).path for name in ("receipts_url", "inbound_url")}
            calls = {name: called.url + path[name] for name in path}
            change(made.simulator.provider.settings, ProviderChange(**calls))
            for cell, customer in (("eu", eu), ("us", us)):
                sent = [await made.eu.send(customer, number) for number in NUMBERS[:10]]
                await made.all_in(cell, [answer.body["id"] for answer in sent], "delivered")
        assert {event.system_id for event in made.submits()} == {"http"}
        for customer, number in ((eu, "+12025550100"), (us, "+12025550101")):
            made.simulator.network.send_text(NUMBERS[15], PhoneText(to=number, text="STOP", system_id="http"))
            await until(lambda customer=customer: _stopped(made, customer.id))
            assert (await made.us.send(customer, NUMBERS[15])).body["code"] == "opted_out"


async def _has_routes(node: Node, count: int) -> bool:
    return len(await node.app.store.fetch(Route, "routes_all")) == count


def _stopped(made: Scene, account_id: str) -> bool:
    return any(node.app.tables.opt_outs.get(account_id) for node in made.nodes.values())
