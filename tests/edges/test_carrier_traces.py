"""A carrier's trace over the API: who may, what it shows, what it hides."""

import asyncio
from pathlib import Path

import smpplib.client

from tests.edges.edge_rig import NUMBER, Edge, running_edge, until


async def carrier_of(edge: Edge) -> str:
    found = await edge.get("/v1/carriers", key=edge.operator)
    return found.json["data"][0]["id"]


async def test_a_trace_shows_pdus_without_numbers_and_texts(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        path = f"/v1/carriers/{await carrier_of(edge)}/trace"
        off = await edge.get(path, key=edge.operator)
        assert (off.json["enabled"], off.json["until"], off.json["data"]) == (False, None, [])
        started = await edge.post(path, {"enabled": True, "seconds": 60}, key=edge.operator)
        assert (started.status, started.json["enabled"]) == (200, True)
        sent = await edge.send(text="a secret text")

        async def commands() -> list[str]:
            shown = await edge.get(path, key=edge.operator)
            return [f"{each['direction']} {each['pdu']['command']}" for each in shown.json["data"] if each["pdu"]]

        async def all_there() -> bool:
            return {"out submit_sm", "in submit_sm_resp", "in deliver_sm", "out deliver_sm_resp"} <= {*await commands()}

        await until(all_there)
        ended = await edge.post(path, {"enabled": False}, key=edge.operator)  # nothing joins it from now on
        assert ended.json["enabled"] is False
        shown = await edge.get(path, key=edge.operator)
        assert NUMBER.lstrip("+").encode() not in shown.body
        assert b"secret" not in shown.body
        last = shown.json["data"][-1]["number"]
        assert (await edge.get(f"{path}?after={last}", key=edge.operator)).json["data"] == []
        assert len((await edge.get(f"{path}?limit=1", key=edge.operator)).json["data"]) == 1
        assert sent.status == 202
        assert await commands()
        assert (await edge.ask("DELETE", path, key=edge.operator)).status == 204
        assert await commands() == []
        audit = await edge.get("/v1/audit", key=edge.operator)
        actions = [each["action"] for each in audit.json["data"]][:3]
        assert actions == ["carrier.trace_deleted", "carrier.trace_stopped", "carrier.trace_started"]


async def test_who_may_trace_what(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        path = f"/v1/carriers/{await carrier_of(edge)}/trace"
        assert (await edge.post(path, {"enabled": True})).status == 403
        assert (await edge.get(path)).status == 403
        reads = await edge.new_key(None, ("carriers:read",))
        assert (await edge.post(path, {"enabled": True}, key=reads)).status == 403
        assert (await edge.get(path, key=reads)).status == 200
        too_long = await edge.post(path, {"enabled": True, "seconds": 3601}, key=edge.operator)
        assert too_long.status == 422
        nobody = await edge.post("/v1/carriers/CR0/trace", {"enabled": True}, key=edge.operator)
        assert nobody.status == 404


async def test_a_carrier_over_http_has_no_binds_to_record(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        settings = {"url": "https://api.example.com/", "fields": {"to": "{to}", "text": "{text}"}}
        made = await edge.post(
            "/v1/carriers", {"name": "ruff", "kind": "http", "settings": settings}, key=edge.operator
        )
        path = f"/v1/carriers/{made.json['id']}/trace"
        refused = await edge.post(path, {"enabled": True}, key=edge.operator)
        assert (refused.status, refused.json["code"]) == (422, "invalid_request")
        assert (await edge.get(path, key=edge.operator)).json["enabled"] is False
        assert (await edge.post(path, {"enabled": False}, key=edge.operator)).status == 200
        audit = await edge.get("/v1/audit", key=edge.operator)
        assert "carrier.trace_started" not in [each["action"] for each in audit.json["data"]]


async def test_a_customers_binds_are_traced_by_their_account(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        made = (await edge.post("/v1/smpp-credentials", {"name": "Shop", "password": "secret99"})).json
        path = f"/v1/smpp-credentials/{made['id']}/trace"
        assert (await edge.get(path)).json["enabled"] is False
        started = await edge.post(path, {"enabled": True, "seconds": 60})
        assert (started.status, started.json["subject_id"], started.json["enabled"]) == (200, made["id"], True)
        port = edge.app.smpp.ports[0]
        done = await asyncio.to_thread(say_hello, port, made["system_id"])
        assert done == 0

        async def there() -> bool:
            found = (await edge.get(path)).json["data"]
            return {"in submit_sm", "out submit_sm_resp"} <= {
                f"{each['direction']} {each['pdu']['command']}" for each in found if each["pdu"]
            }

        await until(there)
        shown = await edge.get(path)
        assert NUMBER.lstrip("+").encode() not in shown.body and b"whisper" not in shown.body
        account = (await edge.post("/v1/accounts", {"name": "Other"}, key=edge.operator)).json
        other = await edge.new_key(account["id"], ("smpp:read", "smpp:write"))
        assert (await edge.get(path, key=other)).status == 404
        assert (await edge.ask("DELETE", path)).status == 204
        actions = [each["action"] for each in (await edge.get("/v1/audit", key=edge.operator)).json["data"]]
        assert actions.count("smpp_credential.trace_started") == 1


def say_hello(port: int, system_id: str) -> int:
    """The status of one submit_sm of smpplib's."""
    client = smpplib.client.Client("127.0.0.1", port, timeout=60, allow_unknown_opt_params=True)
    statuses: list[int] = []
    client.set_message_sent_handler(lambda pdu, **_: statuses.append(pdu.status))
    client.connect()
    client.bind_transmitter(system_id=system_id, password="secret99")
    client.send_message(
        source_addr_ton=0,
        source_addr="",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=NUMBER.lstrip("+"),
        short_message=b"a whisper",
    )
    client.read_once()
    client.unbind()
    client.disconnect()
    return statuses[0]
