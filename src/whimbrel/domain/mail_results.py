"""Who a mail is from, as the mail server in front of us found it out: Authentication-Results (RFC 8601), and whether a
result is about the domain that the reader sees. Which fields are believed is the caller's question.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from whimbrel.domain.mail_addresses import domain_of

Wanted = Literal["any", "dkim", "spf", "none"]
_FIELD_MAX: Final = 8_000
_FIELDS_MAX: Final = 10
_RESULTS_MAX: Final = 100
_PAIR: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?P<name>[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)?)\s*(?:/\s*\d+\s*)?=\s*"
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s";]+))'
)
_PART: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])+')


class Result(msgspec.Struct, frozen=True):
    """One method's result with what it was found for, such as `header.d`; all in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


def results_of(fields: Sequence[str], authserv_ids: Sequence[str]) -> list[Result]:
    """Results of those fields that were written by one of these servers (RFC 8601 2.5)."""
    trusted = {each.lower() for each in authserv_ids}
    found: list[Result] = []
    for field in fields[:_FIELDS_MAX]:
        text = _without_comments(field[:_FIELD_MAX])
        parts = _PART.findall(text)
        names = parts[0].split() if parts else []
        if names and names[0].strip('"').lower() in trusted:
            found += [result for part in parts[1:] if (result := _result(part)) is not None]
    return found[:_RESULTS_MAX]


def is_authentic(results: Sequence[Result], domain: str, wanted: Wanted) -> bool:
    """Whether a mail with this domain in its From field is from there. `any`: by DKIM, SPF or DMARC."""
    if wanted == "none":
        return True
    if wanted == "any" and any(_passes_dmarc(result, domain) for result in results):
        return True
    methods = ("dkim", "spf") if wanted == "any" else (wanted,)
    return any(each.method in methods and each.result == "pass" and _is_about(each, domain) for each in results)


def _passes_dmarc(result: Result, domain: str) -> bool:
    return result.method == "dmarc" and result.result == "pass" and result.properties.get("header.from") == domain


def _is_about(result: Result, domain: str) -> bool:
    """Relaxed alignment (RFC 7489 3.1), where one domain is the other or stands below it."""
    names = ("header.d", "header.i") if result.method == "dkim" else ("smtp.mailfrom",)
    value = next((result.properties[name] for name in names if name in result.properties), "")
    found = domain_of(value)
    return "." in found and (found == domain or found.endswith(f".{domain}") or domain.endswith(f".{found}"))


def _result(part: str) -> Result | None:
    pairs = [
        ("".join(each["name"].split()).lower(), (each["bare"] or each["quoted"] or "").lower())
        for each in _PAIR.finditer(part)
    ]
    if not pairs or "." in pairs[0][0]:
        return None
    properties: dict[str, str] = {}
    for name, value in pairs[1:]:
        properties.setdefault(name, value)
    return Result(pairs[0][0], pairs[0][1], properties)


def _without_comments(field: str) -> str:
    """RFC 5322 3.2.2: comments nest, and mean nothing; not within quotes."""
    kept: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for character in field:
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"' and not depth:
            is_quoted = not is_quoted
        elif not is_quoted and character in "()":
            depth = max(0, depth + (1 if character == "(" else -1))
            kept.append(" ")
            continue
        if not depth:
            kept.append(character)
    return "".join(kept)
