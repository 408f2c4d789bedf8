"""Keys as they arrive, read as groups: which are sound, and what is wrong with the first that is not.

Rule: a sound group is never thrown away because something before or after it is wrong.

>>> classic = FORMATS[7]
>>> read_groups(classic, Expected(2, 9, 48), "837252" + "020657", {}).sound
{2: '837252'}
>>> read_groups(classic, Expected(2, 2, 6), "020657", {}).fault
GroupFault(group=2, fault=<Fault.CHECK_DIGIT: 'check_digit'>, place=None, found=None)
>>> after_star("12*345")
'345'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keys.formats import FORMATS, GROUP_DIGITS, Format
from keys.groups import Fault, GroupFault, check_group, check_whole, split
from keys.runs import SLIP, Run, alone, read_run

MOST_WRONG = 2 * SLIP + 1
"""A run that needs more than two slips, or a burst and a slip, to be explained is not: only its beginning is kept."""
_ALL_WRONG = Run(MOST_WRONG + 1, ())


@dataclass(frozen=True, slots=True)
class Expected:
    """What was asked for: groups `first` to `last`, in a gather with room for so many keys."""

    first: int
    last: int
    room: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry holds: its sound groups by number, and the first fault (None: no fault).

    `layout` is the format that its digits fit best. `run` says which groups are in doubt and what came for them.
    `unsure` are the numbers of sound groups that stand behind one in doubt, where keys may have shifted.
    """

    layout: Format | None
    sound: Mapping[int, str] = field(default_factory=dict)
    fault: GroupFault | None = None
    run: Run | None = None
    unsure: tuple[int, ...] = ()


def after_star(keys: str) -> str:
    """What counts of an entry: the keys after the last `*`, which a caller presses to start over."""
    return keys.rpartition("*")[2]


def read_groups(
    layout: Format | None, expected: Expected, digits: str, known: Mapping[int, str], *, insisted: bool = False
) -> Entry:
    """Read `digits` as the groups expected, of `layout` (None: the first digit names no format).

    `known` are the groups already in, by number, so that a repeated one is named; a classic group does not know its
    place, so one that is keyed twice in a row must be meant (`insisted`). One group with a digit too many is wrong as
    a whole; in a run of several, keys lost or added on the way shift the rest, and what is sound is kept none the less.
    """
    plain = _as_they_stand(layout, expected.first, digits) if layout is not None else None
    if layout is not None and plain is not None and (insisted or not _repeats(layout, plain, known)):
        return Entry(layout, plain)
    several = expected.last > expected.first or len(digits) >= 2 * GROUP_DIGITS
    if several and len(digits) > GROUP_DIGITS + 1:
        return _shifted(layout, expected, digits, known)
    return _one(layout, expected.first, digits, known)


def _as_they_stand(layout: Format, first: int, digits: str) -> dict[int, str] | None:
    """The groups, if all are whole and sound. A few keys after the last group of an ID do no harm."""
    groups = split(digits[: (layout.groups + 1 - first) * GROUP_DIGITS])
    read = dict(enumerate(groups, first))
    spare = len(digits) - GROUP_DIGITS * len(groups)
    sound = all(check_group(layout, number, group) is None for number, group in read.items())
    return read if sound and spare < GROUP_DIGITS and (spare <= 0 or len(groups) > 1) else None


def _repeats(layout: Format, plain: Mapping[int, str], known: Mapping[int, str]) -> bool:
    """Whether a group that passes is another once more: only groups that do not know their place can pass so."""
    whole = {**known, **plain}
    if len(whole) == layout.groups and check_whole(layout, [whole[number] for number in sorted(whole)]) is None:
        return False
    return any(_repeated(number, group, {**known, **plain}) for number, group in plain.items())


def _repeated(number: int, group: str, known: Mapping[int, str]) -> int | None:
    return next((other for other, held in known.items() if held == group and other != number), None)


def _one(layout: Format | None, number: int, digits: str, known: Mapping[int, str]) -> Entry:
    """One group, which is wrong."""
    if layout is None:
        return Entry(None, fault=GroupFault(number, Fault.UNKNOWN_FORMAT, found=digits[0]))
    other = _repeated(number, digits, known)
    if other is not None:
        return Entry(layout, fault=GroupFault(number, Fault.OTHER_PLACE, found=other))
    return Entry(layout, fault=check_group(layout, number, digits), run=alone(number, digits))


def _shifted(layout: Format | None, expected: Expected, digits: str, known: Mapping[int, str]) -> Entry:
    """A run with a fault: read with the least that must have gone wrong, in the likeliest format."""
    layouts = [layout] if layout is not None else []
    if expected.first == 1 and not known:  # the slip may be in the very first digit, which names the format
        layouts += [other for other in FORMATS.values() if other is not layout]
    best, run, complete = layout, _ALL_WRONG, False
    for candidate in layouts:
        last = max(expected.last, expected.first - 1 + len(digits) // GROUP_DIGITS) if known else candidate.groups
        full = len(digits) >= expected.room
        tried = read_run(candidate, expected.first, min(last, candidate.groups), digits, known, full=full)
        # Formats of one check rule differ in the first group alone; the one that this run completes is the likelier.
        completes = len({*tried.sound, *tried.doubted, *known}) == candidate.groups
        if tried.readings and (tried.cost, not completes) < (run.cost, not complete):
            best, run, complete = candidate, tried, completes
    if best is None or not run.readings:
        return _beginning(layout, expected.first, digits, known)
    doubted, sound = run.doubted, run.sound
    unsure = tuple(number for number in sound if doubted and number > doubted[0])
    return Entry(best, sound, _fault_of(run, expected.first), run, unsure)


def _beginning(layout: Format | None, first: int, digits: str, known: Mapping[int, str]) -> Entry:
    """Nothing explains this run: what is sound before its first fault is all that is kept."""
    if layout is None:
        return _one(None, first, digits, known)
    sound: dict[int, str] = {}
    for number, group in enumerate(split(digits)[: layout.groups + 1 - first], first):
        fault = check_group(layout, number, group, {**known, **sound})
        if fault is not None:
            return Entry(layout, sound, fault)
        sound[number] = group
    return Entry(layout, sound)


def _fault_of(run: Run, first: int) -> GroupFault | None:
    """What to say of the first group in doubt: what came for it, if all readings agree on that."""
    if not run.doubted:
        repeated = [number for reading in run.readings for number in reading.repeated]
        return GroupFault(first, Fault.OTHER_PLACE, found=repeated[-1]) if repeated and not run.sound else None
    number = run.doubted[0]
    came = {reading.doubted.get(number) for reading in run.readings}
    if len(came) > 1:
        return GroupFault(number, Fault.WHOLE_ID)
    keyed = came.pop() or ""
    other = _repeated(number, keyed, run.sound)
    if other is not None:
        return GroupFault(number, Fault.OTHER_PLACE, found=other)
    return GroupFault(number, Fault.CHECK_DIGIT if len(keyed) == GROUP_DIGITS else Fault.LENGTH, found=len(keyed))
