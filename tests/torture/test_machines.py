"""Ledger, queue, outbox and turn, each in every order of events that can be thought of, against its model.

Duplicates, reordered steps, jumps of the clock, and a process that dies between any two statements: see
`tests.torture.machines`. In `make test` always the same few runs; `make torture` goes on with new ones. That they see
what they are there to see is shown in `test_planted_faults.py`.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.ledger_machine import LedgerMachine
from tests.torture.ledger_model import PERIOD
from tests.torture.machines import Machine
from tests.torture.outbox_machine import OutboxMachine
from tests.torture.queue_machine import QueueMachine
from tests.torture.turn_machine import TurnMachine

MACHINES = (LedgerMachine, OutboxMachine, QueueMachine, TurnMachine)
STEPS = 30
RUNS = {"sqlite": 8, "postgresql": 3}
"""How many runs of `STEPS` steps one round is."""


@pytest.mark.parametrize("machine", MACHINES, ids=lambda each: each.__name__)
def test_every_order_of_events_keeps_to_the_model(machine, stands, database_url, term, chance, record_property):
    some = settings(
        max_examples=RUNS[database_url.partition(":")[0]],
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    standing = stands(machine)
    rounds, steps, deaths = 0, Machine.steps, Machine.deaths
    while term.goes_on(rounds, usual=1):
        run_state_machine_as_test(seed(chance.randrange(2**32))(standing), settings=some)
        rounds += 1
    record_property("steps", Machine.steps - steps)
    record_property("deaths", Machine.deaths - deaths)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("then", [-10, 10], ids=["in its period", "after it"])
def test_the_ledger_and_its_model_agree_on_a_machine_that_a_clock_behind_counted(stands, then):
    run = stands(LedgerMachine)()
    run.grant_more()
    for number, seconds in enumerate((0, 0, -7200, PERIOD.total_seconds() + 7200 + then)):
        run.now += timedelta(seconds=seconds)
        run.reserve_and_post(number, "call-1")
    run.teardown()
