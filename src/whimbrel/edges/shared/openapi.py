"""The OpenAPI 3.1 document, built from the route table and the schemas that msgspec gives of our own types: what the
document says is what the decoder does (unknown members are refused, so `additionalProperties` is false).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import CATALOGUE
from whimbrel.domain import carrier_kinds
from whimbrel.edges.shared.cells import is_of_the_installation
from whimbrel.edges.shared.problems import Problem
from whimbrel.edges.shared.routes import NoQuery, Operation

Json = dict[str, Any]

_REF = "#/components/schemas/"
_PARAMETER = re.compile(r"{(\w+)}")
_ALWAYS = ("internal_error", "overloaded")
_WITH_KEY = ("unauthorized", "account_suspended", "account_moving", "cell_unavailable", "forbidden", "rate_limited")
_EMPTY = frozenset({204, 302})  # these have no body
_WITH_BODY = ("malformed_json", "invalid_request", "unsupported_media_type", "body_too_large")
_WITH_IDEMPOTENCY = ("invalid_idempotency_key", "idempotency_in_progress", "idempotency_key_reused")
_SECURITY: list[Json] = [{"bearer": []}, {"basic": []}]
_ACCESS_WORDS = {
    "public": "No key is needed.",
    "account": "For the key's account, or the one that `X-Account-Id` names.",
    "operator": "For the operator's keys only.",
    "any": "",
}
_HEADER_WORDS = {
    "account": "The account to act for; the operator must, a parent may name a sub-account.",
    "operator": "The account that it is about.",
    "any": "The account to act for; a parent may name a sub-account. Without it the operator means the installation.",
}
_CELL_WORDS = {
    "description": "Of an operator who names no account, where there are several cells: the cell that is meant. Without"
    " it, that of the node that is asked."
}


def document(operations: Sequence[Operation], *, version: str, server_url: str = "/") -> Json:
    """The whole document, ready for JSON."""
    schemas, components = _schemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Whimbrel",
            "version": version,
            "summary": "An SMS API that you run yourself.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "security": _SECURITY,
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `wk_live_…`, `wk_test_…`."},
                "basic": {"type": "http", "scheme": "basic", "description": "The account's id and its auth token."},
            },
        },
    }


def errors_of(operation: Operation) -> tuple[str, ...]:
    """Every code that the operation may answer, those of its kind included."""
    codes = list(operation.errors)
    if operation.access != "public":
        codes += _WITH_KEY
    if operation.live_only:
        codes.append("test_mode")
    if operation.body is not None:
        codes += _WITH_BODY
    if operation.idempotent:
        codes += _WITH_IDEMPOTENCY
    if operation.query is not NoQuery or operation.access != "public":
        codes.append("invalid_parameter")
    if "cursor" in operation.query.__struct_fields__:
        codes.append("invalid_cursor")
    if "{" in operation.path:
        codes.append("not_found")
    return tuple(dict.fromkeys([*codes, *_ALWAYS]))


# ---------------------------------------------------------------- schemas


def _schemas(operations: Iterable[Operation]) -> tuple[dict[Any, Json], Json]:
    kinds: dict[Any, None] = dict.fromkeys((Problem, *carrier_kinds.KINDS.values()))
    for operation in operations:
        kinds |= dict.fromkeys(kind for kind in (operation.body, operation.answer, operation.query) if kind)
    refs, components = msgspec.json.schema_components(kinds, ref_template=_REF + "{name}")
    for component in components.values():
        _move_required(component)
        if "description" in component:
            component["description"] = " ".join(component["description"].split())
    return dict(zip(kinds, refs, strict=True)), dict(components)


def _move_required(component: Json) -> None:
    """A member that has a default for us and a code of its own when it is absent is required for callers."""
    for name, schema in component.get("properties", {}).items():
        if schema.pop("x-required", False):
            schema.pop("default", None)
            component["required"] = sorted({*component.get("required", []), name})


# ---------------------------------------------------------------- one operation


def _operation(operation: Operation, schemas: dict[Any, Json], components: Json) -> Json:
    described = " ".join(part for part in (operation.description, _ACCESS_WORDS[operation.access]) if part)
    result: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": described + (f" Scope: `{operation.scope}`." if operation.scope else ""),
        "parameters": _parameters(operation, schemas, components),
        "responses": {str(operation.status): _success(operation, schemas)} | _failures(operation),
    }
    if operation.access == "public":
        result["security"] = []
    if operation.body is not None:
        content: Json = {"schema": schemas[operation.body]}
        if operation.example is not None:
            content["example"] = operation.example
        result["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.octets:
        plain: Json = {"schema": {"type": "string", "format": "binary"}}
        body = result.setdefault("requestBody", {"required": True, "content": {}})
        body["content"] |= dict.fromkeys(operation.octets, plain)
    return result


def _parameters(operation: Operation, schemas: dict[Any, Json], components: Json) -> list[Json]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    query = components[schemas[operation.query]["$ref"].removeprefix(_REF)]
    for name, schema in query["properties"].items():
        text = {"description": schema["description"]} if "description" in schema else {}
        found.append(
            {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": schema} | text
        )
    if operation.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY_MAX}
        text = {"description": "The same key and body within 24 hours get the first answer again."}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema} | text)
    if operation.access != "public" and operation.account_header != "refused":
        text = {"description": _HEADER_WORDS[operation.access]}
        schema = {"type": "string", "pattern": "^AC[0-9a-f]{32}$"}
        needed = operation.account_header == "needed"
        found.append({"name": "X-Account-Id", "in": "header", "required": needed, "schema": schema} | text)
    if _takes_cell(operation):
        found.append({"name": "X-Cell", "in": "header", "required": False, "schema": {"type": "string"}} | _CELL_WORDS)
    return found


def _takes_cell(operation: Operation) -> bool:
    """Whether nothing but the header says whose cell is meant (`edges/shared/cells.py`)."""
    is_of_installation = operation.access in ("operator", "any") and operation.account_header != "needed"
    return (
        is_of_installation
        and not operation.path.startswith("/v1/accounts/{id}")
        and not is_of_the_installation(operation.method, operation.path)
    )


def _success(operation: Operation, schemas: dict[Any, Json]) -> Json:
    headers: Json = {"X-Request-Id": {"schema": {"type": "string"}}}
    if operation.access != "public":
        text = {"description": "The cell that answers, where there are several."}
        headers["X-Cell"] = {"schema": {"type": "string"}} | text
    if operation.idempotent:
        headers["Idempotent-Replayed"] = {"schema": {"type": "string", "enum": ["true"]}}
    answer: Json = {"description": operation.summary, "headers": headers}
    if operation.answer is not None:
        answer["content"] = {operation.content_type: {"schema": schemas[operation.answer]}}
    elif operation.status not in _EMPTY:
        answer["content"] = {operation.content_type: {"schema": {"type": "string"}}}
    return answer


def _failures(operation: Operation) -> Json:
    by_status: dict[int, list[str]] = {}
    for code in errors_of(operation):
        by_status.setdefault(CATALOGUE[code].http, []).append(code)
    content = {"application/problem+json": {"schema": {"$ref": _REF + "Problem"}}}
    return {
        str(status): {
            "description": " ".join(f"`{code}`: {CATALOGUE[code].title}" for code in codes),
            "content": content,
        }
        for status, codes in sorted(by_status.items())
    }
