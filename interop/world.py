"""The running product that peers meet: `whimbrel quickstart` with its simulator, and short ways to act on both."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

ROOT = Path(__file__).resolve().parent.parent
START_S = 90.0
PASSWORD = "interop8"  # eight characters: SMPP 3.4 has no room for more, and some clients keep to it


class Errand(msgspec.Struct, frozen=True):
    """What a client is asked to do, in its own words: numbers are digits without a plus."""

    host: str
    port: int
    system_id: str
    password: str
    sender: str
    plain_to: str
    unicode_to: str
    long_to: str
    multi_to: tuple[str, ...]
    plain: str
    unicode: str
    long: str
    multi: str
    inbound: str
    patience_s: int = 20


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def call(method: str, url: str, body: Any = None, key: str = "") -> Any:
    """One JSON request; the answer's JSON. RuntimeError with what it said when it is no success."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=15)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    octets = answer.read()
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {parts.path}: {answer.status} {octets[:300]!r}")
    return json.loads(octets) if octets else None


def until(condition: Any, within_s: float = 20.0) -> Any:
    """What the condition gives once it is true, or the last thing that it gave."""
    deadline = time.monotonic() + within_s
    found = condition()
    while not found and time.monotonic() < deadline:
        time.sleep(0.1)
        found = condition()
    return found


class World:
    """One product with one simulator, for all peers one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "product.log").open("wb")
        command = [Path(sys.executable).parent / "whimbrel", "quickstart", "--data", folder / "data"]
        command += ["--port", str(free_port()), "--smpp-port", str(free_port())]
        environ = os.environ | {"WHIMBREL_SIMULATOR__SMPP_PORT": "0", "WHIMBREL_SIMULATOR__HTTP_PORT": "0"}
        self._process = subprocess.Popen(
            [str(word) for word in command], cwd=ROOT, env=environ, stdout=self._log, stderr=subprocess.STDOUT
        )
        until(self._is_ready, START_S)
        self.facts: dict[str, Any] = json.loads((folder / "data" / "credentials.json").read_text())
        self.url: str = self.facts["http_url"]
        self.phones: str = self.facts["simulator_http_url"]
        senders = call("GET", self.url + "/v1/senders", key=self.facts["api_key"])["data"]
        self.sender: str = next(s["value"] for s in senders if s["value"].startswith("+"))
        self._peers = 0

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the product ended: {(self.folder / 'product.log').read_text()[-2000:]}")
        written = self.folder / "data" / "credentials.json"
        if not written.exists():
            return False
        try:
            call("GET", json.loads(written.read_text())["http_url"] + "/readyz")
        except (OSError, ValueError, KeyError, RuntimeError):
            return False
        return True

    def close(self) -> None:
        """Stop it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(40)
        self._log.close()

    # customers

    def errand(self, name: str) -> Errand:
        """A credential of its own for a client, and what it is to do: phones that no other client texts."""
        self._peers += 1
        system_id = f"{''.join(c for c in name if c.isalnum())[:8]}{self._peers}"
        body = {"name": name, "system_id": system_id, "password": PASSWORD}
        call("POST", self.url + "/v1/smpp-credentials", body, key=self.facts["api_key"])
        phones = [f"4479111{self._peers:02}{number:03}" for number in range(6)]
        return Errand(
            host=self.facts["smpp_host"],
            port=self.facts["smpp_port"],
            system_id=system_id,
            password=PASSWORD,
            sender=self.sender.lstrip("+"),
            plain_to=phones[0],
            unicode_to=phones[1],
            long_to=phones[2],
            multi_to=tuple(phones[3:5]),
            plain=f"Hello from {name}: 1 + 1 = 2.",
            unicode=f"Größe, Ελλάδα, привет, 短信 {name} \U0001f426",
            long=" ".join(f"{name} says it a number of times, {number}." for number in range(9)),
            multi=f"To many from {name}.",
            inbound=f"Answer to {name}, please.",
        )

    def text_from_phone(self, errand: Errand) -> None:
        """A person answers."""
        body = {"to": f"+{errand.sender}", "text": errand.inbound}
        call("POST", f"{self.phones}/phones/{errand.plain_to}/send", body)

    def inbox(self, number: str) -> list[str]:
        """The texts on a phone."""
        return [text["text"] for text in call("GET", f"{self.phones}/phones/{number}")["inbox"]]

    # carriers

    def add_carrier(self, name: str, settings: dict[str, Any], password: str, prefix: str) -> str:
        """A carrier that takes all numbers with this prefix."""
        operator = self.facts["operator_key"]
        body = {"name": name, "settings": settings, "password": password}
        carrier: str = call("POST", self.url + "/v1/carriers", body, key=operator)["id"]
        route = {"prefix": prefix, "carriers": [carrier], "position": 1}
        call("POST", self.url + "/v1/routes", route, key=operator)
        return carrier

    def pause(self, carrier: str) -> None:
        """Leave a carrier."""
        call("POST", f"{self.url}/v1/carriers/{carrier}/pause", key=self.facts["operator_key"])

    def health(self, carrier: str) -> str:
        """How a carrier is doing."""
        found = call("GET", f"{self.url}/v1/carriers/{carrier}/health", key=self.facts["operator_key"])
        state: str = (found["health"] or {}).get("state", "gone")
        return state

    def send(self, to: str, text: str) -> str:
        """A text over REST; its id."""
        sent: str = call("POST", self.url + "/v1/messages", {"to": f"+{to}", "text": text}, self.facts["api_key"])["id"]
        return sent

    def status(self, message_id: str) -> str:
        """The state of a message."""
        found: str = call("GET", f"{self.url}/v1/messages/{message_id}", key=self.facts["api_key"])["status"]
        return found

    def received(self, text: str) -> bool:
        """Whether a text from a phone arrived at the account."""
        page = call("GET", self.url + "/v1/messages?direction=in&limit=100", key=self.facts["api_key"])
        return any(message["text"] == text for message in page["data"])
