"""One thing of each kind that products keep for a customer, made over HTTP, by the path before its id."""

from typing import Any

from tests.edges.edge_rig import NUMBER, Edge, until
from whimbrel.domain.mail_addresses import Target
from whimbrel.domain.mail_reading import read

_FLOW = {
    "trigger": {"type": "api"},
    "start": "wait",
    "steps": {"wait": {"type": "wait", "for_s": 3600}},
}
_KEYWORD = {"name": "hours", "words": ["hours"], "answers": {"en": "9-5"}}
_CAMPAIGN = {"name": "c", "audience": {"everybody": True}, "text": "Hello"}
_RULE = {"name": "r", "events": ["x"], "to": ["phone"], "text": "Hello"}


async def _made(edge: Edge, path: str, body: Any) -> str:
    answer = await edge.post(path, body)
    assert answer.status in (201, 202), answer.body
    found: str = answer.json["id"]
    return found


async def products_of(edge: Edge) -> dict[str, str]:
    """Ids by path, as `verify/services`; those that stand further in a path by the name in its braces."""
    flow = await _made(edge, "/v1/flows", {"name": "flow", "document": _FLOW})
    plan = {"name": "s", "starts_at": "2199-01-04T09:00", "recipients": [NUMBER], "text": "Hello"}
    template = {"name": "shipped", "texts": {"en": "It is on its way"}, "publish": True}
    hook = await _made(edge, "/v1/hooks", {"name": "h", "preset": "generic", "secret": "s" * 20, "rules": [_RULE]})
    await edge.post(f"/v1/hooks/{hook}", {"event": "x"}, key="")

    async def calls() -> Any:
        return (await edge.get(f"/v1/hooks/{hook}/calls")).json["data"]

    (call,) = await until(calls)
    medium = (await edge.ask("POST", "/v1/media", data=b"%PDF-1.7\n")).json["id"]
    return {
        "flows": flow,
        "flow-runs": await _made(edge, f"/v1/flows/{flow}/runs", {"phone": NUMBER}),
        "schedules": await _made(edge, "/v1/schedules", plan),
        "templates": await _made(edge, "/v1/templates", template),
        "pools": await _made(edge, "/v1/pools", {"name": "support"}),
        "sender": "PN" + "0" * 32,
        "keywords": await _made(edge, "/v1/keywords", _KEYWORD),
        "campaigns": await _made(edge, "/v1/campaigns", _CAMPAIGN),
        "contacts": await _made(edge, "/v1/contacts", {"number": NUMBER}),
        "contact-fields": await _made(edge, "/v1/contact-fields", {"name": "plan", "kind": "text"}),
        "tags": await _made(edge, "/v1/tags", {"name": "vip"}),
        "lists": await _made(edge, "/v1/lists", {"name": "Newsletter"}),
        "segments": await _made(edge, "/v1/segments", {"name": "all", "filter": 'country = "US"'}),
        "contact-imports": await _made(edge, "/v1/contact-imports", {"name": "f.csv"}),
        "links": await _made(edge, "/v1/links", {"url": "https://shop.example"}),
        "media": medium,
        "medium": medium,
        "hooks": hook,
        "call_id": call["id"],
        "version": "1",
        **await _verify(edge),
        **await _mailbox(edge),
        **await _senders(edge),
    }


async def _senders(edge: Edge) -> dict[str, str]:
    of_account = {"X-Account-Id": edge.customer.id}
    value = f"{10_000_000 + int(edge.customer.id[2:18], 16) % 80_000_000}"  # a short code that nobody else has
    number = await edge.post("/v1/numbers", {"number": value}, key=edge.operator, headers=of_account)
    assert number.status == 201, number.body
    registration = await _made(edge, "/v1/registrations", {"regime": "gb_sender_id", "name": "r"})
    paper = {"name": "p.txt", "content_type": "text/plain", "data": "eA=="}
    return {
        "numbers": number.json["id"],
        "registrations": registration,
        "documents": await _made(edge, f"/v1/registrations/{registration}/documents", paper),
    }


async def _mailbox(edge: Edge) -> dict[str, str]:
    wanted = {"name": "m", "senders": ["@shop.example"], "auth": "none"}
    made = (await edge.post("/v1/mailboxes", wanted)).json
    mailbox = await edge.app.products.mailboxes.tagged(made["tag"])
    assert mailbox is not None
    mail = read(b"From: a@shop.example\r\n\r\nHello\r\n")
    await edge.app.products.mailboxes.take(mailbox, mail, [], [Target(NUMBER)])
    (line,) = (await edge.get(f"/v1/mailboxes/{made['id']}/log")).json["data"]
    return {"mailboxes": made["id"], "mail_id": line["id"]}


async def _factors(edge: Edge, service: str) -> dict[str, str]:
    place = f"/v1/verify/services/{service}/entities/user-1"
    factor = await _made(edge, f"{place}/factors", {"name": "a", "secret": "JBSWY3DPEHPK3PXP", "verified": True})
    challenge = await _made(edge, f"{place}/challenges", {"factor_id": factor})
    return {"identity": "user-1", "factor": factor, "challenge": challenge}


async def _verify(edge: Edge) -> dict[str, str]:
    service = await _made(edge, "/v1/verify/services", {"name": "Acme"})
    verification = await _made(edge, f"/v1/verify/services/{service}/verifications", {"to": "+447400123456"})
    limit = {"service_id": service, "name": "ip", "buckets": [{"max": 9, "interval_s": 60}]}
    for last in range(57, 61):  # neighbours, which the guard takes for pumping
        await edge.post(f"/v1/verify/services/{service}/verifications", {"to": f"+4474001234{last}"})
    (block,) = (await edge.get("/v1/verify/blocks")).json["data"]
    return {
        "verify/services": service,
        "verification": verification,
        "verify/attempts": (await edge.get("/v1/verify/attempts")).json["data"][0]["id"],
        "verify/rate-limits": await _made(edge, "/v1/verify/rate-limits", limit),
        "verify/blocks": block["id"],
        **await _factors(edge, service),
        "verify/safe-list": await _made(edge, "/v1/verify/safe-list", {"number": "+447400123456"}),
    }
