"""What the rule machines have in common: a process over a database that may die between any two of its statements.

A machine has a model small enough to be believed, and rules that do one thing to both, in any order hypothesis can
think of. Where the process dies, its transaction is gone with its connection, everything it knew is thrown away, and
what comes next starts from the database alone; the model has not moved. Clocks jump, forwards and back.
"""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import event

from keys.database import Database
from tests.conftest import NOW

JUMPS = st.one_of(
    st.integers(0, 90),
    st.sampled_from([-7200, -61, -1, 60, 300, 3600, 86_400, 8 * 86_400]),
)
"""Seconds that a clock moves at once."""


class Killed(BaseException):
    """The process is no more. No `except Exception` of ours may outlive it."""


class Dead:
    """What a deed came to whose process died before its commit: nothing."""

    def __bool__(self):
        raise AssertionError("a rule did not ask whether its process died")


DEAD = Dead()


class Machine(RuleBasedStateMachine):
    """`new_database()` gives the URL of an empty database; the class has it, with `secrets` and `installation`."""

    new_database = None
    secrets = None
    installation = None
    steps = 0
    deaths = 0

    def __init__(self):
        super().__init__()
        self.url = type(self).new_database()
        self.now = NOW
        self.dies_after = None
        self.watcher = Database(self.url)
        self.process = 0
        self.begin_process()

    def begin_process(self):
        """A process begins, with nothing but the database to go by."""
        self.process += 1
        self.database = Database(self.url)
        event.listen(self.database.engine, "before_cursor_execute", self._about_to_ask)

    def _about_to_ask(self, connection, *_):
        if self.dies_after is None:
            return
        self.dies_after -= 1
        if self.dies_after < 0:
            self.dies_after = None
            connection.invalidate()  # nobody says good-bye: the database finds the connection gone
            raise Killed

    def restart(self):
        Machine.deaths += 1
        self.database.close()
        self.begin_process()

    def do(self, deed):
        """Do something in a transaction of its own, and give what came of it; DEAD if the process died on the way."""
        Machine.steps += 1
        try:
            return self.database.carry_out(deed)
        except Killed:
            self.restart()
            return DEAD

    def teardown(self):
        self.database.close()
        self.watcher.close()

    @rule(statements=st.integers(0, 12))
    def the_process_will_die(self, statements):
        self.dies_after = statements

    @rule(seconds=JUMPS)
    def the_clock_jumps(self, seconds):
        self.now += timedelta(seconds=seconds)
