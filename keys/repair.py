"""A slip in keying, mended: which whole installation IDs can have been meant.

One rule: a candidate differs from what was keyed by one slip and passes every check there is. Which one is genuine,
only the proof can tell.

A key of group 3 was lost, and one ID fits what is left:

>>> from keys.formats import FORMATS
>>> from keys.runs import alone, read_run
>>> whole = "300217156230143814105201518906275657"
>>> run = read_run(FORMATS[3], 1, 6, whole[:14] + whole[15:], {})
>>> [(candidate.groups[2], candidate.mended) for candidate in candidates(FORMATS[3], {}, run)]
[('143814', (3,))]

So it is where group 3 was keyed alone, when all others were in, and one of its keys was wrong:

>>> known = {number: whole[number * 6 - 6 : number * 6] for number in (1, 2, 4, 5, 6)}
>>> [candidate.groups[2] for candidate in candidates(FORMATS[3], known, alone(3, "143914"))]
['143814']
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, product

from keys.formats import GROUP_DIGITS, CheckRule, Format
from keys.groups import check_group, check_whole
from keys.runs import Reading, Run, swapped_between

_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A whole ID that one slip turns into what was keyed; `mended` are the numbers of the groups that differ."""

    groups: tuple[str, ...]
    mended: tuple[int, ...]


def candidates(fmt: Format, known: Mapping[int, str], run: Run) -> tuple[Candidate, ...]:
    """Every whole ID that the run and the `known` groups make by one slip; empty where more is missing than that.

    An added key that pushed the last key out of a full gather counts as one slip: the last digit follows from the rest.
    """
    found: dict[tuple[str, ...], Candidate] = {}
    for reading in run.readings:
        held = {**known, **reading.sound}
        if len(held.keys() | reading.doubted.keys()) != fmt.groups:
            continue
        for mended, meant in _meant(fmt, reading):
            groups = tuple({**held, **meant}[number] for number in range(1, fmt.groups + 1))
            if groups not in found and check_whole(fmt, groups) is None:
                found[groups] = Candidate(groups, mended)
    return tuple(found.values())


def unseen(fmt: Format, groups: tuple[str, ...]) -> tuple[Candidate, ...]:
    """Every whole ID that one slip turns into `groups`, all of which pass although the whole does not.

    A classic group does not see 0 for 7, 1 for 8 or 2 for 9, nor its own place; a Verhoeff group sees any one slip.
    """
    if fmt.check_rule is not CheckRule.MOD7:
        return ()
    found: list[Candidate] = []
    for number, group in enumerate(groups, 1):
        found += [
            Candidate((*groups[: number - 1], meant, *groups[number:]), (number,))
            for meant in sorted(_wrong_or_swapped(group))
            if check_group(fmt, number, meant) is None
        ]
    for one, other in combinations(range(len(groups)), 2):
        exchanged = list(groups)
        exchanged[one], exchanged[other] = groups[other], groups[one]
        if exchanged != list(groups) and exchanged[0][0] == str(fmt.number):
            found.append(Candidate(tuple(exchanged), (one + 1, other + 1)))
    return tuple(candidate for candidate in found if check_whole(fmt, candidate.groups) is None)


def doubled(fmt: Format, groups: tuple[str, ...]) -> int | None:
    """The number of a group that is followed by itself, where groups do not know their place; None if there is none."""
    if fmt.check_rule is not CheckRule.MOD7:
        return None
    return next((number for number, pair in enumerate(pairwise(groups), 1) if pair[0] == pair[1]), None)


def _meant(fmt: Format, reading: Reading) -> Iterator[tuple[tuple[int, ...], dict[int, str]]]:
    """What can have been meant for the groups in doubt, by one slip, with the numbers of those that it mends."""
    match sorted(reading.doubted.items()):
        case [(number, came)]:
            for meant in sorted(_by_one_slip(came, reading.cut)):
                if check_group(fmt, number, meant) is None:
                    yield (number,), {number: meant}
        case [(number, came), (last, tail)] if reading.cut and len(tail) == GROUP_DIGITS - 1:
            for meant, digit in product(sorted(_without_one(came)), _DIGITS):
                both = {number: meant, last: tail + digit}
                if all(check_group(fmt, place, group) is None for place, group in both.items()):
                    yield (number,), both
        case [(number, came), (other, following)] if other == number + 1 and len(came) == len(following) == 6:
            both = swapped_between(number, came, following)
            if all(check_group(fmt, place, group) is None for place, group in both.items()):
                yield (number, other), both


def _by_one_slip(came: str, cut: bool) -> set[str]:
    """The groups of six that one slip turns into `came`; `cut`: an added key may have taken the room of its last."""
    if len(came) == GROUP_DIGITS - 1:
        return {came[:at] + digit + came[at:] for at in range(GROUP_DIGITS) for digit in _DIGITS}
    if len(came) == GROUP_DIGITS + 1:
        return _without_one(came)
    if len(came) != GROUP_DIGITS:
        return set()
    pushed = {left + digit for left in _without_one(came) for digit in _DIGITS} if cut else set()
    return _wrong_or_swapped(came) | pushed


def _wrong_or_swapped(came: str) -> set[str]:
    wrong = {came[:at] + digit + came[at + 1 :] for at in range(len(came)) for digit in _DIGITS}
    swapped = {came[:at] + came[at + 1] + came[at] + came[at + 2 :] for at in range(len(came) - 1)}
    return (wrong | swapped) - {came}


def _without_one(came: str) -> set[str]:
    return {came[:at] + came[at + 1 :] for at in range(len(came))} if came else set()
