"""What came of each capability of each peer, and the table that says it (docs/interop.md)."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

CAPABILITIES = (
    "bind_transceiver",
    "bind_pair",
    "plain",
    "unicode",
    "long",
    "receipt",
    "inbound",
    "query_sm",
    "cancel_sm",
    "submit_multi",
    "enquire_link",
    "unbind",
)
"""What may be asked of a peer, in the order of the table; a peer is asked what it can."""

MEANINGS = {
    "bind_transceiver": "binds as a transceiver",
    "bind_pair": "binds as a transmitter and a receiver",
    "plain": "a text in GSM-7 arrives on the phone as it was written",
    "unicode": "a text in UCS-2 with an emoji arrives as it was written",
    "long": "a text of several segments arrives whole, cut as the peer cuts",
    "receipt": "the receipts of all of them come, and name the ids that the responses gave",
    "inbound": "a text that a phone answers arrives",
    "query_sm": "query_sm tells the state",
    "cancel_sm": "cancel_sm cancels a scheduled text",
    "submit_multi": "one submit_multi reaches several phones",
    "enquire_link": "enquire_link is answered",
    "unbind": "leaves by unbind",
}


class Found(msgspec.Struct):
    """One capability of one peer."""

    ok: bool
    detail: str = ""


class Peer(msgspec.Struct):
    """A peer that was run, and what was found."""

    name: str
    version: str
    role: Literal["customer", "carrier"]
    note: str = ""
    found: dict[str, Found] = {}

    def say(self, capability: str, ok: bool, detail: str = "") -> None:
        """What came of a capability; a second word counts only when it is a no."""
        known = self.found.get(capability)
        if known is None or not ok:
            self.found[capability] = Found(ok, detail)

    @property
    def failures(self) -> list[str]:
        """The capabilities that it was asked and failed; a peer that says nothing did nothing."""
        return [name for name, found in self.found.items() if not found.ok] if self.found else ["anything"]

    def read(self, line: str) -> str | None:
        """Take a line of the client's output; what it waits for, if it waits."""
        try:
            told = json.loads(line)
        except ValueError:
            return None
        if not isinstance(told, dict):
            return None
        if "did" in told:
            self.say(told["did"], True, told.get("detail", ""))
        elif "failed" in told:
            self.say(told["failed"], False, told.get("detail", ""))
        return told.get("waiting")


def write(peers: Sequence[Peer], path: Path) -> None:
    """docs/interop.md."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        "# Interoperability",
        "",
        "Software that we did not write, against the running product: `make interop` installs it, runs it and writes",
        f"this page. Last run: {today}.",
        "",
        "A customer is a peer that binds to our SMPP server (port 2775); its texts go by the simulator to pretend",
        "phones, and a text counts only when the phone shows what was written. A carrier is a peer that our binds",
        "connect to; a text counts only when the peer read what was written.",
        "",
    ]
    for role, title in (("customer", "Peers as customers"), ("carrier", "Peers as carriers")):
        lines += [f"## {title}", "", *_table([peer for peer in peers if peer.role == role]), ""]
    lines += ["## What each column means", ""]
    lines += [f"- `{name}`: {meaning}" for name, meaning in MEANINGS.items()]
    notes = [f"- {peer.name}: {peer.note}" for peer in peers if peer.note]
    lines += ["", "An empty field: the peer has no such feature, or does not show what came of it.", ""]
    lines += ["## Notes", "", *notes, ""] if notes else []
    path.write_text("\n".join(lines), "utf-8")


def _table(peers: Sequence[Peer]) -> list[str]:
    asked = [name for name in CAPABILITIES if any(name in peer.found for peer in peers)]
    lines = [
        "| peer | version | " + " | ".join(f"`{name}`" for name in asked) + " |",
        "| --- | --- |" + " --- |" * len(asked),
    ]
    for peer in peers:
        marks = [_mark(peer.found.get(name)) for name in asked]
        lines.append(f"| {peer.name} | {peer.version} | " + " | ".join(marks) + " |")
    return lines


def _mark(found: Found | None) -> str:
    if found is None:
        return ""
    return "yes" if found.ok else "**no**"
