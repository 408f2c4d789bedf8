"""A run of keys, read as groups: which are sound, and which are in doubt, however far a slip has shifted the rest.

One rule: nothing is made up. A reading only says where groups begin; the least that can have gone wrong is taken for
what has, and where two readings are as good as each other, both are given.

A key of group 3 was lost, so that everything after it came one place early. One reading explains the run: every other
group passes, and group 3 is the one in doubt, of which five digits came.

>>> from keys.formats import FORMATS
>>> whole = "300217156230143814105201518906275657"
>>> run = read_run(FORMATS[3], 1, 6, whole[:14] + whole[15:], {})
>>> run.doubted, [reading.doubted for reading in run.readings]
((3,), [{3: '14814'}])

A group keyed twice puts nothing in doubt, and neither does one that was keyed before:

>>> read_run(FORMATS[3], 1, 6, whole[:12] + whole[6:], {}).doubted
()
>>> read_run(FORMATS[3], 3, 6, whole[6:24], {2: "156230"}).sound
{3: '143814', 4: '105201'}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice

from keys.checkdigit import validate
from keys.formats import GROUP_DIGITS, Format

SLIP = 2
"""What one slip costs a reading: a key lost, added or wrong."""
BURST = 3
"""Several keys of one group lost at once, or the whole group left out."""
SURPLUS = 4
"""Several keys too many in one group, which is rarer than as many too few."""
REPEAT = 1
"""A group keyed once more: six digits that are alike speak for themselves."""
UNFINISHED = 1
"""A last group that breaks off after one to four keys: nobody need have slipped for it."""
PUSHED_OUT = 0
"""A last group of five, where no more keys were listened for: an added key took the room of the last."""
FAR = 2 * GROUP_DIGITS
"""How far the digits may have shifted, in places."""
MOST_READINGS = 32
"""With more ways to read a run than this, nothing is known of it."""

_NEVER = 1_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a run: its `sound` groups by number, and what came for those in doubt, any number of digits.

    `repeated` are the numbers of groups that were keyed once more. `cut` says that the last group is in doubt and no
    more keys were listened for, so that an added key may have taken the room of its last.
    """

    sound: Mapping[int, str]
    doubted: Mapping[int, str]
    repeated: tuple[int, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """All ways to read a run that need the least to have gone wrong (`cost`); without any, nothing is known."""

    cost: int
    readings: tuple[Reading, ...]

    @property
    def sound(self) -> dict[int, str]:
        """The groups on which all readings agree."""
        agreed = [set(reading.sound.items()) for reading in self.readings]
        return dict(sorted(set.intersection(*agreed))) if agreed else {}

    @property
    def doubted(self) -> tuple[int, ...]:
        """The numbers, in order, of all groups that some reading doubts."""
        return tuple(sorted({number for reading in self.readings for number in reading.doubted}))


def read_run(fmt: Format, first: int, last: int, digits: str, known: Mapping[int, str], *, full: bool = False) -> Run:
    """Read `digits` as groups `first` to `last`, or fewer, of an ID of format `fmt`, shifted wherever keys went astray.

    `known` are the groups already in, by number; `full` says that no more keys were listened for. A group that is read
    but fits its place only by chance (one in ten) can bring a second reading as cheap as the true one; then both are
    given, and the groups of both are in doubt. Of many more digits than an ID has, nothing is known.
    """
    if len(digits) > GROUP_DIGITS * (last + 1 - first) + FAR:
        return Run(_NEVER, ())
    reader = _Reader(fmt, first, last, digits, known, full)
    cost = reader.cheapest(first, 0)
    if cost >= _NEVER:
        return Run(cost, ())
    readings = tuple(islice(reader.ways(first, 0), MOST_READINGS + 1))
    return Run(cost, readings if len(readings) <= MOST_READINGS else ())


class _Kind(Enum):
    """What may have happened where a group should begin."""

    SOUND = auto()
    AGAIN = auto()
    DOUBTED = auto()
    SWAPPED = auto()
    BEYOND = auto()


_Step = tuple[int, int, int, _Kind]
"""What it costs, the group and the digit to go on with, and what happened."""


class _Reader:
    """Looks for the cheapest ways through a run, group by group; what was found out once is kept."""

    def __init__(self, fmt: Format, first: int, last: int, digits: str, known: Mapping[int, str], full: bool) -> None:
        self.fmt = fmt
        self.first = first
        self.last = last
        self.digits = digits
        self.known = known
        self.full = full
        self._steps: dict[tuple[int, int], tuple[_Step, ...]] = {}
        self._costs: dict[tuple[int, int], int] = {}

    def cheapest(self, number: int, at: int) -> int:
        """The least that must have gone wrong from digit `at` on, if that is where group `number` begins."""
        if at == len(self.digits):
            return 0
        if (number, at) not in self._costs:
            least = _NEVER
            for cost, after, end, _ in self.steps(number, at):
                if cost < least:
                    least = min(least, cost + self.cheapest(after, end))
            self._costs[number, at] = least
        return self._costs[number, at]

    def ways(self, number: int, at: int) -> Iterator[Reading]:
        """Every reading from here on that costs no more than it must."""
        if at == len(self.digits):
            yield Reading({}, {})
            return
        for cost, after, end, kind in self.steps(number, at):
            if cost + self.cheapest(after, end) == self.cheapest(number, at):
                for rest in self.ways(after, end):
                    yield self._with(rest, number, at, end, kind)

    def steps(self, number: int, at: int) -> tuple[_Step, ...]:
        """Everything that may have happened to group `number`, if its keys begin at digit `at`; the cheapest first."""
        if (number, at) not in self._steps:
            self._steps[number, at] = tuple(self._made(number, at))
        return self._steps[number, at]

    def _made(self, number: int, at: int) -> Iterator[_Step]:
        left = len(self.digits) - at
        if number > self.last:
            yield SLIP if left < GROUP_DIGITS else BURST, number, len(self.digits), _Kind.BEYOND
            return
        end = at + GROUP_DIGITS
        if left >= GROUP_DIGITS:
            again = self._again(number, at) is not None
            if self._passes(number, self.digits[at:end]):
                # Where a group does not know its place, one that passes may be another once more.
                yield SLIP if again else 0, number + 1, end, _Kind.SOUND
            if again:
                yield REPEAT, number, end, _Kind.AGAIN
        if left >= 2 * GROUP_DIGITS and number < self.last:
            both = swapped_between(number, self.digits[at:end], self.digits[end : end + GROUP_DIGITS])
            if all(self._passes(place, group) for place, group in both.items()):
                yield SLIP, number + 2, end + GROUP_DIGITS, _Kind.SWAPPED
        ahead = at - GROUP_DIGITS * (number - self.first)
        for width in range(min(2 * GROUP_DIGITS, left) + 1):
            if abs(ahead + width - GROUP_DIGITS) <= FAR:
                yield self._cost(number, width, left), number + 1, at + width, _Kind.DOUBTED

    def _passes(self, number: int, group: str) -> bool:
        """As `check_group`, in a fraction of the time: there are six signs, and only whether they pass is asked."""
        named = number != 1 or group[0] == str(self.fmt.number)
        return named and group.isascii() and group.isdigit() and validate(self.fmt.check_rule, number, group)

    def _cost(self, number: int, width: int, left: int) -> int:
        if width == left == GROUP_DIGITS - 1 and number == self.last and self.full:
            return PUSHED_OUT
        if width == left and 0 < width < GROUP_DIGITS - 1:
            return UNFINISHED
        if abs(width - GROUP_DIGITS) <= 1:
            return SLIP
        return BURST if width < GROUP_DIGITS else SURPLUS

    def _again(self, number: int, at: int) -> int | None:
        """The number of the group that these six digits are once more, if any."""
        group = self.digits[at : at + GROUP_DIGITS]
        if number > self.first and self.digits[max(at - GROUP_DIGITS, 0) : at] == group:
            return number - 1
        return next((other for other, held in self.known.items() if held == group), None)

    def _with(self, rest: Reading, number: int, at: int, end: int, kind: _Kind) -> Reading:
        """The reading `rest`, with what was read just before it."""
        part = self.digits[at:end]
        cut = rest.cut or (self.full and kind is _Kind.DOUBTED and number == self.last)
        match kind:
            case _Kind.SOUND:
                return Reading({number: part, **rest.sound}, rest.doubted, rest.repeated, cut)
            case _Kind.AGAIN:
                return Reading(rest.sound, rest.doubted, (self._again(number, at) or 0, *rest.repeated), cut)
            case _Kind.SWAPPED:
                pair = {number: part[:GROUP_DIGITS], number + 1: part[GROUP_DIGITS:]}
                return Reading(rest.sound, {**pair, **rest.doubted}, rest.repeated, cut)
            case _Kind.DOUBTED:
                return Reading(rest.sound, {number: part, **rest.doubted}, rest.repeated, cut)
            case _Kind.BEYOND:
                return rest


def alone(number: int, digits: str) -> Run:
    """The run that is one group only, keyed short, long or wrong: all of it is in doubt."""
    return Run(SLIP, (Reading({}, {number: digits}, cut=len(digits) == GROUP_DIGITS),))


def swapped_between(number: int, came: str, following: str) -> dict[int, str]:
    """Group `number` and the next as they were meant, if neighbouring digits of theirs were swapped for each other."""
    return {number: came[:-1] + following[0], number + 1: came[-1] + following[1:]}
