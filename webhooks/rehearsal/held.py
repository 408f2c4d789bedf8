"""A telephone in somebody's hand: keys come when they are pressed, in wall time.

The one rule: whoever is not there any more has hung up. The hand has to be felt now and then (`hold`), or the call
ends.

>>> moments = iter([100.0, 101.5, 101.5])
>>> keypad = HeldKeypad(lambda: next(moments))
>>> keypad.press("4#")
>>> [press.key for press in keypad.until(9.0).presses]
['4', '#']
"""

import time
from collections.abc import Callable
from threading import Condition

from webhooks.rehearsal.caller import SILENCE, Press, Reaction

LONGEST_ABSENCE = 90.0
"""Seconds without a sign of life; a browser looks only once a minute after a page that is out of sight."""


class HeldKeypad:
    """See `Keypad`. The call's own thread waits in `until`; any other may press, hold and hang up.

    The call clock begins when this is made; `now` is its wall clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._felt = 0.0
        self._presses: list[Press] = []
        self._hung_up_at: float | None = None
        self._touched = Condition()

    @property
    def clock(self) -> float:
        """Seconds since the call began."""
        return self._now() - self._began

    def press(self, keys: str) -> None:
        """Press these keys, now and in this order."""
        with self._touched:
            at = self.clock
            self._presses += [Press(key, at) for key in keys]
            self._touched.notify()

    def hang_up(self) -> None:
        """Put the telephone down; a second time changes nothing."""
        with self._touched:
            if self._hung_up_at is None:
                self._hung_up_at = self.clock
            self._touched.notify()

    def hold(self) -> None:
        """Somebody is still there."""
        with self._touched:
            self._felt = self.clock

    def until(self, moment: float) -> Reaction:
        """See `Keypad`."""
        with self._touched:
            while True:
                if self._presses and self._presses[0].after < moment:
                    presses, self._presses = tuple(self._presses), []
                    return Reaction(presses)
                if self._hung_up_at is not None and self._hung_up_at < moment:
                    at, self._hung_up_at = self._hung_up_at, float("inf")
                    return Reaction(hang_up_after=at)
                ends = self._felt + LONGEST_ABSENCE
                if self._hung_up_at is None and ends < moment and self.clock >= ends:
                    self._hung_up_at = float("inf")
                    return Reaction(hang_up_after=ends)
                left = min(moment, ends) - self.clock
                if left <= 0:
                    return SILENCE
                self._touched.wait(left)
