"""What the client can be told, the reader of its command line, and its help: one list for all three.

docs/sandbox.md describes each setting; tests compare them.
"""

import shutil
import textwrap
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Bind = Literal["trx", "tx", "rx", "pair"]
Version = Literal["3.3", "3.4", "5.0"]
Kind = Literal["plain", "udh", "udh16", "sar", "payload", "data_sm", "multi", "mixed"]
Tls = Literal["off", "on", "unverified"]
_Count = Annotated[int, Meta(ge=0)]
_Some = Annotated[int, Meta(ge=1)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that can be chosen. `host` and `port` come first on a command line, as HOST:PORT."""

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = "esme"
    password: str = ""
    system_type: str = ""
    bind: Bind = "trx"
    binds: _Some = 1
    version: Version = "3.4"
    scenario: str | None = None
    count: _Count = 1
    rate: Annotated[float, Meta(ge=0)] = 0
    window: _Some = 10
    kind: Kind = "plain"
    parts: Annotated[int, Meta(ge=2, le=255)] = 3
    source: str = ""
    to: str = "1415555"
    digits: Annotated[int, Meta(ge=1, le=20)] = 11
    text: str = "Your order 4711 has left our house."
    registered: Annotated[int, Meta(ge=0, le=255)] = 1
    reference: bool = False
    validity: str = ""
    schedule: str = ""
    response_timeout_ms: _Count = 30_000
    receipt_wait_ms: _Count = 10_000
    enquire_link_ms: _Count = 30_000
    seconds: Annotated[float, Meta(ge=0)] = 60
    seed: int = 1
    tls: Tls = "off"
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_name: str | None = None
    expect: str | None = None
    json: bool = False


_HEAD = """Usage: {program} HOST:PORT [OPTION VALUE]...

An SMPP client: binds, sends messages, answers what it is sent, matches
receipts, and prints what it counted. With --scenario it misuses the server and
then looks whether that still works. It ends with 0 when all was as expected,
with 1 when not, with 2 for a wrong option, with 3 when nobody could bind.

Options, with their defaults in brackets:
"""
MEANINGS = {  # as docs/sandbox.md has it
    "system_id": "name to bind with",
    "password": "password to bind with",
    "system_type": "system_type to bind with",
    "bind": "trx (transceiver), tx (transmitter), rx (receiver), or pair (a transmitter and a receiver)",
    "binds": "how many of them",
    "version": "interface_version: 3.3, 3.4 or 5.0; with 3.3 no TLVs are sent",
    "scenario": "a misuse from the table of docs/sandbox.md",
    "count": "messages to send",
    "rate": "messages a second over all binds; 0 sends as fast as the windows let",
    "window": "submits of one bind that may be unanswered",
    "kind": "how messages are sent: plain (one submit_sm), udh, udh16 or sar (long, in parts), payload (long, in "
    "message_payload), data_sm, multi (submit_multi to 3 numbers), mixed (all of these in turn)",
    "parts": "parts of a long message",
    "source": "sender; the server's choice, without it",
    "to": "first digits of the recipients, filled up by counting; 11 digits or more are one recipient",
    "digits": "how many digits recipients have when they are filled up",
    "text": "text; a long message repeats it",
    "registered": "registered_delivery: 0 no receipts, 1 all, 2 of failures, 16 with intermediate notifications",
    "reference": "true numbers the messages by user_message_reference",
    "validity": "validity_period, as SMPP writes times",
    "schedule": "schedule_delivery_time, as SMPP writes times",
    "response_timeout_ms": "a submit without an answer after this counts as unanswered",
    "receipt_wait_ms": "how long to wait for receipts after the last answer",
    "enquire_link_ms": "a bind that was silent for this long asks whether the server lives; 0 never",
    "seconds": "the whole run ends after this, whatever is left",
    "seed": "of the octets that the scenario garbage sends",
    "tls": "off, on, or unverified (any certificate will do)",
    "tls_ca": "path of the certificates (PEM) to trust; the system's, without it",
    "tls_cert": "path of the client's own certificate (PEM)",
    "tls_key": "path of its private key (PEM), when it does not stand beside the certificate",
    "tls_name": "name that the server's certificate must have; the host, without it",
    "expect": "what decides the exit status, as NAME=N, NAME<N or NAME>N of the summary, separated by commas; "
    "without it all submits are accepted and all receipts matched, or the server lives after a misuse",
    "json": "true prints the summary as JSON",
}
_INDENT = 26
_WIDEST = 100


def from_arguments(arguments: list[str]) -> Settings:
    """Settings from `HOST:PORT --count 7 …`. Raises ValueError with words for whoever typed it."""
    if not arguments or arguments[0].startswith("--"):
        raise ValueError("name the server first, as HOST:PORT")
    host, _, port = arguments[0].rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"the server is named as HOST:PORT, not {arguments[0]}")
    options = arguments[1:]
    if len(options) % 2:
        raise ValueError(f"{options[-1]} has no value; each option is --name value")
    values: dict[str, str] = {"host": host.strip("[]"), "port": port}
    for option, value in zip(options[::2], options[1::2], strict=True):
        name = option.removeprefix("--").replace("-", "_")
        if not option.startswith("--") or name not in MEANINGS:
            raise ValueError(f"{option} is not an option; there are {', '.join(option_names())}")
        values[name] = value
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def option_names() -> list[str]:
    """Every option as it is typed."""
    return ["--" + name.replace("_", "-") for name in MEANINGS]


def usage(program: str) -> str:
    """What `--help` prints, as wide as the terminal."""
    defaults = dict(zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True))
    lines = [_HEAD.format(program=program)]
    lines += [_option(name, f"{meaning} [{shown(defaults[name])}]") for name, meaning in MEANINGS.items()]
    return "\n".join([*lines, f"  {'--help':<{_INDENT - 2}}show this and end", ""])


def shown(default: object) -> str:
    """A default as it is documented."""
    if default is None or default == "":
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _option(name: str, words: str) -> str:
    option = f"  --{name.replace('_', '-')}"
    width = max(_INDENT + 20, min(_WIDEST, shutil.get_terminal_size().columns))
    wrapped = textwrap.wrap(
        words, width, initial_indent=f"{option:<{_INDENT}}", subsequent_indent=" " * _INDENT, break_on_hyphens=False
    )
    return "\n".join(wrapped)
