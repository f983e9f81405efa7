"""Carriers by their pages, over real SMPP; the verdict comes from the simulator and from the API."""

import pytest

from tests.edges.edge_rig import NUMBER, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def form(edge):
    """What is typed into the form of a new one."""
    address = edge.simulator.address
    return {
        "name": "Plover",
        "settings.profile": "",
        "settings.host": address.smpp_host,
        "settings.port": str(address.smpp_port),
        "settings.system_id": "plover",
        "password": "secret",
        "settings.bind_mode": "transceiver",
        "settings.binds": "2",
        "settings.window": "20",
        "settings.throughput_per_s": "0",
        "settings.tls_verify": "1",
        "settings.national_languages": "1",
        "settings.enquire_link_s": "7",
    }


async def added(operator, form):
    await operator.get("/console/carriers/new")
    seen = await operator.post("/console/carriers/new", form)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0]


async def test_a_carrier_is_added_bound_tested_and_deleted(edge, sign_in, form):
    operator = await sign_in(account_id=None)
    page = await added(operator, form)
    carrier_id = page.rpartition("/")[2]
    shown = (await edge.get(f"/v1/carriers/{carrier_id}", key=edge.operator)).json["settings"]
    assert (shown["binds"], shown["window"], shown["enquire_link_s"]) == (2, 20, 7)

    async def is_up():
        return "2/2" in (await operator.get(page, part=True)).words

    await until(is_up)
    tested = await operator.post(f"{page}/test", {"to": NUMBER, "sender": "", "text": "Hello"}, part=True)
    assert tested.status == 200 and "All went well" in tested.words and "submit_sm" in tested.words
    assert NUMBER not in tested.text
    await operator.get(page)
    await operator.post(f"{page}/record", {"on": "1"})
    assert "Stop recording" in (await operator.get(page)).words
    await operator.post(f"{page}/pause")
    assert (await edge.get(f"/v1/carriers/{carrier_id}", key=edge.operator)).json["status"] == "paused"

    async def has_unbound():
        return "unbind" in (await operator.get(f"{page}/trace")).words

    await until(has_unbound)  # whoever pauses does not wait for the bind's end
    await operator.get(page)
    await operator.post(f"{page}/resume")
    await until(is_up)
    assert (await operator.post(f"{page}/remove")).to == "/console/carriers?done=carrier.removed"
    assert (await operator.get(page)).status == 404


async def test_what_is_changed_is_changed_and_all_else_stays(edge, sign_in, form):
    operator = await sign_in(account_id=None)
    page = await added(operator, form | {"name": "Dunlin"})
    carrier_id = page.rpartition("/")[2]
    seen = await operator.get(f"{page}/edit")
    assert seen.has('name="settings.enquire_link_s"[^>]* value="7"') and "secret" not in seen.text
    changed = form | {"name": "Dunlin", "settings.window": "30", "settings.query_sm": "1", "password": ""}
    assert (await operator.post(f"{page}/edit", changed)).status == 303
    shown = (await edge.get(f"/v1/carriers/{carrier_id}", key=edge.operator)).json["settings"]
    assert (shown["window"], shown["query_sm"], shown["enquire_link_s"]) == (30, True, 7)
    await operator.post(f"{page}/apply", {"setting": "message_id", "value": "same"})
    shown = (await edge.get(f"/v1/carriers/{carrier_id}", key=edge.operator)).json["settings"]
    assert shown["message_id"] == "same"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("name", "", "must not be empty"),
        ("settings.port", "many", "must be a whole number"),
        ("settings.window", "0", "must be 1 to"),
        ("settings.bind_mode", "telepathy", "bind_mode"),
        ("settings.profile", "nobody", "is no profile"),
        ("settings.enquire_link_s", "0", "must be 1 to 3600"),
        ("settings.hosts", "a:1\nb", '1: must be "host:port"'),
        ("settings.statuses", "0x408 = maybe", "0x408: must be"),
        ("settings.destination", "1", "length 2"),
        ("settings.tlvs", "0x1400 = hex:zz", "0x1400"),
    ],
)
async def test_wrong_input_is_told_by_the_field(edge, sign_in, form, name, value, words):
    operator = await sign_in(account_id=None)
    before = (await edge.get("/v1/carriers", key=edge.operator)).json["data"]
    seen = await operator.post("/console/carriers/new", form | {"name": "Bad"} | {name: value})
    assert seen.status == 422 and words in seen.words, seen.words
    assert (await edge.get("/v1/carriers", key=edge.operator)).json["data"] == before


async def test_what_was_refused_in_a_group_is_open_and_as_it_was_typed(sign_in, form):
    operator = await sign_in(account_id=None)
    seen = await operator.post("/console/carriers/new", form | {"settings.statuses": "0x408 = maybe"})
    assert seen.all(r'<details id="(\w+)" open') == ["answers"] and "0x408 = maybe</textarea>" in seen.text


async def test_a_profile_that_is_chosen_later_is_not_undone_by_the_form(edge, sign_in, form):
    operator = await sign_in(account_id=None)
    page = await added(operator, form | {"name": "Sandpiper"})
    seen = await operator.get(f"{page}/edit")
    typed = form | {"name": "Sandpiper", "settings.profile": "latin1", "settings.alphabet": "gsm7", "password": ""}
    assert seen.status == 200 and (await operator.post(f"{page}/edit", typed)).status == 303
    shown = (await edge.get(f"/v1/carriers/{page.rpartition('/')[2]}", key=edge.operator)).json["settings"]
    assert (shown["profile"], shown["alphabet"]) == ("latin1", "latin1")
    assert "Alphabet of data_coding 0 latin1" in (await operator.get(page)).words


async def test_a_carrier_that_a_route_names_stays(edge, sign_in):
    operator = await sign_in(account_id=None)
    page = (await operator.get("/console/carriers")).all(r'href="(/console/carriers/CR\w+)">Tern')[0]
    seen = await operator.post(f"{page}/remove")
    assert seen.status == 409 and seen.has('role="alert"')
    assert (await edge.send()).status == 202


async def test_carriers_are_the_operators(sign_in):
    owner = await sign_in()
    assert (await owner.get("/console/carriers")).status == 403
    assert "Carriers" not in (await owner.get("/console/keys")).inner("menu")
    support = await sign_in("support", None)
    seen = await support.get("/console/carriers")
    assert seen.status == 200 and "Add a carrier" not in seen.words
    assert (await support.post("/console/carriers/new", {"name": "x"})).status == 403


async def test_error_codes_that_a_carrier_gave_stand_on_its_page_for_the_account_that_is_shown(edge, sign_in):
    refused, lost = [(await edge.send(to=number)).json["id"] for number in ("+15005550301", "+15005550201")]

    async def ended():
        found = [(await edge.get(f"/v1/messages/{each}")).json for each in (refused, lost)]
        return found if all(each["final_at"] for each in found) else None

    ends, neighbour = await until(ended), await edge.new_customer("Neighbour")
    operator = await sign_in(account_id=None)
    page = f"/console/carriers/{ends[0]['carrier_id'] or ends[1]['carrier_id']}"
    assert "Error codes seen" not in (await operator.get(page)).words
    await operator.act_for(edge.customer.id)
    seen = await operator.get(page)
    for each in ends:
        if each["carrier_id"]:
            assert each["reason"]["title"] in seen.words and f"/console/messages/{each['id']}" in seen.text
    assert "err:" in seen.words or "0x0000" in seen.words
    await operator.act_for(neighbour.id)
    assert "had gone to it" in (await operator.get(page)).words
