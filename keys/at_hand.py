"""Connections to PostgreSQL that are kept at hand: whoever writes or reads next has one at once.

The rule it keeps: no more are open at a time than were allowed, nobody waits longer for one than was said, and one
that was lost is never lent again: what cannot be rolled back is not kept, and what has rested is asked first whether it
lives. SQLAlchemy's pool promises the same, and takes as long for it as two statements.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from keys.direct import TRUSTS, begin_reading, end, wire_of
from keys.outage import HASTE
from keys.patient import Patient, take_off
from keys.unavailable import Cause, DatabaseUnavailable

_RESTED_SECONDS = 30.0
"""To ask always would cost each transaction a trip: what was in use so lately is taken at its word."""
_ALIVE_SECONDS = 0.4
"""So long a connection that has rested may take to say that it lives: a new one may take two seconds more."""


class AtHand:
    """At most so many connections of an engine; who finds none free waits up to `wait` seconds for one.

    Where `in_haste()`, whoever writes waits no longer than HASTE for what is held.
    """

    def __init__(self, engine: Engine, most: int, wait: float, in_haste: Callable[[], bool] = lambda: False) -> None:
        self._engine = engine
        self._options = engine.get_execution_options()
        self._wait = wait
        self._in_haste = in_haste
        # One thing for each that may be lent; a Semaphore, which is written in Python, takes ten times as long.
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._free.put(None)
        self._kept: list[tuple[Connection, float]] = []

    @contextmanager
    def writing(self, until: float, *, trusting: bool = False) -> Iterator[Connection]:
        """A transaction, kept if the block ends well, which is over by a moment of the monotonic clock.

        It begins with its first statement; `trusting` is for `keys.database.trusts`. Raises DatabaseUnavailable where
        no connection is free in time, and what SQLAlchemy raises.
        """
        connection = self._lend()
        try:
            wire = wire_of(connection)
            wire.driver.has_until(until)
            connection.info[TRUSTS] = trusting
            if self._in_haste():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(HASTE * 1000)}ms'")
            yield connection
            end(connection, wire)
        finally:
            self._take_back(connection)

    @contextmanager
    def reading(self, *, at_leisure: bool) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and cannot write. Raises as `writing` does."""
        connection = self._lend()
        try:
            wire = wire_of(connection)
            begin_reading(connection, wire)
            if at_leisure:
                take_off(wire.driver)
            yield connection
            end(connection, wire)
        finally:
            self._take_back(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        for connection, _ in iter(self._kept_last, None):
            connection.close()

    def _lend(self) -> Connection:
        try:
            self._free.get(timeout=self._wait)
        except Empty:
            raise DatabaseUnavailable(Cause.POOL) from None
        try:
            may_live = True
            for connection, since in iter(self._kept_last, None):
                if time.monotonic() - since < _RESTED_SECONDS:
                    return connection
                # Those below have rested longer: where one is dead, each would be waited for in vain.
                may_live = may_live and self._lives(wire_of(connection).driver)
                if may_live:
                    return connection
                _give_up(connection)
            return self._engine.connect()
        except BaseException:
            self._free.put(None)
            raise

    def _take_back(self, connection: Connection) -> None:
        """Keep it as it was before it was lent, with no transaction open; where that cannot be, give it up."""
        try:
            if not connection.invalidated and connection.get_execution_options() == self._options:
                with suppress(psycopg.Error, SQLAlchemyError):
                    connection.rollback()
                    wire_of(connection).driver.rest()
                    connection.info[TRUSTS] = False
                    self._kept.append((connection, time.monotonic()))
                    return
            _give_up(connection)
        finally:
            self._free.put(None)

    def _kept_last(self) -> tuple[Connection, float] | None:
        """The one that was in use last, so that the others rest, and since when it rests; None where there is none."""
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _lives(self, driver: Patient) -> bool:
        driver.has_until(time.monotonic() + _ALIVE_SECONDS)
        try:
            driver.execute("SELECT 1")
            driver.rest()
        except psycopg.Error:  # whatever it says, a fresh one is to be opened
            return False
        return True


def _give_up(connection: Connection) -> None:
    connection.invalidate()  # closing alone would ask it to roll back first
    connection.close()
