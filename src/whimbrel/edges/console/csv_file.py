"""CSV for spreadsheets (RFC 4180), a row at a time. A cell that a spreadsheet would take for a formula gets a `'`
before it (OWASP: CSV injection).
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def line(cells: Iterable[object]) -> str:
    """One row with its line end; None is an empty cell."""
    out = io.StringIO()
    csv.writer(out).writerow([_safe("" if cell is None else str(cell)) for cell in cells])
    return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
