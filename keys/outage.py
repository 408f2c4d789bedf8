"""Whether the database is away for everybody, so that whoever comes next is not made to wait for it in vain.

The rule it keeps: who waited long in vain, while nobody came through, says that it is away. For half a second all
others are then turned away at once, unless one who was waiting already comes through. Where others do come through,
what somebody waited for is a row or a table that is held: nobody is turned away for that, but as long as people wait
for it in vain, nobody waits for what is held longer than others need for their turns.

>>> moment = [0.0]
>>> outage = Outage(lambda: moment[0])
>>> def wait(seconds, cause=None):
...     with outage.attempt():
...         moment[0] += seconds
...         if cause is not None:
...             raise DatabaseUnavailable(cause)
>>> wait(2.4, Cause.BUSY)
Traceback (most recent call last):
keys.unavailable.DatabaseUnavailable: busy
>>> wait(0.01)  # turned away at once
Traceback (most recent call last):
keys.unavailable.DatabaseUnavailable: busy
>>> moment[0] += REST
>>> wait(0.01)  # it is back
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from keys.unavailable import Cause, DatabaseUnavailable

LONG = 0.5
"""Seconds: who is turned away sooner kept no thread from anybody, and says nothing about others."""
HASTE = 0.1
"""Seconds that one waits for what is held where others gave up; an activation holds its row for a millisecond."""
REST = 0.5
"""Seconds for which nobody waits. All who stood behind those that waited in vain are told within them; then the next
wait, since a caller is the only one to try whether it is back."""


class Outage:
    """What the writers of one process know of their database; `now` is a clock that never goes back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._came_through = self._over_at = self._held_until = float("-inf")
        self._cause = Cause.BUSY

    def attempt(self) -> Attempt:
        """For a `with` block that uses the database. Raises DatabaseUnavailable where it is away."""
        return Attempt(self)

    def ask(self, at: float) -> None:
        """Raises DatabaseUnavailable where nobody should wait for it at this moment."""
        if at < self._over_at:
            raise DatabaseUnavailable(self._cause)

    def came_through(self) -> None:
        """Somebody did."""
        self._came_through, self._over_at = self.now(), float("-inf")

    def was_away(self, begun: float, cause: Cause) -> None:
        """Somebody who came at `begun` gave up now."""
        ended = self.now()
        long = ended - begun >= LONG
        if long and self._came_through < begun:
            self._cause, self._over_at = cause, ended + REST
        elif long or begun < self._held_until:
            self._held_until = ended + REST

    def in_haste(self) -> bool:
        """Whether people wait in vain for what is held, and others stand behind them."""
        return self.now() < self._held_until


class Attempt:
    """One use of the database."""

    __slots__ = ("_begun", "_outage")

    def __init__(self, outage: Outage) -> None:
        self._outage = outage
        self._begun = outage.now()

    def __enter__(self) -> None:
        """Begin, unless it is away."""
        self._outage.ask(self._begun)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take note of what became of it; what was raised goes on."""
        if error is None:
            self._outage.came_through()
        elif isinstance(error, DatabaseUnavailable):
            self._outage.was_away(self._begun, error.cause)
