"""`whimbrel tail`: events as they happen, from the live stream; goes on by itself after a break, from the last event
that it saw.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer

from whimbrel.base.limits import SSE_PING_S
from whimbrel.cli.client import Client, client, problem
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

_RECONNECT_S = 1.0
_SILENT_S = 3 * SSE_PING_S  # a stream that says nothing for this long is dead
_PASSING = (429, 500, 502, 503, 504)


class _Place:
    """Where the stream goes on after a break."""

    last_id = ""


@guarded
def tail(
    events: Annotated[str, typer.Option(help="Types, with commas; message.* for a family.")] = "*",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Show events as they happen; goes on by itself after a break."""
    node, place = client(data), _Place()
    while True:
        try:
            for body in _stream(node, events, place):
                typer.echo(body if as_json else _line(body))
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            raise
        except urllib.error.HTTPError as error:
            _complain(error)
        except (HTTPException, OSError) as error:
            typer.echo(f"the stream broke ({getattr(error, 'reason', error)}); trying again", err=True)
        time.sleep(_RECONNECT_S)


def _complain(error: urllib.error.HTTPError) -> None:
    with error:
        said = problem(error)
    if error.code not in _PASSING:
        fail(said)
    typer.echo(f"{said}; trying again", err=True)


def _stream(node: Client, events: str, place: _Place) -> Iterator[str]:
    """The data of each event (WHATWG HTML 9.2: an id counts from its empty line on, also without data)."""
    headers = {"Accept": "text/event-stream"} | ({"Last_Event_ID": place.last_id} if place.last_id else {})
    request = node.request("GET", f"/v1/stream?types={quote(events)}", **headers)
    with urllib.request.urlopen(request, timeout=_SILENT_S) as answer:
        event_id, body = place.last_id, ""
        for octets in answer:
            name, _, value = octets.decode().rstrip("\r\n").partition(":")
            if name == "id":
                event_id = value.strip()
            elif name == "data":
                body = value.strip()
            elif not name and not value:
                place.last_id = event_id
                if body:
                    yield body
                body = ""


def _line(body: str) -> str:
    event: Any = msgspec.json.decode(body)
    data = event.get("data") or {}
    reason = (data.get("reason") or {}).get("code", "")
    message_id, to = event.get("message_id") or "", data.get("to") or ""
    return f"{event['created_at']}  {event['type']:<22} {message_id:<36} {to} {reason}".rstrip()
