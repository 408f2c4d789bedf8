"""What a caller is: somebody who hears a stretch of words and answers with keys, words, silence or hanging up.

The one rule: a caller knows only what was heard. Nothing of the documents, their addresses or timers reaches a caller.

>>> stretch = Stretch("Group 2.", 0.0, seconds=0.7, listening=True)
>>> [(press.key, round(press.after, 2)) for press in keying("45", stretch, Pace()).presses]
[('4', 2.55), ('5', 3.05)]
"""

from dataclasses import dataclass
from typing import Protocol

from webhooks.rehearsal.clock import Pace


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the line says without a break in which anything could happen.

    `at` is the call clock where it begins, `seconds` the length up to its last word. `listening` is whether keys are
    gathered meanwhile: no person can know that, and it is here only so that a keyboard need not be read in vain.
    """

    words: str
    at: float
    seconds: float
    listening: bool


@dataclass(frozen=True, slots=True)
class Press:
    """One key (`0`-`9`, `*`, `#`), so many seconds after its stretch began.

    Or, where `words` are given, something that is said then; `clear` as whoever listens is to be sure of it, 0 to 1.
    """

    key: str
    after: float
    words: str = ""
    clear: float = 0.9


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a caller does about a stretch. `hang_up_after` counts from its beginning; None stays on the line."""

    presses: tuple[Press, ...] = ()
    hang_up_after: float | None = None


SILENCE = Reaction()


class Caller(Protocol):
    """Whoever holds the telephone."""

    def react(self, stretch: Stretch) -> Reaction:
        """What to do about these words; asked when the stretch begins."""
        ...

    def heard(self, words: str) -> None:
        """What of the stretch was really heard, told when it is over: fewer words where a key cut it off."""
        ...


class Keypad(Protocol):
    """A telephone that somebody really holds: what is done with it is known only when it is done."""

    def until(self, moment: float) -> Reaction:
        """Wait in wall time until this moment of the call clock: SILENCE if nothing was done before it.

        Otherwise the first thing done, at once; its times count from the beginning of the call.
        """
        ...


def keying(keys: str, stretch: Stretch, pace: Pace, begin: float | None = None) -> Reaction:
    """Press these keys one after another, beginning a thought after `begin` (default: where the words end)."""
    start = (stretch.seconds if begin is None else begin) + pace.think_seconds
    return Reaction(tuple(Press(key, start + pace.key_seconds * place) for place, key in enumerate(keys, start=1)))


def saying(words: str, stretch: Stretch, pace: Pace, clear: float = 0.9, begin: float | None = None) -> Reaction:
    """Say something, beginning a thought after `begin` (default: where the words end)."""
    start = (stretch.seconds if begin is None else begin) + pace.think_seconds
    return Reaction((Press("", start, words, clear),))


def hanging_up(stretch: Stretch, share: float = 1.0) -> Reaction:
    """Put the telephone down when this share of the words has been heard."""
    return Reaction(hang_up_after=stretch.seconds * share)
