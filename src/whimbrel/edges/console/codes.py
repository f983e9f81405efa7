"""A request of the API as code that can be pasted and run: curl, Python, Node. Pure."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

SHOWN_MAX: Final = 5  # messages of a batch that are written out
_KEY: Final = "WHIMBREL_API_KEY"
_INDENT: Final = 2


def codes(url: str, path: str, body: Mapping[str, Any] | None, key: str = "") -> dict[str, str]:
    """The request in each language, by its name: a POST, or a GET where there is no body. `key` is its
    Idempotency-Key; empty: none."""
    return {
        "curl": _curl(url + path, body, key),
        "python": _python(url + path, body, key),
        "node": _node(url + path, body, key),
    }


def _headers(body: Mapping[str, Any] | None, key: str) -> dict[str, str]:
    """Those beside the key of the API."""
    kind = {} if body is None else {"Content-Type": "application/json"}
    return kind | ({"Idempotency-Key": key} if key else {})


def _curl(url: str, body: Mapping[str, Any] | None, key: str) -> str:
    lines = [f"curl {shlex.quote(url)}", f'-H "Authorization: Bearer ${_KEY}"']
    lines += [f"-H '{name}: {value}'" for name, value in _headers(body, key).items()]
    if body is not None:
        lines.append(f"-d {shlex.quote(_literal(body, _json))}")
    return " \\\n  ".join(lines)


def _python(url: str, body: Mapping[str, Any] | None, key: str) -> str:
    headers = "".join(f'        "{name}": "{value}",\n' for name, value in _headers(body, key).items())
    return (
        "import json, os, urllib.request\n\n"
        + ("" if body is None else f"body = {_literal(body, repr)}\n")
        + "request = urllib.request.Request(\n"
        f"    {url!r},\n" + ("" if body is None else "    data=json.dumps(body).encode(),\n") + "    headers={\n"
        f'        "Authorization": "Bearer " + os.environ["{_KEY}"],\n'
        f"{headers}"
        "    },\n"
        ")\n"
        "with urllib.request.urlopen(request) as answer:\n"
        "    print(json.load(answer))\n"
    )


def _node(url: str, body: Mapping[str, Any] | None, key: str) -> str:
    headers = "".join(f'    "{name}": "{value}",\n' for name, value in _headers(body, key).items())
    return (
        ("" if body is None else f"const body = {_literal(body, _json)};\n\n")
        + f"fetch({json.dumps(url)}, {{\n"
        + ("" if body is None else '  method: "POST",\n')
        + "  headers: {\n"
        f'    "Authorization": `Bearer ${{process.env.{_KEY}}}`,\n'
        f"{headers}"
        "  },\n" + ("" if body is None else "  body: JSON.stringify(body),\n") + "})\n"
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
