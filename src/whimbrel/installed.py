"""What an installation runs with, as the API and the command line show it: each setting with its value and where that
came from. Passwords and tokens, also those within URLs, are not among it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from whimbrel import config
from whimbrel.config import SettingDoc, Settings
from whimbrel.edges.shared.settings import SettingView

_MASK: Final = "•••"
_LOGIN: Final = re.compile(r"(//[^:/@\s]*:)[^@\s]*(?=@)")
_IN_QUERY: Final = re.compile(r"([?&](?:\w*password|token)=)[^&\s]*", re.IGNORECASE)
_NAMED: Final = ".NAME."


def views(settings: Settings) -> tuple[SettingView, ...]:
    """Every setting, in the order of docs/settings.md; those of streams and cells by the names that there are."""
    return tuple(view for doc in config.describe() for view in _views(doc, settings))


def _views(doc: SettingDoc, settings: Settings) -> Iterator[SettingView]:
    if _NAMED not in doc.name:
        section, _, key = doc.name.rpartition(".")
        owner = getattr(settings, section) if section else settings
        yield _view(doc, doc.name, getattr(owner, key), settings)
        return
    section, _, key = doc.name.partition(_NAMED)
    for own, table in getattr(settings, section).items():
        yield _view(doc, f"{section}.{own}.{key}", getattr(table, key), settings)


def _view(doc: SettingDoc, name: str, value: Any, settings: Settings) -> SettingView:
    return SettingView(
        name=name,
        variable=doc.env.replace("__NAME__", f"__{name.split('.')[1].upper()}__") if _NAMED in doc.name else doc.env,
        value=_masked(name, value),
        default=doc.usual,
        source=settings.origins.get(name, "default"),
        secret=config.is_secret(name),
        takes=doc.type,
        meaning=doc.meaning,
    )


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_masked(name, each) for each in value)
    if not isinstance(value, str) or not value:
        return value
    if config.is_secret(name):
        return _MASK
    return _IN_QUERY.sub(rf"\1{_MASK}", _LOGIN.sub(rf"\1{_MASK}", value))
