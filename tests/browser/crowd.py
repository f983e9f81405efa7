"""People whom a shop knows, for pictures: contacts with fields, tags and lists, segments, a file that was imported with
mistakes in it, one that waits to be looked at; and a mailbox whose mail becomes texts."""

from typing import Any

from tests.cli.product import Node, ask, until

_FIELDS = (
    {"name": "plan", "kind": "choice", "choices": ["free", "pro", "team"]},
    {"name": "orders", "kind": "number"},
    {"name": "birthday", "kind": "date"},
    {"name": "newsletter", "kind": "boolean"},
)
_PEOPLE = (
    ("+14155550123", "Ann Lee", "en", {"plan": "pro", "orders": 12, "birthday": "1991-04-02"}, ("vip",)),
    ("+447911123456", "Rosa Ahmed", "en", {"plan": "team", "orders": 41, "newsletter": True}, ("vip", "wholesale")),
    ("+4915112345678", "Jürgen Weiß", "de", {"plan": "free", "orders": 1}, ("fair 2027",)),
    ("+33612345678", "Chloé Martin", "fr", {"plan": "pro", "orders": 7, "newsletter": True}, ()),
    ("+34612345678", "Íñigo Vega", "es", {"orders": 3}, ("fair 2027",)),
    ("+15005550001", "Sam Rivers", "en", {"plan": "pro", "orders": 19, "birthday": "1984-11-30"}, ("vip",)),
)
_FILE = b"phone,full name,plan\n+14155550161,Dee Novak,pro\n12,Ed Moss,free\n+447700900162,Flo Hart,gold\n"
_SEGMENTS = {
    "Good customers": 'plan in ("pro", "team") and orders > 5',
    "From the fair": 'tag = "fair 2027" and created_at > now-90d',
}


def acquainted(node: Node) -> dict[str, str]:
    """Ids of what there is to look at."""
    for field in _FIELDS:
        _made(node, "/v1/contact-fields", field)
    _made(node, "/v1/lists", {"name": "Newsletter", "description": "Once a month"})
    ids = {}
    for number, name, language, fields, tags in _PEOPLE:
        body = {"number": number, "name": name, "language": language, "fields": fields, "tags": tags}
        known = node.ask("PUT", "/v1/contacts", body | {"lists": ["Newsletter"]})  # a flow may have met them before
        assert known.status in (200, 201), known.body
        ids[number] = known.json["id"]
    segments = [_made(node, "/v1/segments", {"name": name, "filter": text})["id"] for name, text in _SEGMENTS.items()]
    over, waiting = _brought(node, "fair.csv"), _brought(node, "spring.csv")
    _made(node, f"/v1/contact-imports/{over}/start", {"tags": ["fair 2027"]})
    until(lambda: node.get(f"/v1/contact-imports/{over}")["status"] == "done", what="the import's end")
    mailbox = _made(node, "/v1/mailboxes", {"name": "Alarms", "senders": ["@shop.example", "ops@harbour.example"]})
    return {
        **{kind: node.get(f"/v1/{kind}s")["data"][0]["id"] for kind in ("tag", "list")},
        "contact": ids["+447911123456"],
        "segment": segments[0],
        "import": over,
        "import_new": waiting,
        "mailbox": mailbox["id"],
    }


def _brought(node: Node, name: str) -> str:
    """The id of an import whose file has come."""
    found = str(_made(node, "/v1/contact-imports", {"name": name})["id"])
    url, headers = f"{node.url}/v1/contact-imports/{found}/file", {"Content-Type": "text/csv"}
    came = ask("PUT", url, _FILE, key=node.given["api_key"], headers=headers)
    assert came.status == 200, came.body
    return found


def _made(node: Node, path: str, body: Any) -> Any:
    answer = node.ask("POST", path, body)
    assert answer.status in (200, 201, 202), (path, answer.body)
    return answer.json
