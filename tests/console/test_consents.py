"""The pages of consent; the verdict comes from the API and from what may be sent."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHONE = "+14155550177"
OTHER = "+14155550166"


async def test_a_brand_is_made_renamed_and_deleted_and_lists_are_for_several_classes(edge, browser):
    made = await browser.post("/console/brands", {"name": "Acme"})
    assert made.status == 303, made.words
    (brand,) = (await edge.get("/v1/brands")).json["data"]
    assert brand["name"] in (await browser.get("/console/brands")).words
    sender = (await edge.get("/v1/senders")).json["data"][0]["value"]
    page = await browser.get(f"/console/brands/{brand['id']}")
    assert f'value="{sender}"' in page.text
    assert (await browser.post(f"/console/brands/{brand['id']}", {"name": "", "senders": sender})).status == 422
    assert (await browser.post(f"/console/brands/{brand['id']}", {"name": "Shoes", "senders": sender})).status == 303
    kept = (await edge.get(f"/v1/brands/{brand['id']}")).json
    assert (kept["name"], kept["senders"]) == ("Shoes", [sender])
    assert (await browser.post(f"/console/brands/{brand['id']}/remove")).status == 303
    assert (await edge.get("/v1/brands")).json["data"] == []
    classes = [("name", "sued"), ("classes", "marketing"), ("classes", "otp")]
    assert (await browser.post("/console/suppression-lists", classes)).status == 303
    found = [each for each in (await edge.get("/v1/suppression-lists")).json["data"] if each["name"] == "sued"]
    assert sorted(found[0]["classes"]) == ["marketing", "otp"]
    assert (await browser.post(f"/console/suppression-lists/{found[0]['id']}/remove")).status == 303
    refused = await browser.post("/console/suppression-lists", {"name": "none"})
    assert refused.status == 422, refused.words


async def test_consent_is_recorded_and_found(edge, browser):
    assert "Nobody's consent is on record" in (await browser.get("/console/consents")).words
    form = {"number": PHONE, "action": "grant", "purpose": "marketing", "source": "paper", "wording": "I <agree>"}
    for wrong in ({"number": "12"}, {"purpose": "Not One"}):
        seen = await browser.post("/console/consents", form | wrong)
        assert seen.status == 422 and seen.has('role="alert"')
    assert (await browser.post("/console/consents", form)).to == "/console/consents?done=consent.recorded"
    (record,) = (await edge.get(f"/v1/consents?number=%2B{PHONE[1:]}")).json["data"]
    assert (record["source"], record["wording"]) == ("paper", "I <agree>")
    page = await browser.get("/console/consents")
    assert PHONE not in page.text and "I &lt;agree&gt;" in page.text and "Agreed" in page.words
    assert "Nothing is on record" in (await browser.get(f"/console/consents?number=%2B{OTHER[1:]}")).words
    assert (await browser.get("/console/consents?number=12")).has('role="alert"')
    assert PHONE not in (await browser.get("/console/consents/export")).text


async def test_a_list_is_made_filled_and_removed(edge, browser):
    assert "There is no list" in (await browser.get("/console/suppression-lists")).words
    new = {"name": "complaints", "reason": "They complained", "classes": "transactional"}
    made = await browser.post("/console/suppression-lists", new)
    assert made.to == "/console/suppression-lists?done=suppression_list.created"
    assert (await browser.post("/console/suppression-lists", new)).status == 422
    (row,) = (await edge.get("/v1/suppression-lists")).json["data"]
    numbers = {"list": row["id"], "numbers": f"{PHONE}\n{OTHER}"}
    assert (await browser.post("/console/suppression-lists/numbers", numbers | {"numbers": "12"})).status == 422
    assert (await browser.post("/console/suppression-lists/numbers", numbers)).status == 303
    assert (await edge.send(to=PHONE)).code == "suppressed"
    stranger = await edge.new_customer("Stranger")
    assert (await edge.get("/v1/suppression-lists", key=stranger.live)).json["data"] == []
    await browser.post(f"/console/suppression-lists/{row['id']}/remove")
    assert (await edge.send(to=PHONE)).status == 202


async def test_words_are_added_switched_off_and_removed_with_undo(edge, browser):
    page = await browser.get("/console/consent-words")
    assert "Whimbrel" in page.words
    assert "退订" in (await browser.get("/console/consent-words?q=%E9%80%80%E8%AE%A2")).text
    form = {"word": "Finito", "kind": "stop", "level": "whole", "language": "it", "wording": "", "enabled": "1"}
    assert (await browser.post("/console/consent-words", form | {"word": "!"})).status == 422
    assert (await browser.post("/console/consent-words", form)).status == 303
    off = form | {"word": "td", "enabled": ""}
    assert (await browser.post("/console/consent-words", off)).status == 303
    own = [each for each in (await edge.get("/v1/consent-words")).json["data"] if each["origin"] == "account"]
    assert [(each["word"], each["enabled"]) for each in own] == [("Finito", True), ("td", False)]
    for each in own:
        assert (await browser.post(f"/console/consent-words/{each['id']}/remove")).status == 303
    assert all(each["enabled"] for each in (await edge.get("/v1/consent-words")).json["data"])


async def test_answers_are_written_seen_as_they_go_out_and_taken_back(edge, browser):
    page = await browser.get("/console/consent-texts?spoken=de")
    assert "in Whimbrel's words" in page.words and "Sie sind abgemeldet" in page.words
    begun = await browser.get("/console/consent-texts?kind=stop&language=de")
    assert "{name}: Sie sind abgemeldet" in begun.text
    form = {"kind": "stop", "language": "de", "text": "{name}: <Schluss>. START meldet an."}
    for wrong in ({"text": "Bye {nme}"}, {"text": "Stop"}, {"text": "x" * 200}, {"language": "German"}):
        refused = await browser.post("/console/consent-texts", form | wrong)
        assert refused.status == 422 and refused.has('role="alert"'), wrong
    assert (await browser.post("/console/consent-texts", form)).to == "/console/consent-texts?done=consent_text.set"
    (kept,) = (await edge.get("/v1/consent-texts")).json["data"]
    assert (kept["text"], kept["language"], kept["brand"]) == (form["text"], "de", None)
    page = await browser.get("/console/consent-texts?spoken=de")
    assert ": &lt;Schluss&gt;. START meldet an." in page.text and "<Schluss>" not in page.text
    assert "{name}: &lt;Schluss&gt;" in (await browser.get("/console/consent-texts?kind=stop&language=de")).text
    assert "Schluss" in (await browser.get("/console/consent-texts/export")).text
    gone = await browser.post(f"/console/consent-texts/{kept['id']}/remove")
    assert gone.status == 303
    shown = (await edge.get("/v1/consent-texts/preview?language=de")).json["data"]
    assert [each["origin"] for each in shown] == ["product"] * 3
    mark = (await browser.get(gone.to)).all(r'name="undo" value="(\w+)"')[0]
    assert (await browser.post("/console/undo", {"undo": mark})).to == "/console/consent-texts?done=undone"
    assert [each["text"] for each in (await edge.get("/v1/consent-texts")).json["data"]] == [form["text"]]
    (kept,) = (await edge.get("/v1/consent-texts")).json["data"]
    assert (await browser.post(f"/console/consent-texts/{kept['id']}/remove")).status == 303
    strange = await browser.get("/console/consent-texts?spoken=xx&of=BN1&kind=what&language=%3Cq%3E")
    assert strange.status == 200 and "<q>" not in strange.text


async def test_an_opt_out_of_a_sender_says_so(edge, browser):
    sender = (await edge.get("/v1/senders")).json["data"][0]["value"]
    made = await edge.post("/v1/opt-outs", {"number": OTHER, "sender": sender})
    assert made.status == 201
    assert sender in (await browser.get("/console/opt-outs")).text
    pool = (await edge.post("/v1/pools", {"name": "service", "senders": [sender]})).json["id"]
    assert (await edge.post("/v1/opt-outs", {"number": OTHER, "pool": pool})).status == 201
    assert "A pool" in (await browser.get("/console/opt-outs")).words
    assert (await edge.ask("DELETE", f"/v1/pools/{pool}")).status == 204
