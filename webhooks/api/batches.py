"""Batches beside calls: how many run at once in a process, and at which pace.

Rule: a batch never takes the last thread, and the database is left to others for as long as each chunk held it, so that
a caller's turn waits for one chunk at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Batches:
    """The batches of one process, which answers with so many `threads`: they may hold a quarter of them."""

    def __init__(
        self,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._slots = threading.Semaphore(max(1, threads // 4) if threads > 1 else 0)
        self._chunk = threading.Lock()
        self._clock, self._sleep = clock, sleep
        self._free_from = 0.0

    def enter(self) -> bool:
        """Begin a batch, if one more may run; `leave` ends it."""
        return self._slots.acquire(blocking=False)

    def leave(self) -> None:
        """A batch is over."""
        self._slots.release()

    @contextmanager
    def chunk(self) -> Iterator[None]:
        """One chunk's transaction: one at a time, and not before as much time has passed as the one before took."""
        with self._chunk:
            self._sleep(max(0.0, self._free_from - self._clock()))
            begun = self._clock()
            try:
                yield
            finally:
                ended = self._clock()
                self._free_from = ended + (ended - begun)
