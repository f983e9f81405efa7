"""A request of the API as code that can be pasted and run: curl, Python, Node. Pure."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

SHOWN_MAX: Final = 5  # messages of a batch that are written out
_KEY: Final = "WHIMBREL_API_KEY"
_INDENT: Final = 2


def codes(url: str, path: str, body: Mapping[str, Any], key: str) -> dict[str, str]:
    """The request in each language, by its name; `key` is its Idempotency-Key."""
    return {
        "curl": _curl(url + path, body, key),
        "python": _python(url + path, body, key),
        "node": _node(url + path, body, key),
    }


def _curl(url: str, body: Mapping[str, Any], key: str) -> str:
    return (
        f"curl {shlex.quote(url)} \\\n"
        f'  -H "Authorization: Bearer ${_KEY}" \\\n'
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -H 'Idempotency-Key: {key}' \\\n"
        f"  -d {shlex.quote(_literal(body, _json))}"
    )


def _python(url: str, body: Mapping[str, Any], key: str) -> str:
    literal = _literal(body, repr)
    return (
        "import json, os, urllib.request\n\n"
        f"body = {literal}\n"
        "request = urllib.request.Request(\n"
        f"    {url!r},\n"
        "    data=json.dumps(body).encode(),\n"
        "    headers={\n"
        f'        "Authorization": "Bearer " + os.environ["{_KEY}"],\n'
        '        "Content-Type": "application/json",\n'
        f'        "Idempotency-Key": "{key}",\n'
        "    },\n"
        ")\n"
        "with urllib.request.urlopen(request) as answer:\n"
        "    print(json.load(answer))\n"
    )


def _node(url: str, body: Mapping[str, Any], key: str) -> str:
    literal = _literal(body, _json)
    return (
        f"const body = {literal};\n\n"
        f"fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        "  headers: {\n"
        f'    "Authorization": `Bearer ${{process.env.{_KEY}}}`,\n'
        '    "Content-Type": "application/json",\n'
        f'    "Idempotency-Key": "{key}",\n'
        "  },\n"
        "  body: JSON.stringify(body),\n"
        "})\n"
        "  .then((answer) => answer.json())\n"
        "  .then(console.log);\n"
    )


def _literal(value: Any, scalar: Callable[[Any], str], depth: int = 0) -> str:
    """A literal of JSON's kinds, a member a line; what has one member stays on its line."""
    if isinstance(value, Mapping):
        members = [f"{scalar(name)}: {_literal(inner, scalar, depth + 1)}" for name, inner in value.items()]
        return _bracketed("{", members, "}", depth)
    if isinstance(value, list):
        return _bracketed("[", [_literal(inner, scalar, depth + 1) for inner in value], "]", depth)
    return scalar(value)


def _bracketed(opening: str, members: list[str], closing: str, depth: int) -> str:
    if len(members) < 2 and not any("\n" in member for member in members):
        return f"{opening}{', '.join(members)}{closing}"
    inner = "\n" + " " * _INDENT * (depth + 1)
    return f"{opening}{inner}{(',' + inner).join(members)}\n{' ' * _INDENT * depth}{closing}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
