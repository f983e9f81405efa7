"""The ledger of consent, brands, lists, words and texts, files of numbers, as customers and the operator use them."""

import csv
import io

from tests.edges.edge_rig import NUMBER, SENDER, until

OTHER = "+447911123456"
BRAND_NAME = "Shoes"
CSV = {"Content-Type": "text/csv"}


def table(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


async def test_the_ledger_over_http(edge):
    body = {
        "number": NUMBER, "source": "web_form", "wording": "I agree", "url": "https://a.example", "ip": "192.0.2.7",
        "metadata": {"form": 7}, "at": "2026-01-02T03:04:05Z",
    }  # fmt: skip
    made = await edge.post("/v1/consents", body)
    assert (made.status, made.json["action"], made.json["purpose"]) == (201, "grant", "marketing")
    assert made.json["at"] == "2026-01-02T03:04:05.000000Z" and NUMBER not in made.body.decode()
    assert made.json["proof"] == {"url": "https://a.example", "ip": "192.0.2.7", "metadata": {"form": 7}}
    assert (await edge.get(made.headers["Location"])).json == made.json
    standing = (await edge.get(f"/v1/consents/standing?number=%2B{NUMBER[1:]}")).json
    assert standing["granted"] == [{"purpose": "marketing", "consent_id": made.json["id"]}]
    revoked = await edge.post("/v1/consents", {"number": NUMBER, "action": "revoke", "source": "paper"})
    assert (await edge.get(f"/v1/consents/standing?number=%2B{NUMBER[1:]}")).json["granted"] == []
    found = (await edge.get(f"/v1/consents?number=%2B{NUMBER[1:]}")).json["data"]
    assert [each["id"] for each in found] == [revoked.json["id"], made.json["id"]]
    (only,) = (await edge.get("/v1/consents?action=revoke")).json["data"]
    assert only["id"] == revoked.json["id"]
    page = (await edge.get("/v1/consents?limit=1&order=asc")).json
    assert page["data"][0]["id"] == made.json["id"] and page["next_cursor"]
    events = [each for each in (await edge.get("/v1/events")).json["data"] if each["type"].startswith("consent.")]
    assert [each["type"] for each in events] == ["consent.granted", "consent.revoked"]
    assert NUMBER not in str(events)
    for wrong in ({"number": "x"}, body | {"at": "2199-01-01T00:00:00Z"}, body | {"purpose": "Not One"}):
        assert (await edge.post("/v1/consents", wrong)).status == 422


async def test_files_of_consents_and_erasure(edge):
    lines = (
        f'Phone,source,wording,at\n{NUMBER},paper,"I, agree",2026-01-02T03:04:05Z\nnobody,,,\n'
        f"{OTHER},,,\n{NUMBER},paper,again,\n{OTHER},shouted,,\n"
    )
    taken = await edge.post("/v1/consents/import?wording=default", headers=CSV, data=lines.encode())
    assert {name: taken.json[name] for name in ("rows", "created", "known", "failed")} == {
        "rows": 5, "created": 2, "known": 1, "failed": 2,
    }  # fmt: skip
    assert [each["row"] for each in taken.json["errors"]] == [3, 6] and NUMBER not in taken.body.decode()
    again = await edge.post("/v1/consents/import", headers=CSV, data=lines.encode())
    assert (again.json["created"], again.json["known"]) == (0, 3)
    rows = table((await edge.get("/v1/consents/export")).body)
    assert [(row["number"], row["source"], row["wording"]) for row in rows] == [
        (NUMBER, "paper", "I, agree"), (OTHER, "import", "default"),
    ]  # fmt: skip
    erased = await edge.post("/v1/erasures", {"number": NUMBER})
    assert erased.json["consents"] == 1
    gone = table((await edge.get("/v1/consents/export")).body)[0]
    assert (gone["number"], gone["wording"], gone["at"]) == ("", "I, agree", "2026-01-02T03:04:05.000000Z")
    assert (await edge.get(f"/v1/consents/standing?number=%2B{NUMBER[1:]}")).json["granted"]
    assert (await edge.post("/v1/consents/import", headers=CSV, data=b"name\nx\n")).code == "import_unreadable"
    assert (await edge.post("/v1/consents/import", headers=CSV, data=b"\xff\xfe")).code == "import_unreadable"


async def test_what_was_taken_back_is_not_granted_again_by_an_old_record(edge):
    old = f"number,at\n{NUMBER},2026-01-02T03:04:05Z\n".encode()
    assert (await edge.post("/v1/consents/import", headers=CSV, data=old)).json["created"] == 1
    await edge.post("/v1/consents", {"number": NUMBER, "action": "revoke", "source": "paper"})
    standing = f"/v1/consents/standing?number=%2B{NUMBER[1:]}"
    assert (await edge.post("/v1/consents/import", headers=CSV, data=old)).json["created"] == 0
    await edge.post("/v1/consents", {"number": NUMBER, "at": "2026-01-02T03:04:05Z"})
    assert (await edge.get(standing)).json["granted"] == []
    anew = await edge.post("/v1/consents", {"number": NUMBER})
    assert (await edge.get(standing)).json["granted"][0]["consent_id"] == anew.json["id"]
    both = f"number,action\n{NUMBER},revoke\n{NUMBER},grant\n".encode()
    assert (await edge.post("/v1/consents/import", headers=CSV, data=both)).json["created"] == 2
    assert (await edge.get(standing)).json["granted"], "the last row holds"


async def test_opt_outs_of_a_sender_and_their_files(edge):
    refused = await edge.post("/v1/opt-outs", {"number": NUMBER, "sender": "+12025550199"})
    assert refused.status == 422
    made = await edge.post("/v1/opt-outs", {"number": NUMBER, "sender": SENDER})
    assert (made.json["scope"], made.json["sender"], made.json["brand"]) == ("sender", SENDER, None)
    assert (await edge.send()).code == "opted_out"
    told = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": "x"})).json
    assert told["consent"]["opt_out"] == made.json["id"] and told["consent"]["scope"] == f"sender:{SENDER}"
    taken = await edge.post("/v1/opt-outs/import", headers=CSV, data=f"{NUMBER}\n{OTHER}\nx\n".encode())
    assert (taken.json["created"], taken.json["failed"]) == (2, 1)
    found = (await edge.get(f"/v1/opt-outs?number=%2B{NUMBER[1:]}")).json["data"]
    assert sorted(each["scope"] for each in found) == ["all", "sender"]
    rows = table((await edge.get("/v1/opt-outs/export")).body)
    assert [(row["number"], row["scope"]) for row in rows] == [
        (NUMBER, f"sender:{SENDER}"), (NUMBER, "all"), (OTHER, "all"),
    ]  # fmt: skip
    await edge.post("/v1/erasures", {"number": NUMBER})
    assert [row["number"] for row in table((await edge.get("/v1/opt-outs/export")).body)] == ["", "", OTHER]
    assert (await edge.send()).code == "opted_out"
    for each in found:
        assert (await edge.ask("DELETE", f"/v1/opt-outs/{each['id']}")).status == 204
    assert (await edge.send()).status == 202


async def test_opt_outs_of_a_pool(edge):
    made = await edge.post("/v1/pools", {"name": "service", "senders": [SENDER]})
    pool = made.json["id"]
    for wrong in ({"pool": "MG0"}, {"pool": pool, "sender": SENDER}, {"pool": pool, "brand": ""}):
        refused = await edge.post("/v1/opt-outs", {"number": NUMBER} | wrong)
        assert (refused.status, [each["pointer"] for each in refused.json["errors"]]) == (422, ["/pool"])
    stopped = await edge.post("/v1/opt-outs", {"number": NUMBER, "pool": pool})
    assert (stopped.json["scope"], stopped.json["pool"], stopped.json["sender"]) == ("pool", pool, None)
    assert (await edge.send()).code == "opted_out"
    taken = await edge.post(f"/v1/opt-outs/import?pool={pool}", headers=CSV, data=f"{NUMBER}\n{OTHER}\n".encode())
    assert (taken.json["created"], taken.json["known"]) == (1, 1)
    rows = table((await edge.get("/v1/opt-outs/export")).body)
    assert [(row["number"], row["scope"]) for row in rows] == [(NUMBER, f"pool:{pool}"), (OTHER, f"pool:{pool}")]
    stranger = await edge.new_customer("Stranger")
    assert (await edge.post("/v1/opt-outs", {"number": NUMBER, "pool": pool}, key=stranger.live)).status == 422
    assert (await edge.ask("DELETE", f"/v1/pools/{pool}")).status == 204
    assert (await edge.send()).status == 202


async def test_brands(edge):
    made = await edge.post("/v1/brands", {"name": BRAND_NAME, "senders": [SENDER]})
    assert made.status == 201
    twice = await edge.post("/v1/brands", {"name": "Other", "senders": [SENDER]})
    assert [each["pointer"] for each in twice.json["errors"]] == ["/senders/0"]
    stopped = await edge.post("/v1/opt-outs", {"number": NUMBER, "brand": made.json["id"]})
    assert stopped.json["scope"] == "brand" and (await edge.send()).code == "opted_out"
    changed = await edge.ask("PUT", f"/v1/brands/{made.json['id']}", json={"name": BRAND_NAME, "senders": []})
    assert changed.json["senders"] == [] and (await edge.send()).status == 202
    assert (await edge.ask("DELETE", f"/v1/brands/{made.json['id']}")).status == 204
    assert (await edge.get("/v1/brands")).json["data"] == []


async def test_lists_of_numbers_that_are_not_texted(edge):
    new = {"name": "complaints", "reason": "They complained", "classes": ["transactional"]}
    own = (await edge.post("/v1/suppression-lists", new)).json
    path = f"/v1/suppression-lists/{own['id']}"
    assert (await edge.post("/v1/suppression-lists", new)).status == 422
    taken = await edge.post(f"{path}/import", headers=CSV, data=f"number,reason\n{NUMBER},=1+1\n".encode())
    assert taken.json["created"] == 1
    assert (await edge.send()).code == "suppressed"
    told = (await edge.post("/v1/messages/explain", {"to": NUMBER, "text": "x"})).json["consent"]
    assert (told["list_id"], told["list_name"], told["reason"]) == (own["id"], "complaints", "They complained")
    assert (await edge.send(**{"class": "otp"})).status == 202
    rows = table((await edge.get(f"{path}/export")).body)
    assert [(row["number"], row["reason"]) for row in rows] == [(NUMBER, "'=1+1")]
    added = await edge.post(f"{path}/numbers", {"numbers": [NUMBER, OTHER]})
    assert added.json == {"created": 1, "known": 1}
    page = (await edge.get(f"{path}/numbers?limit=1")).json
    rest = (await edge.get(f"{path}/numbers?limit=1&cursor={page['next_cursor']}")).json
    assert len(page["data"]) == len(rest["data"]) == 1 and rest["next_cursor"] is None
    assert (await edge.ask("DELETE", f"{path}/numbers?number=%2B{NUMBER[1:]}")).status == 204
    assert (await edge.send()).status == 202
    assert (await edge.ask("DELETE", f"{path}/numbers?number=%2B{NUMBER[1:]}")).status == 404
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.send(to=OTHER)).status == 202


async def test_the_operators_lists_hold_for_every_account_and_are_his_alone(edge):
    common = (await edge.post("/v1/suppression-lists", {"name": "register"}, key=edge.operator)).json
    path = f"/v1/suppression-lists/{common['id']}"
    await edge.post(f"{path}/numbers", {"numbers": [NUMBER]}, key=edge.operator)
    assert (await edge.send(**{"class": "marketing"})).code == "suppressed"
    assert common["account_id"] is None and (await edge.get(path)).status == 200
    assert (await edge.ask("DELETE", path)).status == 404
    assert (await edge.post(f"{path}/numbers", {"numbers": [OTHER]})).status == 404
    assert (await edge.get(f"{path}/export")).status == 404
    await edge.post("/v1/erasures", {"number": NUMBER})
    theirs = table((await edge.get(f"{path}/export", key=edge.operator)).body)
    assert [row["number"] for row in theirs] == [NUMBER], "what is the operator's is his to erase"
    erased = await edge.post("/v1/erasures", {"number": NUMBER}, key=edge.operator)
    assert (erased.status, erased.json["consents"], erased.json["left"]) == (200, 1, 0)
    theirs = table((await edge.get(f"{path}/export", key=edge.operator)).body)
    assert [row["number"] for row in theirs] == [""] and NUMBER[-3:] in theirs[0]["masked"]
    assert (await edge.send(**{"class": "marketing"})).code == "suppressed"
    again = await edge.post(f"{path}/numbers", {"numbers": [NUMBER]}, key=edge.operator)
    assert again.json == {"created": 0, "known": 1}
    assert (await edge.post("/v1/erasures", {"number": NUMBER}, key=edge.operator)).json["consents"] == 0
    assert (await edge.ask("DELETE", f"{path}/numbers?number=%2B{NUMBER[1:]}", key=edge.operator)).status == 204
    assert (await edge.send(**{"class": "marketing"})).status == 202


async def test_words_and_texts(edge):
    listed = (await edge.get("/v1/consent-words")).json["data"]
    assert {"stop", "start", "help"} == {each["kind"] for each in listed}
    assert all(each["source"] and each["as_of"] and each["confidence"] for each in listed)
    made = await edge.post("/v1/consent-words", {"kind": "stop", "word": "Byé!", "language": "fr"})
    assert made.status == 201
    assert (await edge.post("/v1/consent-words", {"kind": "stop", "word": "BYE"})).code == "conflict"
    for wrong in (
        {"kind": "stop", "word": "stop", "enabled": False},
        {"kind": "stop", "word": "Cancel", "enabled": False},
        {"kind": "help", "word": "Stop"},
        {"kind": "join", "word": "x", "level": "phrase"},
        {"kind": "stop", "word": "!"},
        {"kind": "stop", "word": "genug", "language": "German"},
    ):
        assert (await edge.post("/v1/consent-words", wrong)).code == "invalid_request", wrong
    law = {"kind": "stop", "word": "Cancel", "enabled": False}
    common = await edge.post("/v1/consent-words", law, key=edge.operator)
    assert (common.status, common.json["origin"]) == (201, "operator")
    off = [each for each in (await edge.get("/v1/consent-words")).json["data"] if each["word"].lower() == "cancel"]
    assert [each["enabled"] for each in off] == [False, False]
    assert (await edge.ask("DELETE", f"/v1/consent-words/{common.json['id']}")).status == 404
    assert (await edge.ask("DELETE", f"/v1/consent-words/{made.json['id']}")).status == 204
    text = {"kind": "help", "language": "en", "text": "{name}: see acme.example"}
    kept = (await edge.ask("PUT", "/v1/consent-texts", json=text)).json
    changed = (await edge.ask("PUT", "/v1/consent-texts", json=text | {"text": "Call us."})).json
    assert (changed["id"], changed["text"]) == (kept["id"], "Call us.")
    for wrong, at in (
        ({"text": "x" * 161}, "/text"),
        ({"text": "Bye {nme}"}, "/text"),
        ({"text": "Stop."}, "/text"),
        ({"language": "German"}, "/language"),
        ({"language": "DE"}, "/language"),
    ):
        refused = await edge.ask("PUT", "/v1/consent-texts", json=text | wrong)
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, at), wrong
    assert [each["text"] for each in (await edge.get("/v1/consent-texts")).json["data"]] == ["Call us."]
    await _previewed(edge)
    assert (await edge.ask("DELETE", f"/v1/consent-texts/{kept['id']}")).status == 204
    assert (await edge.get("/v1/consent-texts")).json["data"] == []


async def _previewed(edge) -> None:
    """With a help text in English of the account's own."""
    path = "/v1/consent-texts/preview"
    shown = {each["kind"]: each for each in (await edge.get(path)).json["data"]}
    assert {kind: each["origin"] for kind, each in shown.items()} == {
        "stop": "product", "start": "product", "help": "account",
    }  # fmt: skip
    assert (shown["help"]["text"], shown["help"]["segments"], shown["help"]["encoding"]) == ("Call us.", 1, "gsm7")
    common = {"kind": "stop", "language": "*", "text": "{name}: you are out."}
    made = (await edge.ask("PUT", "/v1/consent-texts", json=common, key=edge.operator)).json["id"]
    shown = {each["kind"]: each for each in (await edge.get(f"{path}?language=ru")).json["data"]}
    assert (shown["stop"]["id"], shown["stop"]["origin"], shown["start"]["encoding"]) == (made, "operator", "ucs2")
    brand = (await edge.post("/v1/brands", {"name": "Shoes", "senders": []})).json["id"]
    of_brand = (await edge.get(f"{path}?brand={brand}")).json["data"]
    assert of_brand[0]["text"] == "Shoes: you are out."
    assert (await edge.get(path, key=edge.operator)).json["data"][0]["text"] == "{name}: you are out."
    assert (await edge.get(f"{path}?language=German")).code == "invalid_parameter"
    assert (await edge.get(f"{path}?brand=BN1")).status == 404
    assert (await edge.ask("DELETE", f"/v1/consent-texts/{made}", key=edge.operator)).status == 204
    assert (await edge.ask("DELETE", f"/v1/brands/{brand}")).status == 204


async def test_consent_is_asked_for_by_text(edge):
    asked = await edge.post("/v1/consents/requests", {"number": NUMBER, "sender": SENDER, "ip": "192.0.2.7"})
    assert (asked.status, asked.json["status"], asked.json["sends"]) == (202, "pending", 1)
    assert "YES" in asked.json["wording"] and "STOP" in asked.json["wording"]
    again = await edge.post("/v1/consents/requests", {"number": NUMBER, "sender": SENDER})
    assert (again.status, again.code) == (429, "consent_request_limit")
    wrong = await edge.post("/v1/consents/requests", {"number": OTHER, "sender": SENDER, "text": "Say something"})
    assert wrong.status == 422
    assert (await edge.get(f"/v1/consents/requests/{asked.json['id']}")).json == asked.json
    assert [each["id"] for each in (await edge.get("/v1/consents/requests")).json["data"]] == [asked.json["id"]]
    message = (await edge.get(f"/v1/messages/{asked.json['message_id']}")).json
    assert message["text"] == asked.json["wording"]
    await until(lambda: edge.simulator.network.phones.read(NUMBER.lstrip("+")))
