"""`whimbrel conversation`: what phones wrote and who answers them, asked of a running node with the account's key."""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

conversation = typer.Typer(
    help="Conversations: list, show, answer, assign, tag, note, close, reopen.", no_args_is_help=True
)
TalkId = Annotated[str, typer.Argument(metavar="CH…", help="The conversation.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="So many at most.")]
Text = Annotated[str, typer.Argument(help="What is written.")]


@conversation.command("list")
@guarded
def list_talks(
    state: Annotated[str | None, typer.Option(help="open, waiting or closed alone.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Seen to by this user (id or name), or nobody.")] = None,
    tag: Annotated[str | None, typer.Option(help="With this tag.")] = None,
    number: Annotated[str | None, typer.Option(help="Of this phone.")] = None,
    unread: Annotated[bool, typer.Option("--unread", help="With texts that nobody has read.")] = False,
    most: Most = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Conversations, the newest message first."""
    node = client(data)
    whose = assignee if assignee in (None, "nobody") else _person(node, assignee or "")
    query = {"state": state, "assignee": whose, "tag": tag, "number": number, "unread": "true" if unread else None}
    found = list(asking.every(node, "/v1/conversations", query, most))[:most]
    names = _names(node)
    rows = [
        (each["id"], each["their_number"] or "", each["state"], names.get(each["assignee"], each["assignee"] or ""),
         ", ".join(each["tags"]), str(each["unread"]))
        for each in found
    ]  # fmt: skip
    asking.show(found, ("id", "phone", "state", "seen to by", "tags", "unread"), rows, as_json=as_json)


@conversation.command("show")
@guarded
def show(talk_id: TalkId, most: Most = 20, data: DataFolder = DATA, as_json: Json = False) -> None:
    """How it stands, and its newest messages and notes, the oldest first."""
    node = client(data)
    found = asking.got(node, asking.path("conversations", talk_id))
    thread = list(asking.every(node, asking.path("conversations", talk_id, "messages"), {}, most))[:most]
    notes = asking.got(node, asking.path("conversations", talk_id, "notes"))["data"]
    names = _names(node)
    said = [(each["created_at"], "they" if each["direction"] == "in" else "we", each["text"]) for each in thread]
    said += [(each["created_at"], f"note of {names.get(each['author'], 'the API')}", each["text"]) for each in notes]
    lines = [
        ("id", found["id"]),
        ("phone", found["their_number"]),
        ("writes to", found["our_number"]),
        ("state", found["state"]),
        ("seen to by", names.get(found["assignee"], found["assignee"])),
        ("tags", ", ".join(found["tags"])),
        ("waits since", found["waits_since"]),
        ("rating", found["rating"]),
        *((f"{at[:19]} {who}", text) for at, who, text in sorted(said, key=lambda each: each[0])),
    ]
    asking.show_one({**found, "messages": thread, "notes": notes}, lines, as_json=as_json)


@conversation.command("answer")
@guarded
def answer(
    talk_id: TalkId,
    text: Text,
    state: Annotated[str, typer.Option(help="So it stands from now on.")] = "waiting",
    data: DataFolder = DATA,
) -> None:
    """Answer the phone, from the number that it wrote to."""
    place = asking.path("conversations", talk_id, "messages")
    typer.echo(asking.told(client(data), "POST", place, {"text": text, "state": state})["id"])


@conversation.command("assign")
@guarded
def assign(
    talk_id: TalkId,
    person: Annotated[str, typer.Argument(help="A user's id or name; nobody.")],
    data: DataFolder = DATA,
) -> None:
    """Say who sees to it."""
    node = client(data)
    _change(node, talk_id, assignee="" if person == "nobody" else _person(node, person))


@conversation.command("tag")
@guarded
def tag(
    talk_id: TalkId,
    tags: Annotated[list[str], typer.Argument(metavar="TAG…")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them off.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Put tags on it, or take them off."""
    node = client(data)
    known = asking.got(node, asking.path("conversations", talk_id))["tags"]
    kept = [each for each in known if each not in tags]
    _change(node, talk_id, tags=kept if remove else [*kept, *tags])


@conversation.command("note")
@guarded
def note(talk_id: TalkId, text: Text, data: DataFolder = DATA) -> None:
    """Keep a note, which no phone sees."""
    place = asking.path("conversations", talk_id, "notes")
    typer.echo(asking.told(client(data), "POST", place, {"text": text})["id"])


@conversation.command("close")
@guarded
def close(
    talk_id: TalkId,
    ask_rating: Annotated[
        bool | None, typer.Option("--ask-rating/--no-rating", help="Ask how it was; else as the account has it.")
    ] = None,
    data: DataFolder = DATA,
) -> None:
    """All is said."""
    _change(client(data), talk_id, state="closed", **({} if ask_rating is None else {"ask_rating": ask_rating}))


@conversation.command("reopen")
@guarded
def reopen(talk_id: TalkId, data: DataFolder = DATA) -> None:
    """Somebody is to answer."""
    _change(client(data), talk_id, state="open")


def _change(node: Client, talk_id: str, **changed: Any) -> None:
    found = asking.told(node, "PATCH", asking.path("conversations", talk_id), changed)
    names = _names(node)
    whose = names.get(found["assignee"], found["assignee"]) or "nobody"
    typer.echo(f"{found['id']}: {found['state']}, seen to by {whose}, {', '.join(found['tags']) or 'no tags'}")


def _names(node: Client) -> dict[str | None, str]:
    """Who can see to conversations, by id."""
    return {each["id"]: each["name"] for each in asking.got(node, "/v1/conversation-people")["data"]}


def _person(node: Client, said: str) -> str:
    """The id of who has an id or a name."""
    names = _names(node)
    found = [id_ for id_, name in names.items() if said == id_ or name.casefold() == said.casefold()]
    if len(found) != 1 or found[0] is None:
        fail(
            f"{said} is {'nobody' if not found else 'several people'} of this account: name an id of `user list`",
            code=2,
        )
    return found[0]
