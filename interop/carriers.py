"""Peers as carriers that are one program: our binds connect to it, it says what it read, and our API says what became
of each text.
"""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

from interop import install
from interop.customers import CLIENTS, python_program
from interop.verdict import Peer
from interop.world import PASSWORD, World, free_port, until

_PREFIX = "4478"


class Carrier:
    """A running peer and the texts that it read: by number, the parts in their order."""

    def __init__(self, world: World, peer: Peer, command: Sequence[str]) -> None:
        self.read: dict[str, dict[int, str]] = {}
        self.is_ready = False
        self._peer = peer
        environ = os.environ | {"PYTHONPATH": str(CLIENTS)}
        self._errors = (world.folder / f"{peer.name}-carrier.log").open("w")
        self._process = subprocess.Popen(
            list(command), stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environ
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._peer.read(line)
            told: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            self.is_ready = self.is_ready or "ready" in told
            if (read := told.get("read")) is not None:
                self.read.setdefault(read["to"], {})[read["part"]] = read["text"]

    def text(self, number: str) -> str:
        """What it read for a number, its parts put together."""
        parts = self.read.get(number, {})
        return "".join(parts[part] for part in sorted(parts))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
        self._errors.close()


Command = Callable[[dict[str, Any]], Sequence[str]]


def python_server(name: str) -> Command:
    """How to start one of the servers of PyPI."""
    return lambda errand: [*python_program(f"{name}_server.py"), json.dumps(errand)]


def node_server(errand: dict[str, Any]) -> Sequence[str]:
    """How to start the server of npm."""
    return ["node", str(CLIENTS / "smpp_server.js"), json.dumps(errand), str(install.NODE / "node_modules")]


def java_server(main: str) -> Command:
    """How to start one of the servers of Maven Central."""
    classes = f"{install.JAVA / 'target' / 'interop-1.jar'}:{install.JAVA / 'target' / 'lib'}/*"
    return lambda errand: [
        "java",
        "-Dfile.encoding=UTF-8",
        "-cp",
        classes,
        main,
        *[f"{name}={value}" for name, value in errand.items()],
    ]


def run(world: World, peer: Peer, command_of: Command, number: int) -> None:
    """Send a plain, a unicode and a long text by the peer; hear a text from it; leave."""
    prefix = f"{_PREFIX}{number:02}"
    phones = {name: f"{prefix}{place:06}" for place, name in enumerate(("plain", "unicode", "long"), 111111)}
    texts = {
        "plain": f"Hello to {peer.name}: 1 + 1 = 2.",
        "unicode": f"Größe, Ελλάδα, привет, 短信 {peer.name} \U0001f426",
        "long": " ".join(f"{peer.name} hears it a number of times, {place}." for place in range(9)),
    }
    inbound = f"A text by {peer.name}."
    port = free_port()
    errand = {
        "port": port,
        "system_id": "whimbrel",
        "password": PASSWORD,
        "sender": world.sender.lstrip("+"),
        "inbound": inbound,
        "plain_to": phones["plain"],
    }
    carrier = Carrier(world, peer, command_of(errand))
    try:
        until(lambda: carrier.is_ready)
        settings = {"host": "127.0.0.1", "port": port, "system_id": "whimbrel", "enquire_link_s": 2}
        made = world.add_carrier(f"{peer.name}-carrier", settings, PASSWORD, prefix)
        until(lambda: "bind_transceiver" in peer.found)
        judge(world, peer, carrier=carrier, phones=phones, texts=texts, inbound=inbound)
        world.pause(made)
        until(lambda: "unbind" in peer.found, 10)
    finally:
        carrier.close()


def judge(
    world: World, peer: Peer, *, carrier: Carrier, phones: dict[str, str], texts: dict[str, str], inbound: str
) -> None:
    """Send, and see what the peer read and what our API says of it."""
    ids = {name: world.send(phones[name], text) for name, text in texts.items()}
    for name, text in texts.items():
        ok = until(lambda name=name, text=text: carrier.text(phones[name]) == text, 20)
        peer.say(name, bool(ok), "" if ok else f"it read {carrier.text(phones[name])!r}")
    states = until(lambda: {world.status(i) for i in ids.values()} == {"delivered"}, 20)
    peer.say("receipt", bool(states), "" if states else str([world.status(i) for i in ids.values()]))
    heard = until(lambda: world.received(inbound), 20)
    peer.say("inbound", bool(heard))
