"""POST /v1/carriers/{id}/test against the simulator."""

from pathlib import Path

from tests.edges.edge_rig import NUMBER, running_edge, until
from tests.edges.test_carrier_traces import carrier_of
from whimbrel.base.limits import CARRIER_TEST_WAIT_MAX_S


async def test_a_carrier_is_tested_with_a_text(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await carrier_of(edge)
        # a message id that the simulator does not do, and time enough that no proposal is about it
        change = {"settings": {"message_id": "hex_dec", "response_timeout_s": 60}}
        await edge.ask("PATCH", f"/v1/carriers/{carrier_id}", json=change, key=edge.operator)
        await until(lambda: (health := edge.app.worker.health().get(carrier_id)) and health.binds_up)
        before = (await edge.get("/v1/balance")).json
        asked = {"to": NUMBER, "text": "a secret text", "sender": "Whimbrel", "wait_s": CARRIER_TEST_WAIT_MAX_S}
        answer = await edge.post(f"/v1/carriers/{carrier_id}/test", asked, key=edge.operator)
        found = answer.json
        assert (answer.status, found["passed"]) == (200, True)
        assert [(step["name"], step["state"]) for step in found["steps"]] == [
            ("dns", "ok"),
            ("tcp", "ok"),
            ("bind transceiver", "ok"),
            ("enquire_link", "ok"),
            ("submit_sm", "ok"),
            ("receipt", "ok"),
        ]
        assert [(each["setting"], each["value"]) for each in found["proposals"]] == [("message_id", "auto")]
        commands = [each["pdu"]["command"] for each in found["pdus"] if each["pdu"]]
        assert {"submit_sm", "submit_sm_resp", "deliver_sm"} <= {*commands}
        assert b"secret" not in answer.body
        assert NUMBER.lstrip("+").encode() not in answer.body
        assert (await edge.get("/v1/balance")).json == before
        assert (await edge.get("/v1/messages")).json["data"] == []
        (entry, *_) = (await edge.get("/v1/audit", key=edge.operator)).json["data"]
        assert (entry["action"], entry["subject_id"]) == ("carrier.tested", carrier_id)
        assert entry["detail"] == {"with_text": True}
        trace = await edge.get(f"/v1/carriers/{carrier_id}/trace", key=edge.operator)
        assert (trace.json["enabled"], trace.json["data"]) == (False, [])


async def test_a_carrier_is_tested_without_a_text(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await carrier_of(edge)
        found = (await edge.post(f"/v1/carriers/{carrier_id}/test", {}, key=edge.operator)).json
        assert found["steps"][-1]["name"] == "enquire_link"
        assert found["proposals"] == []


async def test_a_paused_carrier_is_tested_too(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await carrier_of(edge)
        await edge.post(f"/v1/carriers/{carrier_id}/pause", key=edge.operator)
        await until(lambda: carrier_id not in edge.app.worker.health())
        asked = {"to": NUMBER, "wait_s": CARRIER_TEST_WAIT_MAX_S}
        answer = await edge.post(f"/v1/carriers/{carrier_id}/test", asked, key=edge.operator)
        assert answer.json["passed"] is True


async def test_a_refused_bind_says_that_others_run(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        carrier_id = await carrier_of(edge)
        await until(lambda: edge.app.worker.health()[carrier_id].binds_up)
        edge.simulator.center.behaviour.refuse_binds = 0x05
        answer = await edge.post(f"/v1/carriers/{carrier_id}/test", {}, key=edge.operator)
        assert answer.json["passed"] is False
        *_, refused, running = answer.json["steps"]
        assert refused["said"] == "refused: ESME_RALYBND (0x00000005): already in bound state"
        assert running["said"].startswith("1 of 1 are up")


async def test_what_is_wrong_with_a_request(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        path = f"/v1/carriers/{await carrier_of(edge)}/test"
        bad = {"to": "123", "text": "x" * 161, "sender": "\n", "wait_s": 0}
        answer = await edge.post(path, bad, key=edge.operator)
        assert answer.status == 422
        assert {each["pointer"] for each in answer.json["errors"]} == {"/to", "/text", "/sender", "/wait_s"}
        assert (await edge.post(path, {})).status == 403
        assert (await edge.post("/v1/carriers/CR0/test", {}, key=edge.operator)).status == 404
