"""What a guess at somebody's password costs in tests of what follows from it."""

import pytest

from whimbrel.manage import passwords, people_passwords
from whimbrel.manage.passwords import Cost


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next to nothing, whether somebody has the address or nobody. What it costs otherwise is tested in
    tests/manage/test_people_passwords.py."""
    cost = Cost(passes=1, memory_kib=64, lanes=1, octets=16)
    monkeypatch.setattr(people_passwords, "OF_PEOPLE", cost)
    monkeypatch.setattr(people_passwords, "NOBODY", passwords.NOBODY.replace("m=8192", "m=64"))
