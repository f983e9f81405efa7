"""The tables of docs/api.md, errors.md, events.md and limits.md, rendered from the code. The tests compare;
`python -m tests.edges.reference` writes them anew between their markers.
"""

import re
from pathlib import Path

from whimbrel.base import limits
from whimbrel.base.errors import CATALOGUE
from whimbrel.domain.events import EVENT_TYPES
from whimbrel.edges.rest.door import table

DOCS = Path(__file__).parents[2] / "docs"
WHO = {"public": "anyone", "account": "account", "operator": "operator", "any": "account, operator"}
_LIMIT = re.compile(r"^(?P<name>[A-Z_]+) = [^#\n]+?(?:  # (?P<reason>.+))?$", re.MULTILINE)


def rows(head: list[str], cells: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def routes() -> str:
    cells = [
        [f"`{each.method} {each.path}`", each.summary, WHO[each.access], f"`{each.scope}`" if each.scope else ""]
        for each in table(streams_per_account=1)
    ]
    return rows(["route", "does", "for", "scope"], cells)


def errors(*, answers: bool) -> str:
    """Codes that refuse a request, or those that are only reasons of a message's end."""
    cells = [
        [f"`{row.code}`", *([str(row.http)] if answers else []), "yes" if row.permanent else "no", row.fault, row.title,
         row.advice]
        for row in CATALOGUE.values()
        if bool(row.http) == answers
    ]  # fmt: skip
    head = ["code", *(["status"] if answers else []), "permanent", "who acts", "meaning", "what to do"]
    return rows(head, cells)


def events() -> str:
    return rows(["type", "when"], [[f"`{name}`", meaning] for name, meaning in EVENT_TYPES.items()])


def limit_rows() -> str:
    source = Path(limits.__file__).read_text("utf-8")
    cells = [[f"`{m['name']}`", f"{getattr(limits, m['name']):,}", m["reason"] or ""] for m in _LIMIT.finditer(source)]
    return rows(["limit", "value", "of what, and why"], cells)


TABLES = {
    ("api.md", "routes"): routes,
    ("errors.md", "answers"): lambda: errors(answers=True),
    ("errors.md", "reasons"): lambda: errors(answers=False),
    ("events.md", "types"): events,
    ("limits.md", "limits"): limit_rows,
}


def block(name: str) -> re.Pattern[str]:
    """What stands between the markers of a table."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


def main() -> None:
    for (page, name), render in TABLES.items():
        path = DOCS / page
        text, count = block(name).subn(lambda _: render() + "\n", path.read_text("utf-8"))  # noqa: B023
        assert count == 1, (page, name)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
