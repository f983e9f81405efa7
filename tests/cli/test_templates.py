"""`whimbrel template` and `send --template` against one quickstart."""

import json

from tests.cli.product import invoke

GOOD = "+15005550000"
KEPT = {"name": "cli-left", "texts": {"en": "Hi {{name|default:there}}, {{order}} has left."}}


def run(node, *arguments):
    return invoke("template", *arguments, "--data", node.folder)


def test_a_template_from_a_file_to_a_message_and_to_its_end(node, tmp_path):
    file = tmp_path / "left.json"
    file.write_text(json.dumps(KEPT))
    assert json.loads(run(node, "put", file).out)["version"] is None
    assert invoke("send", GOOD, "--template", "cli-left", "--var", "order=1", "--data", node.folder).code == 1
    assert run(node, "publish", "cli-left").out.strip() == "cli-left@1 approved"
    sent = invoke("send", GOOD, "--template", "cli-left", "--var", "order=8F3K", "--json", "--data", node.folder)
    assert json.loads(sent.out)["text"] == "Hi there, 8F3K has left."
    lines = tmp_path / "list.csv"
    lines.write_text(f"to,name,order\n{GOOD},Ann,1\n{GOOD},,2\n")
    sent = invoke("send", "--file", lines, "--template", "cli-left", "--json", "--data", node.folder)
    assert [json.loads(line)["line"] for line in sent.out.splitlines()] == [2, 3] and sent.code == 0, sent.err
    file.write_text(json.dumps(KEPT | {"texts": {"en": "{{order}} is gone."}}))
    assert json.loads(run(node, "put", file, "--publish").out)["live_version"] == 2
    assert run(node, "preview", "cli-left@1", "--var", "order=7").out.splitlines()[1] == "Hi Robin, 7 has left."
    assert run(node, "reject", "cli-left", "2", "Too blunt.").code == 0
    (second, first) = json.loads(run(node, "versions", "cli-left", "--json").out)
    assert (second["reason"], first["live"]) == ("Too blunt.", True)
    assert run(node, "approve", "cli-left", "2").code == 0
    assert "cli-left" in run(node, "list").out
    assert run(node, "delete", "cli-left").code == 1
    assert run(node, "archive", "cli-left").code == 0
    assert run(node, "restore", "cli-left").code == 0
    run(node, "archive", "cli-left")
    assert run(node, "delete", "cli-left").code == 0
    assert run(node, "show", "cli-left").code == 1


def test_what_does_not_go_together_is_told(node):
    for more in (("x", "--template", "a"), ("--var", "a=1", "x"), ("--template", "a", "--var", "novalue")):
        assert invoke("send", GOOD, *more, "--data", node.folder).code == 2
