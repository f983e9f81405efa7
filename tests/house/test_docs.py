"""The pages say what there is: every page is in the index, every link leads somewhere, every metric and every
dependency has its line, and no line speaks of what is gone."""

import ast
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from whimbrel.base.metrics import Metrics

from .code import ROOT, modules

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def table(path, columns: int) -> list[list[str]]:
    """The rows of every table on a page that has this many columns, backquotes removed."""
    rows = [line.strip().strip("|").split("|") for line in path.read_text("utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("`", "") for cell in row] for row in rows if len(row) == columns]
    return [row for row in cells if not set(row[0]) <= set("-: ")]


def anchors(path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page():
    linked = set(LINK.findall((DOCS / "README.md").read_text("utf-8")))
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - linked == {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page):
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_metric_has_its_line_and_every_line_its_metric():
    documented = {(name, kind, labels) for name, kind, labels, _ in table(DOCS / "metrics.md", 4)[1:]}
    assert documented == set(exported_metrics())


def exported_metrics():
    """Name as scraped, kind, labels of each metric of a process."""
    for metric in vars(Metrics()).values():
        if hasattr(metric, "describe"):
            family = metric.describe()[0]
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield name, family.type, ", ".join(metric._labelnames)


def test_every_metric_is_set_somewhere():
    """A metric that is always zero is worse than none: it looks like an answer."""
    product = [module for module in modules() if module.path != "src/whimbrel/base/metrics.py"]
    nodes = [node for module in product for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    used = {node.attr for node in nodes if last_name(node.value).endswith("metrics")}
    names = {name for name, metric in vars(Metrics()).items() if hasattr(metric, "describe")}
    assert names - used == set()


def last_name(node):
    """`b` of `b` and of `a.b`; empty for what is neither."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def test_every_dependency_has_its_reason():
    """`docs/dependencies.md`: one line for each package that pyproject.toml names, and for none besides."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"].values()
    lines = [*project["project"]["dependencies"], *(line for group in groups for line in group)]
    lines += project["build-system"]["requires"]
    named = {Requirement(line).name for line in lines}
    rows = [row for row in table(DOCS / "dependencies.md", 3) if row[0] != "package"]
    assert {row[0] for row in rows} == named
    assert [row[0] for row in rows if len(row[1]) < 15] == []


def test_the_architecture_names_files_that_are_there():
    text = FENCE.sub("", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    named = {
        path for path in re.findall(r"`([\w/.-]+)`", text) if "/" in path or path.endswith((".py", ".md", ".toml"))
    }
    assert len(named) > 40
    assert [
        path for path in sorted(named) if not any((base / path).exists() for base in (ROOT, ROOT / "src" / "whimbrel"))
    ] == []


def test_the_architecture_names_every_step_of_the_journey():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    steps = [file.name for file in (ROOT / "src" / "whimbrel" / "journey").glob("*.py") if file.name != "__init__.py"]
    assert [name for name in sorted(steps) if f"journey/{name}" not in text] == []
