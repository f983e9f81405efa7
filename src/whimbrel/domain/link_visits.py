"""Who opens a short link: a person, a program that shows a preview of the page, or another program. What programs call
themselves is the table `link_agents.toml`; a program that says that it is a browser is not recognised by it.
"""

from importlib.resources import files
from typing import Final, Literal

import msgspec

from whimbrel.domain.links import Kind, Privacy

AGENT_MAX: Final = 256
_FAMILIES: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_PLATFORMS: Final = (
    ("iPhone", "iOS"), ("iPad", "iOS"), ("Android", "Android"), ("Windows", "Windows"), ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program. `match` stands in its User-Agent, in small letters. `confidence`: whether its maker says so."""

    name: str
    match: str
    kind: Literal["previewer", "bot"]
    source: str
    as_of: str
    confidence: Literal["documented", "observed"]


def _agents() -> tuple[Agent, ...]:
    """In the order of the table: the first that matches counts."""
    table = msgspec.toml.decode((files(__package__) / "link_agents.toml").read_bytes(), type=dict[str, list[Agent]])
    return tuple(table["agents"])


AGENTS: Final = _agents()


class Visit(msgspec.Struct, frozen=True, gc=False):
    """A request for a link. `ahead`: headers that say that nobody looks yet. `of_bots`: it comes from a network in
    which the operator expects no people."""

    head: bool
    agent: str
    ahead: bool
    of_bots: bool
    ip: str
    country: str
    at: int


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """Who it is, and why it is not taken for a person."""

    kind: Kind
    reason: str
    name: str  # of a program that is known


def judge(visit: Visit, sent_at: int | None, too_soon_us: int) -> Judgement:
    """Who opens a link of a text that a carrier took at `sent_at`."""
    known = agent_of(visit.agent)
    if known is not None:
        return Judgement(known.kind, "agent", known.name)
    if visit.head or visit.ahead:
        return Judgement("previewer", "head" if visit.head else "prefetch", "")
    reason = _doubt(visit, sent_at, too_soon_us)
    return Judgement("bot" if reason else "person", reason, "")


def _doubt(visit: Visit, sent_at: int | None, too_soon_us: int) -> str:
    if not visit.agent:
        return "no_agent"
    if visit.of_bots:
        return "network"
    return "too_soon" if sent_at is not None and visit.at < sent_at + too_soon_us else ""


def agent_of(agent: str) -> Agent | None:
    """The program of the table that calls itself so."""
    small = agent.lower()
    return next((row for row in AGENTS if row.match in small), None)


def is_ahead(purpose: str) -> bool:
    """Whether a header (Sec-Purpose, Purpose, X-Purpose, X-Moz) says that a browser fetches before anybody asks."""
    return any(word in purpose.lower() for word in ("prefetch", "prerender", "preview"))


def told(visit: Visit, judgement: Judgement, privacy: Privacy) -> tuple[str, str, str]:
    """Agent, country and address as far as they may be kept."""
    if privacy == "none":
        return "", "", ""
    if privacy == "coarse":
        return judgement.name or family(visit.agent), visit.country, ""
    return visit.agent[:AGENT_MAX], visit.country, visit.ip


def family(agent: str) -> str:
    """Browser and system without their versions, such as `Safari, iOS`; empty where neither is known."""
    browser = next((name for mark, name in _FAMILIES if mark in agent), "")
    system = next((name for mark, name in _PLATFORMS if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part)
