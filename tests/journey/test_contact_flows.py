"""Contacts begin flows: by requests, and by imports whose rows come in pages, each contact once. So do clicks. And
what flows do with contacts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from whimbrel.base import limits
from whimbrel.domain.contacts import ContactStart
from whimbrel.domain.flows import FlowRun
from whimbrel.domain.links import Click, Kind, Link
from whimbrel.products.contacts import fields, imports, keeping, labels
from whimbrel.products.contacts.imports import ImportPlan, NewImport
from whimbrel.products.contacts.shapes import ContactChange, NewContact
from whimbrel.store.interface import Write
from whimbrel.store.links import ClickRow
from whimbrel.store.rows import to_columns

from .rig import ACTOR, Rig, rig, sqlite_first, until
from .test_flows import keep, runs, texts

ANN, BOB = "+447911123456", "+447911123457"
WELCOME: dict[str, Any] = {
    "trigger": {"type": "contact_added"},
    "start": "hello",
    "steps": {"hello": {"type": "send", "text": "Welcome {{ trigger.contact.name || 'there' }}"}},
}
TAGGED: dict[str, Any] = {
    "trigger": {"type": "contact_tagged", "tags": ["vip"], "lists": ["news"]},
    "start": "hello",
    "steps": {"hello": {"type": "send", "text": "Now {{ join(',', trigger.tags) }}{{ join(',', trigger.lists) }}"}},
}


async def imported(made: Rig, rows: list[str], **plan: Any) -> str:
    """An import that is over."""
    ctx = made.app.manage
    whose: dict[str, Any] = {"account_id": made.account_id, "test": False}

    async def pieces() -> AsyncIterator[bytes]:
        yield "\n".join(["phone,name,tags", *rows]).encode()

    created = await imports.create(ctx, ACTOR, NewImport(name="f"), **whose)
    await imports.receive(ctx, created.id, 0, pieces(), **whose)
    await imports.start(ctx, ACTOR, created.id, ImportPlan(**plan), **whose)

    async def over() -> bool:
        return (await imports.get(ctx, created.id, **whose)).status == "done"

    await until(over)
    return created.id


async def pages(made: Rig) -> list[ContactStart]:
    return await made.app.store.fetch(ContactStart, "contact_start_next", "")


def variables(run: FlowRun) -> Any:
    return msgspec.json.decode(run.variables)


async def test_a_contact_that_is_made_is_welcomed_once_and_one_that_is_tagged_hears_of_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        ctx = made.app.manage
        whose: dict[str, Any] = {"account_id": made.account_id, "test": False}
        await labels.create(ctx, ACTOR, "list", labels.NewLabel(name="news"), **whose)
        welcome, tagged = await keep(made, WELCOME, "welcome"), await keep(made, TAGGED, "tagged")
        ann, _ = await keeping.put(ctx, NewContact(number=ANN, name="Ann", tags=("plain",)), **whose)
        assert await texts(made, ANN, 1) == ["Welcome Ann"]
        await keeping.put(ctx, NewContact(number=ANN, name="Anna"), **whose)
        await keeping.update(ctx, ann.id, ContactChange(tags=("vip",)), **whose)
        assert (await texts(made, ANN, 2))[1] == "Now vip"
        await keeping.update(ctx, ann.id, ContactChange(tags=("vip",), lists=("news",)), **whose)
        assert (await texts(made, ANN, 3))[2] == "Now news"
        assert len(await until(lambda: runs(made, welcome, "finished"))) == 1
        ended = await until(lambda: _many(made, tagged, 2))
        contact = variables(ended[0])["trigger"]["contact"]
        assert (contact["id"], contact["name"], contact["tags"]) == (ann.id, "Anna", ["plain", "vip"])


async def _many(made: Rig, flow_id: str, count: int) -> list[FlowRun] | None:
    found = await runs(made, flow_id, "finished")
    return found if len(found) >= count else None


@sqlite_first
async def test_an_import_begins_flows_only_where_it_says_so(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        welcome, tagged = await keep(made, WELCOME, "welcome"), await keep(made, TAGGED, "tagged")
        await imported(made, [f"{ANN},Ann,vip"])
        assert await pages(made) == []
        import_id = await imported(made, [f"{ANN},Ann,vip", f"{BOB},Bob,vip", f"{BOB},Bob,"], start_flows=True)
        assert sorted(await texts(made, BOB, 2)) == ["Now vip", "Welcome Bob"]
        assert made.phone(ANN) == []
        assert [run.phone for run in await runs(made, welcome)] == [BOB]
        (run,) = await runs(made, tagged)
        trigger = variables(run)["trigger"]
        assert (run.phone, trigger["source"], trigger["import_id"]) == (BOB, "import", import_id)


async def test_pages_of_an_import_become_runs_once_each_also_when_they_are_taken_again(tmp_path: Path) -> None:
    count = 2 * limits.COMMIT_CHUNK + 7
    quiet = {"trigger": {"type": "contact_added"}, "start": "end", "steps": {"end": {"type": "stop"}}}
    async with rig(tmp_path) as made:
        await made.ready()
        ctx, flow_id = made.app.manage, await keep(made, quiet)
        await imported(made, [f"+4479111{n:05d},N{n}," for n in range(count)], start_flows=True)

        async def all_there() -> list[FlowRun] | None:
            ended = await ctx.store.fetch(
                FlowRun, "flow_runs_of_flow", flow_id, made.account_id, 0, ["finished"], "~", 9999
            )
            return ended if len(ended) >= count and not await pages(made) else None

        ended = await until(all_there)
        assert len({run.phone for run in ended}) == len(ended) == count


@sqlite_first
async def test_a_click_on_a_link_of_a_text_begins_a_flow(tmp_path: Path) -> None:
    document = {
        "trigger": {"type": "link_clicked", "targets": ["https://shop.example/"]},
        "start": "hello",
        "steps": {"hello": {"type": "send", "text": "You looked at {{ trigger.target }}"}},
    }
    async with rig(tmp_path) as made:
        await made.ready()
        flow_id, store = await keep(made, document), made.app.store
        (sent,) = (await made.app.accept.submit([made.draft(ANN, "Look")])).verdicts
        await texts(made, ANN, 1)
        targets = {"LKa": "https://shop.example/shoe", "LKb": "https://else.example/"}
        links = [
            Link(id_, id_, made.account_id, False, sent.id, target, "https://l.example", "", "", "", 1, None)
            for id_, target in targets.items()
        ]
        await store.write([Write("link_insert", tuple(to_columns(link) for link in links))])
        kinds: list[tuple[str, Kind]] = [("LKb", "person"), ("LKa", "bot"), ("LKa", "person"), ("LKa", "person")]
        at = made.clock.now_us()
        clicks = [
            ClickRow(Click(f"LC{n}", link_id, made.account_id, False, kind, "", "", "", "", False, at))
            for n, (link_id, kind) in enumerate(kinds)
        ]
        await store.links.clicked(clicks)
        assert (await texts(made, ANN, 2))[1] == "You looked at https://shop.example/shoe"
        (run,) = await until(lambda: runs(made, flow_id, "finished"))
        assert (run.phone, variables(run)["trigger"]["message_id"]) == (ANN, sent.id)


ANSWERED: dict[str, Any] = {
    "trigger": {"type": "keyword", "keywords": ["M", "XXL"]},
    "start": "keep",
    "steps": {
        "keep": {
            "type": "set",
            "on": "contact",
            "values": {"size": "trigger.word", "language": "'de'"},
            "next": "label",
            "on_error": "pity",
        },
        "label": {"type": "tag", "on": "contact", "add": ["vip"], "remove": ["new"], "add_lists": ["news"]},
        "pity": {"type": "send", "text": "There is no such size"},
    },
}


async def test_a_flow_changes_the_contact_of_its_phone_and_makes_it_where_there_is_none(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.ready()
        ctx = made.app.manage
        whose: dict[str, Any] = {"account_id": made.account_id, "test": False}
        await labels.create(ctx, ACTOR, "list", labels.NewLabel(name="news"), **whose)
        sizes = fields.NewField(name="size", kind="choice", choices=("S", "M"))
        await fields.create(ctx, ACTOR, sizes, **whose)
        await keeping.put(ctx, NewContact(number=ANN, name="Ann", tags=("new",)), **whose)
        flow_id, tagged = await keep(made, ANSWERED, "sizes"), await keep(made, TAGGED, "tagged")
        for phone in (ANN, BOB):
            made.say(phone, "M")
            assert await texts(made, phone, 1) == ["Now vipnews"]
        people = {each.number: each for each in (await keeping.find(ctx, keeping.Wanted(), **whose)).data}
        assert {number: each.name for number, each in people.items()} == {ANN: "Ann", BOB: ""}
        for each in people.values():
            assert (each.language, each.fields, each.tags, each.lists) == ("de", {"size": "M"}, ("vip",), ("news",))
        ended = await until(lambda: _many(made, flow_id, 2))
        begun = {run.phone: run for run in await until(lambda: _many(made, tagged, 2))}
        for run in ended:
            trigger = variables(begun[run.phone])["trigger"]
            assert (trigger["source"], trigger["run_id"], begun[run.phone].depth) == ("flow", run.id, 1)
        made.say(BOB, "XXL")
        assert (await texts(made, BOB, 2))[1] == "There is no such size"
        bob = await keeping.get(ctx, people[BOB].id, **whose)
        assert bob.fields == {"size": "M"}


async def test_a_flow_that_tags_begins_itself_only_so_deep(tmp_path: Path) -> None:
    again: dict[str, Any] = {
        "trigger": {"type": "contact_tagged", "tags": ["vip"]},
        "start": "off",
        "steps": {
            "off": {"type": "tag", "on": "contact", "remove": ["vip"], "next": "on"},
            "on": {"type": "tag", "on": "contact", "add": ["vip"]},
        },
    }
    async with rig(tmp_path) as made:
        await made.ready()
        ctx = made.app.manage
        whose: dict[str, Any] = {"account_id": made.account_id, "test": False}
        flow_id = await keep(made, again)
        await keeping.put(ctx, NewContact(number=ANN, tags=("vip",)), **whose)
        ended = await until(lambda: _many(made, flow_id, limits.FLOW_DEPTH_MAX + 1))
        refused = made.app.metrics.flow_runs.labels("too_deep")
        await until(lambda: refused._value.get() == 1)
        assert sorted(run.depth for run in ended) == list(range(limits.FLOW_DEPTH_MAX + 1))
        assert len(await runs(made, flow_id)) == limits.FLOW_DEPTH_MAX + 1


async def test_a_flow_sees_the_contact_as_it_is_at_each_turn(tmp_path: Path) -> None:
    grows: dict[str, Any] = {
        "trigger": {"type": "keyword", "keywords": ["HELLO"]},
        "start": "first",
        "steps": {
            "first": {"type": "send", "text": "1 {{ contact.name || 'nobody' }}", "next": "rest"},
            "rest": {"type": "wait_for_answer", "timeout_s": 600, "next": "name"},
            "name": {"type": "set", "on": "contact", "values": {"name": "answer.text"}, "next": "label"},
            "label": {"type": "tag", "on": "contact", "add": ["vip"], "next": "which"},
            "which": {"type": "branch", "cases": [{"when": "contains(contact.tags, 'vip')", "next": "second"}]},
            "second": {"type": "send", "text": "2 {{ contact.name }}{{ trigger.contact.name }}"},
        },
    }
    async with rig(tmp_path) as made:
        await made.ready()
        ctx = made.app.manage
        whose: dict[str, Any] = {"account_id": made.account_id, "test": False}
        await keeping.put(ctx, NewContact(number=ANN, name="Ann"), **whose)
        await keep(made, grows)
        for phone, name in ((ANN, "Ann"), (BOB, "nobody")):
            made.say(phone, "hello")
            assert await texts(made, phone, 1) == [f"1 {name}"]
            made.say(phone, f"{name}a")
            assert (await texts(made, phone, 2))[1] == f"2 {name}a"
