"""Ledger, queue, outbox and turn, each in every order of events that can be thought of, against its model.

Duplicates, reordered steps, jumps of the clock, and a process that dies between any two statements: see
`tests.torture.machines`. In `make test` always the same few runs; `make torture` goes on with new ones.
"""

import shutil

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.ledger_machine import LedgerMachine
from tests.torture.machines import Machine
from tests.torture.outbox_machine import OutboxMachine
from tests.torture.queue_machine import QueueMachine
from tests.torture.turn_machine import TurnMachine

MACHINES = (LedgerMachine, OutboxMachine, QueueMachine, TurnMachine)
STEPS = 30
RUNS = {"sqlite": 10, "postgresql": 3}
"""How many runs of `STEPS` steps one round is."""


@pytest.fixture
def machine(request, database_url, tmp_path, secrets, installation):
    """A machine with what it stands on: a new database for every run, of the kind that the test asks for."""
    kind = database_url.partition(":")[0]
    template = request.getfixturevalue("sqlite_template") if kind == "sqlite" else None

    def new_database():
        if kind != "sqlite":
            request.getfixturevalue("emptied")()
            return database_url
        shutil.copy(template, tmp_path / "run.db")
        for beside in ("run.db-wal", "run.db-shm"):
            (tmp_path / beside).unlink(missing_ok=True)
        return f"sqlite:///{tmp_path / 'run.db'}"

    facts = {
        "new_database": staticmethod(new_database),
        "secrets": secrets,
        "installation": staticmethod(installation),
        "runs": RUNS[kind],
    }
    return type(request.param.__name__, (request.param,), facts)


@pytest.mark.parametrize("machine", MACHINES, indirect=True, ids=lambda each: each.__name__)
def test_every_order_of_events_keeps_to_the_model(machine, term, chance, record_property):
    some = settings(
        max_examples=machine.runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    rounds, steps, deaths = 0, Machine.steps, Machine.deaths
    while term.goes_on(rounds, usual=1):
        run_state_machine_as_test(seed(chance.randrange(2**32))(machine), settings=some)
        rounds += 1
    record_property("steps", Machine.steps - steps)
    record_property("deaths", Machine.deaths - deaths)
