"""The console of a node of one cell, used by the operator's people: the accounts of every cell are there, and what is
done for one is done in its cell."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest

from tests.cells.gate import Gate
from tests.cells.scene import NAMES, node, scene, settings_of, until
from tests.console.browser import Browser, Stream
from whimbrel.manage import accounts


@asynccontextmanager
async def operator_at(node_) -> AsyncIterator[Browser]:
    """One of the operator's people, who has signed in at this node's console."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        browser = Browser(SimpleNamespace(app=node_.app, url=node_.url), http)
        await browser.sign_in()
        yield browser


async def test_an_account_of_another_cell_is_shown_and_served(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        async with operator_at(made.eu) as operator:
            listed = await operator.get("/console/accounts")
            assert (listed.inner(eu.id).count(">eu<"), listed.inner(us.id).count(">us<")) == (1, 1)
            await operator.act_for(us.id)
            sent = await made.us.send(us, "+447911100001", "hello from us")
            assert "hello from us" in (await operator.get("/console/messages")).words
            shown = await operator.get(f"/console/messages/{sent.body['id']}")
            assert shown.status == 200 and "hello from us" in shown.words
            assert (await operator.post("/console/opt-outs", {"numbers": "+447911100002"})).status == 303
            assert (await made.us.send(us, "+447911100002")).body["code"] == "opted_out"
            assert (await operator.post("/console/balance", {"amount": "5", "note": "five"})).status == 303
            there = await made.us.ask("GET", "/v1/ledger", us.key)
            assert "5.00" in str(there.body) and "five" in str(there.body)
            await operator.act_for(eu.id)
            assert "hello from us" not in (await operator.get("/console/messages")).words


async def test_the_overview_counts_what_happens_in_the_other_cell(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        async with operator_at(made.eu) as operator:
            await operator.act_for(us.id)
            async with operator.open("/console/overview/live") as answer:
                stream = Stream(answer)
                await stream.piece()
                await made.us.send(us, "+447911100001")
                counted = 0
                while not counted:
                    name, frame = await stream.piece()
                    counted = sum(int(n) for n in re.findall(r'"accepted":(\d+)', frame)) if name == "frame" else 0


async def test_routes_are_changed_where_they_lead_and_people_stay_in_their_cell(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        async with operator_at(made.us) as operator:
            form = {"prefix": "4479", "price": "0.07", "account": ""}
            seen = await operator.post("/console/prices", form)
            assert seen.status == 303, seen.words
            assert "0.07" in str((await made.eu.ask("GET", "/v1/prices", made.operator)).body)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            owner = Browser(SimpleNamespace(app=made.us.app, url=made.us.url), http)
            await owner.sign_in("owner", us.id)
            assert (await owner.get("/console/settings")).has('value="Acme us"')
            assert us.id in (await owner.get("/console/accounts")).text


async def test_a_list_of_accounts_goes_on_over_all_cells(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        ids: list[str] = []
        for place in range(7):
            ctx = made.nodes["us" if place % 3 else "eu"].app.manage
            ids.append((await accounts.create(ctx, "test", accounts.NewAccount(name=f"A{place}"))).id)
        await until(lambda: len(made.eu.app.cells.accounts) == 7)
        async with operator_at(made.eu) as operator:
            shown = (await operator.get("/console/accounts")).all(r'<tr id="(AC[0-9a-f]+)"')
            assert shown == sorted(ids, reverse=True)


@pytest.mark.ci
async def test_a_cell_that_is_down_takes_its_own_accounts_with_it_alone(databases, tmp_path):
    urls = dict(zip(NAMES, databases, strict=True))
    async with Gate(databases[1]) as gate, node(settings_of("eu", urls | {"us": gate.url}, tmp_path)) as eu:
        near = await accounts.create(eu.app.manage, "test", accounts.NewAccount(name="Near"))
        async with node(settings_of("us", urls, tmp_path)) as us:
            far = await accounts.create(us.app.manage, "test", accounts.NewAccount(name="Far"))
        await until(lambda: far.id in eu.app.cells.accounts)
        async with operator_at(eu) as operator:
            await operator.act_for(far.id)
            assert (await operator.get("/console/keys")).status == 200
            gate.close()
            await until(lambda: eu.app.cells.services("us") is None)
            assert "cell_unavailable" in (await operator.get("/console/keys")).words
            listed = await operator.get("/console/accounts")
            assert listed.status == 200 and "Near" in listed.words and "Far" not in listed.words
            await operator.act_for(near.id)
            assert (await operator.get("/console/keys")).status == 200
