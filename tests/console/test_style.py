"""What holds for all templates, colours and texts of the console at once: enough contrast, no text that nobody uses or
that is missing, nothing inline, and pages that are light."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from tests.console.browser import Browser
from whimbrel.edges import console
from whimbrel.edges.console import words
from whimbrel.edges.console.site import PAGES

CONSOLE = Path(console.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
EDGE_CONTRAST = 3.0  # 1.4.11: what shows where a control is
PAGE_BYTES_MAX = 200_000
INKS = ("ink", "soft", "accent", "accent-deep", "good", "warn", "bad", "info")
GROUNDS = ("bg", "panel", "sunk", "chip")
SOFTS = ("accent", "good", "warn", "bad", "info")
PAIRS = (
    *product(INKS, GROUNDS),
    *((name, f"{name}-soft") for name in SOFTS),
    *(("ink", f"{name}-soft") for name in SOFTS),
    *(("soft", f"{name}-soft") for name in SOFTS),
    ("accent-deep", "accent-soft"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-deep"),
)


@cache
def scheme(name: str) -> dict[str, str]:
    """The colours of a scheme; those of the light one hold where the dark one says nothing."""
    text = (CONSOLE / "static" / "tokens.css").read_text()
    light, dark = text.split(':root[data-theme="dark"]')
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    return found if name == "light" else found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", dark))


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read_on_each_of_its_grounds(name):
    colours = scheme(name)
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    faint = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground in PAIRS
        if contrast(colours[ink], colours[ground]) < TEXT_CONTRAST
    }
    assert not faint
    assert all(contrast(colours["edge"], colours[ground]) >= EDGE_CONTRAST for ground in GROUNDS[:2])


def calls(text: str) -> Iterator[str]:
    """What stands in the brackets of each `t(…)` and `words.get(…)` of a template."""
    for found in re.finditer(r"\b(?:t|words\.get)\(", text):
        depth, place = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[place], 0)
            place += 1
        yield text[found.end() : place - 1]


def keys_of(call: str) -> tuple[set[str], set[str]]:
    """The keys that a call names, and the beginnings of those that it makes up."""
    key = re.split(r",\s*(?![^(\[]*[)\]])", call, maxsplit=1)[0]
    begun = set(re.findall(r"""['"]([a-z0-9_.]+)['"]\s*~""", key))
    compared = set(re.findall(r"""(?:==|!=|\bin)\s*['"]([^'"]*)['"]""", key))
    named = set(re.findall(r"""['"]([a-z0-9_]+(?:\.[a-z0-9_]+)+)['"]""", key)) - begun - compared
    return named, begun


@cache
def used() -> tuple[dict[str, str], set[str]]:
    """Every key that is named, and where; and the beginnings of keys that are made up."""
    named: dict[str, str] = {}
    begun: set[str] = set()
    made_up: set[str] = set()
    for template in TEMPLATES:
        for call in calls(template.read_text()):
            keys, beginnings = keys_of(call)
            named |= dict.fromkeys(keys, template.name)
            begun |= beginnings
    for module in sorted(CONSOLE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "done":
                texts = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant) and each.value]
                named |= {f"done.{text}": module.name for text in texts if isinstance(text, str)}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                first = node.args[0] if node.args else None
                if name in {"t", "words"} and isinstance(first, ast.Constant):
                    named[str(first.value)] = module.name
                elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                    made_up.add(str(first.values[0].value))
    there = words.load().keys()
    tables = {key.partition(".")[0] for key in there}
    return named, begun | {each for each in made_up if "." in each and each.partition(".")[0] in tables}


def test_every_text_that_is_named_exists():
    there = set(words.load().keys())
    counted = {key.rpartition(".")[0] for key in there if key.endswith((".one", ".other"))}
    named, begun = used()
    assert not {key: where for key, where in named.items() if key not in there | counted}
    assert not {each for each in begun if not any(key.startswith(each) for key in there)}


def test_every_text_is_used():
    there = words.load().keys()
    named, begun = used()
    begun = begun - {"done."}  # what was done is named where it is done
    spoken = {
        str(node.value).rpartition("done=")[2]
        for path in CONSOLE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
    }

    def is_used(key: str) -> bool:
        names = {key, key.removesuffix(".one").removesuffix(".other"), key.removeprefix("done.")}
        return not names.isdisjoint(named.keys() | spoken) or key.startswith(tuple(begun))

    assert not is_used("shell.nobody_names_this")
    assert not [key for key in there if not is_used(key)]


@pytest.mark.parametrize("template", TEMPLATES, ids=[f"{each.parent.name}/{each.name}" for each in TEMPLATES])
def test_a_template_has_nothing_inline(template):
    """The policy of the pages would not let it through; and no text stands outside of the catalogue."""
    text = template.read_text()
    assert not re.findall(r"<style\b|\sstyle=|\son[a-z]+=|\shx-on|javascript:|<script(?![^>]*\bsrc=)", text)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)


@pytest.mark.asyncio(loop_scope="module")
async def test_pages_are_light(browser: Browser):
    sizes: dict[str, int] = {}
    heavy = {}
    for page in PAGES:
        if page.method != "GET" or "{" in page.path or page.path.endswith(("/live", "/export")):
            continue
        seen = await browser.get(page.path)
        if seen.status != 200 or "<html" not in seen.text:
            continue
        files = seen.all(r'(?:src|href)="(/console/static/[^"#]+\.(?:js|css)[^"]*)"')
        for file in set(files) - sizes.keys():
            sizes[file] = len((await browser.get(file)).text.encode())
        whole = len(seen.text.encode()) + sum(sizes[file] for file in set(files))
        if whole >= PAGE_BYTES_MAX:
            heavy[page.path] = whole
    assert len(sizes) > 5
    assert not heavy
