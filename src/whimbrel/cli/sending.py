"""`whimbrel send`: one text, or one to each line of a CSV file in batches.

Each batch goes under an Idempotency-Key of the run, so a batch whose answer was lost is asked for again without being
sent twice, and a run that was cut short goes on with `--run`.
"""

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from whimbrel.base.clock import SECOND_US, SystemChance, SystemClock
from whimbrel.cli.client import Client, Refused, Unreachable, client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.cli.templates import Values, values_of
from whimbrel.domain.states import DELIVERED

_BATCH = 500  # messages: what the node stores in one commit
_POLL_S = 0.2
_WAIT_S = 60
_ANSWER_S = 120  # what URLs of media give is fetched before the answer
_PAUSES_S = (1, 2, 4, 8)  # before each new try of a batch
_PASSING = (408, 409, 429, 500, 503)  # worth a new try under the same key
_COLUMNS = ("to", "text", "sender")
_RUN_OCTETS = 6

Class = Literal["otp", "transactional", "marketing"]


class Why(msgspec.Struct, frozen=True):
    """Why a message ended as it did."""

    code: str
    title: str


class Shown(msgspec.Struct, frozen=True):
    """What we read of a message."""

    id: str
    status: str
    segments: int
    price: str
    currency: str
    final_at: str | None = None
    reason: Why | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why one message of a batch was refused."""

    code: str
    detail: str


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on one message of a batch, and the line of the file that it stands on."""

    id: str = ""
    status: str = ""
    to: str = ""
    segments: int = 0
    price: str = ""
    currency: str = ""
    error: Refusal | None = None
    line: int = 0


class Rows(msgspec.Struct, frozen=True):
    """The answer to a batch."""

    data: tuple[Row, ...]


class Line(msgspec.Struct, frozen=True):
    """One message of the file: its line, and what the file says of it."""

    number: int
    fields: dict[str, Any]


@guarded
def send(
    to: Annotated[str | None, typer.Argument(help="The recipient in E.164, such as +15005550001.")] = None,
    text: Annotated[str | None, typer.Argument(help="The text.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Send to each line: columns to, text and sender, or numbers alone."),
    ] = None,
    common_text: Annotated[str | None, typer.Option("--text", help="The text of lines that have none.")] = None,
    media: Annotated[
        list[str] | None,
        typer.Option(metavar="ME…|URL", help="A picture or another file, by id or URL; may be repeated."),
    ] = None,
    sender: Annotated[str | None, typer.Option(help="One of the account's senders.")] = None,
    message_class: Annotated[
        Class | None, typer.Option("--class", help="Priority, and what happens in doubt; transactional by default.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make the text of this template; with --file, columns are variables."),
    ] = None,
    var: Values = None,
    language: Annotated[str | None, typer.Option(help="The language of the template's text.")] = None,
    send_at: Annotated[str | None, typer.Option(metavar="TIME", help="When, such as 2030-01-31T09:00:00Z.")] = None,
    validity: Annotated[int | None, typer.Option(metavar="SECONDS", help="No longer sent after this.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the states of a single text until the last; 1 unless it is delivered.")
    ] = False,
    timeout: Annotated[
        int | None, typer.Option(min=1, metavar="SECONDS", help=f"Wait no longer than this; {_WAIT_S} by default.")
    ] = None,
    run: Annotated[str, typer.Option(metavar="NAME", help="Go on with a run of --file that was cut short.")] = "",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Send a text, or one to each line of a file."""
    defaults = {
        "sender": sender, "class": message_class, "send_at": send_at, "validity": validity, "media": media or None,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in defaults.items() if value is not None}
    given |= _template(template, var, language, common_text if text is None else text)
    if file is None:
        texts = (text is not None) + (common_text is not None)
        if to is None or (template is None and texts != 1 and (texts or not media)):
            fail("a recipient and a text are needed: whimbrel send +15005550001 'Hello'; or --file CSV", code=2)
        if timeout is not None and not wait:
            fail("--timeout says how long --wait waits; name both", code=2)
        wait_s = (timeout or _WAIT_S) if wait else 0
        said = {} if template else {"text": text or common_text or ""}
        _send_one(client(data), {"to": to, **said, **given}, wait_s=wait_s, as_json=as_json)
        return
    if to is not None or wait or timeout is not None:
        fail("with --file the numbers stand in the file, the text in --text or in the file, and nothing waits", code=2)
    lines = read_lines(file, are_variables=template is not None)
    if common_text is not None:
        given["text"] = common_text
    _send_lines(client(data), lines, given, run or SystemChance().octets(_RUN_OCTETS).hex(), as_json=as_json)


def _template(name: str | None, var: list[str] | None, language: str | None, text: str | None) -> dict[str, Any]:
    """What is said of a template; nothing where none is named."""
    if name is None:
        if var or language:
            fail("--var and --language go with --template", code=2)
        return {}
    if text is not None:
        fail("a text and --template are two things to say; give one of them", code=2)
    found = {"template": name, "variables": values_of(var), "language": language}
    return {field: value for field, value in found.items() if value}


def _send_one(node: Client, body: dict[str, Any], *, wait_s: int, as_json: bool) -> None:
    """The states of the message as they come, and the message as it is in the end or when the time is over."""
    answer = node.call("POST", "/v1/messages", body, timeout_s=_ANSWER_S)
    message = msgspec.json.decode(answer, type=Shown)
    clock = SystemClock()
    deadline = clock.monotonic_us() + wait_s * SECOND_US
    shown = ""
    while wait_s and not message.final_at and clock.monotonic_us() < deadline:
        if message.status != shown and not as_json:
            typer.echo(f"{message.id}  {message.status}")
        shown = message.status
        time.sleep(_POLL_S)
        answer = node.call("GET", f"/v1/messages/{message.id}")
        message = msgspec.json.decode(answer, type=Shown)
    typer.echo(answer.decode() if as_json else _line(message))
    if wait_s and not message.final_at:
        fail(f"{message.id} is {message.status} after {wait_s} s; it goes on without us: `whimbrel tail` shows what "
             "becomes of it, a larger --timeout waits longer", name="wait_timeout")  # fmt: skip
    if wait_s and message.status != DELIVERED:
        raise typer.Exit(1)


def _line(message: Shown) -> str:
    why = f"  {message.reason.code}: {message.reason.title}" if message.reason else ""
    return f"{message.id}  {message.status}{why}  {message.segments} segment(s)  {message.price} {message.currency}"


# ---------------------------------------------------------------- a file


def read_lines(file: Path, *, are_variables: bool = False) -> list[Line]:
    """The messages of a CSV file, `-` for standard input. With a header that names `to`, its columns `to`, `text` and
    `sender` are taken and others left, or are variables of a template; without one the first column is the number."""
    try:
        octets = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        rows = csv.reader(octets.decode("utf-8-sig").splitlines(keepends=True), strict=True)
        numbered = [(rows.line_num, row) for row in rows if any(map(str.strip, row))]
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8")
    except csv.Error as error:
        fail(f"{file} is no CSV: {error}")
    names = numbered[0][1] if numbered else []
    header = [name.strip().lower() for name in names]
    variables: dict[str, int] = {}
    if "to" in header:
        places = {name: header.index(name) for name in _COLUMNS if name in header}
        numbered = numbered[1:]
        variables = {name: place for place, name in enumerate(names) if name.strip().lower() not in _COLUMNS}
    else:
        places = {"to": 0}
    if not numbered:
        fail(f"{file} holds no numbers")
    return [Line(number, _fields(row, places, variables if are_variables else {})) for number, row in numbered]


def _fields(row: Sequence[str], places: dict[str, int], variables: dict[str, int]) -> dict[str, Any]:
    found = {name: row[place].strip() for name, place in places.items() if place < len(row)}
    fields: dict[str, Any] = {name: value for name, value in found.items() if value or name == "to"}
    given = {name.strip(): row[place].strip() for name, place in variables.items() if place < len(row)}
    given = {name: value for name, value in given.items() if name and value}
    return fields | ({"variables": given} if given else {})


def _send_lines(node: Client, lines: Sequence[Line], defaults: dict[str, Any], run: str, *, as_json: bool) -> None:
    accepted = refused = 0
    with _bar() as bar:
        task = bar.add_task("sending", total=len(lines))
        for place, rows in enumerate(_answers(node, lines, defaults, run)):
            for row in rows:
                _show(row, as_json=as_json)
            refused += sum(row.error is not None for row in rows)
            accepted += sum(row.error is None for row in rows)
            bar.update(task, completed=min(len(lines), (place + 1) * _BATCH))
    if not as_json:
        typer.echo(f"{accepted:,} accepted, {refused:,} refused")
    if refused:
        raise typer.Exit(1)


def _bar() -> Progress:
    """On stderr, and only where somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _answers(node: Client, lines: Sequence[Line], defaults: dict[str, Any], run: str) -> Iterator[list[Row]]:
    """The verdicts of each batch, in order."""
    for start in range(0, len(lines), _BATCH):
        part = lines[start : start + _BATCH]
        body = {"messages": [line.fields for line in part], "defaults": defaults}
        try:
            answer = _insist(node, body, key=f"{run}-{start // _BATCH:06d}")
        except (Refused, Unreachable) as error:
            code = "unreachable" if isinstance(error, Unreachable) else "refused"
            fail(f"{error}\nstopped before line {part[0].number}; go on with the same command and --run {run}: "
                 "what was accepted is not sent again", name=code)  # fmt: skip
        found = msgspec.json.decode(answer, type=Rows).data
        yield [
            msgspec.structs.replace(row, line=line.number, to=row.to or line.fields["to"])
            for row, line in zip(found, part, strict=True)
        ]


def _insist(node: Client, body: Any, *, key: str) -> bytes:
    """The batch's answer; asked for again while what stands in the way may pass."""
    for pause_s in _PAUSES_S:
        try:
            return node.ask("POST", "/v1/messages/batch", body, timeout_s=_ANSWER_S, Idempotency_Key=key)
        except Unreachable as error:
            typer.echo(f"{error} trying again in {pause_s} s", err=True)
        except Refused as error:
            if error.status not in _PASSING:
                raise
        time.sleep(pause_s)
    return node.ask("POST", "/v1/messages/batch", body, timeout_s=_ANSWER_S, Idempotency_Key=key)


def _show(row: Row, *, as_json: bool) -> None:
    """JSON: a line for each message; otherwise only those that were refused."""
    if as_json:
        typer.echo(msgspec.json.encode(row).decode())
    elif row.error is not None:
        typer.echo(f"line {row.line} {row.to}: {row.error.code}: {row.error.detail}", err=True)
