"""Groups put in a row beside the places of an installation ID: which stands where, which is wrong, what is noise.

Rule: the order in which groups came decides, and the reading under which most of them are sound; what stands before,
between and after them and is no group is left out.

The fourth of six has a slip, and an order number stands before them:

>>> from keys.formats import FORMATS
>>> came = ["471123", "300217", "156230", "143814", "105301", "518906", "275657"]
>>> row = line_up(came, Places(FORMATS[3], {}, (1,)))
>>> row.sound, row.wrong
({1: '300217', 2: '156230', 3: '143814', 5: '518906', 6: '275657'}, {4: '105301'})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from ivr.digit_runs import Piece
from keys.checkdigit import validate
from keys.formats import FORMATS, GROUP_DIGITS, CheckRule, Format
from keys.groups import place_of

SOUND: Final = 30
"""What a sound group in its place adds to a row's worth."""
WRONG: Final = -20
"""A slip in a group; a digit lost or added weighs as much, more lost or added weigh a little more."""
WRONG_BY_FAR: Final = -35
NOISE: Final = -25
"""Six digits that are no group of this ID; five or seven are so a little more easily, and others at once."""
NOISE_BY_LENGTH: Final = -21
NOISE_AT_ONCE: Final = -2
LEFT_OUT: Final = -55
"""Groups left out in the middle of a row, that are not in already. More than one slip, so that a last group with a slip
is not taken for a later one; less than two."""
ELSEWHERE: Final = -10
"""A row that begins at no place where one was to be expected."""
BREAK: Final = -20
"""Two groups that came one after the other and are no neighbours, where only their checks give them a place."""
_KNOWS_PLACE: Final = next(layout for layout in FORMATS.values() if layout.check_rule is CheckRule.VERHOEFF)
MOST: Final = 60
"""With more pieces than this, the rest is not looked at."""


@lru_cache(maxsize=256)
def _place(digits: str) -> int | None:
    """The one place of six digits, where groups know theirs; it is asked for many times over for one message."""
    return place_of(_KNOWS_PLACE, digits)


@dataclass(frozen=True, slots=True)
class Places:
    """The places of an ID of a layout; `known` are the groups in already, `anchors` where a row is likely to begin."""

    layout: Format
    known: Mapping[int, str]
    anchors: tuple[int, ...]

    def passes(self, number: int, digits: str) -> bool:
        """Whether digits are a sound group in this place."""
        if len(digits) != GROUP_DIGITS or (number == 1 and digits[0] != str(self.layout.number)):
            return False
        if self.layout.check_rule is CheckRule.VERHOEFF:
            return _place(digits) == number
        return validate(self.layout.check_rule, number, digits)

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the groups that are not in yet."""
        return tuple(number for number in range(1, self.layout.groups + 1) if number not in self.known)


@dataclass(frozen=True, slots=True)
class Row:
    """A way to put pieces in places: the sound ones and the wrong ones by number of group; `worth` compares rows."""

    worth: int = 0
    sound: Mapping[int, str] = field(default_factory=dict)
    wrong: Mapping[int, str] = field(default_factory=dict)


def line_up(pieces: Sequence[str], places: Places, start: int | None = None) -> Row:
    """The best row for pieces of any lengths in the order they came; with `start`, the first is group `start`."""
    pieces = pieces[:MOST]
    layout = places.layout
    knows_place = layout.check_rule is CheckRule.VERHOEFF
    again = [piece in places.known.values() or piece in pieces[:at] for at, piece in enumerate(pieces)]

    worths = [[_worth_in(places, number, piece) for number in range(layout.groups + 1)] for piece in pieces]

    @cache
    def best(at: int, last: int) -> tuple[int, int]:
        """The worth of the best row from piece `at` on, group `last` (0: none) before it; its first place."""
        if at == len(pieces):
            return 0, 0
        if start is not None and at == 0:
            return worths[0][start] + best(1, start)[0], start
        found = -1_000_000, 0
        for number in range(last + 1, layout.groups + 1):
            step = _worth_of_step(places, last, number, knows_place=knows_place)
            if step is not None:
                worth = step + worths[at][number] + best(at + 1, number)[0]
                found = max(found, (worth, number), key=lambda way: way[0])
        noise = _worth_as_noise(pieces[at], again=again[at]) + best(at + 1, last)[0], 0
        return max(found, noise, key=lambda way: way[0])  # of two ways as good, the one that keeps more

    sound: dict[int, str] = {}
    wrong: dict[int, str] = {}
    last = 0
    for at, piece in enumerate(pieces):
        number = best(at, last)[1]
        if number:
            (sound if places.passes(number, piece) else wrong)[number] = piece
            last = number
    return Row(best(0, 0)[0], sound, wrong)


def by_check(digits: Sequence[str], places: Places) -> Row:
    """Each group where its check fits, if no other claims that place."""
    if places.layout.check_rule is not CheckRule.VERHOEFF:
        return Row()
    claims: dict[int, set[str]] = {}
    for piece in digits:
        number = _place(piece) if len(piece) == GROUP_DIGITS else None
        if number:
            claims.setdefault(number, set()).add(piece)
    sound = {
        number: piece
        for number, (piece, *others) in sorted(claims.items())
        if not others and places.known.get(number, piece) == piece
        if number <= places.layout.groups and places.passes(number, piece)
    }
    place = {piece: number for number, piece in sound.items()}
    breaks = sum(place.get(one, 0) + 1 != place.get(other) for one, other in pairwise(digits))
    return Row(SOUND * len(sound) + BREAK * breaks, sound)


def by_label(pieces: Sequence[Piece], places: Places) -> Row:
    """Groups by the numbers written before them, and those without one in the order they came after it."""
    sound: dict[int, str] = {}
    wrong: dict[int, str] = {}
    worth = 0
    for label, digits in _parts(pieces):
        if label is None:
            row = line_up(digits, places)
        elif label > places.layout.groups:
            continue
        else:
            row = line_up(digits, places, start=label)
            if len(row.sound.keys() - {label}) == 0:  # what follows is no group: a number of something else
                row = line_up(digits[:1], places, start=label)
        worth += row.worth
        wrong.update(row.wrong)
        sound.update(row.sound)
    return Row(worth, sound, {number: piece for number, piece in wrong.items() if number not in sound})


def _parts(pieces: Sequence[Piece]) -> Iterator[tuple[int | None, list[str]]]:
    """Each label with the digits that follow it up to the next; None for what stands before the first."""
    label: int | None = None
    digits: list[str] = []
    for piece in pieces:
        if piece.label is not None:
            if digits:
                yield label, digits
            label, digits = piece.label, []
        digits.append(piece.digits)
    yield label, digits


def _worth_in(places: Places, number: int, piece: str) -> int:
    taken = places.known.get(number, piece) != piece and places.layout.check_rule is not CheckRule.VERHOEFF
    if places.passes(number, piece) and not taken:  # passing says little where a group does not know its place
        return SOUND
    return WRONG if abs(len(piece) - GROUP_DIGITS) <= 1 else WRONG_BY_FAR


def _worth_as_noise(piece: str, *, again: bool) -> int:
    if again or abs(len(piece) - GROUP_DIGITS) > 1:
        return NOISE_AT_ONCE
    return NOISE if len(piece) == GROUP_DIGITS else NOISE_BY_LENGTH


def _worth_of_step(places: Places, last: int, number: int, *, knows_place: bool) -> int | None:
    """What it costs that group `number` follows group `last`; None where it cannot be told that it does."""
    if last == 0:
        if number in places.anchors:
            return 0
        return ELSEWHERE if knows_place else None
    if all(between in places.known for between in range(last + 1, number)):
        return 0
    return LEFT_OUT
