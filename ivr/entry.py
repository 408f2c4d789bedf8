"""Keys as they arrive, read as groups: which are sound, and what is wrong with the first that is not.

Rule: a sound group is never thrown away because something after it is wrong.

>>> from keys.formats import FORMATS
>>> read_groups(FORMATS[7], 2, "837252" + "020657", {})
Entry(sound={2: '837252'}, fault=GroupFault(group=3, fault=<Fault.CHECK_DIGIT: 'check_digit'>, place=None, found=None))
>>> after_star("12*345")
'345'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keys.formats import GROUP_DIGITS, Format
from keys.groups import Fault, GroupFault, check_group, split

MOST_WRONG_IN_A_RUN = 2
"""With more wrong groups than this in one run, keys were lost or added on the way: nothing after the first counts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry holds: its sound groups by number, and the first fault (None: no fault)."""

    sound: Mapping[int, str]
    fault: GroupFault | None


def after_star(keys: str) -> str:
    """What counts of an entry: the keys after the last `*`, which a caller presses to start over."""
    return keys.rpartition("*")[2]


def read_groups(layout: Format, first: int, digits: str, known: Mapping[int, str]) -> Entry:
    """Read `digits` as groups `first`, `first` + 1, ... of `layout`.

    `known` are the groups already in, by number, so that a repeated one is named. One group with a digit too many is
    wrong as a whole: which digit is the added one cannot be told. In a run of whole groups the sound ones after a wrong
    one are kept as well; where digits are missing or too many, only those before it.
    """
    if GROUP_DIGITS < len(digits) < 2 * GROUP_DIGITS:
        return Entry({}, GroupFault(first, Fault.LENGTH, found=len(digits)))
    keyed = dict(enumerate(split(digits), first))
    sound: dict[int, str] = {}
    faults: list[GroupFault] = []
    for number, group in keyed.items():
        if number > layout.groups:
            faults.append(GroupFault(number, Fault.LENGTH, found=len(digits)))
            break
        fault = check_group(layout, number, group, {**known, **sound})
        if fault is None:
            sound[number] = group
        else:
            faults.append(fault)
    if faults and (len(digits) % GROUP_DIGITS or len(faults) > MOST_WRONG_IN_A_RUN):
        sound = {number: group for number, group in sound.items() if number < (faults[0].group or 0)}
    return Entry(sound, faults[0] if faults else None)
