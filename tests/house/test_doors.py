"""Every door is guarded, and what is written about the project is what the project does."""

import re
from pathlib import Path

import pytest

from ivr.transitions import diagram
from webhooks.api.guards import opened
from webhooks.app import create_app
from webhooks.cli.main import COMMANDS
from webhooks.setting_list import REQUIRED, SETTINGS, reference

ROOT = Path(__file__).parents[2]
OPEN = {"/healthz", "/readyz", "/voice/hold.wav", "/voice/recorded/1", "/voice/recorded/quiet-1.wav",
        "/api/v1/openapi.json"}  # fmt: skip
"""Doors for everybody: whether the line stands, the music and the recordings that callers hear, and what the API is."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_route_but_those_for_everybody_refuses_whoever_shows_no_signature_and_no_token(exchange):
    app = create_app(exchange, api=opened(600, 8))
    client = app.test_client()
    walked = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            answer = client.open(path, method=method, data={"CallSid": "CA1", "AccountSid": exchange.account_sid})
            walked.add(path)
            closed = 401 if path.startswith("/api/") else 403
            assert (answer.status_code == closed) == (path not in OPEN), path
            assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401), path
    assert len(walked) > len(OPEN)


NAMED = re.compile(r"^\| `([A-Z_]+)`(?: \*)? \|", re.MULTILINE)


def test_the_reference_lists_every_setting_as_the_program_does():
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert page == reference(), "run `touchtone settings --markdown > docs/settings.md`"
    assert NAMED.findall(page) == [setting.name for setting in SETTINGS]


def test_the_readme_lists_what_a_line_must_have_and_no_setting_that_is_none():
    listed = NAMED.findall((ROOT / "README.md").read_text("utf-8"))
    assert {setting.name for setting in SETTINGS if setting.default == REQUIRED} <= set(listed)
    assert set(listed) <= {setting.name for setting in SETTINGS}
    assert len(listed) == len(set(listed))


def test_the_readme_lists_every_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `touchtone ([a-z-]+)", readme, re.MULTILINE)) == set(COMMANDS)


def test_the_diagram_in_the_docs_is_the_table_s():
    assert diagram() in (ROOT / "docs" / "states.md").read_text("utf-8")


def test_every_link_in_the_docs_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def anchors(page):
    """Of every heading of a page, as code hosts and the site make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_anchor_that_readme_and_changelog_name_is_there():
    # Those between pages of docs/ are looked for by `make docs`.
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    named = [link for page in pages for link in re.findall(r"\]\(([^)#:\s]+)#([^)]+)\)", page.read_text("utf-8"))]
    assert named
    assert [(target, anchor) for target, anchor in named if anchor not in anchors(ROOT / target)] == []


def test_the_readme_begins_with_the_two_commands():
    commands = re.findall(r"^\$? ?(make \w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert commands[:2] == ["make demo", "make test"]
