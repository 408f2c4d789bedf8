"""What is written into the site from the program is whole, and nothing is fetched by a browser from elsewhere."""

import doctest
import importlib
import re
import subprocess
import sys

import click
import pytest

from ivr.states import STATES
from ivr.transitions import TRANSITIONS
from tests.docs.shown import ROOT
from webhooks.api.description import description
from webhooks.cli.main import COMMANDS, cli


@pytest.fixture(scope="module")
def reference():
    """The extension that writes, and all that it writes from."""
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    yield importlib.import_module("reference")
    sys.path.remove(str(ROOT / "docs" / "site"))


def test_every_command_and_every_option_is_on_its_page(reference):
    page = reference.WRITTEN["commands"]()
    for name in COMMANDS:
        assert f"## `touchtone {name}`" in page
    issue = cli.get_command(click.Context(cli), "key").get_command(click.Context(cli), "issue")
    (section,) = re.findall(r"### `touchtone key issue`\n(.*?)\n###", page, re.DOTALL)
    for option in issue.params:
        assert option.opts[0] in section


def test_a_star_in_a_help_is_no_mark_up(reference):
    page = reference.WRITTEN["commands"]()
    assert r"Take every report (\*.json)" in page


def test_every_operation_and_every_shape_of_the_api_is_on_its_page(reference):
    page = reference.WRITTEN["api"]()
    whole = description("https://line.example.com")
    for path, methods in whole["paths"].items():
        for method in methods:
            assert f"### `{method.upper()} {path}`" in page
    for name, schema in whole["components"]["schemas"].items():
        (section,) = re.findall(rf"### {name}\n(.*?)(?:\n###|\Z)", page, re.DOTALL)
        for field in schema.get("properties", {}):
            assert f"| `{field}` |" in section


def test_every_prompt_is_on_its_page_with_its_words(reference):
    page = reference.WRITTEN["prompts"]()
    ids = re.findall(r'^msgctxt "(.+)"$', (ROOT / "prompts" / "en-US.po").read_text("utf-8"), re.MULTILINE)
    assert [prompt for prompt in ids if f"| `{prompt}` | " not in page] == []
    assert "| `group.next` | Group {group}. |" in page


def test_every_catalogue_is_among_the_languages(reference):
    page = reference.WRITTEN["languages"]()
    for file in (ROOT / "prompts").glob("*.po"):
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{file.stem}` |")]
        assert int(row.split("|")[5]) > 100


def test_every_state_and_every_step_is_on_its_page(reference):
    for state in STATES:
        assert f"| `{state.__name__}` |" in reference.WRITTEN["states"]()
    rows = reference.WRITTEN["transitions"]().splitlines()[2:]
    steps = {(before, event) for before, event, _ in TRANSITIONS if event.__name__ != "HungUp"}
    assert len(rows) == len(steps)
    assert "| `Checking` | `Approved` | `ReadingBack` |" in rows


def test_every_decision_is_on_its_page_with_what_was_decided(reference):
    page = reference.WRITTEN["decisions"]()
    for file in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        (row,) = [line for line in page.splitlines() if f"]({file.name})" in line]
        assert row.split("|")[2].strip().endswith(".")


def test_what_scrolls_can_be_reached_and_a_heading_says_its_level(reference):
    assert reference is not None
    run = doctest.testmod(importlib.import_module("reachable"))
    assert (run.attempted, run.failed) == (1, 0)


def test_a_link_an_anchor_and_a_page_out_of_all_contents_fail_the_build(tmp_path):
    recipe = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "docs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    built = recipe.splitlines()[-1].replace(" docs docs/site/built/html", f" {tmp_path} {tmp_path / 'built'}")
    built = built.replace("docs/site/built/trees", str(tmp_path / "trees"))
    (tmp_path / "index.md").write_text("# One\n\n[a](nowhere.md) [b](#nothing)\n\n```{toctree}\ntwo\n```\n")
    (tmp_path / "two.md").write_text("# Two\n\n[c](index.md#nothing-here)\n")
    (tmp_path / "three.md").write_text("# Three\n")
    done = subprocess.run(["bash", "-c", built], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    for fault in ("nowhere.md", "'nothing'", "'nothing-here'", "three.md: WARNING: document isn't included"):
        assert fault in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("text", "fetched"),
    [
        ('<script async src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/css">', True),
        ("@import url(https://fonts.example/css);", True),
        ("src: url('https://fonts.example/a.woff2')", True),
        ('<img alt="a" src="https://example.com/a.png">', True),
        ('<a href="https://example.com">there</a>', False),
        ('<script src="_static/furo.js?v=1"></script>', False),
        ('<svg xmlns="http://www.w3.org/2000/svg">', False),
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_found(reference, tmp_path, text, fetched):
    (tmp_path / "page.html").write_text(text)
    assert bool(list(reference.fetched_from_elsewhere(tmp_path))) == fetched
