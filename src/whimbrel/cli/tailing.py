"""`whimbrel tail`: events as they happen, from the live stream; goes on by itself after a break, from the last event
that it saw.

Ctrl-C ends it at once, whatever it is doing. Python raises KeyboardInterrupt between two steps of the main thread only:
a signal that comes right before a read begins, or that the kernel hands to another thread, waits until that read ends,
which is the stream's next ping. So the signal wakes a thread of its own, and that thread ends the process.
"""

import os
import signal
import threading
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
    _end_at_ctrl_c()
    node, place = client(data), _Place()
    while True:
        try:
            for body in _stream(node, events, place):
                typer.echo(body if as_json else _line(body))
        except BrokenPipeError:
            raise
        except urllib.error.HTTPError as error:
            _complain(error)
        except (HTTPException, OSError) as error:
            typer.echo(f"the stream broke ({getattr(error, 'reason', error)}); trying again", err=True)
        time.sleep(_RECONNECT_S)


def _end_at_ctrl_c() -> None:
    """From now on SIGINT ends the process with 0. Each event is flushed when it is shown, so nothing is lost. Where
    SIGINT is ignored it stays so: that is how a shell keeps Ctrl-C from its background jobs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    ours, signals = os.pipe()
    os.set_blocking(signals, False)
    signal.set_wakeup_fd(signals)
    signal.signal(signal.SIGINT, lambda *_: None)  # the kernel's handler writes to the pipe; Python has nothing to do

    def wait() -> None:
        os.read(ours, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _complain(error: urllib.error.HTTPError) -> None:
    with error:
        document, said = problem(error)
    if error.code not in _PASSING:
        fail(said, document=document)
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
