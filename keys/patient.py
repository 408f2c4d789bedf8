"""A PostgreSQL connection that is given up when its user has waited long enough, whatever the server says or does not.

The rule it keeps: a slow statement is ended by the server, which has its limits from us. Here ends what no limit of a
server's reaches: a commit that waits for a standby that is gone, and a server that was stopped or cut off and says
nothing. The connection is closed then, never asked to cancel: a commit whose wait is cancelled counts as done although
the standby never had it. Whether such a commit was done shows later; until then its rows stay locked.
"""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

_POOL_SHARE = 0.4
"""What of the patience may pass before a connection is had; the rest is for the statements."""
_GRACE = 0.2
"""Seconds: the server ends what is too slow by itself; what it has not ended so long after is given up."""
_LIMITS = ("statement_timeout", "lock_timeout")


class NoAnswer(OperationalError):  # noqa: N818 - named by what happened, like its neighbours
    """The server did not answer in time; the connection is closed."""


class Wire(Protocol):
    """See `keys.libpq.Wire`."""

    def catch_up(self) -> None:
        """Send what waits."""

    def forget(self) -> None:
        """Send none of what waits."""


class Patient(Connection[Any]):
    """A connection of the driver's with two bounds: one for every answer, one for a whole transaction."""

    each: float | None = None
    """Seconds that any one answer may take."""
    at_leisure: bool = False
    """Whether the transaction that is open may take as long as it likes."""
    until: float | None = None
    """The moment, by the monotonic clock, at which the transaction has to be over."""
    wire: Wire | None = None
    """Another way to the server, on which statements may wait: they go before whatever the driver says."""

    def has_until(self, moment: float) -> None:
        """Give the transaction that begins now its bound."""
        self.until = moment + _GRACE

    def rest(self) -> None:
        """Be as before the last transaction: nothing is open, and no bound is its own. Raises psycopg.Error."""
        self.rollback()
        self.until, self.at_leisure = None, False

    def left(self) -> float | None:
        """The seconds that may still be waited, never less than 0; None for ever."""
        if self.at_leisure:
            return None
        if self.until is None:
            return self.each
        left = max(0.0, self.until - time.monotonic())
        return left if self.each is None else min(left, self.each)

    def give_up(self) -> NoAnswer:
        """Close the connection; what is to be raised then."""
        self.pgconn.finish()
        return NoAnswer("no answer in time")

    def commit(self) -> None:
        """Commit as the driver does, and at once where nothing has begun: what a turn sends was ended through libpq."""
        if self.wire is not None:
            self.wire.catch_up()
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().commit()

    def rollback(self) -> None:
        """Roll back as the driver does, and at once where nothing has begun: it is asked for after every use."""
        if self.wire is not None:
            self.wire.forget()
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server as the driver does, with all that it says. Raises NoAnswer."""
        if self.wire is not None:
            self.wire.catch_up()
        left = self.left()
        if left is None or (timeout is not None and timeout < left):
            return super().wait(gen, interval, timeout)
        begun = time.monotonic()
        try:
            return super().wait(gen, interval, left)
        except OperationalError as error:
            if error.sqlstate is None and time.monotonic() - begun >= left:
                raise self.give_up() from error
            raise


def pool_wait(patience: float) -> float:
    """The seconds, of all that may be waited, in which a connection has to be had."""
    return patience * _POOL_SHARE


def limits(driver: Patient) -> tuple[str, ...]:
    """The names of the limits that this server has; the last bounds all statements together, where it can."""
    return (*_LIMITS, "transaction_timeout") if driver.info.server_version >= 170000 else _LIMITS


def take_off(driver: Patient) -> None:
    """Let the transaction that is open take as long as it likes; the next on the connection is bounded as ever."""
    driver.at_leisure = True
    driver.execute("; ".join(f"SET LOCAL {name} = 0" for name in limits(driver)))


def engine(url: URL, patience: float) -> Engine:
    """What opens such connections, one for each who asks; `patience`, in seconds, is `keys.database.Database`'s."""
    wait = pool_wait(patience)
    opener = create_engine(
        url,
        poolclass=NullPool,
        # libpq knows no shorter wait than two seconds a host.
        connect_args={"connect_timeout": max(2, math.ceil(wait)), "prepare_threshold": None},
    )
    each = patience - wait
    limit = f"{max(1, int(each * 1000))}ms"

    @event.listens_for(opener, "do_connect")
    def connect(_dialect: Any, _record: Any, given: Any, named: Any) -> Patient:
        return Patient.connect(*given, **named)

    @event.listens_for(opener, "connect")
    def prepare(driver: Any, _record: Any) -> None:
        driver.each = each + _GRACE
        # Said by a statement, not in the start-up options: a connection pooler in between refuses those.
        settings = ", ".join(f"set_config('{name}', '{limit}', false)" for name in limits(driver))
        driver.execute(f"SELECT set_config('TimeZone', 'UTC', false), {settings}")
        driver.commit()

    return opener
