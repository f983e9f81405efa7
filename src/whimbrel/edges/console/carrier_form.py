"""A carrier's form: the fields that most carriers differ in by name, all other settings as JSON. What is typed reaches
the API as what it is, so that the API says what is wrong with it."""

from typing import Any, Final, get_args

import msgspec

from whimbrel.codec.alphabets import Alphabet
from whimbrel.domain import dialect
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.whole import whole_or_text

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "bind_mode": get_args(dialect.BindMode),
    "interface_version": get_args(dialect.Version),
    "message_id": get_args(dialect.IdBase),
    "long_messages": get_args(dialect.LongMessages),
    "alphabet": get_args(Alphabet),
}
TEXTS: Final = ("host", "system_id", "system_type", "tls_server_name")
NUMBERS: Final = ("port", "binds", "window", "throughput_per_s", "gsm7_coding")
FLAGS: Final = ("tls", "tls_verify", "receipts_by_text", "query_sm")
NAMED: Final = frozenset({"profile", *TEXTS, *NUMBERS, *FLAGS, *CHOICES})
_DEFAULTS: Final[dict[str, Any]] = msgspec.to_builtins(CarrierSettings(host="", port=0))


def filled(name: str, settings: CarrierSettings, *, sandbox: bool) -> Form:
    """The form of a carrier that is there."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    fields = {f"settings.{key}": str(values[key]) for key in ("profile", *TEXTS, *NUMBERS, *CHOICES)}
    fields |= {f"settings.{key}": "1" for key in FLAGS if values[key]}
    return Form.of(fields | {"name": name, "more": more(settings)} | ({"sandbox": "1"} if sandbox else {}))


def empty() -> Form:
    """The form of a new one: what most carriers have."""
    start = {"settings.port": "2775", "settings.binds": "1", "settings.window": "50", "settings.throughput_per_s": "0"}
    return Form.of(start | {"settings.tls_verify": "1", "settings.profile": "", "more": "{}"})


def more(settings: CarrierSettings) -> str:
    """The settings that have no field of their own and are not what they are by default."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    shown = {key: value for key, value in values.items() if key not in NAMED and value != _DEFAULTS[key]}
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def settings_of(form: Form, *, is_new: bool) -> dict[str, Any]:
    """The settings as the API takes them. ValueError: what stands in the field for all others is no JSON object."""
    try:
        others = msgspec.json.decode(form.text("more") or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    chosen: dict[str, Any] = {key: form.text(f"settings.{key}") for key in TEXTS}
    chosen |= {key: whole_or_text(form.text(f"settings.{key}")) for key in NUMBERS if form.text(f"settings.{key}")}
    chosen |= {key: form.flag(f"settings.{key}") for key in FLAGS}
    chosen |= {key: form.text(f"settings.{key}") for key in CHOICES if form.text(f"settings.{key}")}
    profile = form.text("settings.profile")
    if is_new:
        # what a profile writes is not overwritten by what a new form shows by default
        chosen = {key: value for key, value in chosen.items() if value != _DEFAULTS.get(key)}
    return others | chosen | ({"profile": profile} if profile or not is_new else {})
