"""`whimbrel carrier profiles` lists every profile with what it writes, for people and for programs."""

import json

from typer.testing import CliRunner

from whimbrel.cli.main import app
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.domain.profiles import PROFILES


def test_every_profile_is_listed():
    shown = CliRunner().invoke(app, ["carrier", "profiles"])
    assert shown.exit_code == 0
    assert [name for name in (*PROFILES, *HTTP_PROFILES) if name not in shown.stdout] == []


def test_a_program_gets_all_of_it():
    listed = json.loads(CliRunner().invoke(app, ["carrier", "profiles", "--json"]).stdout)
    assert [(each["kind"], each["name"]) for each in listed] == [
        *[("smpp", name) for name in PROFILES],
        *[("http", name) for name in HTTP_PROFILES],
    ]
    assert all(each["why"] and each["source"] for each in listed)
    assert listed[1]["settings"] == PROFILES["smpp-3.3"].settings
