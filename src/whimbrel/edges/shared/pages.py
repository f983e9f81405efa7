"""The browsable reference at `/docs`: plain HTML of the OpenAPI document, the errors and the events, rendered once. No
script and no foreign host, so it works offline and under the strictest content policy.
"""

import json
import re
from html import escape
from typing import Any

from whimbrel.base.errors import CATALOGUE
from whimbrel.domain.events import EVENT_TYPES

Json = dict[str, Any]

CONTENT_POLICY = b"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

STYLE = """\
:root{color-scheme:light dark;--bg:#f7f6f3;--panel:#fff;--ink:#1c2328;--soft:#5b6670;--line:#e3e0d9;--accent:#0b6e72;
--chip:#efece5;--mono:ui-monospace,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--bg:#12171a;--panel:#1a2125;--ink:#e8ecec;--soft:#9aa7ad;--line:#2a3338;
--accent:#5cc4bd;--chip:#242d32}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 Inter,system-ui,"DejaVu Sans",sans-serif}
a{color:var(--accent)}
header{padding:20px 24px;border-bottom:1px solid var(--line)}
header a{margin-right:16px}
h1{font-size:22px;margin:0 0 6px}
.shell{display:grid;grid-template-columns:230px minmax(0,1fr);gap:32px;max-width:1180px;margin:0 auto;padding:24px}
nav ul{list-style:none;margin:0 0 14px;padding:0;font-size:13px}
nav h2{font-size:12px;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:0 0 4px}
nav a{text-decoration:none}
section{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:14px 18px;margin:0 0 16px}
section h3{margin:0 0 4px;font-size:16px}
code,pre,.path{font-family:var(--mono);font-size:13px}
pre{background:var(--chip);border-radius:8px;padding:10px 12px;overflow:auto}
.method{display:inline-block;min-width:58px;font-weight:700;color:var(--accent)}
table{border-collapse:collapse;width:100%;font-size:13.5px}
td,th{border-top:1px solid var(--line);padding:5px 8px;text-align:left;vertical-align:top}
.soft{color:var(--soft)}
@media (max-width:800px){.shell{grid-template-columns:1fr}}
"""


_NAME = re.compile("`([^`]+)`")


def reference(document: Json) -> bytes:
    """The page of all routes."""
    groups: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    menu = "".join(_menu(tag, rows) for tag, rows in groups.items())
    body = "".join(
        f"<h2>{escape(tag)}</h2>" + "".join(_section(*row, document) for row in rows) for tag, rows in groups.items()
    )
    return _page("Whimbrel API", f'<div class="shell"><nav>{menu}</nav><main>{body}</main></div>')


def errors() -> bytes:
    """The page of all codes; problem details link to their rows."""
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{spec.http or ""}</td><td>{spec.fault}</td>'
        f"<td>{escape(spec.title)}<br><span class=soft>{escape(spec.advice)}</span></td></tr>"
        for code, spec in CATALOGUE.items()
    )
    head = "<tr><th>Code</th><th>Status</th><th>Who acts</th><th>Meaning, and what to do</th></tr>"
    return _page("Errors", f'<div class="shell"><nav></nav><main><table>{head}{rows}</table></main></div>')


def events() -> bytes:
    """The page of all event types."""
    rows = "".join(
        f'<tr id="{name}"><td><code>{name}</code></td><td>{escape(meaning)}</td></tr>'
        for name, meaning in EVENT_TYPES.items()
    )
    head = "<tr><th>Type</th><th>Meaning</th></tr>"
    return _page("Events", f'<div class="shell"><nav></nav><main><table>{head}{rows}</table></main></div>')


def _page(title: str, body: str) -> bytes:
    links = '<a href="/docs">Routes</a><a href="/docs/errors">Errors</a><a href="/docs/events">Events</a>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/style.css"></head><body>'
        f'<header><h1>{escape(title)}</h1>{links}<a href="/openapi.json">OpenAPI 3.1</a></header>{body}</body></html>'
    ).encode()


def _menu(tag: str, rows: list[tuple[str, str, Json]]) -> str:
    items = "".join(
        f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>' for _, _, operation in rows
    )
    return f"<h2>{escape(tag)}</h2><ul>{items}</ul>"


def _section(method: str, path: str, operation: Json, document: Json) -> str:
    parts = [
        f'<section id="{operation["operationId"]}"><h3>{escape(operation["summary"])}</h3>',
        f'<p class="path"><span class="method">{method}</span> {escape(path)}</p>',
        f"<p>{_prose(operation['description'])}</p>",
        _parameters(operation["parameters"]),
        _body(operation, document),
        f"<pre>{escape(_curl(method, path, operation))}</pre>",
        _responses(operation["responses"]),
        "</section>",
    ]
    return "".join(parts)


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td class=soft>{p['in']}</td>"
        f"<td>{escape(_kind(p['schema']))}</td><td>{_prose(p.get('description', ''))}</td></tr>"
        for p in parameters
    )
    return f"<table><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>{rows}</table>"


def _body(operation: Json, document: Json) -> str:
    if "requestBody" not in operation:
        return ""
    content = operation["requestBody"]["content"]
    if "application/json" not in content:
        return f"<h4>Body</h4><p>{escape(', '.join(content))}, as it is.</p>"
    schema = content["application/json"]["schema"]
    component = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = component.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(member))}"
        f"{', required' if name in required else ''}</td><td>{_prose(member.get('description', ''))}</td></tr>"
        for name, member in component.get("properties", {}).items()
    )
    return f"<table><tr><th>Field</th><th>Type</th><th></th></tr>{rows}</table>"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"] if one != {"type": "null"}))
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"] if value is not None)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def _curl(method: str, path: str, operation: Json) -> str:
    lines = ["curl" if method == "GET" else f"curl -X {method}", f'"$WHIMBREL_URL{path}"']
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $WHIMBREL_KEY"')
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        example = json.dumps(body.get("example", {}), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    return " \\\n  ".join(lines)


def _responses(responses: Json) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{_prose(answer['description'])}</td></tr>" for status, answer in responses.items()
    )
    return f"<table><tr><th>Status</th><th></th></tr>{rows}</table>"


def _prose(text: str) -> str:
    """Text with `names` in it, as HTML."""
    return _NAME.sub(r"<code>\1</code>", escape(text))
