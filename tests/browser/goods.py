"""What a shop sends with, for pictures: a number, a pool, a keyword, a registration, an SMPP credential, campaigns; a
link that was opened, and consent that was written down.
"""

import http.client
import struct
import zlib
from typing import Any
from urllib.parse import urlsplit

from tests.cli.product import Node

_BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
_CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Tea shop\r\nEND:VCARD\r\n"
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
    medium = made("/v1/media?name=harbour.png", picture(480, 300), Content_Type="image/png")
    made("/v1/media?name=shop.vcf", _CARD, Content_Type="text/vcard")
    shown = {"to": "+447911123456", "text": "Your table is ready:", "media": [medium]}
    media_message = made("/v1/messages", shown)
    for talk in node.get("/v1/conversations")["data"][:1]:
        made(f"/v1/conversations/{talk['id']}/messages", {"text": "This is the view:", "media": [medium]})
    made("/v1/consents", {"number": "+447911123456", "source": "web_form"})
    return {
        "link": link["id"],
        "medium": medium,
        "media_message": media_message,
        "number": number,
        "pool": made("/v1/pools", {"name": "Support", "senders": [sender, "+12025550146"]}),
        "keyword": made("/v1/keywords", keyword),
        "registration": made("/v1/registrations", {"regime": "gb_sender_id", "name": "Tea shop"}),
        "smpp": made("/v1/smpp-credentials", {"name": "Warehouse"}),
        "campaign": made("/v1/campaigns", sale | {"name": "Winter sale"}),
        "campaign_sent": sent,
        "brand": made("/v1/brands", {"name": "Harbour"}),
    }


def picture(width: int, height: int) -> bytes:
    """A PNG of an evening at sea."""
    sky = height * 3 // 5
    rows = bytearray()
    for y in range(height):
        colour = (240 - y // 2, 160 - y // 3, 120 + y // 4) if y < sky else (30, 70 + (y % 12) * 2, 110)
        rows += b"\0" + bytes(colour) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in pieces
    )


def _open(url: str) -> None:
    """Where it leads is not asked for."""
    where = urlsplit(url)
    assert where.hostname
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    connection.request("GET", where.path, headers={"User-Agent": _BROWSER})
    assert connection.getresponse().status == 302
    connection.close()
