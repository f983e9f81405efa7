"""`whimbrel usage`: figures of traffic and money by day, country, carrier and class, over the API."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client, operator, stored
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.manage.credentials import Credentials

_PERIODS: Final = ("hour", "day", "month")
_GROUPS: Final = ("country", "carrier", "class", "direction", "account")
_COLUMNS: Final = {"carrier": "carrier_id", "account": "account_id"}
_FIGURES: Final = (
    "accepted", "sent", "delivered", "undelivered", "failed", "expired", "rejected", "canceled", "unknown", "received",
    "segments",
)  # fmt: skip
_SHOWN: Final = ("accepted", "delivered", "received", "segments")


@guarded
def usage(
    by: Annotated[
        str, typer.Option(help="Any of hour, day or month, country, carrier, class, direction, account, with commas.")
    ] = "day",
    start: Annotated[str | None, typer.Option("--from", help="From this day or moment on (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="And before this one; now by default.")] = None,
    country: Annotated[str | None, typer.Option(help="Only this one, such as DE.")] = None,
    message_class: Annotated[str | None, typer.Option("--class", help="Only this one.")] = None,
    direction: Annotated[str | None, typer.Option(help="Only out, or in.")] = None,
    of_all: Annotated[bool, typer.Option("--all", help="Of all accounts, with the operator's key.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with all figures.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Show what was sent, what became of it and what it cost."""
    period, groups = _parted(by)
    query = {
        "granularity": period or "total", "group_by": ",".join(groups), "start": _moment(start), "end": _moment(end),
        "country": country, "class": message_class, "direction": direction,
    }  # fmt: skip
    found = list(asking.every(_node(data, of_all=of_all), asking.path("usage"), query))
    names = [_COLUMNS.get(each, each) for each in groups]
    if as_csv:
        _print_csv(found, names, has_period=bool(period))
        return
    heads = (*((period,) if period else ()), *groups, *_SHOWN, "rate", "charged")
    rows = [_row(each, period, names) for each in found]
    asking.show(found, heads, rows, as_json=as_json)


def _parted(by: str) -> tuple[str, list[str]]:
    """The period and the groups of `--by`."""
    names = [each.strip() for each in by.split(",") if each.strip()]
    periods = [each for each in names if each in _PERIODS]
    groups = [each for each in names if each not in _PERIODS]
    wrong = [each for each in groups if each not in _GROUPS]
    if wrong or len(periods) > 1:
        fail(f"--by takes one of {', '.join(_PERIODS)}, and any of {', '.join(_GROUPS)}; not {by}", code=2)
    return (periods[0] if periods else ""), groups


def _moment(text: str | None) -> str | None:
    """A day is its first moment."""
    return f"{text}T00:00:00Z" if text and "T" not in text else text


def _node(data: Path, *, of_all: bool) -> Client:
    return operator(stored(data) or Credentials(), None, data) if of_all else client(data)


def _row(found: Any, period: str, names: Sequence[str]) -> tuple[str, ...]:
    start = found["period_start"]
    when = (start[:10] if period == "day" else start[:7] if period == "month" else start[:16],) if period else ()
    rate = found["delivery_rate"]
    return (
        *when,
        *(str(found[name] or "–") for name in names),
        *(f"{found[name]:,}" for name in _SHOWN),
        "–" if rate is None else f"{100 * rate:.1f} %",
        f"{found['charged']} {found['currency']}",
    )


def _print_csv(found: Sequence[Any], names: Sequence[str], *, has_period: bool) -> None:
    """All figures; ends of lines as in RFC 4180."""
    heads = [*(("period_start", "period_end") if has_period else ()), *names, *_FIGURES, "delivery_rate", "charged"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*heads, "currency"])
    writer.writerows([each[name] for name in (*heads, "currency")] for each in found)
    sys.stdout.write(out.getvalue())
