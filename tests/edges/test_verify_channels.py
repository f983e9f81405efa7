"""/v1/verify and Twilio's Verify with channels beside SMS, as customers use them. Nobody listens where they lead: what
became of an attempt is told all the same.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from whimbrel.channel_sections import Channel
from whimbrel.mail_sections import Mail

from .edge_rig import Edge, running_edge, until
from .test_verify import PHONE, service, started
from .twilio.twilio_rig import ask

ADA = "ada@example.com"


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    voice = Channel(url="http://127.0.0.1:9/", secret="whsec_" + "A" * 32, allow_networks=("127.0.0.0/8",))
    mail = Mail(host="127.0.0.1", port=9, security="none", sender="codes@acme.example")
    async with running_edge(tmp_path, channels={"voice": voice}, mail=mail) as running:
        yield running


async def test_an_address_is_masked_for_who_may_not_read_messages(edge: Edge) -> None:
    place = await service(edge)
    made = await started(edge, place, ADA)
    assert (made["to"], made["channel"], made["channels"], made["country"]) == (ADA, "email", ["email"], "")
    key = await edge.new_key(edge.customer.id, ("verify:read",))
    (row,) = (await edge.get(f"{place}/verifications", key=key)).json["data"]
    assert row["to"] == "a•••@example.com"
    (found,) = (await edge.get(f"{place}/verifications?to=ADA%40example.com")).json["data"]
    assert found["id"] == made["id"]
    assert (await edge.get(f"{place}/verifications/ada%40example.com")).json["id"] == made["id"]


async def test_an_attempt_tells_how_far_it_is_and_why_the_next_channel_was_taken(edge: Edge) -> None:
    await edge.give_sender(edge.customer.id, "Gone")
    place = await service(edge, channels=["sms", "voice"], sender="Gone")
    await edge.take_sender(edge.customer.id, "Gone")
    made = await started(edge, place)
    assert (made["channel"], made["channels"]) == ("voice", ["sms", "voice"])

    async def tried() -> Any:
        found = (await edge.get(f"{place}/verifications/{made['id']}/attempts")).json["data"]
        return found if found[-1]["reason"] and found[-1]["state"] == "queued" else None

    refused, waiting = await until(tried)
    told = ("channel", "state", "reason", "moved_on", "message_id")
    assert [refused[name] for name in told] == ["sms", "refused", "sender_not_allowed", "refused", None]
    assert [waiting[name] for name in told] == ["voice", "queued", "connect_failed", "", None]
    assert (await edge.get(f"/v1/verify/attempts/{waiting['id']}")).json["channel"] == "voice"
    summary = (await edge.get("/v1/verify/attempts/summary")).json
    assert {each["channel"]: (each["sends"], each["failures"]) for each in summary["channels"]} == {
        "voice": (1, 0), "sms": (0, 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"channels": ["sms", "sms"]}, "/channels"),
        ({"channels": ["Sms!"]}, "/channels/0"),
        ({"channels": list("abcdef")}, "/channels"),
        ({"channels": ["sms"], "channel": "sms"}, "/channel"),
        ({"channels": ["fax"]}, "/channels/0"),
        ({"channel": "fax"}, "/channel"),
        ({"channel": "email"}, "/channel"),
        ({"fallback_after_s": 9}, "/fallback_after_s"),
        ({"to": "ada@"}, "/to"),
    ],
)
async def test_what_is_wrong_is_named(edge: Edge, change: dict[str, Any], pointer: str) -> None:
    place = await service(edge)
    answer = await edge.post(f"{place}/verifications", {"to": PHONE, **change})
    assert answer.status == 422, answer.body
    assert pointer in [each["pointer"] for each in answer.json["errors"]]


async def test_channels_of_a_service_are_checked(edge: Edge) -> None:
    wrong = {"channels": [], "fallback_after_s": 5}
    refused = await edge.post("/v1/verify/services", {"name": "Acme", "settings": wrong})
    pointers = {each["pointer"] for each in refused.json["errors"]}
    assert (refused.status, pointers) == (422, {"/settings/channels", "/settings/fallback_after_s"})


async def test_twilios_channels(edge: Edge) -> None:
    place = await service(edge, channels=["sms", "voice"])
    path = f"/v2/Services/{place.rpartition('/')[2]}/Verifications"
    for to, channel, told in [(ADA, "email", "email"), (PHONE, "call", "call"), (f"{PHONE[:-1]}7", "auto", "sms")]:
        answer = await ask(edge, "POST", path, data={"To": to, "Channel": channel})
        assert answer.status == 201, answer.body
        assert (answer.json["to"], answer.json["channel"]) == (to, told)
    refused = await ask(edge, "POST", path, data={"To": PHONE, "Channel": "whatsapp"})
    assert (refused.status, refused.json["code"]) == (400, 60223)


async def test_a_carrier_reports_without_a_key(edge: Edge) -> None:
    place = await service(edge, channels=["voice"])
    made = await started(edge, place)
    (attempt,) = (await edge.get(f"{place}/verifications/{made['id']}/attempts")).json["data"]
    path, body = f"/v1/verify/attempts/{attempt['id']}/report", b'{"status":"undelivered"}'
    at = datetime.now(UTC)

    def signed(secret: str) -> dict[str, str]:
        signature = Webhook(secret).sign("r1", at, body.decode())
        return {"webhook-id": "r1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}

    forged = await edge.ask("POST", path, key="", headers=signed("whsec_" + "B" * 32), data=body)
    assert (forged.status, forged.code) == (401, "hook_signature")
    right = await edge.ask("POST", path, key="", headers=signed("whsec_" + "A" * 32), data=body)
    assert (right.status, right.json["id"]) == (200, attempt["id"])
    unknown = path.replace(attempt["id"], "VL" + "0" * 32)
    assert (await edge.ask("POST", unknown, key="", data=body)).status == 404
