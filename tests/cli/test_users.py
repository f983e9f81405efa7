"""`whimbrel user`: the first person of an installation, and those who lost their link."""

import json
import re

import pytest

from tests.cli.product import invoke

LINK = re.compile(r"/console/link/[0-9a-f]{48}\n")


@pytest.fixture
def config(tmp_path):
    """An installation that does not run."""
    path = tmp_path / "whimbrel.toml"
    path.write_text(f'[server]\nport = 0\ndata = "{tmp_path / "data"}"\n')
    assert invoke("migrate", "apply", "--config", path).code == 0
    return path


def test_somebody_from_inviting_to_removing(config):
    made = invoke("user", "invite", "Ada@example.com", "--config", config)
    assert made.code == 0 and "ada@example.com" in made.out
    (first,) = LINK.findall(made.out)
    (ada,) = json.loads(invoke("user", "list", "--json", "--config", config).out)
    assert (ada["role"], ada["status"], ada["account_id"]) == ("owner", "invited", None)
    assert "ada@example.com" in invoke("user", "list", "--config", config).out
    again = invoke("user", "link", ada["id"], "--config", config)
    assert LINK.findall(again.out) != [first]
    last = invoke("user", "remove", ada["id"], "--config", config)
    assert last.code != 0 and "last owner" in last.err
    other = invoke(
        "user", "invite", "bob@example.com", "--role", "support", "--name", "Bob", "--json", "--config", config
    )
    bob = json.loads(other.out)
    assert (bob["name"], bob["role"]) == ("Bob", "support")
    assert invoke("user", "remove", bob["id"], "--config", config).code == 0
    assert len(json.loads(invoke("user", "list", "--json", "--config", config).out)) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("invite", "ada"), "must be an address"),
        (("invite", "ada@example.com", "--role", "king"), "king"),
        (("invite", "ada@example.com", "--account", "AC01"), "no such"),
        (("link", "US01"), "no such"),
        (("remove", "US01"), "no such"),
    ],
)
def test_what_cannot_be_is_told(config, words, told):
    done = invoke("user", *words, "--config", config)
    assert done.code != 0 and told in done.err.lower() + done.out.lower(), done
    assert json.loads(invoke("user", "list", "--json", "--config", config).out) == []
