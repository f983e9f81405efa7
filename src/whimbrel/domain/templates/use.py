"""How a message refers to a template, and what it keeps of it. Apart from the documents because a draft holds these."""

from typing import Any, Final

import msgspec

DRAFT: Final = "draft"
"""What stands behind the @ of a reference to a template's draft; only previews know it."""


class TemplateUse(msgspec.Struct, frozen=True, gc=False):
    """A message that is to be made of a template. `ref`: name or id, with @ and a number for a fixed version."""

    ref: str
    variables: dict[str, Any]
    language: str | None = None


class MadeOf(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Which version of which template made a message; kept in the message's options."""

    id: str
    name: str
    version: int
    language: str


def parted(ref: str) -> tuple[str, str]:
    """Name or id, and what stands behind the @; empty where there is none."""
    name, _, version = ref.partition("@")
    return name, version


def fixed(version: str) -> int | None:
    """The number behind the @, or None when it is none."""
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= 4 else 0
    return number or None
