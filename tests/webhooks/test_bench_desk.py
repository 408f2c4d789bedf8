"""`touchtone bench desk`: a small run over real processes tells how soon changes arrive, and what desks cost."""

import json

import pytest
from click.testing import CliRunner

from webhooks.cli.main import cli


def test_a_change_reaches_every_desk_and_turns_are_timed_with_and_without(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- bench desk -->\n<!-- /bench desk -->\n")
    words = "bench desk --database sqlite --waiting 5 --desks 3 --changes 2 --streams 2,4 --connections 1 --rounds 1"
    run = CliRunner().invoke(cli, [*words.split(), "--turns", "70", "--json", "--write", str(page)])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    (reached,) = told["reached"]
    assert 0 < reached["heard_p50"] <= reached["heard_most"] < 5
    assert 0 < reached["shown_p50"] <= reached["shown_most"] < 5
    assert [one["subject"] for one in told["slowed"]] == ["no desk", "no desk, again", "2 desks", "4 desks"]
    assert {one["turns"] for one in told["slowed"]} == {70}
    none, again = told["slowed"][:2]
    assert none["p50_ratio"] + again["p50_ratio"] == pytest.approx(2)
    assert none["p99_ratio"] / again["p99_ratio"] == pytest.approx(none["p99"] / again["p99"])
    assert all(0 <= one["desk_share"] < 2 for one in told["slowed"])
    assert len(told["aims"]) == 5
    assert "| sqlite | 1 | 4 desks | 70 |" in page.read_text()
