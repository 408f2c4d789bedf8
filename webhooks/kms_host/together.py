"""What many threads ask at once, answered in one go: whoever comes first does the work of all that wait.

Rule: an answer is given to its own thread alone, and not before the work of its whole group is done. Work that fails
for a group is done again for each by itself, so that nobody fails for another's sake.

>>> doubled = Together(lambda group: [2 * asked for asked in group])
>>> doubled.answer(21)
42
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

GRACE: Final = 0.002
"""Seconds that the first of a group waits, at most, for as many as there were the last time."""

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class _Place(Generic[Asked, Given]):
    """A thread's place among those that wait: what it asks, and what came of it."""

    __slots__ = ("asked", "failure", "gate", "given", "settled")

    given: Given

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.failure: BaseException | None = None
        self.settled = False
        self.gate = _locked()


class Together(Generic[Asked, Given]):
    """Threads that ask, and the work that answers a group of them, in the order they came.

    `work` does all that a group wants or, where it raises, none of it; two threads never do it at once. There is no
    thread for it: who comes alone does his own, at once. While a group is worked for, those who come form the next, and
    the first of them leads it. He waits a moment for those who were just answered, since a group costs little more than
    one of them does; where nobody else was about the last time, he waits for nobody.
    """

    def __init__(self, work: Callable[[Sequence[Asked]], Sequence[Given]], grace: float = GRACE) -> None:
        self._work = work
        self._grace = grace
        self._mutex = threading.Lock()
        self._waiting: list[_Place[Asked, Given]] = []
        self._led = False
        self._company = 1
        """How many there were the last time: those in the group, and those who came while it was worked for."""
        self._awaited = False
        self._all_here = _locked()

    def answer(self, asked: Asked) -> Given:
        """What the work gives for this. Raises what the work raised for this alone."""
        place: _Place[Asked, Given] = _Place(asked)
        with self._mutex:
            self._waiting.append(place)
            follows, self._led = self._led, True
            if self._awaited and len(self._waiting) >= self._company:
                self._awaited = False
                self._all_here.release()
        if follows:
            place.gate.acquire()  # until it is settled, or the first of those that wait
        if not place.settled:
            self._lead()
        if place.failure is not None:
            raise place.failure
        return place.given

    def _lead(self) -> None:
        """Do the work of all that wait, this thread's own first; those who come meanwhile have the first lead them."""
        self._gather()
        with self._mutex:
            group, self._waiting = self._waiting, []
        try:
            self._settle(group)
        finally:
            with self._mutex:
                after = self._waiting[0] if self._waiting else None
                self._led = after is not None
                self._company = len(group) + len(self._waiting)
            for place in group:
                place.settled = True
                place.gate.release()
            if after is not None:
                after.gate.release()

    def _gather(self) -> None:
        """Wait a moment for as many as there were the last time."""
        with self._mutex:
            short = len(self._waiting) < self._company
            self._awaited = short
        if short and not self._all_here.acquire(timeout=self._grace):
            with self._mutex:
                came, self._awaited = not self._awaited, False
            if came:  # the last of them, just now
                self._all_here.acquire()

    def _settle(self, group: Sequence[_Place[Asked, Given]]) -> None:
        try:
            for place, given in zip(group, self._work([place.asked for place in group]), strict=True):
                place.given = given
        except Exception as error:  # noqa: BLE001 - raised again by the thread it belongs to
            if len(group) == 1:
                group[0].failure = error
                return
            for place in group:
                self._settle((place,))
        except BaseException as stopped:
            for place in group:
                place.failure = stopped
            raise


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
