"""Keys as they arrive, read as groups: which are sound, and what is wrong with the first that is not.

Rule: a sound group is never thrown away because something after it is wrong.

>>> from keys.formats import FORMATS
>>> read_groups(FORMATS[7], 2, "837252" + "020657", {})
Entry(sound=('837252',), fault=GroupFault(group=3, fault=<Fault.CHECK_DIGIT: 'check_digit'>, place=None, found=None))
>>> after_star("12*345")
'345'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keys.formats import GROUP_DIGITS, Format
from keys.groups import Fault, GroupFault, check_group, split


@dataclass(frozen=True, slots=True)
class Entry:
    """The sound groups an entry began with, in order, and the fault that ended it (None: all sound)."""

    sound: tuple[str, ...]
    fault: GroupFault | None


def after_star(keys: str) -> str:
    """What counts of an entry: the keys after the last `*`, which a caller presses to start over."""
    return keys.rpartition("*")[2]


def read_groups(layout: Format, first: int, digits: str, known: Mapping[int, str]) -> Entry:
    """Read `digits` as groups `first`, `first` + 1, ... of `layout`, up to the first that is wrong.

    `known` are the groups already in, by number, so that a repeated one is named. One group with a digit too many is
    wrong as a whole: which digit is the added one cannot be told.
    """
    if GROUP_DIGITS < len(digits) < 2 * GROUP_DIGITS:
        return Entry((), GroupFault(first, Fault.LENGTH, found=len(digits)))
    sound: list[str] = []
    seen = dict(known)
    for number, group in enumerate(split(digits), first):
        if number > layout.groups:
            return Entry(tuple(sound), GroupFault(number, Fault.LENGTH, found=len(digits)))
        fault = check_group(layout, number, group, seen)
        if fault is not None:
            return Entry(tuple(sound), fault)
        sound.append(group)
        seen[number] = group
    return Entry(tuple(sound), None)
