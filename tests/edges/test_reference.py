"""What the reference says is what there is: the OpenAPI document, the pages, and the tables in docs/."""

import re

import msgspec
import pytest

from whimbrel.base.errors import CATALOGUE
from whimbrel.domain.callbacks import EventBody
from whimbrel.domain.events import EVENT_TYPES
from whimbrel.edges.rest import messages, shapes
from whimbrel.edges.rest.door import table
from whimbrel.edges.rest.events import EventObject
from whimbrel.edges.shared import openapi, pages
from whimbrel.edges.shared.bodies import JsonBody

from . import reference

OPERATIONS = table(streams_per_account=1)
DOCUMENT = openapi.document(OPERATIONS, version="0")
SCHEMAS = DOCUMENT["components"]["schemas"]
WITH_BODY = [each for each in OPERATIONS if each.body is not None]


def name_of(operation):
    return operation.name


@pytest.mark.parametrize(("page", "name"), reference.TABLES, ids=[f"{page} {name}" for page, name in reference.TABLES])
def test_the_tables_in_docs_are_those_of_the_code(page, name):
    written = reference.block(name).search((reference.DOCS / page).read_text("utf-8"))
    assert written is not None
    assert written[0].strip() == reference.TABLES[page, name](), "run python -m tests.edges.reference"


def test_no_limit_lacks_its_reason():
    assert [row for row in reference.limit_rows().split("\n") if row.endswith("|  |")] == []


def test_every_route_is_in_the_document_once():
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(each.path, each.method.lower()) for each in OPERATIONS}
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)


def references(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere_and_nothing_of_ours_is_left_in_it():
    assert {ref.removeprefix("#/components/schemas/") for ref in references(DOCUMENT)} <= set(SCHEMAS)
    assert b"x-required" not in msgspec.json.encode(DOCUMENT)


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_an_operation_says_everything(operation):
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert operation.summary and described["operationId"] == operation.name
    assert str(operation.status) in described["responses"]
    for code in openapi.errors_of(operation):
        assert CATALOGUE[code].http != 0, f"{code} never answers a request"
        assert f"`{code}`" in described["responses"][str(CATALOGUE[code].http)]["description"]
    placed = {each["name"] for each in described["parameters"] if each["in"] == "path"}
    assert placed == set(re.findall(r"{(\w+)}", operation.path))
    assert (operation.access == "public") == (described.get("security") == [])


def test_the_cell_can_be_named_where_nothing_else_says_it():
    takes = {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if any(each["name"] == "X-Cell" for each in operation["parameters"])
    }
    assert {"listStreams", "rewindStream", "listNodes", "listAccounts", "createAccount", "listAudit"} <= takes
    assert takes & {"sendMessage", "createCarrier", "createRoute", "moveAccount", "getAccount", "listMessages"} == set()


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_body_is_described_as_it_is_taken(operation):
    schema = SCHEMAS[operation.body.__name__]
    assert schema["additionalProperties"] is False
    assert operation.example is not None, "an example says more than a schema"
    JsonBody(operation.body).decode(msgspec.json.encode(operation.example))


def test_what_has_a_code_of_its_own_when_it_is_absent_is_described_as_required():
    assert SCHEMAS["NewMessage"]["required"] == ["to"]


def test_the_shapes_that_stand_for_others_have_their_fields():
    """msgspec describes no unions of structs, so the document has stand-ins for events."""
    assert EventObject.__struct_fields__ == EventBody.__struct_fields__
    assert messages.TimelineObject.__struct_fields__ == messages.Timeline.__struct_fields__


def test_defaults_of_a_batch_are_a_messages_fields():
    fields = set(shapes.NewMessage.__struct_encode_fields__)
    assert set(shapes.MessageDefaults.__struct_encode_fields__) == fields - {"to"}


@pytest.mark.parametrize("page", [pages.reference(DOCUMENT), pages.errors(), pages.events()], ids=["routes", "e", "ev"])
def test_a_page_asks_nobody_else_and_runs_nothing(page):
    text = page.decode()
    assert re.findall(r'(?:src|href|action)="(?!/|#|data:,)[^"]*"', text) == []
    assert "<script" not in text and " style=" not in text and " on" + "click" not in text
    assert "url(" not in pages.STYLE and "@import" not in pages.STYLE


def test_the_pages_hold_every_route_code_and_event():
    routes, errors, events = pages.reference(DOCUMENT).decode(), pages.errors().decode(), pages.events().decode()
    assert [each.name for each in OPERATIONS if f'<section id="{each.name}">' not in routes] == []
    assert [code for code in CATALOGUE if f'id="{code}"' not in errors] == []
    assert [name for name in EVENT_TYPES if f'id="{name}"' not in events] == []
