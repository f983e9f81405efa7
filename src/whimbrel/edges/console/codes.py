"""A request of the API as code that can be pasted and run: curl, Python, Node. Pure."""

import json
import pprint
import shlex
from collections.abc import Mapping
from typing import Any, Final

SHOWN_MAX: Final = 5  # messages of a batch that are written out
_KEY: Final = "WHIMBREL_API_KEY"
_WIDTH: Final = 88


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
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}"
    )


def _python(url: str, body: Mapping[str, Any], key: str) -> str:
    literal = pprint.pformat(dict(body), width=_WIDTH, sort_dicts=False)
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
    literal = json.dumps(body, ensure_ascii=False, indent=2)
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
