"""What each sender's hook begins with: how its calls are signed, where their events are, which events are worth a text
and what the text may say. The facts are the table `hook_presets.toml`; everything in it may be changed in the hook that
it made.
"""

from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from whimbrel.domain import hook_samples as samples
from whimbrel.domain.hook_rules import Mapping, Paths
from whimbrel.domain.hook_samples import Sample
from whimbrel.domain.hook_signatures import Auth

SecretFrom = Literal["us", "sender"]
_LIKE: Final = "like"
"""What a sender does not say of itself is as at the one that it names so."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that may be added with one click."""

    name: str
    events: Paths
    text: str
    condition: str = ""
    message_class: Literal["transactional", "marketing"] = "transactional"
    consent: str = ""
    newest_only: bool = False


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sender. `secret_from`: who makes the secret. `auths`: ways of signing that it offers, the best one first."""

    title: str
    auths: tuple[Auth, ...]
    secret_from: SecretFrom
    mapping: Mapping
    suggestions: tuple[Suggestion, ...]
    samples: tuple[Sample, ...] = ()
    to: Paths = ()
    country: Paths = ()
    language: Paths = ()
    reply: Literal["json", "salesforce"] = "json"


def _presets() -> dict[str, Preset]:
    """In the order of the table. Raises where something in it cannot be."""
    table: dict[str, dict[str, Any]] = msgspec.toml.decode((files(__package__) / "hook_presets.toml").read_bytes())
    return {
        name: msgspec.convert(
            {key: value for key, value in (table.get(own.get(_LIKE, ""), {}) | own).items() if key != _LIKE}
            | {"samples": getattr(samples, name.upper())},
            Preset,
        )
        for name, own in table.items()
    }


PRESETS: Final = _presets()
