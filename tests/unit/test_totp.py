"""Codes by time and the waits after wrong ones, as tables; RFC 6238's own values (appendix B) first."""

import base64
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.edges.authenticator import code as code_of
from tests.edges.authenticator import scanned

from whimbrel.domain import factors as rules
from whimbrel.domain import totp
from whimbrel.domain.factors import Guesses
from whimbrel.domain.totp import Manner
from whimbrel.domain.verify import SECOND_US

NOW = 1_800_000_000
SECRET = totp.new_secret(b"12345678901234567890")
_SEEDS = {"sha1": 20, "sha256": 32, "sha512": 64}


def seed(algorithm: str) -> str:
    return totp.new_secret((b"1234567890" * 7)[: _SEEDS[algorithm]])


@pytest.mark.parametrize(
    ("at_s", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_the_values_of_the_standard(at_s: int, sha1: str, sha256: str, sha512: str) -> None:
    for algorithm, given in (("sha1", sha1), ("sha256", sha256), ("sha512", sha512)):
        manner = Manner(algorithm, digits=8, skew=0)  # type: ignore[arg-type]
        assert totp.step_of(seed(algorithm), given, at_s, manner) == at_s // 30
        assert totp.step_of(seed(algorithm), given, at_s + 30, manner) is None
        assert code_of(seed(algorithm), at_s, digits=8, algorithm=algorithm) == given


@pytest.mark.parametrize(("skew", "near"), [(0, [0]), (1, [-1, 0, 1]), (2, [-2, -1, 0, 1, 2])])
def test_clocks_may_be_early_and_late(skew: int, near: list[int]) -> None:
    step = NOW // 30
    found = [
        away for away in range(-4, 5) if totp.step_of(SECRET, code_of(SECRET, NOW + away * 30), NOW, Manner(skew=skew))
    ]
    assert found == near
    assert totp.step_of(SECRET, code_of(SECRET, NOW - 30), NOW) == step - 1
    assert totp.step_of(SECRET, code_of(SECRET, 0), 0) == 0


@pytest.mark.parametrize("given", ["", "12345", "abcdef", "１２３４５６", "000000", "9" * 32])
def test_what_is_no_code(given: str) -> None:
    assert totp.step_of(SECRET, given, NOW) is None


def test_codes_as_people_type_them() -> None:
    shown = code_of(SECRET, NOW)
    assert totp.step_of(SECRET, f" {shown[:3]} {shown[3:]}\n", NOW) == NOW // 30


@pytest.mark.parametrize(
    ("secret", "plain"),
    [
        ("JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP"),
        ("jbsw y3dp-ehpk 3pxp", "JBSWY3DPEHPK3PXP"),
        (base64.b32encode(b"x" * 21).decode(), base64.b32encode(b"x" * 21).decode().rstrip("=")),
        (totp.new_secret(b"x" * 64), totp.new_secret(b"x" * 64)),
        ("JBSWY3DPEHPK3PX", None),
        (totp.new_secret(b"x" * 65), None),
        ("JBSWY3DPEHPK3PX1", None),
        ("ÄBSWY3DPEHPK3PXP", None),
        ("JBSWY3DPEHPK3PXPA", None),
        ("", None),
    ],
)
def test_secrets_that_are_brought(secret: str, plain: str | None) -> None:
    assert totp.tidied(secret) == plain


@pytest.mark.parametrize("manner", [Manner(), Manner("sha256", 8, 60), Manner("sha512", 7, 45)])
def test_the_address_tells_an_authenticator_everything(manner: Manner) -> None:
    uri = totp.address(SECRET, issuer="Ac & me", name="ada@example.com", manner=manner)
    label, shown = scanned(uri, NOW)
    assert label == "Ac & me:ada@example.com"
    assert totp.step_of(SECRET, shown, NOW, manner) == NOW // manner.step_s


def test_the_few_lines_in_the_docs_are_an_authenticator() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verify.md").read_text("utf-8")
    (lines,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "hmac.new" in block]
    before = time.time()
    run = subprocess.run([sys.executable, "-c", lines, SECRET], capture_output=True, text=True, check=True)
    assert run.stdout.strip() in {code_of(SECRET, at_s) for at_s in range(int(before), int(time.time()) + 1)}


def test_waits_grow_and_end_in_a_lock() -> None:
    now, state, waits = NOW * SECOND_US, Guesses(), []
    for _ in range(100):
        assert not rules.is_locked(state)
        state = rules.failed(state, now)
        waits.append(rules.wait_s(state, now))
    assert waits[:14] == [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert set(waits[11:]) == {3600}
    assert rules.is_locked(state)
    assert state.version == 100


def test_what_sets_the_count_back_and_what_does_not() -> None:
    now = NOW * SECOND_US
    state = Guesses(7, 6, now + 59 * SECOND_US + 1)
    assert rules.wait_s(state, now) == 60
    assert rules.wait_s(state, now + 60 * SECOND_US) == 0
    assert rules.kept(state) == Guesses(8, 6, state.waits_until)
    assert rules.passed(state) == Guesses(8, 0, 0)
