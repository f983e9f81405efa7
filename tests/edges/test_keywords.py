"""Keywords of accounts: answered once, after STOP and the like, by number, language and template; counted; no loops."""

from typing import Any

from tests.edges.edge_rig import NUMBER, SENDER, Edge, until
from whimbrel.base.limits import KEYWORD_ANSWERS_PER_HOUR
from whimbrel.products.keywords.answering import Answering
from whimbrel_sandbox.network import PhoneText

GERMAN = "+491711234567"


def inbox(edge: Edge, phone: str = NUMBER) -> list[str]:
    return [text.text for text in edge.simulator.network.phones.read(phone.lstrip("+"))]


def say(edge: Edge, text: str, phone: str = NUMBER) -> None:
    edge.simulator.network.send_text(phone, PhoneText(to=SENDER, text=text))


async def keep(edge: Edge, **fields: Any) -> Any:
    answer = await edge.post("/v1/keywords", {"name": "hours", "words": ["hours"]} | fields)
    assert answer.status == 201, answer.body
    return answer.json


async def used(edge: Edge, keyword_id: str, times: int) -> Any:
    async def there() -> Any:
        found = (await edge.get(f"/v1/keywords/{keyword_id}")).json
        return found if found["uses"] >= times else None

    return await until(there, within_s=30)


async def test_a_word_is_answered_in_the_language_of_the_phone_and_counted(edge: Edge) -> None:
    made = await keep(edge, answers={"en": "From 9 to 5", "de": "Von 9 bis 17 Uhr"}, tag="curious", list="News")
    await edge.post("/v1/lists", {"name": "News"})
    say(edge, "Hours?")
    say(edge, "hours", GERMAN)
    await until(lambda: inbox(edge) == ["From 9 to 5"] and inbox(edge, GERMAN) == ["Von 9 bis 17 Uhr"], within_s=30)
    assert (await used(edge, made["id"], 2))["uses"] == 2
    sent = (await edge.get("/v1/messages?direction=out")).json["data"]
    assert {(m["sender"], m["metadata"]["keyword"]) for m in sent} == {(SENDER, "hours")}
    assert all(m["reply_to"] for m in sent)
    contacts = (await edge.get("/v1/contacts?tag=curious")).json["data"]
    assert {contact["number"] for contact in contacts} == {NUMBER, GERMAN}


async def test_stop_and_help_go_first_and_other_texts_are_left_alone(edge: Edge) -> None:
    refused = await edge.post("/v1/keywords", {"name": "x", "words": ["stop"], "answers": {"en": "no"}})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/words/0")
    made = await keep(edge, match="first", answers={"en": "From 9 to 5"})
    say(edge, "what?")
    say(edge, "HELP")
    await until(lambda: len(inbox(edge)) == 1, within_s=30)
    say(edge, "stop")
    await until(lambda: len(inbox(edge)) == 2, within_s=30)
    say(edge, "hours")

    await used(edge, made["id"], 1)
    assert "From 9 to 5" not in inbox(edge), "who opted out is answered no keyword"
    assert len(inbox(edge)) == 2


async def test_the_nearest_keyword_answers_with_a_template(edge: Edge) -> None:
    pool = (await edge.post("/v1/pools", {"name": "support", "senders": [SENDER]})).json["id"]
    template = {"name": "open", "publish": True, "texts": {"en": "Open for {{ who }}"},
                "variables": [{"name": "who", "max_length": 10}]}  # fmt: skip
    assert (await edge.post("/v1/templates", template)).status == 201
    await keep(edge, answers={"en": "of the account"})
    near = await keep(edge, name="near", of=pool, template="open", variables={"who": "all"})
    say(edge, "hours")
    await until(lambda: inbox(edge) == ["Open for all"], within_s=30)
    answer = await edge.ask("PATCH", f"/v1/keywords/{near['id']}", json={"enabled": False})
    assert (answer.status, answer.json["of"]) == (200, pool)
    say(edge, "hours")
    await until(lambda: inbox(edge) == ["Open for all", "of the account"], within_s=30)


async def test_two_machines_do_not_answer_each_other_for_ever(edge: Edge) -> None:
    made = await keep(edge, answers={"en": "hours"})
    for _ in range(KEYWORD_ANSWERS_PER_HOUR + 3):
        say(edge, "hours")
    await used(edge, made["id"], KEYWORD_ANSWERS_PER_HOUR + 3)
    await until(lambda: len(inbox(edge)) == KEYWORD_ANSWERS_PER_HOUR, within_s=30)
    assert len((await edge.get("/v1/messages?direction=out")).json["data"]) == KEYWORD_ANSWERS_PER_HOUR


async def test_what_was_answered_and_not_noted_is_not_answered_again(edge: Edge) -> None:
    """A node that dies after the answer and before the cursor has moved leaves this: the text is taken once more."""
    made = await keep(edge, answers={"en": "From 9 to 5"})
    say(edge, "hours")
    await used(edge, made["id"], 1)
    app = edge.app
    again = Answering(app.manage, app.accept, app.tables, app.metrics)
    taken = await again._take(0)
    assert "keyword_count" in {write.statement for write in taken.also}
    assert len((await edge.get("/v1/messages?direction=out")).json["data"]) == 1


async def test_wrong_input(edge: Edge) -> None:
    for body, pointer in (
        ({"words": []}, "/words"),
        ({"answers": {"en": ""}}, "/answers/en"),
        ({"answers": {"German": "x"}}, "/answers/German"),
        ({"language": "xx yy"}, "/language"),
        ({"hours": {"start": "9", "end": "10:00"}}, "/hours/start"),
        ({"name": ""}, "/name"),
    ):
        answer = await edge.post("/v1/keywords", {"name": "n", "words": ["w"], "answers": {"en": "x"}} | body)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
    made = await keep(edge, answers={"en": "x"})
    assert (await edge.post("/v1/keywords", {"name": "hours", "words": ["w"], "answers": {"en": "x"}})).status == 409
    assert (await edge.post("/v1/keywords", {"name": "n", "words": ["w"], "of": "PN1", "answers": {"en": "x"}})
            ).status == 404  # fmt: skip
    assert (await edge.ask("DELETE", f"/v1/keywords/{made['id']}")).status == 204
    assert (await edge.get(f"/v1/keywords/{made['id']}")).status == 404
