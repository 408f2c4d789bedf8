"""The call clock: seconds heard, keyed and waited, kept apart because each is saved by a different remedy.

The one rule: the clock only ever moves through `hear`, `key` and `wait`, so the three always add up to the length of
the call. By default it is virtual and costs nothing; given `time.sleep` it runs in wall time.

>>> clock = CallClock()
>>> clock.hear(3.0); clock.key(1.85); clock.wait(4.0)
>>> clock.now, face(clock.now + 60)
(8.85, '01:08')
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the two sides are.

    `key_seconds` and `think_seconds` are the keystroke-level model's figures for random digits and for the
    thought before a burst (Card, Moran and Newell 1980). `turn_delay` is network, fetch and speech start together:
    0.3 to 1.5 s. `measured` gives the seconds of a stretch of words by a real voice; without it a table does.
    """

    words_a_minute: float = 160.0
    short_word_seconds: float = 0.30
    play_seconds: float = 5.0
    key_seconds: float = 0.5
    think_seconds: float = 1.35
    turn_delay: float = 0.8
    measured: Callable[[str], float] | None = None


class CallClock:
    """Time on one call. `sleep` is called with every passing stretch of seconds."""

    def __init__(self, sleep: Callable[[float], None] | None = None) -> None:
        self.heard = 0.0
        self.keyed = 0.0
        self.waited = 0.0
        self.now = 0.0
        self._sleep = sleep

    def hear(self, seconds: float) -> None:
        """The line speaks or plays, and nothing is keyed."""
        self.heard += self._move(seconds)

    def key(self, seconds: float) -> None:
        """The caller thinks and keys."""
        self.keyed += self._move(seconds)

    def wait(self, seconds: float) -> None:
        """A timer runs out, or an answer is under way."""
        self.waited += self._move(seconds)

    def _move(self, seconds: float) -> float:
        passed = max(seconds, 0.0)
        self.now += passed
        if self._sleep is not None and passed:
            self._sleep(passed)
        return passed


def face(seconds: float) -> str:
    """The clock as mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"
