"""The alerts and the dashboard: what they ask for is measured, and each alert comes when it has to."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.house.code import ROOT
from tests.house.test_docs import anchors, exported_metrics

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus-alerts.yaml"
CASES = ROOT / "tests" / "deploy" / "alerts.yaml"
GRID = 24  # columns of a dashboard
FROM_PROMETHEUS = {"instance", "job", "le", "alertname", "alertstate"}

SELECTOR = re.compile(r"\b(whimbrel_\w+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def labels_of_metrics() -> dict[str, set[str]]:
    """Every series that a process exports, with its labels."""
    found: dict[str, set[str]] = {}
    for name, kind, labels in exported_metrics():
        names = [name] if kind != "histogram" else [f"{name}_{part}" for part in ("bucket", "sum", "count")]
        found |= {each: {label.strip() for label in labels.split(",") if label} for each in names}
    return found


def wrong_in(expression: str) -> Iterator[str]:
    """What an expression asks for that nobody exports."""
    metrics = labels_of_metrics()
    used: set[str] = set(FROM_PROMETHEUS)
    for name, selected in SELECTOR.findall(expression):
        if name not in metrics:
            yield f"{name} is no metric"
            continue
        used |= metrics[name]
        known = metrics[name] | FROM_PROMETHEUS
        yield from (f"{name} has no {label}" for label in LABEL.findall(selected) if label not in known)
    for group in GROUPING.findall(expression):
        yield from (f"nothing here has {label}" for label in re.split(r",\s*", group) if label not in used)


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return group["rules"]


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))


def queries() -> Iterator[tuple[str, str]]:
    """Title and expression of each query of the dashboard."""
    for panel in dashboard()["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_measured_and_leads_to_what_to_do(rule):
    assert list(wrong_in(rule["expr"])) == []
    assert rule["labels"]["severity"] in {"page", "ticket"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(ROOT / page)
    assert rule["alert"] in (ROOT / page).read_text("utf-8"), "the section names the alert"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(whimbrel_hoots_total[1m])", "whimbrel_hoots_total is no metric"),
        ('whimbrel_binds{colour="red"}', "whimbrel_binds has no colour"),
        ("sum by (colour) (whimbrel_binds)", "nothing here has colour"),
    ],
)
def test_what_is_not_measured_is_seen(expression, words):
    assert list(wrong_in(expression)) == [words]


def test_every_alert_has_its_case():
    cases = yaml.safe_load(CASES.read_text("utf-8"))["tests"]
    expected = {
        re.search(r'alertname="(\w+)"', sample["labels"])[1]
        for case in cases
        for query in case["promql_expr_test"]
        for sample in query["exp_samples"]
    }
    assert expected == {rule["alert"] for rule in rules()}
    quiet = [case for case in cases if case["promql_expr_test"][0]["exp_samples"] == []]
    assert len(quiet) == 1
    series = {
        SELECTOR.match(each["series"])[1] for each in quiet[0]["input_series"] if "whimbrel" in each["series"][:9]
    }
    asked = {name for rule in rules() for name, _ in SELECTOR.findall(rule["expr"])}
    assert asked - series == set(), "in a system that is well these are measured too"


def test_every_query_of_the_dashboard_asks_for_what_is_measured():
    assert [(title, wrong) for title, query in queries() for wrong in wrong_in(query)] == []


def test_the_dashboard_is_one_that_grafana_shows():
    shown = dashboard()
    assert shown["schemaVersion"] >= 36 and shown["uid"] and shown["title"]
    variables = {variable["name"] for variable in shown["templating"]["list"]}
    panels = shown["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["type"] in {"row", "stat", "timeseries"}
        assert panel["type"] == "row" or (panel["targets"] and panel["description"])
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= GRID and not cells & taken, f"{panel['title']} covers another"
        taken |= cells
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) - {"__rate_interval"}
    assert used <= variables


@pytest.mark.ci
def test_promtool_finds_nothing_wrong_with_the_rules():
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout
    done = subprocess.run(["promtool", "check", "config", DEPLOY / "prometheus.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.ci
def test_each_alert_comes_when_it_has_to_and_none_when_all_is_well():
    done = subprocess.run(["promtool", "test", "rules", CASES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.ci
def test_every_query_of_the_dashboard_can_be_read(tmp_path):
    """As rules, which promtool parses."""
    variables = {"$__rate_interval": "1m", "$instance": ".*"}
    records = []
    for number, (_, query) in enumerate(queries()):
        for name, value in variables.items():
            query = query.replace(name, value)
        records.append({"record": f"query_{number}", "expr": query})
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
