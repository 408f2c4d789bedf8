"""Beats: when each kind of work beside the calls was last done in this process, so that one that stands still is seen.

Rule: only work that was done is a beat; work that was put off, or that failed, is counted and is none.

>>> now = [0.0]
>>> beats = Beats(clock=lambda: now[0])
>>> beats.done("sealing"); beats.done("delivery"); now[0] = 200.0; beats.done("delivery"); now[0] = 301.0
>>> beats.stuck()
('sealing',)
"""

from __future__ import annotations

import time
from collections.abc import Callable

from webhooks import metrics

STUCK_SECONDS = 300.0
"""Longer than any of this work takes, and far longer than any of it waits."""


class Beats:
    """The last beat of each kind of work in one process; what has not begun yet is not there. For many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def expect(self, *duties: str) -> None:
        """From now on these are waited for."""
        for duty in duties:
            self._last[duty] = self._clock()
            for outcome in ("done", "put_off", "failed"):
                metrics.DUTIES.labels(duty, outcome)  # at 0 from the start

    def done(self, duty: str) -> None:
        """A round of it is over."""
        self._last[duty] = self._clock()
        metrics.DUTIES.labels(duty, "done").inc()

    def put_off(self, duty: str) -> None:
        """The database could not be had for it."""
        metrics.DUTIES.labels(duty, "put_off").inc()

    def failed(self, duty: str) -> None:
        """A fault of ours."""
        metrics.DUTIES.labels(duty, "failed").inc()

    def stuck(self) -> tuple[str, ...]:
        """What has not been done for too long."""
        now = self._clock()
        return tuple(sorted(duty for duty, last in list(self._last.items()) if now - last > STUCK_SECONDS))
