"""Two transactions of the real code, one begun in the middle of the other, at every pair of their statements.

The first goes as far as one of its statements and stops. The second goes as far as one of its own, or to its end, or
until it waits for a lock. Then the first goes on to its end, and after it the second. So a step that is right by itself
and wrong beside another is found by counting, and not by luck. On PostgreSQL, with its own locks: who waits for one is
told from who hangs by asking the server. SQLite lets one writer in at a time, and has nothing to interleave.

The rule that is kept: whatever order was tried, what both were told and what the database holds in the end is what it
would be had one come after the other.
"""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from sqlalchemy import event, text

END = 10**6
"""A place that no transaction comes to: one that stops there goes to its end."""
LOOKS_AFTER = 0.003
"""Seconds: who has neither stopped nor ended by then may be waiting for a lock."""
HANGS_AFTER = 20
_WAITS = text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")


@dataclass(frozen=True)
class Deed:
    """What one side does, in words, and `work(world, connection)`, which gives what it was told, to be compared.

    `how` it is done: "begin" a transaction, "carry_out", where it may take for granted what it saw, or only "read".
    """

    name: str
    work: object
    how: str = "begin"


class Side(threading.Thread):
    """One of the two, which stops before the statement at a place, its commit being the last."""

    def __init__(self, world, deed, stops_at):
        super().__init__(daemon=True)
        self.world, self.deed, self.stops_at, self.asked = world, deed, stops_at, stops_at
        self.place = 0
        self.pid = None
        self.stopped = self.done = self.waited = self.reached = False
        self.told = None
        self.moved = threading.Condition()
        self.goes_on = threading.Event()

    def run(self):
        try:
            way = getattr(self.world.database, self.deed.how)
            if self.deed.how == "carry_out":
                self.told = way(self._work)
            else:
                with way() as connection:
                    self.told = self._work(connection)
        except Exception as error:  # noqa: BLE001 - what one is told in place of an answer
            self.told = type(error).__name__
        with self.moved:
            self.done = True
            self.moved.notify_all()

    def _work(self, connection):
        told = self.deed.work(self.world, connection)
        self.comes_to(connection)
        return told

    def comes_to(self, connection):
        """A statement is about to be sent."""
        self.pid = connection.connection.driver_connection.pgconn.backend_pid
        if self.place == self.stops_at:
            with self.moved:
                self.stopped = self.reached = True
                self.moved.notify_all()
            assert self.goes_on.wait(HANGS_AFTER), "the test forgot this side"
        self.place += 1

    def rests(self):
        """Until it has stopped, or ended, or waits for a lock: true unless it waits."""
        until = time.monotonic() + HANGS_AFTER
        while time.monotonic() < until:
            with self.moved:
                if self.moved.wait_for(lambda: self.stopped or self.done, LOOKS_AFTER):
                    return True
            if self.pid is not None and self.world.asks_the_server(_WAITS, pid=self.pid):
                self.waited = True
                return False
        raise AssertionError(f"{self.deed.name}: hangs")

    def ends(self):
        """Let it go on to its end, or until it waits for a lock: true unless it waits."""
        self.stops_at = END
        self.goes_on.set()
        self.stopped = False
        return self.rests()


@contextmanager
def _heard(database):
    def hear(connection, *_):
        side = threading.current_thread()
        if isinstance(side, Side):
            side.comes_to(connection)

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


def interleave(world, first, second, places):
    """Do both, each as far as its place; the two sides, done."""
    one, two = (Side(world, deed, place) for deed, place in zip((first, second), places, strict=True))
    with _heard(world.database):
        one.start()
        assert one.rests(), "nobody is there to wait for"
        two.start()
        two.rests()
        if not one.ends():
            two.ends()  # it has what the first waits for
        for side in (one, two):
            while not side.ends():
                pass
            side.join()
    return one, two


def one_after_the_other(world, *deeds):
    """What all are told if each comes when the one before is done."""
    sides = [Side(world, deed, END) for deed in deeds]
    for side in sides:
        side.start()
        side.join(HANGS_AFTER)
    return tuple(side.told for side in sides)


def every_order(begin_anew, first, second, *, whole=True):
    """The two done in every order there is, in a world that `begin_anew` makes each time: both sides, done.

    It ends with the first whole before the second begins, which tells that there was no place left to stop it at. If
    it is not to be the `whole` of them, the second always goes as far as it can.
    """
    for place in count():
        for other in count() if whole else (END,):
            one, two = interleave(begin_anew(), first, second, (place, other))
            yield one, two
            if not two.reached or not one.reached:
                break
        if not one.reached:
            return
