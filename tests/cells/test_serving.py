"""Two cells with a node each: any node serves the accounts of both, carriers are shared out between them, what belongs
to the installation is changed in one place, and a cell that is down is missed by its own accounts only.
"""

import asyncio
import json
import re
import smtplib
from base64 import b64encode
from collections import Counter
from contextlib import AsyncExitStack

import msgspec
import pytest

from tests.cells import account as samples
from tests.cells.gate import Gate
from tests.cells.scene import KEY, Customer, Scene, knows_the_way, node, scene, settings_of, steadily, until
from tests.cli.product import whimbrel
from tests.edges.smpp.customer import PASSWORD, esme
from tests.journey.rig import simulated
from whimbrel import cells as cells_module
from whimbrel import connected, mailroom
from whimbrel.base.clock import ManualClock
from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp.bodies import QuerySm
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import QUERY_SM
from whimbrel.config import Mailbox
from whimbrel.domain.flows import FlowRun
from whimbrel.journey.moving import Moving
from whimbrel.manage import accounts, smpp_credentials
from whimbrel_sandbox.network import PhoneText

SECOND_US = 1_000_000
NUMBERS = [f"+4479111{n:05}" for n in range(10_000)]


async def test_an_account_of_each_cell_sends_through_a_node_of_the_other(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        for customer, home, other in ((eu, "eu", "us"), (us, "us", "eu")):
            answers = [await made.nodes[other].send(customer, number) for number in NUMBERS[:5]]
            assert [(answer.status, answer.headers["x-cell"]) for answer in answers] == [(202, home)] * 5
            ids = [answer.body["id"] for answer in answers]
            await made.all_in(home, ids, "delivered")
            assert await made.states(other, ids) == []
            read = await made.nodes[other].ask("GET", f"/v1/messages/{ids[0]}", customer.key)
            assert (read.status, read.body["status"], read.headers["x-cell"]) == (200, "delivered", home)
            timeline = await made.nodes[other].ask("GET", f"/v1/messages/{ids[0]}/events", customer.key)
            assert [event["type"] for event in timeline.body["data"]][-1] == "message.delivered"
        assert len(made.submits()) == 10


async def test_products_are_in_the_cell_of_the_account_whichever_node_is_asked(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")

        async def done(path, body, status=201):
            answer = await made.eu.ask("POST", path, us.key, body)
            assert (answer.status, answer.headers["x-cell"]) == (status, "us"), answer.body
            return answer.body

        for kind in ("hook", "api"):
            text = {"type": "send", "text": f"by {kind}"}
            document = {"trigger": {"type": kind}, "start": "a", "steps": {"a": text}}
            flow = await done("/v1/flows", {"name": kind, "document": document})
            if kind == "api":
                await done(f"/v1/flows/{flow['id']}/runs", {"phone": NUMBERS[0]}, 202)
                continue
            auth = {"kind": "bearer"}
            rule = {"name": "r", "to": ["phone"], "flow": flow["id"]}
            hook = await done("/v1/hooks", {"name": "h", "preset": "generic", "auth": auth, "rules": [rule]})
            url = f"{made.eu.url}/v1/hooks/{hook['id']}"
            headers = {"Authorization": f"Bearer {hook['secret']}"}
            body = {"phone": NUMBERS[0], "type": "x", "id": "1"}
            async with made.eu.http.post(url, json=body, headers=headers) as called:
                told = await called.json()
                assert (called.status, told["verdict"]) == (200, "flow_started"), told
        service = await done("/v1/verify/services", {"name": "s"})
        path = f"/v1/verify/services/{service['id']}/verifications"
        await done(path, {"to": NUMBERS[1]})
        (text,) = await until(lambda: made.simulator.network.phones.read(NUMBERS[1].lstrip("+")))
        code = re.search(r"\d{6}", text.text)[0]
        assert (await done(f"{path}/check", {"to": NUMBERS[1], "code": code}, 200))["status"] == "approved"
        await until(lambda: {"by hook", "by api"} <= {submit.text for submit in made.submits()})
        for cell, count in (("us", 2), ("eu", 0)):
            store = made.nodes[cell].app.store
            runs = await store.fetch(FlowRun, "flow_runs_page", us.id, 0, ["running", "finished"], "~", 9)
            assert len(runs) == count


async def test_mail_finds_the_mailbox_of_another_cell(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        wanted = {"name": "m", "senders": ["@shop.example"], "auth": "none"}
        mailbox = (await made.us.ask("POST", "/v1/mailboxes", us.key, wanted)).body
        app = made.eu.app
        settings = msgspec.structs.replace(
            app.settings, roles=("mail",), mailbox=Mailbox(domain="sms.example.com", port=0)
        )
        door = mailroom.server(settings, app.services(), cells=app.cells, shared=False)
        await door.start()

        def send(to, number):
            octets = f"From: a@shop.example\r\nMessage-ID: <{number}@shop.example>\r\n\r\nHello {number}\r\n".encode()
            with smtplib.SMTP("127.0.0.1", door.port, timeout=30) as client:
                client.sendmail("a@shop.example", [f"{to}@sms.example.com"], octets)

        await asyncio.to_thread(send, NUMBERS[0], 1)
        await asyncio.to_thread(send, f"{NUMBERS[0]}+{mailbox['tag']}", 2)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(send, f"{NUMBERS[0]}+nobody", 3)
        await door.stop(1.0)
        await until(lambda: {"Hello 1", "Hello 2"} <= {submit.text for submit in made.submits()})
        log = (await made.eu.ask("GET", f"/v1/mailboxes/{mailbox['id']}/log", us.key)).body["data"]
        assert [line["state"] for line in log] == ["sent", "sent"]


async def test_the_accounts_token_and_the_twilio_door_lead_to_its_cell(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        path = f"/2010-04-01/Accounts/{us.id}/Messages.json"
        form = {"To": NUMBERS[0], "Body": "hello"}
        for node_, login in ((made.eu, (us.id, us.token)), (made.eu, (us.id, us.key)), (made.us, (us.id, us.token))):
            basic = {"Authorization": "Basic " + b64encode(":".join(login).encode()).decode()}
            async with made.eu.http.post(node_.url + path, data=form, headers=basic) as answer:
                assert answer.status == 201, await answer.text()
                assert answer.headers["x-cell"] == "us"


async def test_a_revoked_key_and_a_stop_hold_at_the_next_request_at_the_other_cells_node(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        assert (await made.eu.send(us, NUMBERS[0])).status == 202
        await made.us.ask("POST", "/v1/opt-outs", us.key, {"number": NUMBERS[1]})
        assert (await made.eu.send(us, NUMBERS[1])).body["code"] == "opted_out"
        listed = await made.us.ask("GET", "/v1/keys", us.key)
        await made.us.ask("DELETE", f"/v1/keys/{listed.body['data'][0]['id']}", us.key)
        assert (await made.eu.send(us, NUMBERS[0])).status == 401


async def test_carriers_are_shared_out_and_their_rate_holds_over_both_cells(databases, tmp_path):
    async with scene(databases, tmp_path, shares={"eu": 3, "us": 1}) as made:
        await made.furnish(binds=4, throughput_per_s=40)
        await until(lambda: _binds(made) == {"eu": 3, "us": 1})
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        batch = {"messages": [{"to": number, "text": "hello"} for number in NUMBERS[:90]]}
        for customer in (eu, us):
            assert (await made.eu.ask("POST", "/v1/messages/batch", customer.key, batch)).body["accepted"] == 90
        await until(lambda: len(made.submits()) >= 120)
        times = sorted(submit.at_us for submit in made.submits())
        most = max(sum(1 for other in times if at <= other < at + SECOND_US) for at in times)
        assert most <= 40


def _binds(made):
    health = {name: node.app.worker.health().get(made.carrier_id) for name, node in made.nodes.items()}
    return {name: one.binds_up if one else 0 for name, one in health.items()}


async def test_a_carrier_that_is_pinned_to_a_cell_is_used_there_alone(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        change = {"settings": {"cells": {"us": 1}}}
        answer = await made.us.ask("PATCH", f"/v1/carriers/{made.carrier_id}", made.operator, change)
        assert (answer.status, answer.headers["x-cell"]) == (200, "eu")
        await until(lambda: made.carrier_id not in made.eu.app.worker.health())
        await until(lambda: _binds(made) == {"eu": 0, "us": 2})
        eu = await made.customer("eu")
        assert (await made.eu.send(eu, NUMBERS[0])).body["code"] == "no_route"


async def test_what_belongs_to_the_installation_is_changed_in_the_leading_cell_and_copied(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        body = {"prefix": "4479", "price": "0.02", "account_id": us.id}
        answer = await made.us.ask("POST", "/v1/prices", made.operator, body)
        assert (answer.status, answer.headers["x-cell"]) == (200, "eu"), answer.body
        await until(lambda: made.us.app.tables.prices.price(us.id, "447911100000", 1)[0] == 20_000)
        assert (await made.eu.send(us, NUMBERS[0])).body["price"] == "0.02"
        await made.us.ask("DELETE", f"/v1/prices/{answer.body['id']}", made.operator)
        await until(lambda: made.us.app.tables.prices.price(us.id, "447911100000", 1)[0] == 10_000)
        rule = {"country": "FR", "verdict": "forbidden", "source": "our carrier"}
        answer = await made.us.ask("PUT", "/v1/sender-rules/fr-own", made.operator, rule)
        assert (answer.status, answer.headers["x-cell"]) in ((200, "eu"), (201, "eu")), answer.body
        new = {"name": "complaints", "reason": "", "classes": ["transactional"]}
        answer = await made.us.ask("POST", "/v1/suppression-lists", made.operator, new)
        assert (answer.status, answer.headers["x-cell"]) == (201, "eu"), answer.body
        place = f"/v1/suppression-lists/{answer.body['id']}/numbers"
        added = await made.us.ask("POST", place, made.operator, {"numbers": [NUMBERS[0]]})
        assert (added.status, added.body["created"]) == (200, 1), added.body

        async def is_suppressed() -> bool:
            return (await made.us.send(us, NUMBERS[0])).body.get("code") == "suppressed"

        await until(is_suppressed)
        created = await made.eu.ask("POST", "/v1/accounts", made.operator, {"name": "New"}, x_cell="us")
        assert created.status == 201
        assert created.body["id"] in made.us.app.tables.accounts or await until(
            lambda: created.body["id"] in made.us.app.tables.accounts
        )
        listed = await made.eu.ask("GET", "/v1/cells", made.operator)
        assert [(c["name"], c["home"], c["leads"], c["reachable"], c["nodes"]) for c in listed.body["data"]] == [
            ("eu", True, True, True, 1),
            ("us", False, False, True, 1),
        ]


async def test_the_command_line_lists_cells_and_moves_an_account(databases, tmp_path, monkeypatch):
    # a command may take longer to start than nodes have to hear of a move, after which it would not be called off
    monkeypatch.setitem(Moving.__init__.__kwdefaults__, "settle_us", 60_000_000)
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        eu = await made.customer("eu")
        env = {"WHIMBREL_URL": made.us.url, "WHIMBREL_OPERATOR_KEY": made.operator}
        listed = await asyncio.to_thread(whimbrel, "cells", "list", "--json", env=env)
        assert [(cell["name"], cell["reachable"]) for cell in json.loads(listed.out)] == [("us", True), ("eu", True)]
        refused = await asyncio.to_thread(whimbrel, "cells", "move", eu.id, "--to", "asia", env=env)
        assert (refused.code, "there is no such cell; there are eu, us" in refused.err) == (1, True)
        begun = await asyncio.to_thread(whimbrel, "cells", "move", eu.id, "--to", "us", "--no-wait", env=env)
        assert (begun.code, begun.out) == (0, f"{eu.id} moves to us\n")
        assert (await made.eu.send(eu, NUMBERS[0])).headers["retry-after"] == "5"
        called_off = await asyncio.to_thread(whimbrel, "cells", "move", eu.id, "--to", "eu", env=env)
        assert (called_off.code, called_off.out) == (0, f"{eu.id} is to stay in eu\nit stays\n"), called_off.err
        lost = await asyncio.to_thread(whimbrel, "cells", "move", eu.id, "--to", "us", "--lost", env=env)
        assert (lost.code, "not on its way from cell us" in lost.err) == (1, True)
        assert (await made.us.send(eu, NUMBERS[0])).status == 202
        over = await asyncio.to_thread(whimbrel, "cells", "move", eu.id, "--to", "eu", env=env)
        assert (over.code, "in cell eu already" in over.err) == (1, True)


def doctor(databases, folder, key=KEY):
    """What the doctor says of the other cell, from a node of eu."""
    (folder / "secret.key").write_text(key.hex())
    (folder / "secret.key").chmod(0o600)
    file = folder / "whimbrel.toml"
    file.write_text(
        f"""cell = "eu"
        [server]
        data = "{folder}"
        [cells.eu]
        database = "{databases[0]}"
        leads = true
        [cells.us]
        database = "{databases[1]}"
        """
    )
    found = json.loads(whimbrel("doctor", "--config", file, "--json").out)
    (finding,) = [each for each in found if each["subject"] == "cell us"]
    return finding["state"], finding["detail"]


@pytest.mark.ci
async def test_the_doctor_looks_at_the_other_cells(databases, tmp_path):
    us = await samples.opened("us", databases[1], ManualClock())
    await accounts.create(us.manage, "test", accounts.NewAccount(name="Acme"))
    await us.store.stop()
    state, detail = await asyncio.to_thread(doctor, databases, tmp_path)
    assert (state, detail.endswith("can be reached")) == ("ok", True)
    state, detail = await asyncio.to_thread(doctor, databases, tmp_path, bytes(32))
    assert (state, detail) == ("error", "was sealed with another master key")
    away = (databases[0], "postgresql://whimbrel@127.0.0.1:1/whimbrel")
    state, detail = await asyncio.to_thread(doctor, away, tmp_path)
    assert (state, "cannot be reached" in detail) == ("error", True)


async def test_the_live_stream_of_another_cells_account(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        headers = {"Authorization": f"Bearer {us.key}"}
        async with made.eu.http.get(f"{made.eu.url}/v1/stream", headers=headers) as stream:
            assert stream.status == 200
            sent = (await made.us.send(us, NUMBERS[0])).body["id"]
            told = ""
            while "message.delivered" not in told:
                told += (await asyncio.wait_for(stream.content.readline(), 30)).decode()
            assert sent in told


async def test_receipts_find_their_cell_over_whichever_bind_they_come(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        sent = {customer: [await made.eu.send(customer, number) for number in NUMBERS[:30]] for customer in (eu, us)}
        for cell, customer in (("eu", eu), ("us", us)):
            await made.all_in(cell, [answer.body["id"] for answer in sent[customer]], "delivered")


async def test_a_text_from_a_phone_finds_the_cell_of_its_number(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish(binds=1)  # which is one cell's alone
        await until(lambda: sum(_binds(made).values()) == 1)  # before that no phone can write to us
        eu, us = await made.customer("eu"), await made.customer("us", "+12025550101")
        for customer, number in ((eu, "12025550100"), (us, "12025550101")):
            made.simulator.network.send_text("447911123456", PhoneText(to=f"+{number}", text="STOP"))
            await until(lambda customer=customer: _stopped(made, customer))
            assert (await made.us.send(customer, "+447911123456")).body["code"] == "opted_out"


def _stopped(made, customer: Customer):
    return any(node.app.tables.opt_outs.get(customer.id) for node in made.nodes.values())


async def test_a_customer_binds_at_any_node_and_gets_its_receipts_there(databases, tmp_path):
    async with scene(databases, tmp_path) as made:
        await made.furnish()
        us = await made.customer("us")
        new = smpp_credentials.NewSmppCredential(name="bind", system_id="acme", password=PASSWORD)
        ctx = made.us.app.manage
        await smpp_credentials.create(ctx, "test", new, account_id=us.id, test=False)
        await until(lambda: "acme" in made.eu.app.cells.smpp_credentials)
        async with esme(made.eu.smpp_port) as one:
            assert (await one.bind()).status == 0
            answers = [await one.submit(registered_delivery=1) for _ in range(3)]
            ids = [answer.body.message_id for answer in answers]
            await made.all_in("us", ids, "delivered")
            await until(lambda: len(one.seen(ev.DeliverReceived)) >= 3)
            assert await made.states("eu", ids) == []
            asked = await one.ask(QUERY_SM, QuerySm(message_id=ids[0]))
            assert (asked.status, asked.body.message_state) == (0, 2)
        refused = await made.eu.ask("POST", "/v1/smpp-credentials", us.key, {"name": "b", "system_id": "acme"})
        assert refused.status == 409
        eu = await made.customer("eu", "+12025550101")
        refused = await made.eu.ask("POST", "/v1/smpp-credentials", eu.key, {"name": "b", "system_id": "acme"})
        assert refused.status == 409  # a system_id is one in the installation


async def test_a_cell_that_is_down_is_missed_by_its_own_accounts_only(databases, tmp_path):
    direct = dict(zip(("eu", "us"), databases, strict=True))
    async with (
        Gate(databases[1]) as gate,
        simulated() as simulator,
        node(settings_of("us", direct, tmp_path)) as us_node,
    ):
        gate.close()
        async with node(settings_of("eu", direct | {"us": gate.url}, tmp_path)) as eu_node:
            made = Scene({"eu": eu_node}, simulator)
            await made.furnish()
            eu = await made.customer("eu")
            us = await Scene({"us": us_node}, simulator).customer("us", "+12025550101")
            assert (await eu_node.send(eu, NUMBERS[0])).status == 202
            refused = await eu_node.send(us, NUMBERS[0])
            assert (refused.status, refused.body["code"], refused.headers["retry-after"]) == (
                503,
                "cell_unavailable",
                "5",
            )
            async with eu_node.http.get(eu_node.url + "/readyz") as ready:
                assert ready.status == 200
            cells = await eu_node.ask("GET", "/v1/cells", made.operator)
            assert [cell["reachable"] for cell in cells.body["data"]] == [True, False]
            gate.open()
            await until(lambda: not eu_node.app.cells.unknown())
            await until(lambda: knows_the_way(us_node.app))
            assert (await eu_node.send(us, NUMBERS[0])).status == 202
            gate.close()
            await until(lambda: not eu_node.app.cells.up())
            assert (await eu_node.send(us, NUMBERS[0])).body["code"] == "cell_unavailable"
            assert (await eu_node.send(eu, NUMBERS[0])).status == 202


@pytest.mark.ci
async def test_a_cell_that_hangs_does_not_hold_up_customers_of_others_that_bind(databases, tmp_path, monkeypatch):
    direct = dict(zip(("eu", "us"), databases, strict=True))
    async with (
        Gate(databases[1]) as gate,
        simulated() as simulator,
        node(settings_of("eu", direct | {"us": gate.url}, tmp_path)) as eu_node,
    ):
        made = Scene({"eu": eu_node}, simulator)
        await made.furnish()
        eu = await made.customer("eu")
        new = smpp_credentials.NewSmppCredential(name="bind", system_id="acme", password=PASSWORD)
        await smpp_credentials.create(eu_node.app.manage, "test", new, account_id=eu.id, test=False)
        await until(eu_node.app.cells.up)
        for module in (connected, cells_module):
            monkeypatch.setattr(module, "PATIENCE_S", 2.0)
        gate.freeze()
        async with asyncio.timeout(30.0), esme(eu_node.smpp_port) as one:
            assert (await one.bind()).status == 0
            assert (await one.submit()).status == 0
        told = await eu_node.ask("GET", f"/v1/accounts/{eu.id}/move", made.operator)
        assert (told.status, told.body["data"]) == (200, [])


@pytest.mark.ci
async def test_an_account_moves_under_load(databases, tmp_path):
    async with scene(databases, tmp_path) as made, AsyncExitStack() as bound:
        await made.furnish()
        eu = await made.customer("eu")
        new = smpp_credentials.NewSmppCredential(name="bind", system_id="acme", password=PASSWORD)
        await smpp_credentials.create(made.eu.app.manage, "test", new, account_id=eu.id, test=False)
        await until(lambda: "acme" in made.us.app.cells.smpp_credentials)
        accepted: list[str] = []
        refused: Counter[str] = Counter()
        stop = asyncio.Event()

        async def send(number: int) -> None:
            node_ = made.nodes["eu" if number % 2 else "us"]
            answer = await node_.send(eu, NUMBERS[number], text=f"n{number}")
            if answer.status == 202:
                accepted.append(answer.body["id"])
            else:
                assert answer.status == 503, answer.body
                refused[answer.body["code"]] += 1

        live = asyncio.get_running_loop().create_task(_followed(made, eu))
        load = asyncio.get_running_loop().create_task(steadily(send, 0.01, stop))
        await until(lambda: len(accepted) > 100)
        cursor = (await made.eu.ask("GET", "/v1/events", eu.key)).body["next_cursor"]
        one = await bound.enter_async_context(esme(made.us.smpp_port))
        assert (await one.bind()).status == 0
        begun = await made.us.ask("POST", f"/v1/accounts/{eu.id}/move", made.operator, {"cell": "us"})
        assert (begun.status, begun.body["state"]) == (202, "departing")
        await until(lambda: one.closed)
        again = await bound.enter_async_context(esme(made.us.smpp_port))
        assert (await again.bind()).status == Status.ESME_RBINDFAIL
        made.simulator.network.send_text("447911123456", PhoneText(to="+12025550100", text="hi"))
        await until(lambda: made.us.app.tables.accounts.get(eu.id) and _is_active(made, eu), within_s=60)
        before = len(accepted)
        await until(lambda: load.done() or len(accepted) > before + 100)
        assert not load.done() or load.exception() is None, load
        back = await bound.enter_async_context(esme(made.eu.smpp_port))
        assert (await back.bind()).status == 0
        await until(lambda: back.seen(ev.DeliverReceived))
        stop.set()
        await load
        assert set(refused) == {"account_moving"}
        await made.all_in("us", accepted, "delivered")
        assert await made.states("eu", accepted) == []
        texts = Counter(submit.text for submit in made.submits())
        assert set(texts.values()) == {1}
        assert len(texts) == len(accepted)
        moved = await until(lambda: _moved(made, eu))
        assert moved["cell"] == "us"
        assert await asyncio.wait_for(live, 30), "the stream told nothing, or did not end"
        for path in (f"/v1/events?after={cursor}", f"/v1/stream?after={cursor}"):
            refused_there = await made.eu.ask("GET", path, eu.key)
            assert (refused_there.status, refused_there.body["code"]) == (400, "invalid_cursor")
        assert await _listed(made, eu) >= {f"EV{id_[2:30]}{seq:04x}" for id_ in accepted for seq in range(1, 5)}


async def _followed(made, customer):
    """All that a live stream told until the node ended it."""
    headers = {"Authorization": f"Bearer {customer.key}"}
    async with made.eu.http.get(f"{made.eu.url}/v1/stream", headers=headers) as stream:
        return "message.queued" in (await stream.content.read()).decode()


async def _listed(made, customer):
    """Ids of all events that the account can list, those of before the move too."""
    found, cursor = set(), ""
    while True:
        page = await made.eu.ask("GET", f"/v1/events?limit=1000{cursor and '&after=' + cursor}", customer.key)
        found |= {event["id"] for event in page.body["data"]}
        if page.body["next_cursor"] == cursor:
            return found
        cursor = page.body["next_cursor"]


def _is_active(made, customer):
    return made.us.app.tables.accounts[customer.id].status == "active"


async def _moved(made, customer):
    answer = await made.eu.ask("GET", f"/v1/accounts/{customer.id}/move", made.operator)
    return next((move for move in answer.body["data"] if move["state"] == "moved"), None)
