"""/v1/contact-imports: files that become contacts, over HTTP."""

import asyncio
import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from tests.edges.edge_rig import Edge, until
from whimbrel.base import limits
from whimbrel.products.contacts import importing

OCTETS = {"Content-Type": "application/octet-stream"}
FILE = (
    "Vorname;Nachname;Handy;Tags;Alter\r\n"
    "Ann;Lee;0151 12345001;vip, fair;41\r\n"
    "Bob;Ray;+49 151 12345002;;x\r\n"
    "Cem;Öz;12;;20\r\n"
    "Dan;Fox;0151/12345003;fair;\r\n"
    "Dana;Fox;004915112345003;;33\r\n"
    "\r\n"
)


async def uploaded(edge: Edge, octets: bytes, name: str = "f.csv") -> str:
    made = await edge.post("/v1/contact-imports", {"name": name})
    path = f"/v1/contact-imports/{made.json['id']}"
    sent = await edge.ask("PUT", f"{path}/file", data=octets, headers=OCTETS)
    assert (sent.status, sent.json["size"]) == (200, len(octets)), sent.body
    return path


async def done(edge: Edge, path: str, plan: dict[str, Any]) -> Any:
    begun = await edge.post(f"{path}/start", plan)
    assert begun.status == 200, begun.body
    return await over(edge, path)


async def over(edge: Edge, path: str) -> Any:
    async def found() -> Any:
        read = (await edge.get(path)).json
        return read if read["status"] in ("done", "failed", "canceled") else None

    return await until(found, within_s=30)


async def people(edge: Edge) -> dict[str, Any]:
    return {each["number"]: each for each in (await edge.get("/v1/contacts?limit=1000")).json["data"]}


async def test_a_number_that_stands_twice_is_told_before_it_is_taken(edge: Edge):
    path = await uploaded(edge, b"number,name\n+14155550123,Ann\n(415) 555-0123,Bob\nx,C\n+14155550124,Dee\n")
    shown = (await edge.post(f"{path}/preview", {"default_country": "US"})).json["rows"]
    assert [(row["outcome"], row["problem"]) for row in shown if row["row"] != 4] == [
        ("created", ""), ("duplicate", "row 2 has the number too"), ("created", ""),
    ]  # fmt: skip
    begun = await edge.post(f"{path}/start", {"default_country": "US"})
    assert begun.status == 200
    done = await over(edge, path)
    assert (done["created"], done["duplicates"], done["failed"]) == (2, 1, 1)


async def test_a_file_is_looked_at_and_taken_with_its_errors_told(edge: Edge):
    await edge.post("/v1/contact-fields", {"name": "age", "kind": "number"})
    path = await uploaded(edge, FILE.encode("cp1252"))
    shown = (await edge.post(f"{path}/preview", {"default_country": "DE"})).json
    assert (shown["charset"], shown["delimiter"], shown["header"]) == ("cp1252", ";", True)
    assert shown["columns"] == ["first_name", "last_name", "number", "tags", None]
    assert [row["outcome"] for row in shown["rows"]] == ["created", "created", "failed", "created", "duplicate"]
    assert await people(edge) == {}
    plan = {"default_country": "DE", "columns": ["first_name", "last_name", "number", "tags", "age"], "tags": ["all"]}
    ended = await done(edge, path, plan)
    figures = {name: ended[name] for name in ("rows", "done", "created", "updated", "skipped", "duplicates", "failed")}
    assert figures == {
        "rows": 5, "done": 5, "created": 2, "updated": 0, "skipped": 0, "duplicates": 1, "failed": 2
    }  # fmt: skip
    found = await people(edge)
    assert found["+4915112345001"]["tags"] == ["all", "fair", "vip"] and found["+4915112345001"]["fields"] == {
        "age": 41
    }
    last = found["+4915112345003"]  # the last row for a number puts its values over the first one's
    assert (last["name"], last["fields"], last["tags"]) == ("Dana Fox", {"age": 33}, ["all", "fair"])
    errors = (await edge.get(f"{path}/errors")).body.decode().splitlines()
    assert errors == ["row,field,value,problem", "3,age,x,is no number", "4,number,12,is no number"]
    events = (await edge.get("/v1/events?types=contact.*,contact_import.*")).json["data"]
    assert [event["type"] for event in events] == ["contact_import.finished"]
    assert events[0]["data"]["created"] == 2
    timeline = (await edge.get(f"/v1/contacts/{last['id']}/timeline")).json["data"]
    assert [(item["type"], item["detail"]) for item in timeline] == [("contact.imported", {"import": ended["number"]})]
    assert (await edge.post(f"{path}/start", plan)).code == "conflict"
    assert (await edge.ask("DELETE", path)).status == 204


@pytest.mark.parametrize(
    ("existing", "name", "age", "figures"),
    [("update", "Ann", 50, (1, 1, 0)), ("skip", "Ann", 41, (1, 0, 1)), ("replace", "", 50, (1, 1, 0))],
)
async def test_what_becomes_of_numbers_that_are_known(edge: Edge, existing: str, name: str, age: int, figures: Any):
    await edge.post("/v1/contact-fields", {"name": "age", "kind": "number"})
    await edge.post("/v1/contacts", {"number": "+4915112345001", "name": "Ann", "fields": {"age": 41}})
    path = await uploaded(edge, b"phone,age\n+4915112345001,50\n+4915112345002,20\n")
    ended = await done(edge, path, {"existing": existing})
    assert (ended["created"], ended["updated"], ended["skipped"]) == figures
    found = (await people(edge))["+4915112345001"]
    assert (found["name"], found["fields"]["age"]) == (name, age)


async def test_the_first_row_counts_where_that_is_asked_for(edge: Edge):
    path = await uploaded(edge, b"phone,name\n+4915112345001,first\n+4915112345001,second\n")
    ended = await done(edge, path, {"duplicates": "first"})
    assert (ended["created"], ended["duplicates"]) == (1, 1)
    assert (await people(edge))["+4915112345001"]["name"] == "first"


async def test_a_workbook_is_read(edge: Edge):
    await edge.post("/v1/contact-fields", {"name": "since", "kind": "date"})
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["Phone", "Name", "Since"],
        [4915112345001, "Ann", date(2026, 1, 31)],
        ["+4915112345002", None, None],
    ):
        sheet.append(row)
    octets = io.BytesIO()
    book.save(octets)
    path = await uploaded(edge, octets.getvalue(), "f.xlsx")
    shown = (await edge.post(f"{path}/preview", {})).json
    assert (shown["format"], shown["columns"]) == ("xlsx", ["number", "name", "since"])
    ended = await done(edge, path, {"default_country": "DE"})
    assert (ended["created"], ended["failed"]) == (2, 0), (await edge.get(f"{path}/errors")).body
    assert (await people(edge))["+4915112345001"]["fields"] == {"since": "2026-01-31"}


async def test_a_file_comes_in_parts_and_goes_on_where_it_broke_off(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "IMPORT_PIECE", 100)
    made = (await edge.post("/v1/contact-imports", {"name": "f"})).json
    path = f"/v1/contact-imports/{made['id']}"
    octets = b"phone,name\n" + b"".join(b"+49151123450%02d,N%d\n" % (n, n) for n in range(50))
    assert (await edge.ask("PUT", f"{path}/file", data=octets[:333], headers=OCTETS)).json["size"] == 333
    assert (await edge.ask("PUT", f"{path}/file?offset=0", data=octets, headers=OCTETS)).code == "conflict"
    await edge.ask("PUT", f"{path}/file?offset=333", data=octets[333:], headers=OCTETS)
    assert (await done(edge, path, {}))["created"] == 50


async def test_what_is_no_file_of_contacts_is_refused(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    made = (await edge.post("/v1/contact-imports", {"name": "f"})).json
    empty = f"/v1/contact-imports/{made['id']}"
    assert (await edge.post(f"{empty}/start", {})).code == "import_unreadable"
    assert (
        await edge.post(f"{await uploaded(edge, b'PK' + bytes((3, 4)) + b'x')}/preview", {})
    ).code == "import_unreadable"
    named = await uploaded(edge, b"name,city\nAnn,Rome\n")
    assert (await edge.post(f"{named}/start", {})).code == "invalid_request"
    cut = await uploaded(edge, b"phone\n" + b"+4915112345001\n" * 9 + b"\xff" * 5)
    ended = await done(edge, cut, {"charset": "utf-8"})
    assert (ended["status"], ended["reason"]) == ("failed", "The file is not written in utf-8.")
    monkeypatch.setattr(limits, "IMPORT_BODY_MAX", 10)
    assert (await edge.ask("PUT", f"{empty}/file", data=b"x" * 11, headers=OCTETS)).code == "body_too_large"
    monkeypatch.setattr(limits, "IMPORTS_OPEN_MAX", 1)
    assert (await edge.post("/v1/contact-imports", {"name": "f"})).code == "contact_limit"


async def test_an_import_that_is_called_off_stops(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "WINDOW", 500)
    take, begun, over, called_off = importing.Imports._window, [], [], asyncio.Event()

    async def window(duty: importing.Imports, opened: Any) -> None:
        """The second waits until the import was called off."""
        begun.append(opened)
        if len(begun) > 1:
            await called_off.wait()
        await take(duty, opened)
        over.append(opened)

    monkeypatch.setattr(importing.Imports, "_window", window)
    octets = b"phone\n" + b"".join(b"+4915%09d\n" % (110000000 + n) for n in range(30_000))
    path = await uploaded(edge, octets)
    await edge.post(f"{path}/start", {})
    await until(lambda: len(begun) == 2)
    ended = (await edge.post(f"{path}/cancel")).json
    assert ended["status"] == "canceled" and 0 < ended["done"] < 30_000
    assert (await edge.post(f"{path}/cancel")).code == "conflict"
    called_off.set()
    await until(lambda: len(over) == 2)
    count = (await edge.get("/v1/contacts/count")).json["count"]
    assert count == (await edge.get(path)).json["created"]


async def test_a_file_that_nobody_begins_is_forgotten(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    path = await uploaded(edge, b"phone\n+4915112345001\n")
    duty = importing.Imports(edge.app.manage, lambda _: True)
    await duty.tidy()
    assert (await edge.get(path)).json["status"] == "uploading"
    monkeypatch.setattr(limits, "IMPORT_WAITS_S", -60)
    await duty.tidy()
    assert (await edge.get(path)).json["status"] == "failed"
    assert await edge.app.store.fetch(bytes, "contact_import_part", path.rpartition("/")[2], 0) == []
