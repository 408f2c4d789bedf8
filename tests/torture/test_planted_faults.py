"""Whether the rule machines see anything: each fault of a long list is put into the real code, and must be found.

A machine that finds nothing proves little unless it would have found what is plausible, small and dangerous. What a
fault breaks stands in its sentence; what is changed for it, in `ledger_faults.py` and its neighbours. All of them are
tried in `make torture`; in `make test` one a machine that is found at once, and whether every one can still be planted.
Those of `postgresql_faults.py` are on the way to PostgreSQL, which SQLite has not; what only a race shows, see
`test_races.py`.
"""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from ivr.dialogue import UnknownTransition
from keys import allowance, ledger, taking
from keys.confirming import ConfirmationError
from keys.unavailable import DatabaseUnavailable
from tests.torture.conftest import SECONDS
from tests.torture.ledger_faults import LEDGER
from tests.torture.ledger_machine import LedgerMachine
from tests.torture.machines import Machine
from tests.torture.outbox_faults import OUTBOX
from tests.torture.outbox_machine import OutboxMachine
from tests.torture.planting import edited, fault, planted
from tests.torture.postgresql_faults import POSTGRESQL
from tests.torture.queue_faults import QUEUE
from tests.torture.queue_machine import QueueMachine
from tests.torture.turn_faults import TURN
from tests.torture.turn_machine import TurnMachine

FAULTS = {LedgerMachine: LEDGER, QueueMachine: QUEUE, OutboxMachine: OUTBOX, TurnMachine: TURN}
ON_SQLITE = [(machine, one) for machine, faults in FAULTS.items() for one in faults]
ALL = [*ON_SQLITE, *POSTGRESQL]
AT_ONCE = (
    "nobody writes down that what was held is spent",
    "whoever came last is first",
    "a text overtakes one that was written before it",
    "the groups that a caller keyed are not kept",
)
"""What is tried in `make test`: found within a second each."""
TRIED = ON_SQLITE if SECONDS else [(machine, one) for machine, one in ON_SQLITE if one.sentence in AT_ONCE]
ROUNDS, RUNS, STEPS = 12, 12, 30
"""Rounds, runs of one round, and steps of one run in which a machine finds whatever is planted. A round begins with a
seed of its own: within one, hypothesis likes to change a little what it tried before."""
FOUND = (AssertionError, DBAPIError, DatabaseUnavailable, ConfirmationError, UnknownTransition)
"""What tells of a fault: a rule of the model, the database's own CHECK, a ledger or a dialogue that finds no way on.
Anything else is a fault that was planted badly."""


def named(each):
    return each.__name__ if isinstance(each, type) else each.sentence


@pytest.mark.parametrize("one", [one for _, one in ALL], ids=named)
def test_every_fault_can_still_be_planted(one):
    for edit in one.edits:
        edited(edit)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("machine", "one"), TRIED, ids=named)
def test_a_machine_finds_what_is_planted(machine, one, stands, chance, record_property):
    standing, before = stands(machine), Machine.runs
    try:
        with planted(one), capture_logs(), pytest.raises(FOUND):  # a log in colour took most of the time
            go_round(standing, chance)
    finally:
        record_property("runs", Machine.runs - before)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("machine", "one"), POSTGRESQL if SECONDS else POSTGRESQL[:1], ids=named)
def test_a_machine_finds_what_is_planted_on_the_way_to_postgresql(machine, one, stands, chance, record_property):
    test_a_machine_finds_what_is_planted(machine, one, stands, chance, record_property)


def go_round(machine, chance):
    some = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    for _ in range(ROUNDS):
        run_state_machine_as_test(seed(chance.randrange(2**32))(machine), settings=some)


def test_one_a_machine_is_tried_in_make_test():
    at_once = [machine for machine, one in ALL if one.sentence in AT_ONCE]
    assert sorted(at_once, key=named) == sorted(FAULTS, key=named)


def test_a_fault_is_in_the_code_until_the_end_of_the_block_and_wherever_it_is_known():
    sound, code = allowance.TAKE, ledger.post.__code__
    with planted(LEDGER[0]), planted(next(one for one in LEDGER if one.sentence == AT_ONCE[0])):
        assert allowance.TAKE is taking.TAKE is not sound
        assert ledger.post.__code__ is not code
    assert allowance.TAKE is taking.TAKE is sound
    assert ledger.post.__code__ is code


@pytest.mark.parametrize(
    "edit",
    [
        ("keys.holds:_give_back", "what nobody says there", "pass"),
        ("keys.holds:_give_back", "taken", "given"),
        ("keys.holds:nothing_of_this_name", "pass", "fail"),
    ],
    ids=["words that are not there", "words that are there twice", "a function that is no more"],
)
def test_a_fault_that_cannot_be_planted_is_no_fault_that_nobody_found(edit):
    with pytest.raises(AssertionError, match=r"says \d times|is no more"), planted(fault("a fault", edit)):
        pytest.fail("planted")
