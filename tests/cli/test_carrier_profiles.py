"""`whimbrel carrier profiles` lists every profile with what it writes, for people and for programs."""

import json

from typer.testing import CliRunner

from whimbrel.cli.main import app
from whimbrel.domain.profiles import PROFILES


def test_every_profile_is_listed():
    shown = CliRunner().invoke(app, ["carrier", "profiles"])
    assert shown.exit_code == 0
    assert [name for name in PROFILES if name not in shown.stdout] == []


def test_a_program_gets_all_of_it():
    listed = json.loads(CliRunner().invoke(app, ["carrier", "profiles", "--json"]).stdout)
    assert [each["name"] for each in listed] == [*PROFILES]
    assert all(each["why"] and each["source"] for each in listed)
    assert listed[1]["settings"] == PROFILES["smpp-3.3"].settings
