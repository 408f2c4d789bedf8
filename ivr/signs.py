"""Signs: what speaks for a second look at an activation, scored by stated rules.

Rule: a sign is shown, with how many were counted, and adds to a score; nothing else follows from it unless the line's
own settings say from which score on. More seen never makes a score smaller, and what is older than a rule's window
counts for nothing.

>>> noon = datetime(2026, 11, 25, 12)
>>> asked = [Seen(noon - timedelta(minutes=number), f"caller {number}") for number in range(5)]
>>> score = weigh({Part.KEY: asked}, noon)
>>> score.points, score.counts
(30, {<Sign.CALLERS: 'many_callers'>: 5})
>>> weigh({Part.KEY: asked[1:]}, noon).points, weigh({Part.KEY: asked}, noon + timedelta(days=1)).points
(0, 0)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Sign(StrEnum):
    """What was seen. A value never changes its meaning, since entries and reports keep it."""

    CALLERS = "many_callers"
    COUNTRIES = "many_countries"
    MACHINES = "many_machines"
    CYCLING = "cycling"
    KEY_GUESSED = "key_guessed"
    KEY_GUESSED_BY_MANY = "key_guessed_by_many"
    CALLER_GUESSES = "caller_guesses"
    CALLER_CASES = "caller_cases"
    NEIGHBOURS = "neighbours_guess"
    WITHHELD = "number_withheld"
    NEVER_ISSUED = "serial_never_issued"


class Part(StrEnum):
    """What a rule looks through."""

    KEY = "key"
    """The calls and texts that asked with this key, the present one among them."""
    MACHINE = "machine"
    """The activations of this machine with this key, by whatever door, that were not given back."""
    KEY_GUESSES = "key_guesses"
    """The wrong proofs that named this key."""
    CALLER_GUESSES = "caller_guesses"
    """The wrong proofs that this caller brought."""
    CALLER_CASES = "caller_cases"
    """The cases that this caller opened."""
    NEIGHBOURS = "neighbours"
    """The wrong tries from numbers next to this caller's, once they keep the whole block waiting."""
    WITHHELD = "withheld"
    """The present attempt, if its number is withheld."""
    NEVER_ISSUED = "never_issued"
    """The present attempt, if its proof is sound and no such key was ever issued."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was seen: when, by whom (a pseudonym; None is nobody), from which country, for which machine."""

    at: datetime
    caller: str | None = None
    country: str | None = None
    machine: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Where at least `least` are counted of what `part` saw within `window`, `points` are added."""

    sign: Sign
    part: Part
    least: int
    window: timedelta
    points: int
    count: Callable[[Sequence[Seen]], int] = len


def _some(values: Iterable[object]) -> int:
    return len({value for value in values if value is not None})


def _callers(seen: Sequence[Seen]) -> int:
    return _some(each.caller for each in seen)


def _countries(seen: Sequence[Seen]) -> int:
    return _some(each.country for each in seen)


def _machines(seen: Sequence[Seen]) -> int:
    return _some(each.machine for each in seen)


_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
RULES = (
    Rule(Sign.CALLERS, Part.KEY, 5, _DAY, 30, _callers),
    Rule(Sign.COUNTRIES, Part.KEY, 3, _WEEK, 40, _countries),
    Rule(Sign.MACHINES, Part.KEY, 25, _HOUR, 20, _machines),
    Rule(Sign.CYCLING, Part.MACHINE, 3, 30 * _DAY, 30),
    Rule(Sign.KEY_GUESSED, Part.KEY_GUESSES, 2, _WEEK, 20),
    Rule(Sign.KEY_GUESSED_BY_MANY, Part.KEY_GUESSES, 3, _WEEK, 20, _callers),
    Rule(Sign.CALLER_GUESSES, Part.CALLER_GUESSES, 2, _DAY, 20),
    Rule(Sign.CALLER_CASES, Part.CALLER_CASES, 3, _DAY, 5),
    Rule(Sign.NEIGHBOURS, Part.NEIGHBOURS, 21, _DAY, 20),
    Rule(Sign.WITHHELD, Part.WITHHELD, 1, _DAY, 5),
    Rule(Sign.NEVER_ISSUED, Part.NEVER_ISSUED, 1, _DAY, 100),
)
"""Every rule there is, one a sign, in the order in which the desk shows them."""
WIDEST = {part: max(rule.window for rule in RULES if rule.part is part) for part in Part}
"""How far back each part has to be looked through."""
_OF_WHO_ASKS = {Part.CALLER_GUESSES, Part.CALLER_CASES, Part.NEIGHBOURS, Part.WITHHELD}
OF_A_KEY = frozenset(rule.sign for rule in RULES if rule.part not in _OF_WHO_ASKS)
"""Signs that speak against a key; the others speak against whoever asks."""


@dataclass(frozen=True, slots=True)
class Score:
    """The points of one attempt, and what was counted for each sign that was found."""

    points: int
    counts: Mapping[Sign, int] = field(default_factory=dict)

    @property
    def written(self) -> str | None:
        """What was counted, as it is kept; None for nothing."""
        return json.dumps(self.counts) if self.counts else None


def weigh(seen: Mapping[Part, Sequence[Seen]], now: datetime) -> Score:
    """Score what was seen up to `now`, each part in any order."""
    counts = {}
    points = 0
    for rule in RULES:
        count = rule.count([each for each in seen.get(rule.part, ()) if each.at > now - rule.window])
        if count >= rule.least:
            counts[rule.sign] = count
            points += rule.points
    return Score(points, counts)


def read(points: int | None, written: str | None) -> Score:
    """A score as it was kept; none at all where nothing was."""
    if not points or written is None:
        return Score(0)
    return Score(points, {Sign(sign): count for sign, count in json.loads(written).items()})
