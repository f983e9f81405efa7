"""A key with an end holds until then, and not a moment longer, also where it was used a moment ago."""

from tests.edges.edge_rig import NUMBER, running_edge
from whimbrel.base import moments
from whimbrel.base.clock import SECOND_US, ManualClock


async def test_a_key_holds_until_it_expires(tmp_path):
    clock = ManualClock()
    async with running_edge(tmp_path, clock=clock) as edge:
        ends = moments.to_text(clock.now_us() + 3600 * SECOND_US)
        said = {"name": "for an hour", "scopes": ["messages:write", "messages:read"], "expires_at": ends}
        made = (await edge.post("/v1/keys", said)).json
        assert made["expires_at"] == ends
        assert (await edge.send(key=made["key"])).status == 202
        clock.advance(3599)
        assert (await edge.send(key=made["key"])).status == 202
        clock.advance(1)
        refused = await edge.send(key=made["key"])
        assert (refused.status, refused.code) == (401, "unauthorized")
        assert (await edge.get("/v1/messages", key=made["key"])).status == 401
        batch = {"messages": [{"to": NUMBER, "text": "Hello"}]}
        assert (await edge.post("/v1/messages/batch", batch, key=made["key"])).status == 401
        assert (await edge.send()).status == 202
        assert len((await edge.get("/v1/messages")).json["data"]) == 3
