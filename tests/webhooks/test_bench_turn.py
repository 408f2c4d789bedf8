"""`touchtone bench turn`: a small run of the real thing. No absolute time is asserted."""

import json

import pytest
from click.testing import CliRunner

from webhooks.bench.line import FLOOR, OURS, VIEW
from webhooks.cli.main import cli


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_small_run_sets_the_processor_time_of_a_turn_beside_both_baselines(database):
    given = ["bench", "turn", "--database", database, "--rounds", "2", "--calls", "1"]
    result = CliRunner().invoke(cli, [*given, "--json"])
    assert result.exit_code == 0, result.output
    view, floor, ours = json.loads(result.stdout)["costs"]
    assert [one["subject"] for one in (view, floor, ours)] == [VIEW, FLOOR, OURS]
    assert floor["of_floor"] == floor["least_of_floor"] == 1
    for one in (view, floor, ours):
        assert 0 < one["least"] <= one["median"]
        assert one["of_floor"] > 0
    assert (view["statements"], floor["statements"]) == (None, None)
    assert 2 <= ours["statements"] <= 4


def test_what_is_printed_names_the_subjects_and_how_many_turns_stand_behind_them():
    result = CliRunner().invoke(cli, ["bench", "turn", "--database", "sqlite", "--rounds", "1", "--calls", "2"])
    assert result.exit_code == 0, result.output
    for words in ("of the floor", VIEW, FLOOR, OURS, "1 rounds of 14 turns"):
        assert words in result.stdout
