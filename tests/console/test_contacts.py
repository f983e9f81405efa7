"""Contacts by their pages: made, changed, merged and erased; found by filters whose mistakes are marked; segments that
are counted while they are written; fields, tags and lists; a file looked at, imported, and its errors downloaded."""

import re

import pytest

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/contacts"
SEGMENTS = f"{PATH}/segments"
IMPORTS = f"{PATH}/imports"
ANN = {"number": "+14155550123", "name": "Ann Lee", "tags": "vip, fair 2027", "fields.plan": "pro", "fields.age": "41"}


async def declared(edge):
    """Fields and a list, whatever other tests have declared."""
    for body in (
        {"name": "plan", "kind": "choice", "choices": ["free", "pro"]},
        {"name": "age", "kind": "number"},
        {"name": "adult", "kind": "boolean"},
    ):
        assert (await edge.post("/v1/contact-fields", body)).status in (201, 409)
    assert (await edge.post("/v1/lists", {"name": "Newsletter"})).status in (201, 409)


async def made(browser, **changes):
    """The id of a contact that was made by the form."""
    seen = await browser.post(f"{PATH}/new", ANN | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def contact(edge, contact_id):
    return (await edge.get(f"/v1/contacts/{contact_id}")).json


async def test_somebody_is_made_changed_and_erased(edge, browser):
    await declared(edge)
    contact_id = await made(browser, lists="Newsletter", **{"fields.adult": "true"})
    found = await contact(edge, contact_id)
    assert found["fields"] == {"plan": "pro", "age": 41, "adult": True}
    assert (found["name"], found["tags"], found["lists"]) == ("Ann Lee", ["fair 2027", "vip"], ["Newsletter"])
    page = await browser.get(f"{PATH}/{contact_id}")
    assert "Became a contact" in page.words and "Newsletter" in page.words
    form = await browser.get(f"{PATH}/{contact_id}/edit")
    assert form.has('value="fair 2027, vip"') and form.has(r'name="lists" value="Newsletter" checked')
    change = {"number": "+14155550123", "name": "", "tags": "vip", "fields.plan": "", "fields.age": "42"}
    assert (await browser.post(f"{PATH}/{contact_id}/edit", change)).status == 303
    now = await contact(edge, contact_id)
    assert (now["name"], now["tags"], now["lists"], now["fields"]) == ("", ["vip"], [], {"age": 42})
    assert (await browser.post(f"{PATH}/{contact_id}/remove")).status == 303
    assert (await browser.get(f"{PATH}/{contact_id}")).status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", "12"), ("number", ""), ("language", "english please"), ("time_zone", "Mars/Base"),
     ("fields.plan", "gold"), ("fields.age", "old"), ("fields.adult", "maybe")],
)  # fmt: skip
async def test_what_is_wrong_with_somebody_stands_at_the_field(edge, browser, field, value):
    await declared(edge)
    seen = await browser.post(f"{PATH}/new", ANN | {"number": "+14155550130", field: value})
    assert seen.status == 422 and seen.has(f'id="f-{re.escape(field)}"[^>]*aria-invalid="true"'), seen.words
    assert (await edge.get("/v1/contacts?search=%2B14155550130")).json["data"] == []


async def test_a_number_that_is_known_and_merging(edge, browser):
    await declared(edge)
    first = await made(browser, number="+14155550131")
    second = await made(browser, number="+14155550132", tags="beta")
    again = await browser.post(f"{PATH}/new", ANN | {"number": "+14155550131"})
    assert again.status == 409 and first in again.text
    nobody = await browser.post(f"{PATH}/{first}/merge", {"other": "+14155550199"})
    assert nobody.status == 404 and nobody.has('id="f-other"[^>]*aria-invalid="true"')
    assert (await browser.post(f"{PATH}/{first}/merge", {"other": "+14155550132"})).status == 303
    merged = await contact(edge, first)
    assert "beta" in merged["tags"] and merged["other_numbers"] == ["+14155550132"]
    assert (await browser.get(f"{PATH}/{second}")).status == 404


async def test_a_list_is_filtered_counted_and_tells_what_cannot_be_read(edge, browser):
    await declared(edge)
    await made(browser, number="+14155550141", name="Bea", tags="lists-a")
    await made(browser, number="+14155550142", name="Bob", tags="lists-b")
    seen = await browser.get(f'{PATH}?filter=tag+%3D+"lists-a"')
    assert "Bea" in seen.words and "Bob" not in seen.inner("table")
    count = await browser.get(f"{PATH}/count?tag=lists-b", part=True)
    assert "1 contact" in count.words
    wrong = await browser.get(f'{PATH}?filter=tag+%3D+"lists-a"+and+colour+%3D+1')
    assert wrong.status == 200 and wrong.has("<mark>colour</mark>") and "knows no attribute" in wrong.words
    gone = await browser.get(f"{PATH}?segment=SG{0:032x}", part=True, headers={"hx-target": "table"})
    assert gone.status == 200 and gone.has('role="alert"')


async def test_a_segment_is_counted_while_it_is_written_and_comes_back_when_it_was_deleted(edge, browser):
    await declared(edge)
    await made(browser, number="+14155550151", name="Cleo", tags="seg")
    await browser.get(f"{SEGMENTS}/new")
    seen = await browser.post(f"{SEGMENTS}/preview", {"filter": 'tag = "seg"'}, part=True)
    assert "1 contact" in seen.words and "Cleo" in seen.words
    half = await browser.post(f"{SEGMENTS}/preview", {"filter": 'tag = "seg" and age >'}, part=True)
    assert half.status == 200 and half.has('role="alert"') and half.has("<mark>")
    wrong = await browser.post(f"{SEGMENTS}/new", {"name": "Seg", "filter": "tag ="})
    assert wrong.status == 422 and wrong.has('id="f-filter"[^>]*aria-invalid="true"')
    kept = await browser.post(f"{SEGMENTS}/new", {"name": "Seg", "filter": 'tag = "seg"'})
    assert kept.status == 303
    place = kept.to.partition("?")[0]
    twice = await browser.post(f"{SEGMENTS}/new", {"name": "Seg", "filter": 'tag = "seg"'})
    assert twice.status == 409 and twice.has('id="f-name"[^>]*aria-invalid="true"')
    assert "1" in (await browser.get(f"{place}/members", part=True)).words
    assert (await browser.post(place, {"name": "Seg 2", "filter": 'tag = "seg"'})).status == 303
    assert "Cleo" in (await browser.get(f"{PATH}?segment={place.rpartition('/')[2]}")).words
    assert "tag:seg" in (await browser.get(place)).text and "Add them all" in (await browser.get(place)).words
    refused = await browser.post(f"{place}/label", {"label": "tag:nobody", "action": "remove"})
    assert refused.status == 422 and refused.has('role="alert"')
    begun = await browser.post(f"{place}/label", {"label": "tag:seg", "action": "remove"})
    assert begun.status == 303 and "Seg 2 - seg" in (await browser.get(begun.to)).words

    async def nobody_has_it():
        return (await edge.get("/v1/contacts/count?filter=tag%20%3D%20%22seg%22")).json["count"] == 0

    await until(nobody_has_it)
    removed = await browser.post(f"{place}/remove")
    assert removed.status == 303 and (await browser.get(place)).status == 404
    offered = await browser.get(removed.to)
    (mark,) = offered.all(r'name="undo" value="([^"]+)"')
    assert (await browser.post("/console/undo", {"undo": mark})).status == 303
    assert [each["name"] for each in (await edge.get("/v1/segments")).json["data"]] == ["Seg 2"]


async def test_fields_tags_and_lists_are_made_and_deleted(edge, browser):
    seen = await browser.post(f"{PATH}/fields", {"name": "tier", "kind": "choice", "choices": "gold\nsilver"})
    assert seen.status == 303
    (tier,) = [each for each in (await edge.get("/v1/contact-fields")).json["data"] if each["name"] == "tier"]
    assert tier["choices"] == ["gold", "silver"]
    for name in ("Two words", "tier"):
        wrong = await browser.post(f"{PATH}/fields", {"name": name, "kind": "text"})
        assert wrong.status in (409, 422) and wrong.has('id="f-name"[^>]*aria-invalid="true"'), wrong.words
    assert (await browser.post(f"{PATH}/fields/{tier['id']}/remove")).status == 303
    for kind in ("tag", "list"):
        place = f"{PATH}/{kind}s"
        assert (await browser.post(place, {"name": "Harbour", "description": "x"})).status == 303
        twice = await browser.post(place, {"name": "Harbour", "description": ""})
        assert twice.status == 409 and twice.has('id="f-name"[^>]*aria-invalid="true"')
        (found,) = [each for each in (await edge.get(f"/v1/{kind}s")).json["data"] if each["name"] == "Harbour"]
        assert "Harbour" in (await browser.get(place)).words
        assert "0" in (await browser.get(f"{place}/{found['id']}/members", part=True)).words
        assert (await browser.post(f"{place}/{found['id']}/remove")).status == 303


async def test_a_file_is_looked_at_imported_and_its_errors_are_downloaded(edge, browser):
    await declared(edge)
    ends = {"trigger": {"type": "contact_added"}, "start": "end", "steps": {"end": {"type": "stop"}}}
    flow = (await edge.post("/v1/flows", {"name": "imported", "document": ends})).json["id"]
    form = await browser.get(f"{IMPORTS}/new")
    assert form.has('type="file"')
    begun = await browser.post(f"{IMPORTS}/new", {"name": "fair.csv"}, part=True)
    place = begun.to
    assert begun.status == 204 and place.startswith(IMPORTS)
    octets = b"phone,full name,plan\n+14155550161,Dee,pro\n12,Ed,free\n+14155550162,Flo,gold\n"
    headers = {"content-type": "application/octet-stream", "x-csrf-token": browser._token}
    for start, end, status in ((0, 60, 200), (0, 60, 409), (60, len(octets), 200)):
        came = await browser.post(f"{place}/file?offset={start}", data=octets[start:end], headers=headers, part=True)
        assert came.status == status, came.text
    assert came.text == str(len(octets))
    page = await browser.get(place)
    assert page.all(r'<option value="([^"]+)" selected>')[:3] == ["number", "name", "plan"]
    assert "Dee" in page.words and "Not taken" in page.words
    choices = [("header", "1"), ("column", "number"), ("column", ""), ("column", "plan"), ("existing", "update"),
               ("duplicates", "last"), ("dates", "iso"), ("tags", "fair"), ("lists", "Newsletter"),
               ("start_flows", "1")]  # fmt: skip
    looked = await browser.post(f"{place}/preview", choices, part=True)
    assert looked.status == 200 and looked.has('name="tags"[^>]*value="fair"')
    assert looked.has('name="start_flows"[^>]*checked')
    none = [(name, "" if value == "number" else value) for name, value in choices]
    assert "Say which column" in (await browser.post(f"{place}/preview", none, part=True)).words
    assert (await browser.post(f"{place}/start", none)).status == 422
    mars = await browser.post(f"{place}/preview", [*choices, ("default_country", "xx")], part=True)
    assert mars.has('id="f-default_country"[^>]*aria-invalid="true"')
    assert (await browser.post(f"{place}/start", choices)).status == 303
    import_id = place.rpartition("/")[2]

    async def over():
        found = (await edge.get(f"/v1/contact-imports/{import_id}")).json
        return found if found["status"] == "done" else None

    found = await until(over)
    assert (found["created"], found["failed"]) == (1, 2)
    done = await browser.get(place)
    assert "3 of 3 rows" in done.words and "Rows that were not taken" in done.words
    assert (await browser.get(place, part=True)).headers["hx-refresh"] == "true"
    errors = await browser.get(f"{place}/errors")
    assert [line.split(",")[0] for line in errors.text.splitlines()] == ["row", "3", "4"]

    async def begun_by_it():
        return (await edge.get(f"/v1/flow-runs?flow_id={flow}")).json["data"]

    (run,) = await until(begun_by_it)
    assert run["phone"] == "+14155550161"
    (dee,) = (await edge.get("/v1/contacts?tag=fair")).json["data"]
    assert (dee["number"], dee["lists"], dee["fields"]) == ("+14155550161", ["Newsletter"], {"plan": "pro"})
    assert "fair.csv" in (await browser.get(IMPORTS)).words
    assert (await browser.post(f"{place}/remove")).status == 303


async def test_pasted_rows_are_a_file_and_an_import_can_be_called_off(browser):
    nothing = await browser.post(f"{IMPORTS}/new", {"rows": " "})
    assert nothing.status == 422 and nothing.has('id="f-rows"[^>]*aria-invalid="true"')
    pasted = await browser.post(f"{IMPORTS}/new", {"rows": "number;name\n+14155550171;Gus"})
    assert pasted.status == 303 and "Gus" in (await browser.get(pasted.to)).words
    assert (await browser.post(f"{pasted.to}/cancel")).status == 303
    assert "Called off" in (await browser.get(pasted.to)).words


async def test_contacts_are_taken_out_as_a_file(edge, browser):
    await declared(edge)
    await made(browser, number="+14155550181", name="=Hal", tags="out")
    file = await browser.get(f"{PATH}/export?tag=out")
    lines = file.text.lstrip("\ufeff").splitlines()
    assert file.status == 200 and lines[0].startswith("number,name") and "plan,age,adult" in lines[0]
    assert len(lines) == 2 and lines[1].startswith("+14155550181,'=Hal")
    assert (await browser.get(f"{PATH}/export?filter=nonsense")).status == 422


async def test_two_accounts_never_see_each_others_contacts(edge, browser, sign_in):
    await declared(edge)
    contact_id = await made(browser, number="+14155550191", name="Ida", tags="mine")
    neighbour = await sign_in(account_id=(await edge.new_customer("Neighbour")).id)
    assert "No contacts yet" in (await neighbour.get(PATH)).words
    for page in (f"{PATH}/{contact_id}", f"{PATH}/{contact_id}/edit"):
        assert (await neighbour.get(page)).status == 404
    assert (await neighbour.post(f"{PATH}/{contact_id}/remove")).status == 404
    assert "Ida" not in (await neighbour.get(f"{PATH}/export")).text
    reader = await sign_in("read_only")
    assert "Ida" in (await reader.get(f"{PATH}?search=Ida")).words
    assert (await reader.post(f"{PATH}/{contact_id}/remove")).status == 403
