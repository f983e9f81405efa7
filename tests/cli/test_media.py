"""`whimbrel media` and `send --media` against one quickstart."""

import json

from tests.cli.product import invoke

GOOD = "+15005550000"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)


def run(node, *arguments, code=0):
    done = invoke("media", *arguments, "--data", node.folder)
    assert done.code == code, done.err
    return done.out


def test_a_file_is_brought_sent_written_back_and_deleted(node, tmp_path, monkeypatch):
    file = tmp_path / "cat.png"
    file.write_bytes(PNG)
    medium_id, content_type, *_ = run(node, "add", file).split()
    assert (medium_id[:2], content_type) == ("ME", "image/png")
    assert json.loads(run(node, "add", file, "--json"))["id"] == medium_id
    sent = invoke("send", GOOD, "Look:", "--media", medium_id, "--json", "--data", node.folder)
    message = json.loads(sent.out)
    assert message["media"] == [medium_id] and message["text"].startswith("Look:\nhttp://"), sent
    alone = invoke("send", GOOD, "--media", medium_id, "--json", "--data", node.folder)
    assert json.loads(alone.out)["text"].startswith("http://"), alone
    lines = tmp_path / "list.csv"
    lines.write_text(f"to,text\n{GOOD},Hi\n")
    assert invoke("send", "--file", lines, "--media", medium_id, "--data", node.folder).code == 0
    (kept,) = [each for each in json.loads(run(node, "list", "--json")) if each["id"] == medium_id]
    assert (kept["messages"], kept["name"]) == (3, "cat.png")
    assert medium_id in run(node, "list", "--type", "image/png") and medium_id not in run(node, "list", "--type", "x/y")
    assert run(node, "get", medium_id, "--file", tmp_path / "back.png").strip() == str(tmp_path / "back.png")
    assert (tmp_path / "back.png").read_bytes() == PNG
    monkeypatch.chdir(tmp_path)
    run(node, "get", medium_id, code=1)
    file.unlink()
    run(node, "get", medium_id)
    assert file.read_bytes() == PNG
    assert "is deleted" in run(node, "delete", medium_id)
    run(node, "get", medium_id, code=1)


def test_how_much_room_there_is(node):
    told = json.loads(run(node, "usage", "--json"))
    assert f"{told['bytes']:,} of 1,073,741,824" in run(node, "usage")
    assert "image/png" in told["content_types"]


def test_what_cannot_be_brought_is_told(node, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html>")
    for what, words, code in (
        (page, "media_type_refused", 1),
        (tmp_path / "none.png", "No such file", 2),
        ("ftp://files.example/a.png", "invalid_media_url", 1),
        (f"{node.url}/healthz", "media_type_refused", 1),
    ):
        done = invoke("media", "add", what, "--data", node.folder)
        assert (done.code, words in done.err) == (code, True), done
    for words in ((), ("Hello", "--text", "Hello", "--media", "ME1")):
        assert invoke("send", GOOD, *words, "--data", node.folder).code == 2
    lost = invoke("send", GOOD, "--media", f"ME{'0' * 32}", "--data", node.folder)
    assert lost.code == 1 and "media_not_found" in lost.err
