"""One PDU of a trace in one line, for people."""

from typing import Any

_ARROWS = {"out": "->", "in": "<-", "note": "--"}
_EMPTY: tuple[Any, ...] = ("", 0, None, [])


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
