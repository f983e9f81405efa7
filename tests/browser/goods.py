"""What a shop sends with, for pictures: a number, a pool, a keyword, a registration, an SMPP credential, campaigns; a
link that was opened, and consent that was written down.
"""

import http.client
from typing import Any
from urllib.parse import urlsplit

from tests.cli.product import Node

_BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
_SALE = "Autumn sale: 20 % off until Sunday. Reply STOP to end."


def stocked(node: Node) -> dict[str, str]:
    """Ids of what there is to look at. `campaign` is a draft, `campaign_sent` went to everybody whom the shop knows."""

    def made(path: str, body: Any = None, **more: str) -> str:
        answer = node.ask("POST", path, body, **more)
        assert answer.status in (200, 201, 202), (path, answer.body)
        return str(answer.json["id"])

    by_operator = {"key": node.given["operator_key"], "X_Account_Id": node.given["account_sid"]}
    sender = node.get("/v1/senders")["data"][0]["value"]
    number = made("/v1/numbers", {"number": "+12025550146", "label": "Support line"}, **by_operator)
    sale = {"name": "Autumn sale", "audience": {"everybody": True}, "text": _SALE}
    sent = made("/v1/campaigns", sale)
    made(f"/v1/campaigns/{sent}/start")
    keyword = {"name": "hours", "words": ["hours"], "answers": {"en": "From 9 to 5", "de": "Von 9 bis 17 Uhr"}}
    link = node.ask("POST", "/v1/links", {"url": "https://shop.example/sale", "name": "Poster"}).json
    for _ in range(3):
        _open(link["short_url"])
    made("/v1/consents", {"number": "+447911123456", "source": "web_form"})
    return {
        "link": link["id"],
        "number": number,
        "pool": made("/v1/pools", {"name": "Support", "senders": [sender, "+12025550146"]}),
        "keyword": made("/v1/keywords", keyword),
        "registration": made("/v1/registrations", {"regime": "gb_sender_id", "name": "Tea shop"}),
        "smpp": made("/v1/smpp-credentials", {"name": "Warehouse"}),
        "campaign": made("/v1/campaigns", sale | {"name": "Winter sale"}),
        "campaign_sent": sent,
        "brand": made("/v1/brands", {"name": "Harbour"}),
    }


def _open(url: str) -> None:
    """Where it leads is not asked for."""
    where = urlsplit(url)
    assert where.hostname
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    connection.request("GET", where.path, headers={"User-Agent": _BROWSER})
    assert connection.getresponse().status == 302
    connection.close()
