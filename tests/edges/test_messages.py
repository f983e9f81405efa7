"""Messages over HTTP, from sending to the timeline."""


async def test_a_text_is_accepted_and_read_back(edge):
    answer = await edge.send(text="Your code is 123456.", metadata={"order": 7})
    assert answer.status == 202, answer.json
    message = answer.json
    assert answer.headers["Location"] == f"/v1/messages/{message['id']}"
    assert (await edge.get(answer.headers["Location"])).json["id"] == message["id"]
