"""`touchtone bench scale`: a small real run, what is flagged, and what a plan says. No time is asserted."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import func, inspect, select

from ivr import logins
from ivr.calls import calls
from ivr.dropped import dropped_case
from ivr.operators import Presence
from ivr.outbox import outbox
from keys import secrets_file
from keys.database import Database
from keys.ledger import recount
from keys.reservations import reservations
from webhooks.bench import filling
from webhooks.bench.plans import explained, walks
from webhooks.bench.scale import Growth, ScaleReport, told
from webhooks.bench.scale_costs import COSTS, Place, statements_of
from webhooks.bench.scale_fill import BUSY, DIMENSIONS, LEDGER, token_of
from webhooks.cli.main import cli


@pytest.fixture
def filled(tmp_path, sqlite_template):
    """Makes a database that has grown to a size in one dimension."""
    file = shutil.copy(sqlite_template, tmp_path / "grown.db")
    database = Database(f"sqlite:///{file}", connections=2)
    filling.open_ledger(database)

    def grown(name, size):
        with database.begin() as connection:
            next(one for one in DIMENSIONS if one.name == name).fill(connection, size)
        place = Place(database, secrets_file.create(tmp_path / "secrets.toml"))
        place.settle()
        return place

    yield grown
    database.close()


@pytest.fixture(scope="module")
def small_run():
    given = ["bench", "scale", "--database", "sqlite", "--rounds", "1", "--times", "2", "--most", "1", "--json"]
    result = CliRunner().invoke(cli, given)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_small_run_measures_every_cost_of_every_dimension(small_run):
    measured = [(one["dimension"], one["cost"]) for one in small_run["growths"]]
    assert measured == [(dimension.name, cost) for dimension in DIMENSIONS for cost in dimension.costs]
    for one in small_run["growths"]:
        assert list(one["milliseconds"]) == ["1"]
        assert one["milliseconds"]["1"] > 0


def test_a_dimension_that_there_is_not_is_refused():
    result = CliRunner().invoke(cli, ["bench", "scale", "--only", "chairs"])
    assert result.exit_code == 2
    assert "calls of one caller" in result.output


def test_what_a_cost_changes_is_taken_back(filled):
    place = filled("activations", 30)
    for cost in ("reserve", "replay", "sweep of holds", "group turn", "first turn"):
        assert len(COSTS[cost](place, 3)) == 3
    with place.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(reservations)).scalar() == 31
        assert connection.execute(select(func.count()).select_from(calls)).scalar() == 0


def test_a_filled_ledger_is_sound(filled):
    place = filled("activations", 30)
    with place.database.read() as connection:
        assert recount(connection) == ()


def test_the_busy_caller_has_several_dropped_cases_and_the_others_none_of_theirs(filled):
    place = filled("calls of one caller", 30)
    with place.database.read() as connection:
        assert connection.execute(select(func.count()).where(calls.c.caller == BUSY)).scalar() == 30
        assert dropped_case(connection, BUSY, datetime.now(UTC)) is None


def test_every_desk_is_logged_in_and_found_by_its_token(filled):
    place = filled("desks", 3)
    with place.database.read() as connection:
        found = [logins.find(connection, token_of(number), datetime.now(UTC)) for number in (1, 3, 4)]
    assert [one and one.operator.presence for one in found] == [Presence.AVAILABLE, Presence.AVAILABLE, None]


def test_one_text_is_due_whatever_else_there_is(filled):
    place = filled("texts", 30)
    with place.database.read() as connection:
        states = dict(connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all())
    assert states == {"delivered": 30, "queued": 1}


def test_a_walk_through_a_large_table_is_named_and_a_search_is_not(filled):
    place = filled("calls of one caller", 400)
    by_index = statements_of(COSTS["dropped case"], place)
    assert len(by_index) >= 1
    assert any("ix_calls" in line for one in by_index for line in explained(place.database, *one))
    (walk,) = walks(place.database, [("SELECT sid FROM calls WHERE spoken = ?", ("{}",))])
    assert walk.table == "calls"
    assert walks(place.database, [("SELECT sid FROM calls WHERE sid = ?", ("CAc1",))]) == ()


def test_growth_by_more_than_half_is_flagged_with_what_it_walks_through():
    steady = Growth("sqlite", "keys", "reserve", {10: 1.0, 1_000: 1.5}, ())
    grown = Growth("sqlite", "keys", "replay", {10: 1.0, 1_000: 1.51}, ())
    assert (steady.grows, grown.grows) == (False, True)
    text = told(ScaleReport({}, (steady, grown)))
    assert "grow: replay with keys (sqlite, 1.5)" in text
    assert "No cost grows" in told(ScaleReport({}, (steady,)))


def test_a_whole_ledger_is_set_beside_an_empty_one_and_held_to_its_aim():
    words = "bench scale --database postgresql --activations 60 --keys 20 --rounds 2 --times 3 --json"
    result = CliRunner().invoke(cli, words.split())
    assert result.exit_code == 0, result.output
    told_facts = json.loads(result.stdout)
    measured = [(one["database"], one["cost"]) for one in told_facts["growths"]]
    costs = ("reserve", "reserve of any key", "replay")
    assert measured == [("postgresql", cost) for cost in costs]
    assert all(set(one["milliseconds"]) == {"0", "60"} for one in told_facts["growths"])
    assert all(one["ratio"] > 0 for one in told_facts["growths"])
    assert len(told_facts["aims"]) == len(measured)


def test_an_activation_in_a_whole_ledger_may_cost_a_little_more_than_in_an_empty_one():
    near = Growth("sqlite", LEDGER, "reserve", {0: 1.0, 10_000_000: 1.3}, ())
    far = Growth("sqlite", LEDGER, "replay", {0: 1.0, 10_000_000: 1.4}, ())
    assert [met for _, _, met in ScaleReport({}, (near, far)).aims()] == [True, False]
    assert "at most 1.3 times that of an empty ledger" in told(ScaleReport({}, (near, far)))


def test_a_ledger_filled_without_its_indexes_has_them_again(filled):
    place = filled("activations", 30)
    with place.database.read() as connection:
        there = {one["name"] for one in inspect(connection).get_indexes("reservations")}
    assert there == {index.name for index in reservations.indexes}
