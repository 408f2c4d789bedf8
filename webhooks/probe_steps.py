"""The one call of a probe: what each of its turns asks of Twilio, and what the moments and keys that came back mean.

Rule: pure, and every figure comes out of what was recorded: a moment, the keys, a field. Where the record does not say,
the figure is None, never a guess.

The keys of `OPENING` are pressed half a second apart, from the moment the call is answered, into gathers of one key
each. Which of them never arrived tells how long the line is deaf, at the beginning and between two gathers.

>>> heard = [Turn(0, 0.0), Turn(1, 2.0, "2"), Turn(2, 4.0, "5"), Turn(3, 5.5, "6"), Turn(4, 15.0, "90123456")]
>>> lost_keys(heard)
[1, 2, 0, 2]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

KEYS = "1234567890123456"
OPENING = "w".join(KEYS)
"""What is sent as soon as the call is answered: Twilio takes 32 signs, and `w` is half a second."""
HALF_SECOND = 0.5
COMMA_SECONDS = 2.0
"""What a comma of a `tel:` link waits on most telephones."""
NESTED = 3
LONG_PAUSE = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One gather: its attributes, the pause nested in it, and what the other telephone presses once it is open."""

    digits: int | None = None
    timeout: int = 1
    finish: str = ""
    pause: int = 0
    press: str = ""


STEPS = (
    Step(digits=1, timeout=20),
    Step(digits=1, timeout=20),
    Step(digits=1, timeout=20),
    Step(timeout=4),  # the rest of the opening, to its end
    Step(),
    Step(),
    Step(),
    Step(pause=NESTED),
    Step(timeout=15, finish="#", press="#"),
    Step(timeout=15, finish="#", press="12#"),
    Step(digits=1, timeout=3, pause=LONG_PAUSE, press="7"),
)
FIRST_SILENT, AFTER_SILENT, NESTED_PAUSE, ALONE, BEHIND, IN_PAUSE = 4, 7, 7, 8, 9, 10
LAST = len(STEPS)


@dataclass(frozen=True, slots=True)
class Turn:
    """A request of the line's leg: its place (0 begins the call), the second it came at, and the keys it brought.

    `finished` is the finish key as its field tells it, None where the request has no such field.
    """

    place: int
    at: float
    keys: str = ""
    finished: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. Seconds; None where the call did not get so far, or the record does not say."""

    seconds_until_keys_count: float | None
    keys_lost_at_answer: int | None
    commas_needed: int | None
    turn_delay: float | None
    keys_lost_between_gathers: tuple[int, ...]
    finished_on_key_alone: str | None
    finished_on_key_behind_digits: str | None
    finished_on_key_in_silence: str | None
    finish_key_alone_asks_at_once: bool | None
    pause_delays_the_timer: bool | None
    key_in_a_pause_counts: bool | None

    def told(self) -> dict[str, object]:
        """As a mapping."""
        return asdict(self)


def figures(turns: Sequence[Turn]) -> Figures:
    """What a record means; a turn that came twice counts once, as it first came."""
    at: dict[int, Turn] = {}
    for turn in sorted(turns, key=lambda turn: turn.at):
        at.setdefault(turn.place, turn)
    lost = lost_keys(turns)
    delay = _delay(at)
    first = None if not lost else lost[0]
    return Figures(
        seconds_until_keys_count=None if first is None else first * HALF_SECOND,
        keys_lost_at_answer=first,
        commas_needed=None if first is None else max(1, -int(-(first * HALF_SECOND) // COMMA_SECONDS)),
        turn_delay=None if delay is None else round(delay, 2),
        keys_lost_between_gathers=tuple(lost[1:]),
        finished_on_key_alone=_field(at, ALONE),
        finished_on_key_behind_digits=_field(at, BEHIND),
        finished_on_key_in_silence=_field(at, FIRST_SILENT),
        finish_key_alone_asks_at_once=_sooner(at, ALONE, STEPS[ALONE].timeout),
        pause_delays_the_timer=_later(at, delay),
        key_in_a_pause_counts=_in_pause(at),
    )


def lost_keys(turns: Sequence[Turn]) -> list[int]:
    """How many keys of the opening were lost before each gather that heard any: at the answer, then between gathers."""
    lost, expected = [], 0
    for turn in sorted(turns, key=lambda turn: turn.at):
        if not 1 <= turn.place <= FIRST_SILENT or not turn.keys:
            continue
        place = KEYS.find(turn.keys[0], expected)
        if place < 0:
            break
        lost.append(place - expected)
        expected = place + len(turn.keys)
    return lost


def _took(at: dict[int, Turn], step: int) -> float | None:
    """Seconds from the request that was answered with a step to the one that it made."""
    return at[step + 1].at - at[step].at if step in at and step + 1 in at else None


def _delay(at: dict[int, Turn]) -> float | None:
    """What a silent gather of one second takes beyond its second."""
    steps = range(FIRST_SILENT, AFTER_SILENT)
    took = [each for step in steps if (each := _took(at, step)) is not None and not at[step + 1].keys]
    return median(took) - STEPS[FIRST_SILENT].timeout if took else None


def _field(at: dict[int, Turn], step: int) -> str | None:
    return at[step + 1].finished if step + 1 in at else None


def _sooner(at: dict[int, Turn], step: int, seconds: float) -> bool | None:
    took = _took(at, step)
    return None if took is None else took < seconds


def _later(at: dict[int, Turn], delay: float | None) -> bool | None:
    """Whether the silent gather with a pause in it took the pause's length more than one without."""
    took = _took(at, NESTED_PAUSE)
    return None if took is None or delay is None else took - delay > STEPS[NESTED_PAUSE].timeout + NESTED / 2


def _in_pause(at: dict[int, Turn]) -> bool | None:
    """Whether the key counted, and while the pause still ran."""
    took = _took(at, IN_PAUSE)
    return None if took is None else at[IN_PAUSE + 1].keys == STEPS[IN_PAUSE].press and took < LONG_PAUSE
