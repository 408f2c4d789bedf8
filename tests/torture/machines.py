"""What the rule machines have in common: a process over a database that may die between any two of its statements.

A machine has a model small enough to be believed, and rules that do one thing to both, in any order hypothesis can
think of. Where the process dies before its commit, its transaction is gone with its connection; where it dies after
it, what it did stands, though nobody was told. What comes next starts from the database alone. Clocks jump, forwards
and back.
"""

from datetime import timedelta
from functools import lru_cache

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import event

from ivr.callers import of_number
from tests.conftest import NOW

JUMPS = st.sampled_from([-7200, -61, -1, 30, 300, 3600, 86_400, 8 * 86_400, 8 * 86_400])
"""Seconds that a clock moves at once."""
DEATHS = st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=4)
"""After how many statements a process dies, this one and the next ones; None lives on until somebody says more."""


@lru_cache
def caller(number, pepper, number_key):
    """Whoever calls or texts from this number: to look it up and to seal it takes as long as a few statements."""
    return of_number(number, pepper=pepper, number_key=number_key)


class Killed(BaseException):
    """The process is no more. No `except Exception` of ours may outlive it."""


class Dead:
    """What a deed came to whose process died before its commit: nothing."""

    def __bool__(self):
        raise AssertionError("a rule did not ask whether its process died")


DEAD = Dead()


class Machine(RuleBasedStateMachine):
    """The class has what all its runs share: `database`, the process's own, `watcher`, another one's, which never dies,
    `empty()`, which empties what both are doors to, `secrets` and `installation`.

    A new process has no connection of the last; what it has of it is what no process could go wrong by, as the text of
    its statements, which would be dear to write out anew for every run.
    """

    database = None
    watcher = None
    empty = None
    secrets = None
    installation = None
    runs = 0
    steps = 0
    deaths = 0

    def __init__(self):
        super().__init__()
        Machine.runs += 1
        type(self).empty()
        self.now = NOW
        self.dies_after, self.later_deaths = None, []
        self.process = 1
        event.listen(self.database.engine, "before_cursor_execute", self._about_to_ask)

    def _about_to_ask(self, connection, *_):
        if self._dies_now():
            connection.invalidate()  # nobody says good-bye: the database finds the connection gone
            raise Killed

    def _dies_now(self):
        if self.dies_after is None:
            return False
        self.dies_after -= 1
        if self.dies_after >= 0:
            return False
        self.dies_after = self.later_deaths.pop(0) if self.later_deaths else None
        return True

    def restart(self):
        """A process begins, with nothing but the database to go by."""
        Machine.deaths += 1
        self.database.close()
        self.process += 1

    def do(self, deed):
        """Do something in a transaction of its own, and give what came of it; DEAD if the process died on the way."""
        Machine.steps += 1
        self.tick()

        def and_dies(connection):
            done = deed(connection)
            self._about_to_ask(connection)
            return done

        try:
            done = self.database.carry_out(and_dies)
        except Killed:
            self.restart()
            return DEAD
        if self._dies_now():
            self.restart()
        return done

    def tick(self):
        """No two things happen at the same moment."""
        self.now += timedelta(seconds=1)

    def teardown(self):
        event.remove(self.database.engine, "before_cursor_execute", self._about_to_ask)
        self.database.close()
        self.watcher.close()

    @rule(deaths=DEATHS)
    def processes_will_die(self, deaths):
        self.dies_after, *self.later_deaths = deaths

    @rule(seconds=JUMPS)
    def the_clock_jumps(self, seconds):
        self.now += timedelta(seconds=seconds)
