"""The alerts, the dashboard and the page about them speak of metrics, events and sections that there are."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from webhooks import metrics
from webhooks.app import create_app
from webhooks.beats import Beats
from webhooks.health import Watch

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NAME = re.compile(r"\btouchtone_[a-z_]+\b")


@pytest.fixture
def series(exchange, tmp_path):
    """Every series that a scrape can have, and the labels each may carry."""
    client = create_app(exchange, watch=Watch(tmp_path, tmp_path / "node", Beats(), "t" * 16)).test_client()
    assert client.get("/metrics", headers={"Authorization": "Bearer " + "t" * 16}).status_code == 200
    from prometheus_client.parser import text_string_to_metric_families

    text = client.get("/metrics", headers={"Authorization": "Bearer " + "t" * 16}).text
    found = {}
    for family in text_string_to_metric_families(text):
        found[family.name] = {label for sample in family.samples for label in sample.labels}
    known = {}
    for metric in (each for name, each in vars(metrics).items() if name.isupper() and hasattr(each, "labels")):
        labels = set(metric._labelnames)
        ends = ["_bucket", "_sum", "_count"] if metric._type == "histogram" else ["_total"]
        known |= {metric._name + end: labels | ({"le"} if end == "_bucket" else set()) for end in ends}
        found.pop(metric._name)
    return {**found, "touchtone_texts_unsent": {"reason"}, "touchtone_alarms": {"kind"}, **known}


def names_in(expression):
    return set(NAME.findall(expression))


def labels_in(expression):
    """Labels that are asked for or grouped by."""
    asked = set(re.findall(r"[{,]\s*([a-z_]+)\s*(?:=|!=|=~)", expression))
    grouped = {label.strip() for each in re.findall(r"by \(([^)]*)\)", expression) for label in each.split(",")}
    return asked | grouped


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_expression_of_alerts_and_dashboard_names_a_series_and_labels_that_there_are(series):
    expressions = [rule["expr"] for rule in RULES if rule["alert"] != "TouchtoneNodeDown"]
    expressions += [target["expr"] for panel in PANELS for target in panel["targets"]]
    assert len(expressions) > 50
    for expression in expressions:
        names = names_in(expression)
        assert names, expression
        assert names <= set(series), expression
        assert labels_in(expression) <= set().union(*(series[name] for name in names)), expression


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_metric_is_on_the_page_and_on_the_dashboard_and_no_other(series):
    on_the_page = names_in(PAGE.partition("## Metrics")[2].partition("## Alerts")[0])
    ends = re.compile(r"_(oldest_seconds|bucket|sum|count)$")
    base = {ends.sub("", name) for name in series}
    assert on_the_page == base
    drawn = {ends.sub("", name) for panel in PANELS for target in panel["targets"] for name in names_in(target["expr"])}
    assert drawn == base


def test_every_alert_has_its_section_in_the_page_and_every_section_its_alert():
    alerts = [rule["alert"] for rule in RULES]
    sections = re.findall(r"^### (Touchtone\w+)$", PAGE, re.MULTILINE)
    assert alerts == sections
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        assert len(section.split()) > 15, section


def test_every_alert_says_how_grave_it_is_and_what_is_so():
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
        named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) - {"instance"}
        assert named <= labels_in(rule["expr"])


def test_what_is_counted_words_its_labels_as_the_alerts_ask_for_them():
    source = "".join((ROOT / "webhooks" / name).read_text() for name in ("metrics.py", "beats.py", "door.py"))
    source += (ROOT / "keys" / "alarms.py").read_text() + (ROOT / "ivr" / "operators.py").read_text()
    expressions = [rule["expr"] for rule in RULES] + [each["expr"] for panel in PANELS for each in panel["targets"]]
    asked = {value for each in expressions for value in re.findall(r'(?:=|!=)"(\w+)"', each)} - {"touchtone", "phone"}
    assert len(asked) > 6
    assert {value for value in asked if f'"{value}"' not in source} == set()


def test_no_panel_lies_on_another_and_each_has_a_name_of_its_own():
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in places
                assert x < 24
                places.add((x, y))
    titles = [panel["title"] for panel in PANELS]
    assert len(titles) == len(set(titles))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def events():
    """The name of every event that line and desk log, from the source; a licence host has a page of its own."""
    found = set()
    for package in ("keys", "ivr", "webhooks"):
        for path in (ROOT / package).rglob("*.py"):
            if "kms_host" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                called = ast.unparse(node.func)
                if called == "_Kind" and path.name == "spool.py":
                    found.add(node.args[-1].value)  # what a torn line is logged as, whichever file it stands in
                elif ast.unparse(node.args[0]) == "kind.unreadable":
                    continue
                elif called.startswith("_log.") or called == "level":
                    assert isinstance(node.args[0], ast.Constant), (path, ast.unparse(node))
                    found.add(node.args[0].value)
    return found


def test_every_event_of_the_log_is_on_the_page_and_no_other():
    table = PAGE.partition("## Logs")[2].partition("## Metrics")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == events()


def test_every_word_of_readiness_is_on_the_page():
    table = PAGE.partition("## Alive and ready")[2].partition("## Logs")[0]
    source = (ROOT / "webhooks" / "health.py").read_text()
    for word in ("leaving", "disk nearly full", "stuck at", "database not at this version"):
        assert f"`{word}" in table
        assert f'"{word}' in source or f'f"{word}' in source
    for cause in metrics.Cause:
        assert f"`{cause}`" in table or f"database {cause}" in table
