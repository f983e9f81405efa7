"""Every text of the console, in one catalogue a language (the files of `words/en/` for English), so that it can be
translated: templates and handlers name texts by their keys. A key is the path of tables to a text: `shell.menu`. One
that is missing is an error, in tests and at once; a test finds those that nobody uses.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

DEFAULT: Final = "en"


class Words:
    """The texts of one language."""

    def __init__(self, texts: Mapping[str, str], language: str) -> None:
        self._texts = texts
        self.language = language

    def __call__(self, key: str, **values: Any) -> str:
        """The text, with its `{names}` filled in; where `count` is given, that of `key.one` or `key.other`."""
        if "count" in values:
            key = f"{key}.{'one' if values['count'] == 1 else 'other'}"
        text = self._texts[key]
        return text.format(**values) if values else text

    def get(self, key: str, otherwise: str) -> str:
        """The text of a key that may not be there, such as that of a code which is newer than the catalogue."""
        return self._texts.get(key, otherwise)

    def keys(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._texts)


def load(language: str = DEFAULT) -> Words:
    """The catalogue of a language."""
    texts: dict[str, str] = {}
    folder = files("whimbrel.edges.console") / "words" / language
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        found = dict(_flat(tomllib.loads(file.read_text("utf-8")), ""))
        if twice := texts.keys() & found.keys():
            raise ValueError(f"{file.name}: {sorted(twice)} stand in another file too")
        texts |= found
    return Words(texts, language)


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
