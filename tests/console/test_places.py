"""What is looked at, pictured and measured is every page that the console has: one that is added has to be put into
`tests/browser/places.py`."""

import re

from tests.browser.places import PAGES, PIECES
from whimbrel.edges.console.site import PAGES as SITE

# What a paper holds, and what is seen once.
ELSEWHERE = {"/console/media/{id}/content", "/console/senders/papers/{id}", "/console/welcome"}


def _first(path: str) -> str:
    """The page that an address leads to."""
    address = "/console" + re.sub(r"\{[^}]*\}", "x", path).partition("?")[0]
    fits = [page.path for page in SITE if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", page.path), address)]
    return min(fits, key=lambda each: each.count("{"))


def test_every_page_is_looked_at():
    looked_at = {_first(path) for path in (*PAGES.values(), *PIECES)}
    there = {page.path for page in SITE if page.method == "GET" and page.who == "whole"}
    left_out = {path for path in there if path.endswith(("/live", "/export"))} | ELSEWHERE
    assert there - left_out - looked_at == set()
