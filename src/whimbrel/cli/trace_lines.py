"""A trace for people: one PDU in one line, as it happens or as it was recorded."""

import time
from typing import Any

import msgspec
import typer

from whimbrel.cli.client import Client, Refused, Unreachable

_LOOK_S = 0.5
_TRIES = 60
_REST_S = 0.02

_ARROWS = {"out": "->", "in": "<-", "note": "--"}
_EMPTY: tuple[Any, ...] = ("", 0, None, [])


def show(node: Client, path: str, *, follow: bool, seconds: int, off: bool, as_json: bool) -> None:
    """Begin the recording at `path` where none runs, and print what it has; until it ends, when followed."""
    if off:
        _call(node, "DELETE", path)
        return
    if not _read(node, path, 0)["enabled"]:
        _call(node, "POST", path, {"enabled": True, "seconds": seconds})
        if not follow and not as_json:
            typer.echo(
                f"recording for {seconds} s; the same again shows what was said, --follow as it is said", err=True
            )
    shown = 0
    while True:
        found = _read(node, path, shown)
        for entry in found["data"]:
            typer.echo(msgspec.json.encode(entry).decode() if as_json else line(entry))
            shown = entry["number"]
        if not follow or not found["enabled"]:
            return
        time.sleep(_LOOK_S)


def _read(node: Client, path: str, after: int) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(_call(node, "GET", f"{path}?limit=1000&after={after}"))
    return found


def _call(node: Client, method: str, path: str, body: Any = None) -> bytes:
    """The answer of the process that has the binds: of several that share a port, each connection reaches another."""
    for _ in range(_TRIES - 1):
        try:
            return node.ask(method, path, body)
        except Refused as error:
            if b'"at_another_node"' not in error.document:
                break
            time.sleep(_REST_S)
        except Unreachable:
            break
    return node.call(method, path, body)


def line(entry: dict[str, Any]) -> str:
    """Time, connection, direction, and what it says."""
    time = entry["at"].partition("T")[2].rstrip("Z")[:12]
    said = _said(entry["pdu"]) if entry["pdu"] else entry["note"]
    note = f" ({entry['note']})" if entry["pdu"] and entry["note"] else ""
    return f"{time}  {entry['connection']}  {_ARROWS[entry['direction']]}  {said}{note}"


def _said(pdu: dict[str, Any]) -> str:
    words = [pdu["command"], f"seq={pdu['sequence']}"]
    if pdu["command_id"] & 0x80000000:
        words.append(pdu["status"])
    words += [f"{name}={value}" for name, value in pdu.get("fields", {}).items() if value not in _EMPTY]
    words += [f"{each['name']}={_value(each)}" for each in pdu.get("tlvs", ())]
    text = pdu.get("text")
    if text is not None:
        part = f", part {text['part']}" if text.get("part") else ""
        words.append(f"[{text['octets']} octets, data_coding {text['data_coding']}{part}]")
    receipt = pdu.get("receipt")
    if receipt is not None:
        words.append(f"receipt: {', '.join(receipt['message_ids'])} {receipt.get('stat') or receipt['state']}")
    if pdu.get("error"):
        words.append(f"{pdu['error']}: {pdu.get('head', '')}")
    return " ".join(words)


def _value(tlv: dict[str, Any]) -> str:
    value = tlv.get("value")
    if value is None:
        return f"[{tlv['octets']} octets]"
    return str(value["hex"]) if isinstance(value, dict) else str(value)
