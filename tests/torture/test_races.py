"""Two transactions that meet anywhere do what one after the other would have done: on PostgreSQL, with its own locks.

Every race is run in every order of its statements in `make torture`; in `make test` a few of them, each begun in the
middle of the other at every place and gone on with as far as it can. Whether that sees anything is shown as it is for
the rule machines: faults are planted that no one who comes alone could meet, and each must be found.
"""

import pytest

from tests.torture.conftest import SECONDS
from tests.torture.interleaving import every_order, one_after_the_other
from tests.torture.ledger_races import LEDGER_RACES, LedgerWorld
from tests.torture.line_races import LINE_RACES, LineWorld
from tests.torture.planting import edited, planted
from tests.torture.race_faults import IN_THE_LEDGER, IN_THE_LINE

ALL = [(LedgerWorld, race) for race in LEDGER_RACES] + [(LineWorld, race) for race in LINE_RACES]
SHOWN_BY = {race.sentence: (world, race) for world, race in ALL}
FAULTS = [*IN_THE_LEDGER, *IN_THE_LINE]
AT_ONCE = (
    "two want the last one",
    "a caller hangs up while it is spent",
    "a machine comes again once too often",
    "two operators claim one case",
    "two look for the one text",
    "a turn is brought twice",
)
"""The races that are run in `make test`, and every second one with its fault."""
TRIED = ALL if SECONDS else [SHOWN_BY[sentence] for sentence in AT_ONCE]
PLANTED = FAULTS if SECONDS else [next(each for each in FAULTS if each[0] == sentence) for sentence in AT_ONCE[1::2]]
postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def named(each):
    return each.__name__ if isinstance(each, type) else getattr(each, "sentence", each)


@pytest.fixture
def opened(database_url, secrets, installation):
    """Opens the world of a race."""
    worlds = []

    def one(kind):
        worlds.append(kind(database_url, secrets, installation))
        return worlds[-1]

    yield one
    for each in worlds:
        each.close()


def run(world, race):
    """Do both in every order; how many there were. Raises AssertionError where one comes to what neither would."""

    def begin():
        return world.anew(race)

    ways = ((race.first, race.second), (race.second, race.first))
    sound = [world.as_it_stands(*one_after_the_other(begin(), *ways[0]))]
    sound.append(world.as_it_stands(*one_after_the_other(begin(), *ways[1])[::-1]))
    if race.passes_over:
        sound.append(world.as_it_stands(one_after_the_other(begin(), race.first)[0], None))
    orders = 0
    for way in ways:
        for one, two in every_order(begin, *way, whole=bool(SECONDS)):
            orders += 1
            both = (one, two) if way is ways[0] else (two, one)
            where = f"{two.deed.name}, up to its {two.asked}., in {one.deed.name} before its {one.asked}."
            assert world.as_it_stands(*(side.told for side in both)) in sound, where
            assert race.waits or not two.waited, f"waited: {where}"
    return orders


@postgresql
@pytest.mark.parametrize(("kind", "race"), TRIED, ids=named)
def test_whoever_meets_is_served_as_if_one_came_after_the_other(kind, race, opened, record_property):
    record_property("orders", run(opened(kind), race))


@postgresql
@pytest.mark.parametrize(("shown_by", "one"), PLANTED, ids=named)
def test_a_race_finds_what_is_planted(shown_by, one, opened):
    kind, race = SHOWN_BY[shown_by]
    with planted(one), pytest.raises(AssertionError):
        run(opened(kind), race)


@pytest.mark.parametrize("one", [one for _, one in FAULTS], ids=named)
def test_every_fault_of_a_race_can_still_be_planted(one):
    for edit in one.edits:
        edited(edit)


def test_no_two_races_have_one_name():
    assert len(SHOWN_BY) == len(ALL)
