"""Contacts as a file: CSV, oldest first, in pages that are read as they are written. It begins with a mark by which
spreadsheets know that it is UTF-8, and no cell begins a formula there.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from whimbrel.base import limits
from whimbrel.domain.audience_terms import Term
from whimbrel.domain.contact_values import fields_of
from whimbrel.domain.contacts import Contact
from whimbrel.manage.context import OLDEST, Context
from whimbrel.products.contacts.keeping import Wanted, term_of
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.contacts.shapes import view

_MARK: Final = "\ufeff"
_FORMULA: Final = ("=", "@", "+", "-", "\t", "\r")
_FIXED: Final = ("number", "name", "language", "time_zone", "country", "tags", "lists", "created_at", "updated_at")
_BETWEEN: Final = "; "


async def export(ctx: Context, wanted: Wanted, *, account_id: str, test: bool) -> AsyncIterator[bytes]:
    """The file in pieces. WhimbrelError before the first: invalid_filter, not_found."""
    about = await known(ctx, account_id, test)
    return _pages(ctx, about, await term_of(ctx, about, wanted))


async def _pages(ctx: Context, about: Known, term: Term) -> AsyncIterator[bytes]:
    yield (_MARK + lines([(*_FIXED, *about.fields)])).encode()
    place = OLDEST
    while rows := await ctx.store.contacts.page(
        about.account_id, about.test, term, place, limits.PAGE_MAX, oldest=True
    ):
        yield lines(_row(row, about) for row in rows).encode()
        place = rows[-1].id


def lines(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def _safe(cell: Any) -> str:
    """What a spreadsheet would take for a formula begins with an apostrophe; numbers stay as they are."""
    said = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
    is_number = not isinstance(cell, str) or said[1:].replace(".", "", 1).isdigit()
    return "'" + said if said.startswith(_FORMULA) and not is_number else said


def _row(contact: Contact, about: Known) -> list[Any]:
    shown = view(contact, about)
    labels = {"tags": _BETWEEN.join(shown.tags), "lists": _BETWEEN.join(shown.lists)}
    fields = fields_of(contact, about.fields)
    fixed = [labels.get(name, getattr(shown, name)) for name in _FIXED]
    return [*fixed, *(fields.get(name) for name in about.fields)]
