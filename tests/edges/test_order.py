"""Lists of what happened are read from either end, page after page, and say the same."""

from whimbrel.base import limits

from .edge_rig import NUMBER, until

FLOW = {"trigger": {"type": "api"}, "start": "wait", "steps": {"wait": {"type": "wait", "for_s": 3600}}}
RULE = {"name": "r", "events": ["x"], "to": ["phone"], "text": "Hello"}


async def rows(edge, path, **query):
    """All rows of a list, two a page."""
    found, cursor = [], None
    while True:
        asked = query | {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = await edge.get(path, params=asked)
        assert answer.status == 200, answer.body
        found += answer.json["data"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return found


async def is_read_from_either_end(edge, path, least=3, **query):
    newest = await rows(edge, path, **query)
    assert len(newest) >= least
    assert await rows(edge, path, **query, order="asc") == newest[::-1]
    assert await rows(edge, path, **query, order="desc") == newest


async def comes_to_be_read_from_either_end(edge, path):
    """Once what was under way is written down."""

    async def is_so():
        newest = await rows(edge, path)
        oldest, again = await rows(edge, path, order="asc"), await rows(edge, path, order="desc")
        return len(newest) >= 3 and oldest == newest[::-1] and again == newest

    await until(is_so)


async def test_what_happened_is_read_from_either_end(edge):
    for last in range(5):
        assert (await edge.post("/v1/opt-outs", {"number": f"+491511234567{last}"})).status == 201
    webhook = (await edge.post("/v1/webhooks", {"url": "http://127.0.0.1:1/", "events": ["*"]})).json["id"]
    flow = (await edge.post("/v1/flows", {"name": "f", "document": FLOW})).json["id"]
    runs = [await edge.post(f"/v1/flows/{flow}/runs", {"phone": f"+491511234667{last}"}) for last in range(4)]
    assert [run.status for run in runs] == [202] * 4
    hook = (await edge.post("/v1/hooks", {"name": "h", "preset": "generic", "secret": "s" * 20, "rules": [RULE]})).json
    for n in range(4):
        await edge.post(f"/v1/hooks/{hook['id']}", {"event": "x", "n": n}, key="")
    await edge.send()

    async def tried():
        return len((await edge.get(f"/v1/webhooks/{webhook}/deliveries")).json["data"]) > 6

    async def all_wait():
        return all(run["waits_for"] == "time" for run in (await edge.get("/v1/flow-runs")).json["data"])

    await until(tried)
    await until(all_wait)
    await is_read_from_either_end(edge, "/v1/opt-outs")
    await is_read_from_either_end(edge, "/v1/audit")
    await is_read_from_either_end(edge, "/v1/flow-runs")
    await is_read_from_either_end(edge, "/v1/flow-runs", flow_id=flow)
    await is_read_from_either_end(edge, f"/v1/hooks/{hook['id']}/calls")
    await is_read_from_either_end(edge, f"/v1/hooks/{hook['id']}/calls", verdict="bad_signature")
    await edge.post(f"/v1/webhooks/{webhook}/disable")
    await comes_to_be_read_from_either_end(edge, f"/v1/webhooks/{webhook}/deliveries")
    await comes_to_be_read_from_either_end(edge, f"/v1/webhooks/{webhook}/tries")
    assert (await edge.get("/v1/audit?order=sideways")).code == "invalid_parameter"


async def test_money_is_read_from_either_end(edge):
    for _ in range(4):
        await edge.send()

    async def delivered():
        found = (await edge.get("/v1/messages?status=delivered")).json["data"]
        return len(found) == 4

    await until(delivered)
    await is_read_from_either_end(edge, "/v1/ledger", least=9)


async def test_messages_are_read_from_either_end_over_many_stretches(edge, monkeypatch):
    monkeypatch.setattr(limits, "MESSAGES_SCAN_MAX", 5)
    sent = [(await edge.send(tags=["odd"] if n in (1, 13) else [])).json["id"] for n in range(15)]

    async def ended():
        return len(await rows(edge, "/v1/messages", status="delivered")) == 15

    await until(ended)
    await is_read_from_either_end(edge, "/v1/messages", least=15)
    (first, last) = await rows(edge, "/v1/messages", tag="odd", order="asc")
    assert [first["id"], last["id"]] == [sent[1], sent[13]]

    async def indexed():
        return len(await rows(edge, "/v1/messages", number=NUMBER)) == 15

    await until(indexed)
    await is_read_from_either_end(edge, "/v1/messages", least=15, number=NUMBER)
    since = (await edge.get(f"/v1/messages/{sent[9]}")).json["created_at"]
    found = await rows(edge, "/v1/messages", created_from=since, order="asc")
    assert [row["id"] for row in found] == sent[9:]
    await is_read_from_either_end(edge, "/v1/inbound", least=0)
    assert (await edge.get("/v1/messages?order=asc&cursor=eA")).code == "invalid_cursor"
