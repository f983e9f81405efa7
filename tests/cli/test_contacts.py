"""`whimbrel contacts` against a running node."""

import csv
import io
import json
from pathlib import Path

import pytest

from .product import Node, invoke, quickstart

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with quickstart(tmp_path_factory.mktemp("contacts")) as running:
        yield running


def contacts(node: Node, *words: object, code: int = 0) -> str:
    done = invoke("contacts", *words, "--data", node.folder)
    assert done.code == code, done.err or done.out
    return done.out


def test_somebody_is_added_changed_merged_and_erased(node: Node):
    assert "plan: choice" in contacts(node, "fields", "create", "plan", "choice", "--choice", "free", "--choice", "pro")
    contacts(node, "fields", "create", "age", "number")
    contacts(node, "lists", "create", "Newsletter")
    said = ("--name", "Ann Lee", "--field", "plan=pro", "--field", "age=41", "--tag", "vip", "--list", "Newsletter")
    made = json.loads(contacts(node, "add", "+14155550123", *said, "--json"))
    assert (made["fields"], made["tags"], made["lists"]) == ({"plan": "pro", "age": 41}, ["vip"], ["Newsletter"])
    contacts(node, "add", "+14155550123", code=1)
    contacts(node, "add", "+14155550129", "--field", "plan", code=2)
    changed = contacts(
        node, "update", "+14155550123", "--name", "Ann", "--field", "age=", "--untag", "vip", "--tag", "new"
    )
    assert "name             Ann" in changed and "tags             new" in changed and "age" not in changed
    other = json.loads(contacts(node, "add", "+14155550124", "--json"))["id"]
    merged = json.loads(contacts(node, "merge", made["id"], "+14155550124", "--json"))
    assert merged["other_numbers"] == ["+14155550124"]
    contacts(node, "get", other, code=1)
    assert "contact.tagged" in contacts(node, "timeline", made["id"])
    assert made["id"] in contacts(node, "list", "--tag", "new")
    assert contacts(node, "count", "--filter", 'plan = "pro"').strip() == "1"
    contacts(node, "list", "--filter", "colour = 1", code=1)
    assert "is erased" in contacts(node, "delete", "+14155550123")
    contacts(node, "get", "+14155550123", code=1)


def test_a_file_is_looked_at_imported_followed_and_taken_out_again(node: Node, tmp_path: Path):
    file, errors, out = tmp_path / "fair.csv", tmp_path / "errors.csv", tmp_path / "out.csv"
    file.write_text("phone,full name\n+14155550161,Dee\n12,Ed\n0171 2345678,Flo\n")
    looked = contacts(node, "import", file, "--preview", "--country", "DE")
    assert "columns: number, name" in looked and "created" in looked and "failed" in looked
    assert contacts(node, "count", "--search", "Dee").strip() == "0"
    plan = ("--country", "DE", "--tag", "fair 2027", "--errors", errors)
    done = contacts(node, "import", file, *plan)
    assert "done: 2 created" in done and "1 failed" in done
    assert [row["row"] for row in csv.DictReader(io.StringIO(errors.read_text()))] == ["3"]
    assert "fair.csv" in contacts(node, "imports")
    contacts(node, "export", out, "--tag", "fair 2027")
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert {row["number"] for row in rows} == {"+14155550161", "+491712345678"}
    contacts(node, "export", out, "--filter", "nonsense", code=1)
    contacts(node, "import", tmp_path / "nothing.csv", code=2)


def test_segments_tags_and_lists(node: Node):
    contacts(node, "add", "+447911000222", "--tag", "seg")
    assert "1 contacts" in contacts(node, "segments", "preview", 'tag = "seg"')
    segment = contacts(node, "segments", "create", "Seg", 'tag = "seg"').split()[0]
    assert contacts(node, "segments", "count", segment).strip() == "1"
    assert "Seg 2" in contacts(node, "segments", "update", segment, "--name", "Seg 2")
    assert segment in contacts(node, "segments", "list")
    contacts(node, "segments", "create", "wrong", "tag =", code=1)
    assert "done: 0 created, 1 updated" in contacts(node, "segments", "label", segment, "--tag", "again")
    assert "done: 0 created, 1 updated" in contacts(node, "segments", "label", segment, "--tag", "again", "--remove")
    contacts(node, "segments", "label", segment, "--list", "Nobody's", code=1)
    assert "is deleted" in contacts(node, "segments", "delete", segment)
    (tag,) = [each for each in json.loads(contacts(node, "tags", "list", "--json")) if each["name"] == "seg"]
    assert "seg: 1" in contacts(node, "tags", "show", tag["id"])
    assert "is deleted" in contacts(node, "tags", "delete", tag["id"])
    (field,) = json.loads(contacts(node, "fields", "list", "--json"))[:1]
    assert "is deleted" in contacts(node, "fields", "delete", field["id"])
