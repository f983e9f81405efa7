"""What contacts are described and chosen by, on the command line: segments, fields, tags, lists."""

from typing import Annotated

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.contact_files import label_segment
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

segments = typer.Typer(help="Segments: list, create, update, count, preview, label, delete.", no_args_is_help=True)
segments.command("label")(label_segment)
fields = typer.Typer(help="Declared fields: list, create, delete.", no_args_is_help=True)
SegmentId = Annotated[str, typer.Argument(metavar="SG…")]
Filter = Annotated[str, typer.Argument(metavar="FILTER", help='Such as \'country = "DE" and tag = "vip"\'.')]


@segments.command("list")
@guarded
def list_segments(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Segments, by name."""
    found = asking.got(client(data), "/v1/segments")["data"]
    asking.show(
        found, ("id", "name", "filter"), [(each["id"], each["name"], each["filter"]) for each in found], as_json=as_json
    )


@segments.command("create")
@guarded
def create_segment(name: str, filter: Filter, data: DataFolder = DATA) -> None:
    """Keep a filter under a name."""
    made = asking.told(client(data), "POST", "/v1/segments", {"name": name, "filter": filter})
    typer.echo(f"{made['id']} {made['name']}")


@segments.command("update")
@guarded
def update_segment(
    segment_id: SegmentId,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    filter: Annotated[str | None, typer.Option(help="Another filter.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Change a segment."""
    change = {"name": name, "filter": filter}
    body = {each: value for each, value in change.items() if value is not None}
    made = asking.told(client(data), "PATCH", asking.path("segments", segment_id), body)
    typer.echo(f"{made['id']} {made['name']}: {made['filter']}")


@segments.command("count")
@guarded
def count_segment(segment_id: SegmentId, data: DataFolder = DATA) -> None:
    """How many contacts it holds for now."""
    typer.echo(asking.got(client(data), asking.path("segments", segment_id, "count"))["count"])


@segments.command("preview")
@guarded
def preview(filter: Filter, data: DataFolder = DATA, as_json: Json = False) -> None:
    """How many a filter holds for, and the newest of them; nothing is kept."""
    found = asking.told(client(data), "POST", "/v1/segments/preview", {"filter": filter})
    rows = [(each["id"], each["number"], each["name"]) for each in found["contacts"]]
    if not as_json:
        typer.echo(f"{found['count']} contacts")
    asking.show(found, ("id", "number", "name"), rows, as_json=as_json)


@segments.command("delete")
@guarded
def delete_segment(segment_id: SegmentId, data: DataFolder = DATA) -> None:
    """Forget a segment; its contacts stay."""
    client(data).call("DELETE", asking.path("segments", segment_id))
    typer.echo(f"{segment_id} is deleted")


@fields.command("list")
@guarded
def list_fields(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Declared fields."""
    found = asking.got(client(data), "/v1/contact-fields")["data"]
    rows = [(each["id"], each["name"], each["kind"], ", ".join(each["choices"])) for each in found]
    asking.show(found, ("id", "name", "kind", "choices"), rows, as_json=as_json)


@fields.command("create")
@guarded
def create_field(
    name: str,
    kind: Annotated[str, typer.Argument(help="text, choice, number, date or boolean.")],
    choice: Annotated[list[str], typer.Option(help="A value of a choice; once for each.")] = [],  # noqa: B006
    data: DataFolder = DATA,
) -> None:
    """Declare a field."""
    body = {"name": name, "kind": kind} | ({"choices": choice} if choice else {})
    made = asking.told(client(data), "POST", "/v1/contact-fields", body)
    typer.echo(f"{made['id']} {made['name']}: {made['kind']}")


@fields.command("delete")
@guarded
def delete_field(field_id: Annotated[str, typer.Argument(metavar="CF…")], data: DataFolder = DATA) -> None:
    """Delete a field with its values."""
    client(data).call("DELETE", asking.path("contact-fields", field_id))
    typer.echo(f"{field_id} is deleted")


def _labels(kind: str) -> typer.Typer:
    """The verbs of tags, or of lists: they differ in name alone."""
    found = typer.Typer(help=f"{kind.capitalize()}s: list, create, show, delete.", no_args_is_help=True)

    @found.command("list", help=f"{kind.capitalize()}s, by name.")
    @guarded
    def list_labels(data: DataFolder = DATA, as_json: Json = False) -> None:
        labels = asking.got(client(data), f"/v1/{kind}s")["data"]
        rows = [(each["id"], each["name"], each["description"]) for each in labels]
        asking.show(labels, ("id", "name", "description"), rows, as_json=as_json)

    @found.command("create", help=f"Make a {kind}.")
    @guarded
    def create(
        name: str,
        description: Annotated[str, typer.Option(help="What it is for.")] = "",
        data: DataFolder = DATA,
    ) -> None:
        made = asking.told(client(data), "POST", f"/v1/{kind}s", {"name": name, "description": description})
        typer.echo(f"{made['id']} {made['name']}")

    @found.command("show", help=f"A {kind} with the number of its contacts.")
    @guarded
    def show(label_id: Annotated[str, typer.Argument(metavar="ID")], data: DataFolder = DATA) -> None:
        label = asking.got(client(data), asking.path(f"{kind}s", label_id))
        typer.echo(f"{label['id']} {label['name']}: {label['members']}")

    @found.command("delete", help=f"Delete a {kind}; its contacts stay.")
    @guarded
    def delete(label_id: Annotated[str, typer.Argument(metavar="ID")], data: DataFolder = DATA) -> None:
        client(data).call("DELETE", asking.path(f"{kind}s", label_id))
        typer.echo(f"{label_id} is deleted")

    return found


tags = _labels("tag")
lists = _labels("list")
