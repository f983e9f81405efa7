"""The texts that bring codes, in the recipient's language; `texts.toml` has them. The last lines are for machines: the
hash by which Android hands the text to its app (SMS Retriever), and the line by which a browser fills the code in
(WebOTP), which has to stand last.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

DEFAULT: Final = "en"
_MASK: Final = "*"


class Language(msgspec.Struct, frozen=True):
    """One table of the file."""

    text: str
    warning: str
    countries: tuple[str, ...] = ()


@cache
def languages() -> Mapping[str, Language]:
    """All of them by tag (RFC 5646)."""
    found = tomllib.loads((files("whimbrel.products.verify") / "texts.toml").read_text("utf-8"))
    return msgspec.convert(found, dict[str, Language])


@cache
def _by_country() -> Mapping[str, str]:
    return {country: tag for tag, language in languages().items() for country in language.countries}


def language_of(country: str) -> str:
    """The one that a number's country is texted in."""
    return _by_country().get(country, DEFAULT)


def known_language(tag: str) -> str | None:
    """The tag of ours that is meant: `pt-br` is `pt-BR`, `de-AT` is `de`; None when there is none."""
    by_lower = {each.lower(): each for each in languages()}
    wanted = tag.replace("_", "-").lower()
    while wanted:
        if wanted in by_lower:
            return by_lower[wanted]
        wanted = wanted.rpartition("-")[0]
    return None


def sentence(code: str, *, service: str, language: str, warns: bool = False) -> str:
    """The text for people alone."""
    return _filled(_sentence(languages()[language], warns=warns), code, service)


def _sentence(chosen: Language, *, warns: bool) -> str:
    end = "" if chosen.text.endswith((".", "!", "?")) else "."
    return chosen.text + (f"{end} {chosen.warning}" if warns else "")


def render(
    code: str, *, service: str, language: str, warns: bool = False, app_hash: str = "", domain: str = ""
) -> tuple[str, str]:
    """The text with the code, and the same with the code masked."""
    said = _sentence(languages()[language], warns=warns)
    lines = [f"<#> {said}" if app_hash else said]
    if app_hash:
        lines.append(app_hash)
    if domain:
        lines.append(f"@{domain} #{{code}}")
    pattern = "\n".join(lines)
    return _filled(pattern, code, service), _filled(pattern, _MASK * len(code), service)


def _filled(pattern: str, code: str, service: str) -> str:
    """Names may hold braces: they are put in last, and not looked through."""
    return "".join({"{code}": code, "{service}": service}.get(piece, piece) for piece in _pieces(pattern))


def _pieces(pattern: str) -> list[str]:
    pieces = [pattern]
    for mark in ("{code}", "{service}"):
        pieces = [part for piece in pieces for part in _split(piece, mark)]
    return pieces


def _split(piece: str, mark: str) -> list[str]:
    parts: list[str] = []
    for part in piece.split(mark):
        parts += [part, mark]
    return parts[:-1]
