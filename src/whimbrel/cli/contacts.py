"""`whimbrel contacts`: people whom an account knows, asked of a running node with the account's key."""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client
from whimbrel.cli.contact_files import export, import_file, imports
from whimbrel.cli.contact_words import fields, lists, segments, tags
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

contacts = typer.Typer(
    help="Contacts: list, get, add, update, delete, merge, import, export, and what they are chosen by.",
    no_args_is_help=True,
)
contacts.command("import")(import_file)
contacts.command("imports")(imports)
contacts.command("export")(export)
contacts.add_typer(segments, name="segments")
contacts.add_typer(fields, name="fields")
contacts.add_typer(tags, name="tags")
contacts.add_typer(lists, name="lists")
Place = Annotated[str, typer.Argument(metavar="CT…|NUMBER", help="A contact, or the one that has a number.")]
Filter = Annotated[str | None, typer.Option(help="A filter as segments have it.")]
Segment = Annotated[str | None, typer.Option(metavar="SG…", help="Only those of this segment.")]
Tag = Annotated[str | None, typer.Option(help="Only those with this tag.")]
OnList = Annotated[str | None, typer.Option("--list", help="Only those on this list.")]
Search = Annotated[str | None, typer.Option(help="The beginning of a number, or a part of a name.")]
Values = Annotated[
    list[str], typer.Option("--field", metavar="NAME=VALUE", help="A declared field; an empty value clears it.")
]
PutTags = Annotated[list[str], typer.Option("--tag", help="To put on; once for each.")]
PutLists = Annotated[list[str], typer.Option("--list", help="To come on; once for each.")]
Name = Annotated[str | None, typer.Option(help="What to call them.")]
Language = Annotated[str | None, typer.Option(help="Such as de.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="Such as Europe/Berlin.")]


@contacts.command("list")
@guarded
def list_contacts(
    filter: Filter = None,
    segment: Segment = None,
    tag: Tag = None,
    on_list: OnList = None,
    search: Search = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Contacts, newest first; what is given narrows them down together."""
    query = {"filter": filter, "segment": segment, "tag": tag, "list": on_list, "search": search}
    found = list(asking.every(client(data), "/v1/contacts", query, most))[:most]
    rows = [
        (each["id"], each["number"], each["name"], each["country"], ", ".join(each["tags"]), each["created_at"][:19])
        for each in found
    ]
    asking.show(found, ("id", "number", "name", "country", "tags", "since"), rows, as_json=as_json)


@contacts.command("count")
@guarded
def count(
    filter: Filter = None,
    segment: Segment = None,
    tag: Tag = None,
    on_list: OnList = None,
    search: Search = None,
    data: DataFolder = DATA,
) -> None:
    """How many contacts there are."""
    query = {"filter": filter, "segment": segment, "tag": tag, "list": on_list, "search": search}
    typer.echo(asking.got(client(data), asking.asked("/v1/contacts/count", **query))["count"])


@contacts.command("get")
@guarded
def get(place: Place, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What is known of somebody."""
    node = client(data)
    _print(asking.got(node, _path(node, place)), as_json=as_json)


@contacts.command("timeline")
@guarded
def timeline(
    place: Place,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """What happened with somebody, newest first."""
    node = client(data)
    found = list(asking.every(node, f"{_path(node, place)}/timeline", most=most))[:most]
    rows = [(each["at"][:19], each["type"], each["message_id"] or "", each["status"] or "") for each in found]
    asking.show(found, ("at", "what", "message_id", "status"), rows, as_json=as_json)


@contacts.command("add")
@guarded
def add(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="In E.164.")],
    name: Name = None,
    language: Language = None,
    time_zone: Zone = None,
    field: Values = [],  # noqa: B006
    tag: PutTags = [],  # noqa: B006
    put_list: PutLists = [],  # noqa: B006
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Make a contact; one whose number is known is refused."""
    node = client(data)
    said = {"name": name, "language": language, "time_zone": time_zone}
    body: dict[str, Any] = {"number": number, "tags": tag, "lists": put_list, "fields": _values(node, field)}
    body |= {each: value for each, value in said.items() if value is not None}
    _print(asking.told(node, "POST", "/v1/contacts", body), as_json=as_json)


@contacts.command("update")
@guarded
def update(
    place: Place,
    number: Annotated[str | None, typer.Option(help="Another number, in E.164.")] = None,
    name: Name = None,
    language: Language = None,
    time_zone: Zone = None,
    field: Values = [],  # noqa: B006
    tag: PutTags = [],  # noqa: B006
    put_list: PutLists = [],  # noqa: B006
    untag: Annotated[list[str], typer.Option(help="To take off; once for each.")] = [],  # noqa: B006
    unlist: Annotated[list[str], typer.Option(help="To leave; once for each.")] = [],  # noqa: B006
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Change somebody; what is not given stays, an empty text clears."""
    node = client(data)
    said = {"number": number, "name": name, "language": language, "time_zone": time_zone}
    body: dict[str, Any] = {each: value for each, value in said.items() if value is not None}
    body |= {"fields": _values(node, field), "tags": tag, "lists": put_list}
    body |= {"remove_tags": untag, "remove_lists": unlist}
    _print(asking.told(node, "PATCH", _path(node, place), body), as_json=as_json)


@contacts.command("merge")
@guarded
def merge(
    place: Place,
    others: Annotated[list[str], typer.Argument(metavar="CT…|NUMBER", help="Those that become this one.")],
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Several contacts become the first."""
    node = client(data)
    body = {"into": _id(node, place), "contacts": [_id(node, each) for each in others]}
    _print(asking.told(node, "POST", "/v1/contacts/merge", body), as_json=as_json)


@contacts.command("delete")
@guarded
def delete(place: Place, data: DataFolder = DATA) -> None:
    """Erase somebody with their history; texts stay, and an opt-out holds on."""
    node = client(data)
    contact_id = _id(node, place)
    node.call("DELETE", asking.path("contacts", contact_id))
    typer.echo(f"{contact_id} is erased")


def _id(node: Client, place: str) -> str:
    """The contact of an id or a number."""
    if place.startswith("CT"):
        return place
    found = asking.got(node, asking.asked("/v1/contacts", search=place))["data"]
    exact = [each["id"] for each in found if each["number"] == place]
    if not exact:
        fail(f"there is no contact of the number {place}", name="not_found")
    return str(exact[0])


def _path(node: Client, place: str) -> str:
    return asking.path("contacts", _id(node, place))


def _values(node: Client, given: list[str]) -> dict[str, Any]:
    """Fields as the API takes them: of numbers and booleans what the text says."""
    if not given:
        return {}
    kinds = {each["name"]: each["kind"] for each in asking.got(node, "/v1/contact-fields")["data"]}
    found = {}
    for said in given:
        name, sign, text = said.partition("=")
        if not sign:
            fail(f"--field {said}: say NAME=VALUE", code=2)
        found[name] = _value(kinds.get(name, "text"), text)
    return found


def _value(kind: str, text: str) -> Any:
    if not text:
        return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        return float(text) if kind == "number" else text
    except ValueError:
        return text


def _print(found: Any, *, as_json: bool) -> None:
    lines = [
        ("contact", found["id"]),
        ("number", found["number"]),
        ("other numbers", " ".join(found["other_numbers"])),
        ("name", found["name"]),
        ("country", found["country"]),
        ("language", found["language"]),
        ("time zone", found["time_zone"]),
        ("tags", ", ".join(found["tags"])),
        ("lists", ", ".join(found["lists"])),
        *((name, value) for name, value in found["fields"].items()),
        ("since", found["created_at"][:19]),
        ("changed", found["updated_at"][:19]),
        ("last written to", (found["last_sent_at"] or "")[:19]),
        ("last wrote", (found["last_received_at"] or "")[:19]),
        ("last clicked", (found["last_clicked_at"] or "")[:19]),
        ("opted out", (found["opted_out_at"] or "")[:19]),
    ]
    asking.show_one(found, lines, as_json=as_json)
