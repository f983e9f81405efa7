"""/v1/contacts and what they are described and chosen by, over HTTP."""

from typing import Any

from tests.edges.edge_rig import NUMBER, SENDER, Edge, until

ANN = {"number": NUMBER, "name": "Ann Lee", "fields": {"plan": "pro", "age": 41, "vip": True}, "tags": ["new"]}


async def declared(edge: Edge) -> None:
    for field in (
        {"name": "plan", "kind": "choice", "choices": ["free", "pro"]},
        {"name": "age", "kind": "number"},
        {"name": "vip", "kind": "boolean"},
        {"name": "since", "kind": "date"},
    ):
        assert (await edge.post("/v1/contact-fields", field)).status == 201


async def test_a_contact_is_made_changed_found_and_erased(edge: Edge):
    await declared(edge)
    made = await edge.post("/v1/contacts", ANN)
    assert made.status == 201, made.body
    assert made.json | ANN == made.json and made.json["country"] == "US"
    assert (await edge.post("/v1/contacts", ANN)).code == "contact_exists"
    path = f"/v1/contacts/{made.json['id']}"
    assert made.headers["location"] == path
    changed = await edge.ask("PATCH", path, json={"fields": {"plan": "free", "age": None}, "remove_tags": ["new"]})
    assert changed.json["fields"] == {"plan": "free", "vip": True} and changed.json["tags"] == []
    put = await edge.ask("PUT", "/v1/contacts", json={"number": NUMBER, "fields": {"since": "2026-01-31"}})
    assert (put.status, put.json["name"], put.json["fields"]["since"]) == (200, "Ann Lee", "2026-01-31")
    for query in ("search=%2B1415", "search=ann", "filter=since%20%3D%202026-01-31", 'filter=not%20plan%20%3D%20"pro"'):
        assert len((await edge.get(f"/v1/contacts?{query}")).json["data"]) == 1, query
    assert (await edge.get("/v1/contacts?search=bob")).json["data"] == []
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).status == 404


async def test_what_is_wrong_is_told_at_its_place(edge: Edge):
    await declared(edge)
    wrong = {"number": "12", "language": "!", "time_zone": "Mars", "fields": {"plan": "gold", "age": "x", "no": 1}}
    answer = await edge.post("/v1/contacts", wrong)
    assert answer.code == "invalid_request"
    places = {each["pointer"] for each in answer.json["errors"]}
    assert places == {"/number", "/language", "/time_zone", "/fields/plan", "/fields/age", "/fields/no"}
    refused = await edge.post("/v1/segments/preview", {"filter": 'plan = "pro" and colour = "red"'})
    assert refused.code == "invalid_filter" and "`colour`" in refused.json["detail"]
    assert (await edge.get("/v1/contacts?tag=nobody")).status == 404


async def test_a_batch_takes_what_is_right(edge: Edge):
    await declared(edge)
    people = [{"number": f"+4915112345{n:03}", "name": f"P{n}", "tags": ["fair"]} for n in range(600)]
    answer = await edge.post("/v1/contacts/batch", {"contacts": [*people, {"number": "no"}]})
    assert (answer.json["created"], answer.json["refused"]) == (600, 1)
    assert answer.json["data"][600] == {
        "id": None, "outcome": "refused", "errors": [{"pointer": "/number", "detail": "must be a number in E.164"}]
    }  # fmt: skip
    again = await edge.post("/v1/contacts/batch", {"contacts": people[:3]})
    assert [each["outcome"] for each in again.json["data"]] == ["unchanged"] * 3
    assert (await edge.get('/v1/contacts/count?filter=tag%20%3D%20"fair"')).json == {"count": 600}
    seen, cursor = [], ""
    while cursor is not None:
        page = (await edge.get(f"/v1/contacts?tag=fair&limit=250{cursor and '&cursor=' + cursor}")).json
        seen += [each["number"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert seen == [person["number"] for person in reversed(people)]


async def test_lists_tags_and_segments(edge: Edge):
    await declared(edge)
    for n in range(4):
        await edge.post("/v1/contacts", {"number": f"+491511234500{n}", "fields": {"age": 20 + n}})
    made = (await edge.post("/v1/lists", {"name": "Newsletter"})).json
    members = f"/v1/lists/{made['id']}/members"
    added = await edge.post(members, {"numbers": ["+4915112345000", "+4915112345001", "+4915112345009"]})
    assert added.json == {"changed": 2, "unchanged": 0, "missing": 1}
    assert (await edge.get(f"/v1/lists/{made['id']}")).json["members"] == 2
    rule = 'list = "Newsletter" and age > 20'
    segment = (await edge.post("/v1/segments", {"name": "Grown", "filter": rule})).json
    assert (await edge.get(f"/v1/segments/{segment['id']}/count")).json == {"count": 1}
    shown = (await edge.post("/v1/segments/preview", {"filter": "age >= 22"})).json
    assert (shown["count"], len(shown["contacts"])) == (2, 2)
    assert len((await edge.get(f"/v1/contacts?segment={segment['id']}")).json["data"]) == 1
    await edge.post(f"{members}/remove", {"numbers": ["+4915112345001"]})
    assert (await edge.get(f"/v1/segments/{segment['id']}/count")).json == {"count": 0}
    assert (await edge.ask("DELETE", f"/v1/lists/{made['id']}")).status == 204
    assert (await edge.get(f"/v1/segments/{segment['id']}/count")).code == "invalid_filter"


async def test_a_segment_holds_others_and_never_itself(edge: Edge):
    await declared(edge)
    for n in range(4):
        await edge.post("/v1/contacts", {"number": f"+491511234510{n}", "fields": {"age": 20 + n}})
    first = (await edge.post("/v1/segments", {"name": "From 21", "filter": "age >= 21"})).json["id"]
    rule = 'segment = "From 21" and not segment = "From 23"'
    assert (await edge.post("/v1/segments", {"name": "Some", "filter": rule})).code == "invalid_filter"
    await edge.post("/v1/segments", {"name": "From 23", "filter": "age >= 23"})
    second = (await edge.post("/v1/segments", {"name": "Some", "filter": rule})).json["id"]
    assert (await edge.get(f"/v1/segments/{second}/count")).json == {"count": 2}
    await edge.ask("PATCH", f"/v1/segments/{first}", json={"filter": "age >= 22"})
    assert (await edge.get(f"/v1/segments/{second}/count")).json == {"count": 1}
    for change in ({"filter": 'segment = "Some"'}, {"name": "Other", "filter": 'segment = "From 21"'}):
        refused = await edge.ask("PATCH", f"/v1/segments/{first}", json=change)
        assert refused.code == "invalid_filter" and "within itself" in refused.json["detail"]
    assert (await edge.ask("DELETE", f"/v1/segments/{first}")).status == 204
    assert (await edge.get(f"/v1/segments/{second}/count")).code == "invalid_filter"


async def test_the_column_of_a_removed_field_and_the_number_of_a_removed_tag_are_clean_again(edge: Edge):
    await declared(edge)
    made = (await edge.post("/v1/contacts", ANN)).json
    fields = {each["name"]: each["id"] for each in (await edge.get("/v1/contact-fields")).json["data"]}
    (tag,) = (await edge.get("/v1/tags")).json["data"]
    await edge.ask("DELETE", f"/v1/contact-fields/{fields['plan']}")
    await edge.ask("DELETE", f"/v1/tags/{tag['id']}")
    read = (await edge.get(f"/v1/contacts/{made['id']}")).json
    assert "plan" not in read["fields"] and read["tags"] == []

    async def stored() -> bool:
        fields = await edge.app.store.fetch(lambda *row: row, "contact_fields_of", edge.customer.id, 0)
        labels = await edge.app.store.fetch(lambda *row: row, "contact_labels_of", edge.customer.id, 0)
        return len(fields) == 3 and not labels

    await until(stored)
    await edge.post("/v1/contact-fields", {"name": "city", "kind": "text"})
    await edge.post("/v1/tags", {"name": "other"})
    read = (await edge.get(f"/v1/contacts/{made['id']}")).json
    assert "city" not in read["fields"] and read["tags"] == []


async def test_contacts_that_are_one_person_become_one_with_the_timeline_of_both(edge: Edge):
    await declared(edge)
    ids = [
        (await edge.post("/v1/contacts", body)).json["id"]
        for body in ({"number": NUMBER, "tags": ["a"]}, {"number": "+447400123456", "name": "Ann", "tags": ["b"]})
    ]
    await edge.send()
    await edge.send(to="+447400123456")
    await edge.post("/v1/opt-outs", {"number": "+447400123456"})
    await edge.post("/v1/opt-outs", {"number": NUMBER, "sender": SENDER})
    merged = await edge.post("/v1/contacts/merge", {"into": ids[0], "contacts": [ids[1]]})
    assert (merged.json["name"], merged.json["tags"], merged.json["other_numbers"]) == (
        "Ann",
        ["a", "b"],
        ["+447400123456"],
    )
    assert (await edge.get(f"/v1/contacts/{ids[1]}")).status == 404

    async def told() -> list[str] | None:
        items = (await edge.get(f"/v1/contacts/{ids[0]}/timeline")).json["data"]
        kinds = [each["type"] for each in items]
        return kinds if kinds.count("message.out") == 2 else None

    kinds = await until(told)
    items = (await edge.get(f"/v1/contacts/{ids[0]}/timeline")).json["data"]
    scopes = {each["detail"]["scope"] for each in items if each["type"] == "opt_out"}
    assert scopes == {"all", f"sender:{SENDER}"}
    assert {"opt_out", "contact.created", "contact.updated", "contact.tagged"} <= set(kinds)
    first = (await edge.get(f"/v1/contacts/{ids[0]}/timeline?limit=1")).json
    rest = (await edge.get(f"/v1/contacts/{ids[0]}/timeline?cursor={first['next_cursor']}")).json
    assert [each["type"] for each in first["data"] + rest["data"]] == kinds
    events = (await edge.get("/v1/events?types=contact.*")).json["data"]
    deleted = [event["data"] for event in events if event["type"] == "contact.deleted"]
    assert deleted == [{"contact_id": ids[1], "merged_into": ids[0]}]


async def test_contacts_of_a_test_key_and_of_others_are_apart(edge: Edge):
    made = (await edge.post("/v1/contacts", {"number": NUMBER})).json
    other = await edge.new_customer("Other")
    for key in (edge.customer.test, other.live):
        assert (await edge.get(f"/v1/contacts/{made['id']}", key=key)).status == 404
        assert (await edge.get("/v1/contacts", key=key)).json["data"] == []
        assert (await edge.post("/v1/contacts", {"number": NUMBER}, key=key)).status == 201


async def test_an_export_can_be_imported_again(edge: Edge):
    await declared(edge)
    await edge.post("/v1/contacts", ANN | {"name": "=cmd()"})
    exported = (await edge.get("/v1/contacts/export")).body.decode("utf-8-sig").splitlines()
    assert exported[0].startswith("number,name,language") and exported[0].endswith("plan,age,vip,since")
    assert exported[1].startswith(f"{NUMBER},'=cmd(),,,US,new,,") and exported[1].endswith(",pro,41,true,")


async def ended(edge: Edge, import_id: str) -> dict[str, Any]:
    async def over() -> Any:
        found = (await edge.get(f"/v1/contact-imports/{import_id}")).json
        return found if found["status"] in ("done", "failed", "canceled") else None

    return await until(over)


async def test_everybody_of_a_segment_comes_on_a_list_and_leaves_it(edge: Edge):
    people = [{"number": f"+4474001234{place:02}", "language": "de" if place % 3 else "en"} for place in range(30)]
    await edge.post("/v1/contacts/batch", {"contacts": people})
    news = (await edge.post("/v1/lists", {"name": "News"})).json
    segment = (await edge.post("/v1/segments", {"name": "Germans", "filter": 'language = "de"'})).json
    path = f"/v1/segments/{segment['id']}/label"
    for wrong, pointer in (
        ({}, "/list"),
        ({"list": "News", "tag": "x"}, "/list"),
        ({"list": "Nobody"}, "/list"),
        ({"tag": "Nobody", "action": "remove"}, "/tag"),
        ({"tag": "x", "action": "hug"}, "/action"),
    ):
        refused = await edge.post(path, wrong)
        assert (refused.status, [each["pointer"] for each in refused.json["errors"]]) == (422, [pointer]), wrong
    begun = await edge.post(path, {"list": news["id"]})
    assert (begun.status, begun.json["source"], begun.json["name"]) == (202, "segment", "Germans + News")
    found = await ended(edge, begun.json["id"])
    assert [found[name] for name in ("status", "rows", "done", "updated", "skipped")] == ["done", 20, 20, 20, 0]
    assert (await edge.get(f"/v1/lists/{news['id']}")).json["members"] == 20
    again = await ended(edge, (await edge.post(path, {"list": "News"})).json["id"])
    assert (again["status"], again["rows"], again["updated"]) == ("done", 0, 0)
    await ended(edge, (await edge.post(path, {"tag": "vip"})).json["id"])
    assert (await edge.get("/v1/contacts/count?filter=tag%20%3D%20%22vip%22")).json["count"] == 20
    gone = await ended(edge, (await edge.post(path, {"list": "News", "action": "remove"})).json["id"])
    assert (gone["updated"], (await edge.get(f"/v1/lists/{news['id']}")).json["members"]) == (20, 0)
    types = [event["type"] for event in (await edge.get("/v1/events?types=contact.*,contact_import.*")).json["data"]]
    assert types.count("contact_import.finished") == 4 and "contact.tagged" not in types
    stranger = await edge.new_customer("Stranger")
    assert (await edge.post(path, {"list": "News"}, key=stranger.live)).status == 404
    bound = (await edge.post("/v1/segments", {"name": "Vip", "filter": 'tag = "vip"'})).json
    await edge.ask("PATCH", f"/v1/tags/{(await edge.get('/v1/tags')).json['data'][0]['id']}", json={"name": "best"})
    refused = await edge.post(f"/v1/segments/{bound['id']}/label", {"list": "News"})
    assert refused.json["code"] == "invalid_filter"
