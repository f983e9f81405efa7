"""SMPP credentials over HTTP: through their life, by mode, in the words of the reference."""

from types import SimpleNamespace

import pytest
import pytest_asyncio

from whimbrel.domain.customers import CustomerSettings
from whimbrel.edges.rest import smpp_credentials as door
from whimbrel.manage import passwords
from whimbrel.store.interface import Write

from .edge_rig import running_edge

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/smpp-credentials"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("smpp")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    installation.customer = await installation.new_customer()
    return installation


async def test_a_credential_through_its_life(edge):
    fields = {"name": "Office", "settings": {"window": 7, "allow_addresses": ["203.0.113.0/24"]}}
    answer = await edge.post(PATH, fields)
    made = answer.json
    path = f"{PATH}/{made['id']}"
    assert (answer.status, answer.headers["Location"]) == (201, path)
    assert made["settings"]["window"] == 7
    assert set(made["settings"]) == set(CustomerSettings.__struct_fields__)
    shown = (await edge.get(path)).json
    assert made == shown | {"password": made["password"]}
    assert (shown["status"], shown["test"], shown["binds"]) == ("active", False, 0)
    assert (await edge.get(PATH)).json["data"] == [shown]
    changed = (await edge.ask("PATCH", path, json={"settings": {"plus": True}, "status": "suspended"})).json
    assert (changed["status"], changed["settings"]) == ("suspended", shown["settings"] | {"plus": True})
    rotated = (await edge.post(f"{path}/rotate-password", {})).json
    kept = edge.app.tables.smpp_credentials[made["system_id"]]
    assert passwords.matches(rotated["password"], kept.password)
    assert rotated["password"] != made["password"]
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).code == "not_found"
    assert made["system_id"] not in edge.app.tables.smpp_credentials


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({}, ["/name"]),
        ({"name": "x", "sytem_id": "acme"}, ["/sytem_id"]),
        ({"name": "x", "system_id": "a b", "password": "short"}, ["/system_id", "/password"]),
        ({"name": "x", "settings": {"windows": 7}}, ["/settings/windows"]),
        ({"name": "x", "settings": {"window": "7"}}, ["/settings/window"]),
        ({"name": "x", "settings": {"alphabet": "morse"}}, ["/settings/alphabet"]),
        ({"name": "x", "settings": {"allow_addresses": ["10.0.0.0/8", "home"]}}, ["/settings/allow_addresses/1"]),
        ({"name": "x", "settings": {"binds_max": 11}}, ["/settings/binds_max"]),
    ],
)
async def test_each_wrong_field_is_pointed_at(edge, fields, pointers):
    answer = await edge.post(PATH, fields)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["pointer"] for error in answer.json["errors"]] == pointers


async def test_a_test_key_makes_credentials_for_test_traffic_and_sees_those_alone(edge):
    live = (await edge.post(PATH, {"name": "live"})).json
    test = (await edge.post(PATH, {"name": "test"}, key=edge.customer.test)).json
    assert (live["test"], test["test"]) == (False, True)
    for key, own, other in ((edge.customer.live, live, test), (edge.customer.test, test, live)):
        assert [each["id"] for each in (await edge.get(PATH, key=key)).json["data"]] == [own["id"]]
        assert (await edge.get(f"{PATH}/{other['id']}", key=key)).code == "not_found"
        assert (await edge.ask("DELETE", f"{PATH}/{other['id']}", key=key)).code == "not_found"


async def test_the_operator_acts_for_an_account(edge):
    headers = {"X-Account-Id": edge.customer.id}
    made = (await edge.post(PATH, {"name": "Office"}, key=edge.operator, headers=headers)).json
    assert made["account_id"] == edge.customer.id
    assert (await edge.post(PATH, {"name": "Office"}, key=edge.operator)).code == "invalid_parameter"


async def test_a_system_id_of_somebody_else_is_refused(edge):
    made = (await edge.post(PATH, {"name": "Office"})).json
    stranger = await edge.new_customer("Stranger")
    answer = await edge.post(PATH, {"name": "x", "system_id": made["system_id"]}, key=stranger.live)
    assert (answer.status, answer.code) == (409, "conflict")


async def test_a_view_has_the_binds_of_now(edge):
    made = (await edge.post(PATH, {"name": "Office"})).json
    services = SimpleNamespace(manage=edge.app.manage, smpp_binds={made["id"]: 3}.__getitem__)
    call = SimpleNamespace(path={"id": made["id"]}, account_id=edge.customer.id, test=False)
    assert (await door.get(services, call)).value.binds == 3


async def test_a_view_tells_what_waits_for_its_binds(edge):
    made = (await edge.post(PATH, {"name": "Office"})).json
    assert (made["owed"], made["owed_since"]) == (0, None)
    rows = [(made["id"], n, f"SM{n:032x}", "message.delivered", "{}", 1_800_000_000_000_000 + n) for n in (1, 2)]
    await edge.app.store.write([Write("smpp_owed_insert", tuple(rows))])
    shown = (await edge.get(f"{PATH}/{made['id']}")).json
    assert (shown["owed"], shown["owed_since"][:19]) == (2, "2027-01-15T08:00:00")
    assert [each["owed"] for each in (await edge.get(PATH)).json["data"]] == [2]
    changed = (await edge.ask("PATCH", f"{PATH}/{made['id']}", json={"status": "suspended"})).json
    assert changed["owed"] == 2
