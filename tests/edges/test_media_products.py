"""Media in campaigns and schedules: each text leads to a page that shows them, they stay until what names them is over,
and what is not there is refused when it is named."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.journey.rig import ShiftedClock
from whimbrel.base.clock import DAY_US
from whimbrel.link_sections import Links
from whimbrel.media_sections import Media

from .edge_rig import Edge, running_edge, until
from .test_media_messages import CARD, PNG, brought, given, link_in, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONES = ("+447400123471", "+447400123472")
NOT_THERE = "ME" + "0" * 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    links = Links(too_soon_ms=0, rate_per_s=1000)
    settings = {"links": links, "media": Media(fetch_timeout_s=60)}
    async with running_edge(tmp_path_factory.mktemp("media"), clock=ShiftedClock(), **settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation: Edge) -> Edge:
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


def campaign(media: list[str], **more: Any) -> dict[str, Any]:
    people = {"numbers": list(PHONES)}
    return {"name": "c", "audience": people, "text": "Look", "class": "transactional", "media": media} | more


def schedule(media: list[str], in_s: int = 3600, **more: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) + timedelta(seconds=in_s)).replace(tzinfo=None).isoformat(timespec="seconds")
    return {"name": "s", "starts_at": at, "text": "Look", "recipients": list(PHONES), "media": media} | more


async def texts(edge: Edge) -> list[str]:
    """What each phone got: once all have it."""

    async def all_have() -> Any:
        found = (await edge.get("/v1/messages?status=delivered")).json["data"]
        return found if len(found) == len(PHONES) else None

    found = await until(all_have, within_s=30.0)
    assert {each["to"] for each in found} == set(PHONES)
    return [each["text"] for each in found]


async def is_going(edge: Edge, medium: str) -> bool:
    """Whether it would be swept away when its days are long over."""
    far = edge.app.clock.now_us() + 4000 * DAY_US
    return medium in {row for (row,) in await edge.app.store.fetch(lambda id_: (id_,), "media_over", far, 1000)}


@pytest.mark.parametrize("kind", ["campaigns", "schedules"])
async def test_each_text_leads_to_its_own_page_of_the_media(edge: Edge, kind: str) -> None:
    media = [await brought(edge), await brought(edge, CARD)]
    if kind == "campaigns":
        made = (await edge.post("/v1/campaigns", campaign(media))).json
        estimate = (await edge.get(f"/v1/campaigns/{made['id']}/estimate")).json
        assert estimate["segments"] == 2 and "/l/" in estimate["variants"][0]["example"]
        assert (await edge.post(f"/v1/campaigns/{made['id']}/start")).status == 200
    else:
        made = (await edge.post("/v1/schedules", schedule(media, in_s=60))).json
        edge.app.clock.advance(60)
    assert made["media"] == media
    got = await texts(edge)
    paths = [link_in(text) for text in got]
    assert len(set(paths)) == len(PHONES) and all(text.startswith("Look\nhttp") for text in got)
    page = await opened(edge, paths[0])
    assert page.status == 200 and b'alt="media.png"' in page.body
    assert (await opened(edge, f"{paths[1]}/1")).body == PNG


@pytest.mark.parametrize("kind", ["campaigns", "schedules"])
async def test_media_stay_until_what_names_them_is_over(edge: Edge, kind: str) -> None:
    medium, other = await brought(edge), await brought(edge, CARD)
    body = campaign([medium]) if kind == "campaigns" else schedule([medium])
    made = await edge.post(f"/v1/{kind}", body)
    assert made.status == 201, made.json
    place = f"/v1/{kind}/{made.json['id']}"
    assert (await is_going(edge, medium), await is_going(edge, other)) == (False, True)
    assert (await edge.ask("PATCH", place, json={"media": [other]})).json["media"] == [other]
    assert (await is_going(edge, medium), await is_going(edge, other)) == (True, False)
    assert (await edge.ask("PATCH", place, json={"name": "n"})).json["media"] == [other]
    assert (await edge.ask("PATCH", place, json={"media": []})).json["media"] == []
    assert await is_going(edge, other)
    await edge.ask("PATCH", place, json={"media": [other]})
    assert (await edge.ask("DELETE", place)).status == 204
    assert await is_going(edge, other)


async def test_what_came_with_a_message_that_is_deleted_stays_for_a_campaign(edge: Edge) -> None:
    async with given(CARD) as named_url, given(PNG) as other_url:
        message = (await edge.send(text="Hi", media=[named_url, other_url])).json
    named, other = message["media"]
    made = (await edge.post("/v1/campaigns", campaign([named]))).json

    async def is_final() -> Any:
        return (await edge.get(f"/v1/messages/{message['id']}")).json["final_at"]

    await until(is_final, within_s=30.0)
    assert (await edge.ask("DELETE", f"/v1/messages/{message['id']}")).status == 204
    left = [each["id"] for each in (await edge.get("/v1/media")).json["data"]]
    assert named in left and other not in left
    assert (await edge.get(f"/v1/campaigns/{made['id']}")).json["media"] == [named]


@pytest.mark.parametrize(("kind", "body"), [("campaigns", campaign), ("schedules", schedule)])
async def test_media_that_are_not_there_are_refused_when_they_are_named(edge: Edge, kind: str, body: Any) -> None:
    mine = await brought(edge)
    stranger = await edge.new_customer("Stranger")
    for media, place in (([NOT_THERE], 0), ([mine, NOT_THERE], 1)):
        refused = await edge.post(f"/v1/{kind}", body(media))
        assert (refused.code, refused.json["errors"][0]["pointer"]) == ("media_not_found", f"/media/{place}")
    assert (await edge.post(f"/v1/{kind}", body([mine]), key=stranger.live)).code == "media_not_found"
    assert (await edge.post(f"/v1/{kind}", body([mine] * 11))).code == "invalid_request"
    assert (await edge.get(f"/v1/{kind}")).json["data"] == []


async def test_a_flow_of_a_schedule_takes_no_media(edge: Edge) -> None:
    medium = await brought(edge)
    steps = {"a": {"type": "send", "text": "Hi"}}
    flow = {"name": "f", "document": {"trigger": {"type": "api"}, "start": "a", "steps": steps}}
    flow_id = (await edge.post("/v1/flows", flow)).json["id"]
    body = {name: value for name, value in schedule([medium]).items() if name != "text"} | {"flow_id": flow_id}
    refused = await edge.post("/v1/schedules", body)
    assert [each["pointer"] for each in refused.json["errors"]] == ["/media"]
    made = (await edge.post("/v1/schedules", schedule([medium]))).json
    now = await edge.ask("PATCH", f"/v1/schedules/{made['id']}", json={"flow_id": flow_id})
    assert (now.json["flow_id"], now.json["media"]) == (flow_id, [])
