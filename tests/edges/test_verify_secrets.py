"""What an attacker could read or measure: after a real run, with the codes read from the virtual phones, no code stands
in the database's files, the logs, the metrics or what the API tells; and checks take as long whatever they find.
"""

import logging
import re
from pathlib import Path
from time import perf_counter

import pytest

from tests.dump import rows_of
from whimbrel.base.log import JsonFormatter

from .edge_rig import Edge, running_edge, until

SIX_IN_A_MILLION = 4.5
"""Standard deviations: so far apart are two samples of one distribution six times in a million."""
SAMPLES = 30


class _Lines(logging.Handler):
    """All that is logged, as it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def new_service(edge: Edge, **settings: object) -> str:
    made = await edge.post("/v1/verify/services", {"name": "Acme", "settings": {"guard": False, **settings}})
    return f"/v1/verify/services/{made.json['id']}/verifications"


async def read_code(edge: Edge, to: str, pattern: str = r"\d+") -> str:
    texts = await until(lambda: edge.simulator.network.phones.read(to.lstrip("+")))
    return re.findall(pattern, texts[-1].text)[-1]


async def test_no_code_is_to_be_found_anywhere(edge: Edge, tmp_path: Path) -> None:
    codes, told = await _looked_at(edge)
    files = _files(tmp_path)
    assert any(b"verifications" in each for each in files)
    _judge(codes, [*told, *files])


async def test_no_code_is_to_be_found_in_postgresql(postgres: str, tmp_path: Path) -> None:
    async with running_edge(tmp_path, database=postgres) as edge:
        codes, told = await _looked_at(edge)
        rows = await rows_of(postgres)
    assert any(row.startswith("verifications: ") for row in rows)
    _judge(codes, [*told, "\n".join(rows).encode(), *_files(tmp_path)])


async def _looked_at(edge: Edge) -> tuple[list[str], list[bytes]]:
    """The codes of a run, and what was told and logged of it."""
    logs = _Lines()
    root = logging.getLogger()
    level = root.level
    root.addHandler(logs)
    root.setLevel(logging.DEBUG)
    try:
        codes = await _run(edge)
    finally:
        root.removeHandler(logs)
        root.setLevel(level)
    operator = {"key": edge.operator} if edge.operator else {}

    async def events() -> bytes | None:
        """Once they can be followed: what was committed a moment ago cannot yet."""
        body = (await edge.get("/v1/events?limit=1000")).body
        return body if body.count(b'"verification.approved"') == 2 else None

    told = [
        (await edge.get("/v1/messages?limit=100")).body,
        await until(events),
        (await edge.get("/metrics", **operator)).body,
        "\n".join(logs.lines).encode(),
    ]
    assert b"Your Acme code is *" in told[0]
    assert b'whimbrel_verifications_total{result="approved"}' in told[2]
    return codes, told


def _judge(codes: list[str], told: list[bytes]) -> None:
    for code in codes:
        assert [place for place, each in enumerate(told) if code.encode() in each] == []


def _files(folder: Path) -> list[bytes]:
    """The database, its log, and whatever else stands there."""
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


async def _run(edge: Edge) -> list[str]:
    """A code that is guessed, one that is approved, one of our own, one that waits; all of them."""
    place = await new_service(edge, code_length=10, custom_code=True)
    codes = []
    for to, own in (("+447400123456", None), ("+447400123556", "QZXJKWVPXQ"), ("+447400123656", None)):
        made = await edge.post(place, {"to": to, "custom_code": own})
        assert made.status == 201, made.body
        codes.append(await read_code(edge, to, r"[0-9A-Z]{10}"))
    assert codes[1] == "QZXJKWVPXQ"
    for to, code in zip(("+447400123456", "+447400123556"), codes, strict=False):
        assert not (await edge.post(f"{place}/check", {"to": to, "code": code[:-1] + "x"})).json["valid"]
        assert (await edge.post(f"{place}/check", {"to": to, "code": code})).json["valid"]

    async def all_delivered() -> bool:
        rows = (await edge.get("/v1/messages?limit=100")).json["data"]
        return {row["status"] for row in rows} == {"delivered"}

    await until(all_delivered)
    return codes


async def test_checks_take_as_long_whatever_they_find(edge: Edge) -> None:
    async def all_delivered() -> bool:
        rows = (await edge.get("/v1/messages?limit=1")).json["data"]
        return rows[0]["status"] == "delivered"

    place = await new_service(edge)
    took: dict[str, list[float]] = {"right": [], "nearly": [], "wrong": [], "nobody": []}
    for number in range(SAMPLES):
        to = f"+44740012{3000 + number}"
        await edge.post(place, {"to": to})
        code = await read_code(edge, to)
        await until(all_delivered)  # nothing of it is done any more while the checks are measured
        last, first = str((int(code[-1]) + 1) % 10), str((int(code[0]) + 1) % 10)
        for kind, given, whose in (
            ("nobody", code, f"+44740013{3000 + number}"),
            ("nearly", code[:-1] + last, to),
            ("wrong", first + code[1:], to),
            ("right", code, to),
        ):
            begun = perf_counter()
            answer = await edge.post(f"{place}/check", {"to": whose, "code": given})
            took[kind].append(perf_counter() - begun)
            assert (answer.status, answer.json.get("valid")) == (
                (404, None) if kind == "nobody" else (200, kind == "right")
            )
    for kind in ("nearly", "right", "nobody"):
        assert abs(_apart(took["wrong"], took[kind])) < SIX_IN_A_MILLION, (kind, took)


def _apart(ones: list[float], others: list[float]) -> float:
    """How far apart two samples are, in standard deviations (Mann and Whitney's U, which asks for no distribution)."""
    above = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    pairs = len(ones) * len(others)
    return (above - pairs / 2) / (pairs * (len(ones) + len(others) + 1) / 12) ** 0.5


@pytest.mark.parametrize(("ones", "others", "far"), [([1.0, 3, 5], [2.0, 4, 6], False), ([1.0] * 30, [2.0] * 30, True)])
def test_the_measure_finds_what_it_is_for(ones: list[float], others: list[float], far: bool) -> None:
    assert (abs(_apart(ones, others)) > SIX_IN_A_MILLION) is far
