"""`whimbrel send` and `tail`: a client of a running node, over its public API. Keys come from credentials.json of a
quickstart folder, or from WHIMBREL_URL and WHIMBREL_API_KEY.
"""

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli.say import fail, guarded
from whimbrel.manage import credentials

_TIMEOUT_S = 30
_RECONNECT_S = 1.0
_DATA = Path("whimbrel-data")
DataFolder = Annotated[Path, typer.Option("--data", help="Folder of a quickstart, for its address and key.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's own JSON.")]


class Client:
    """The address and key of a node."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._key = key

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> urllib.request.Request:
        """A request with the key."""
        data = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return request

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer; ends the command with the API's own words when it refuses."""
        try:
            with urllib.request.urlopen(self.request(method, path, body), timeout=_TIMEOUT_S) as answer:
                return msgspec.json.decode(answer.read())
        except urllib.error.HTTPError as error:
            fail(_problem(error))
        except urllib.error.URLError as error:
            fail(f"{self.url} does not answer ({error.reason}); is the node running? `whimbrel doctor` looks")


def client(data: Path) -> Client:
    """The node that the environment or the folder names."""
    url, key = os.environ.get("WHIMBREL_URL", ""), os.environ.get("WHIMBREL_API_KEY", "")
    found = credentials.read(data)
    url = url or (found.http_url if found else "")
    key = key or (found.api_key if found else "")
    if not url.startswith(("http://", "https://")) or not key:
        fail(f"no node is known: run `whimbrel quickstart`, name its folder with --data (now {data}), "
             "or set WHIMBREL_URL and WHIMBREL_API_KEY", code=2)  # fmt: skip
    return Client(url, key)


@guarded
def send(
    to: Annotated[str, typer.Argument(help="The recipient in E.164, such as +15005550001.")],
    text: Annotated[str, typer.Argument(help="The text.")],
    sender: Annotated[str | None, typer.Option(help="One of the account's senders.")] = None,
    message_class: Annotated[str, typer.Option("--class", help="otp, transactional or marketing.")] = "transactional",
    wait: Annotated[bool, typer.Option(help="Wait for the final state.")] = False,
    data: DataFolder = _DATA,
    as_json: Json = False,
) -> None:
    """Send a text."""
    node = client(data)
    body: dict[str, Any] = {"to": to, "text": text, "class": message_class}
    if sender is not None:
        body["sender"] = sender
    message = node.call("POST", "/v1/messages", body)
    while wait and not message.get("final_at"):
        time.sleep(0.2)
        message = node.call("GET", f"/v1/messages/{message['id']}")
    if as_json:
        typer.echo(msgspec.json.encode(message).decode())
        return
    typer.echo(f"{message['id']}  {message['status']}  {message['segments']} segment(s)  "
               f"{message['price']} {message['currency']}")  # fmt: skip


@guarded
def tail(
    events: Annotated[str, typer.Option(help="Types, with commas; message.* for a family.")] = "*",
    data: DataFolder = _DATA,
    as_json: Json = False,
) -> None:
    """Show events as they happen; goes on by itself after a break."""
    node = client(data)
    last = ""
    while True:
        try:
            for event_id, body in _stream(node, events, last):
                last = event_id
                typer.echo(body if as_json else _line(body))
        except KeyboardInterrupt:
            return
        except urllib.error.HTTPError as error:
            fail(_problem(error))
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            typer.echo(f"the stream broke ({error}); trying again", err=True)
        time.sleep(_RECONNECT_S)


def _stream(node: Client, events: str, last: str) -> Iterator[tuple[str, str]]:
    headers = {"Accept": "text/event-stream"} | ({"Last_Event_ID": last} if last else {})
    request = node.request("GET", f"/v1/stream?types={events}", **headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        event_id = last
        for octets in answer:
            name, _, value = octets.decode().rstrip("\r\n").partition(":")
            if name == "id":
                event_id = value.strip()
            elif name == "data":
                yield event_id, value.strip()


def _line(body: str) -> str:
    event = msgspec.json.decode(body)
    data = event.get("data") or {}
    reason = (data.get("reason") or {}).get("code", "")
    message_id, to = event.get("message_id") or "", data.get("to") or ""
    return f"{event['created_at']}  {event['type']:<22} {message_id:<36} {to} {reason}"


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        problem = msgspec.json.decode(error.read())
        fields = "".join(f"\n  {each['pointer']}: {each['detail']}" for each in problem.get("errors") or ())
        return f"{problem['code']}: {problem['detail']}{fields}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {error.code}"
