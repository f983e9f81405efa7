"""Campaigns by their pages: a draft is made, estimated, tried, changed, started, watched and deleted."""

from html import unescape

import msgspec
import pytest

from tests.edges.edge_rig import SENDER, until
from whimbrel.edges.console.pages import campaign_results

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/campaigns"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(100))
NUMBERS = "+447400123451, +447400123452\n+447400123453"
WRITTEN = {
    "name": "sale",
    "to_numbers": NUMBERS,
    "not_numbers": "+447400123453",
    "text_A": "Sale",
    "text_B": "Big sale",
    "zone": "UTC",
    "class": "transactional",
    "pace": "600",
    "per": "minute",
    "begin": "00:00",
    "end": "",
}


async def kept(browser, **changes):
    seen = await browser.post(f"{PATH}/new", WRITTEN | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def test_a_campaign_is_made_estimated_tried_and_sent(edge, browser, newcomer, sign_in):
    assert "No campaigns yet" in (await newcomer.get(PATH)).words
    id_ = await kept(browser)
    made = (await edge.get(f"/v1/campaigns/{id_}")).json
    assert (made["audience"]["numbers"], made["exclude"]["numbers"]) == (3, 1)
    assert [each["text"] for each in made["variants"]] == ["Sale", "Big sale"]
    assert made["schedule"]["pace"] == {"count": 600, "per": "minute"} and made["schedule"]["windows"]
    assert "sale" in (await browser.get(PATH)).inner(id_)
    page = await browser.get(f"{PATH}/{id_}")
    assert "+447400123452" in page.words and "Big sale" in page.words
    seen = await browser.get(f"{PATH}/{id_}/estimate")
    assert "of 3" in seen.words and "Excluded 1" in seen.words, seen.words
    typed = await browser.post(f"{PATH}/{id_}/estimate", WRITTEN | {"not_numbers": "", "text_B": ""})
    assert "3 of 3" in typed.words and "Big sale" not in typed.words, typed.words
    typed = await browser.post(f"{PATH}/estimate", WRITTEN | {"name": "", "text_A": ""})
    assert "2 of 3" in typed.words and "Big sale" in typed.words, typed.words
    assert "must name somebody" in (await browser.post(f"{PATH}/estimate", {"text_A": "x"})).words
    tried = await browser.post(f"{PATH}/{id_}/test", {"to": "+447400123459"})
    assert "On its way" in tried.words
    assert "invalid" not in tried.words
    changed = await browser.post(f"{PATH}/{id_}", WRITTEN | {"text_B": "", "name": "sale!"})
    assert changed.status == 303
    assert len((await edge.get(f"/v1/campaigns/{id_}")).json["variants"]) == 1
    assert (await browser.post(f"{PATH}/{id_}/start")).status == 303

    async def over():
        status = (await edge.get(f"/v1/campaigns/{id_}")).json["status"]
        return status == "finished" and (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["delivered"] == 2

    await until(over, within_s=60.0)
    page = await browser.get(f"{PATH}/{id_}")
    assert "Finished" in page.words and "Excluded 1" in page.words
    part = await browser.get(f"{PATH}/{id_}/progress")
    assert "Looked at" in part.words and "100.0 %" in part.words and 'hx-swap-oob="true"' in part.text
    series = (await edge.get(f"/v1/campaigns/{id_}/series")).json
    assert (series["step_s"], sum(each["delivered"] for each in series["data"])) == (60, 2)
    (plot,) = (await browser.get(f"{PATH}/{id_}/plots")).all(r'data-values="([^"]+)"')
    assert sum(msgspec.json.decode(unescape(plot))["delivered"]) == 2
    table = await browser.get(f"{PATH}/{id_}/recipients")
    assert table.words.count("Delivered") == 2, table.words
    assert "sort=at" in table.text and "sort=code" not in table.text  # of 300,000 no page reads all to sort them
    messages, there = r'href="/console/messages/(SM\w+)"', f"{PATH}/{id_}/recipients"
    assert (await browser.get(f"{there}?sort=at")).all(messages) == table.all(messages)[::-1]
    (answered,) = table.all(r'class="chip" href="([^"]+activity=answered)">Answered 0<')
    narrowed = await browser.get(answered)
    assert narrowed.all(messages) == [] and 'class="chip on"' in narrowed.text, narrowed.words
    (form,) = narrowed.all(r'<form class="filters"(.+?)</form>')
    assert f'action="{there}"' in form and 'name="code"' in form and "activity" not in form  # one or the other
    assert (await browser.get(f"{there}?activity=answered&code=opted_out")).status == 400
    file = await browser.get(f"{PATH}/{id_}/recipients/export")
    assert "+447400123451" in file.text and "+447400123453" not in file.text
    figures = (await browser.get(f"{PATH}/{id_}/results/export")).text.splitlines()
    assert figures[1].startswith("total,,USD,2,2,2,") and "left_out,excluded,,1" in figures, figures
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    assert "Tern" in (await operator.get(f"{PATH}/{id_}/progress")).words and "Tern" not in part.words
    refused = await browser.post(f"{PATH}/{id_}/pause")
    assert refused.status == 409 and "It is finished" in refused.words
    await browser.post(f"{PATH}/{id_}/remove")
    assert (await edge.get(f"/v1/campaigns/{id_}")).status == 404


async def test_one_that_looked_at_everybody_is_sending_out_until_the_last_text_has_left(edge, browser):
    """It must not say that it is finished beside a button that stops it."""
    capped = {"caps": [{"max": 1, "hours": 1}]}
    assert (await edge.ask("PUT", "/v1/policies", json=capped)).status == 200
    await edge.send(to="+447400123461", **{"class": "marketing"})
    id_ = await kept(browser, to_numbers="+447400123461", not_numbers="", pace="", **{"class": "marketing"})
    medium = (await edge.ask("POST", "/v1/media", data=PNG)).json["id"]
    await edge.ask("PATCH", f"/v1/campaigns/{id_}", json={"media": [medium]})
    draft = await browser.get(f"{PATH}/{id_}")
    (start,) = draft.all(rf'action="{PATH}/{id_}/start"[^>]*data-ask="[^"]+".*?<button class="([^"]+)"')
    assert start == "button"  # the main action; deleting stays red
    await browser.post(f"{PATH}/{id_}/start")

    async def stands(status, *, waiting):
        found = (await edge.get(f"/v1/campaigns/{id_}")).json
        return (found["status"], found["waiting"]) == (status, waiting)

    await until(lambda: stands("finished", waiting=True), within_s=60.0)
    page = await browser.get(f"{PATH}/{id_}")
    assert "Sending out" in page.words and "Finished" not in page.words and f"{PATH}/{id_}/cancel" in page.text
    assert f"{PATH}/{id_}/remove" not in page.text and f'href="/console/media/{medium}"' in page.text
    row = (await browser.get(PATH)).inner(id_)
    assert "Sending out" in row and "Finished" not in row, row
    await browser.post(f"{PATH}/{id_}/cancel")
    await until(lambda: stands("canceled", waiting=False), within_s=60.0)
    page = await browser.get(f"{PATH}/{id_}")
    assert "Sending out" not in page.words and f"{PATH}/{id_}/pause" not in page.text
    assert f"{PATH}/{id_}/remove" in page.text
    assert (await edge.ask("PUT", "/v1/policies", json={"caps": []})).status == 200


async def test_a_page_hears_what_comes_of_one_that_is_over_for_an_hour(edge, browser, monkeypatch):
    id_ = await kept(browser, to_numbers="+447400123463", not_numbers="", pace="")
    await browser.post(f"{PATH}/{id_}/start")

    async def sent():
        status = (await edge.get(f"/v1/campaigns/{id_}")).json["status"]
        return status == "finished" and (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["sent"] == 1

    await until(sent, within_s=60.0)
    whole = await browser.get(f"{PATH}/{id_}")
    asks = {part: f'id="{part}" hx-get="{PATH}/{id_}/{part}' for part in ("progress", "plots")}
    for part, asked in asks.items():
        assert asked in whole.text and asked in (await browser.get(f"{PATH}/{id_}/{part}")).text, part
    monkeypatch.setattr(campaign_results, "_FOLLOWED_US", 0)
    whole = await browser.get(f"{PATH}/{id_}")
    assert not any(asked in whole.text for asked in asks.values())


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "", "must not be empty"),
        ("to_numbers", "12", "must be a number in E.164"),
        ("zone", "Mars", "must be"),
        ("text_A", "Hi {{", "character"),
        ("at", "tomorrow", "must be a local time"),
        ("pace", "fast", "must be"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(browser, field, value, shown):
    seen = await browser.post(f"{PATH}/new", WRITTEN | {field: value})
    assert seen.status == 422 and shown in seen.words, seen.words


async def test_what_the_form_has_no_field_for_stays_and_what_is_emptied_goes(edge, browser):
    medium = (await edge.ask("POST", "/v1/media", data=PNG)).json["id"]
    made = await edge.post(
        "/v1/campaigns",
        {
            "name": "kept",
            "audience": {"numbers": ["+447400123451"], "filter": 'name = "Ann"'},
            "sender": SENDER,
            "class": "transactional",
            "validity": 600,
            "tags": ["spring"],
            "media": [medium],
            "short_links": True,
            "variants": [
                {"name": "short", "text": "Hi", "share": 3, "variables": {"name": "you"}},
                {"name": "long", "text": "Hello there"},
            ],
            "winner": {"metric": "clicked", "wait_s": 90, "min_difference": 0.5},
            "schedule": {"windows": [{"begin": "09:00", "end": "12:00"}, {"begin": "14:00", "end": "17:00"}]},
        },
    )
    assert made.status == 201, made.body
    path = f"{PATH}/{made.json['id']}"
    page = await browser.get(path)
    fields = {
        "name": "kept",
        "to_numbers": "+447400123451",
        "to_filter": 'name = "Ann"',
        "text_short": "Hi!",
        "text_long": "Hello there",
        "zone": "UTC",
        "class": "transactional",
        "sender": SENDER,
        "short_links": "1",
        "media": medium,
        "validity": "600",
        "begin": "09:00",
        "end": "12:00",
        "trial": "1",
        "metric": "clicked",
        "sample_percent": "20",
        "wait_minutes": "1",
        "min_difference": "0.5",
    }
    for name in fields:
        assert f'name="{name}"' in page.text, name
    assert page.has('<option value="600" selected>600 seconds</option>')
    assert (await browser.post(path, fields)).status == 303
    kept = (await edge.get(f"/v1/campaigns/{made.json['id']}")).json
    same = ("audience", "sender", "class", "validity", "tags", "media", "short_links", "winner", "schedule")
    assert {name: kept[name] for name in same} == {name: made.json[name] for name in same}
    assert kept["variants"][0] == made.json["variants"][0] | {"text": "Hi!"}
    wrong = await browser.post(path, fields | {"media": "ME0"})
    assert wrong.status == 422 and wrong.has('name="media" value="ME0"') and wrong.has('class="error"'), wrong.words
    assert (await browser.post(path, fields | {"validity": "1"})).status == 422
    for name in ("trial", "sender", "to_filter", "short_links", "media", "validity"):
        fields.pop(name)
    assert (await browser.post(path, fields)).status == 303
    bare = (await edge.get(f"/v1/campaigns/{made.json['id']}")).json
    assert (bare["winner"], bare["sender"], bare["short_links"], bare["media"]) == (None, None, False, [])
    assert bare["validity"] is None
    assert bare["audience"]["filter"] is None


async def test_whether_a_second_person_is_needed_is_switched_by_whoever_may(edge, browser, sign_in):
    assert "Campaigns start without" in (await (await sign_in("read_only")).get(PATH)).words
    assert (await browser.post(f"{PATH}/policy", {"approval": "1"})).status == 303
    assert (await edge.get("/v1/campaigns/policy")).json == {"approval": True}
    assert 'name="approval" value="1" checked' in (await browser.get(PATH)).text
    id_ = await kept(browser)
    assert "Needs a second person" in (await browser.get(f"{PATH}/{id_}")).words
    refused = await browser.post(f"{PATH}/{id_}/start")
    assert refused.status == 409, refused.words
    assert (await browser.post(f"{PATH}/policy", {})).status == 303
    assert (await edge.get("/v1/campaigns/policy")).json == {"approval": False}
