"""How much each check rule catches: every kind of slip, counted over all groups of every format.

One rule: the counts are exact, not sampled. They cover all valid groups without visiting each, for two reasons that
hold for both rules:

- Whether a slip is caught depends only on the run of digits it touches and their places. Both rules multiply one
  element for each place (Verhoeff in the dihedral group of ten, mod 7 in the integers modulo 7) and ask for the neutral
  one; what stands left and right of the run is the same before and after and cancels. So one valid group with a given
  run of digits, tried with the real `keys.checkdigit.validate`, speaks for all of them.
- How many valid groups hold that run is known. With Verhoeff every place is a bijection, so it is 10 to the number of
  free places less one. With mod 7 the free payload digits are counted by their remainder, and no valid group ends in 7,
  8 or 9.

A group's number is one more place on the left for Verhoeff, and no place at all for mod 7. (In group 1 the first digit
is always the format's; counting all groups there as well changes no 0 % and no 100 %.)

>>> classic = {row.slip: row for row in rows() if row.format == "classic"}
>>> classic["exchanged groups"].share, f"{classic['neighbour swap'].share:.1%}"
(0.0, '94.7%')
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from keys import checkdigit
from keys.formats import FORMATS, CheckRule, Format

_DIGITS = "0123456789"
_CHECK_PLACE = 5
_MOD7_WEIGHTS = (1, 2, 1, 2, 1)

Slip = Callable[[str], Iterator[str]]
"""From a run of digits, every wrong run that the slip can make of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of slip in one format: how many of the `possible` ones, over all groups and places, are `caught`."""

    slip: str
    format: str
    caught: int
    possible: int

    @property
    def share(self) -> float:
        """The share caught, 0 to 1."""
        return self.caught / self.possible


def _single(run: str) -> Iterator[str]:
    return (digit for digit in _DIGITS if digit != run)


def _swap(run: str) -> Iterator[str]:
    return iter([run[::-1]] if run[0] != run[-1] else [])


def _twin(run: str) -> Iterator[str]:
    if run[0] == run[-1]:
        yield from (f"{digit}{run[1:-1]}{digit}" for digit in _DIGITS if digit != run[0])


def _phonetic(run: str) -> Iterator[str]:
    if run[0] == "1" and run[1] > "1":
        yield f"{run[1]}0"
    if run[1] == "0" and run[0] > "1":
        yield f"1{run[0]}"


RUN_SLIPS: tuple[tuple[str, int, Slip], ...] = (
    ("single digit", 1, _single),
    ("neighbour swap", 2, _swap),
    ("jump swap", 3, _swap),
    ("twin", 2, _twin),
    ("jump twin", 3, _twin),
    ("phonetic", 2, _phonetic),
)
"""Name, digits touched, and what becomes of them: 34 > 43, 3x4 > 4x3, 33 > 44, 3x3 > 4x4, 13 > 30 and back."""

PLACE_SLIPS = ("exchanged groups", "repeated group")


@cache
def rows() -> tuple[Row, ...]:
    """Every kind of slip for every format, in a settled order; counted once, for seconds."""
    return tuple(_row(name, fmt) for name in (*(slip[0] for slip in RUN_SLIPS), *PLACE_SLIPS) for fmt in _formats())


def _formats() -> Sequence[Format]:
    """Classic beside standard beside compact."""
    return sorted(FORMATS.values(), key=lambda fmt: ("classic", "standard", "compact").index(fmt.name))


def _row(name: str, fmt: Format) -> Row:
    """Count one kind of slip in one format."""
    if name in PLACE_SLIPS:
        return _place_row(name, fmt)
    length, slip = next((length, slip) for known, length, slip in RUN_SLIPS if known == name)
    caught = possible = 0
    for number in range(1, fmt.groups + 1):
        for start in range(_CHECK_PLACE + 2 - length):
            for run in map("".join, product(_DIGITS, repeat=length)):
                count = groups_with(fmt.check_rule, start, run)
                wrong_runs = list(slip(run)) if count else []
                if not wrong_runs:
                    continue
                group = representative(fmt.check_rule, number, start, run)
                for wrong in wrong_runs:
                    keyed = group[:start] + wrong + group[start + length :]
                    possible += count
                    caught += 0 if checkdigit.validate(fmt.check_rule, number, keyed) else count
    return Row(name, fmt.name, caught, possible)


def _place_row(name: str, fmt: Format) -> Row:
    """Count right groups in wrong places: each of the 100,000 groups of one number keyed for each other number.

    A repeated group is one such slip, two exchanged groups are two at once, of which one caught is enough.
    """
    caught = possible = 0
    count = 10**_CHECK_PLACE
    for number, other in product(range(1, fmt.groups + 1), repeat=2):
        if number != other:
            group = representative(fmt.check_rule, number, 0, "0")
            possible += count
            caught += 0 if checkdigit.validate(fmt.check_rule, other, group) else count
    return Row(name, fmt.name, caught, possible)


def representative(rule: CheckRule, number: int, start: int, run: str) -> str:
    """A valid group of that number with `run` at place `start` (from 0); zeros elsewhere, but for one place if need be.

    Raises StopIteration where there is none: mod 7 and a check digit above 6.
    """
    end = start + len(run)
    if end <= _CHECK_PLACE:
        payload = "0" * start + run + "0" * (_CHECK_PLACE - end)
        return payload + checkdigit.calc(rule, number, payload)
    groups = (digit + "0" * (start - 1) + run for digit in _DIGITS)
    return next(group for group in groups if checkdigit.validate(rule, number, group))


def groups_with(rule: CheckRule, start: int, run: str) -> int:
    """How many valid groups of one number hold `run` (1 to 3 digits) at place `start`."""
    if rule is CheckRule.VERHOEFF or start + len(run) <= _CHECK_PLACE:
        return int(10 ** (_CHECK_PLACE - len(run)))
    if run[-1] > "6":
        return 0
    weighted = zip(_MOD7_WEIGHTS[start:], run[:-1], strict=True)
    missing = (int(run[-1]) - sum(weight * int(digit) for weight, digit in weighted)) % 7
    ways = [1, 0, 0, 0, 0, 0, 0]
    for weight in _MOD7_WEIGHTS[:start]:
        ways = [sum(ways[(left - weight * digit) % 7] for digit in range(10)) for left in range(7)]
    return ways[missing]


def table(counted: Sequence[Row]) -> str:
    """The rows as a table of shares caught, one line a slip, one column a format."""
    names = list(dict.fromkeys(row.format for row in counted))
    shares = {(row.slip, row.format): row.share for row in counted}
    lines = ["slip caught".ljust(20) + "".join(name.rjust(12) for name in names)]
    lines.extend(
        slip.ljust(20) + "".join(f"{shares[slip, name]:12.2%}" for name in names)
        for slip in dict.fromkeys(row.slip for row in counted)
    )
    return "\n".join(lines)
