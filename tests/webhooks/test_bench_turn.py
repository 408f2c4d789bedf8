"""`touchtone bench turn`: a small run of the real thing. No absolute time is asserted."""

import json

import pytest
from click.testing import CliRunner

from webhooks.bench.line import FLOOR, OURS, VIEW
from webhooks.bench.turn import TurnCost, TurnReport, told
from webhooks.cli.main import cli


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_small_run_sets_the_processor_time_of_a_turn_beside_both_baselines(database):
    given = ["bench", "turn", "--database", database, "--rounds", "1", "--calls", "1"]
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
    costs = (
        TurnCost("sqlite", FLOOR, 400.0, 500.0, 1.0, 1.0, None),
        TurnCost("sqlite", OURS, 500.0, 650.0, 0.8, 0.77, 3),
    )
    said = told(TurnReport({"cores": "2"}, 1, 2, costs), markdown=True)
    assert f"| sqlite | {OURS} | 500 | 0.80 | 650 | 0.77 | 3 |" in said
    assert "1 rounds of 14 turns" in said
