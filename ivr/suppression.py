"""Small counts are not published: not themselves, and not by what stands around them.

Rule: whoever reads a line of counts and its total, and knows this very rule, finds no hidden count that only one value
fits. As soon as one count is under `SMALLEST` and not nought, all such counts are hidden, noughts among them, and one
large count with them, so that the total gives none away; which one, `pick` says, and no reader can tell. Where none is
large enough the whole line is hidden. A total under `SMALLEST` is hidden with all its line.

>>> publish({"DE": 50, "FR": 3, "US": 0}, lambda large: large[0])
Line(shown={'DE': None, 'FR': None, 'US': None}, total=53)
>>> publish({"DE": 50, "FR": 30, "US": 0}, lambda large: large[0])
Line(shown={'DE': 50, 'FR': 30, 'US': 0}, total=80)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SMALLEST = 5
"""The smallest count that is published."""


@dataclass(frozen=True, slots=True)
class Line:
    """The counts of one week as they are published; None is one that is hidden."""

    shown: Mapping[str, int | None]
    total: int | None


def publish(counts: Mapping[str, int], pick: Callable[[Sequence[str]], str], *, smallest: int = SMALLEST) -> Line:
    """Hide what is small, and what would give it away. `pick` chooses one of several names, by what no reader knows."""
    total = sum(counts.values())
    if 0 < total < smallest:
        return Line(dict.fromkeys(counts), None)
    if not any(0 < count < smallest for count in counts.values()):
        return Line(dict(counts), total)
    large = [name for name, count in counts.items() if count >= 2 * smallest]
    if not large:
        return Line(dict.fromkeys(counts), total)
    hidden = {name for name, count in counts.items() if count < smallest} | {pick(large)}
    return Line({name: None if name in hidden else count for name, count in counts.items()}, total)


def alone(counts: Mapping[str, int], *, smallest: int = SMALLEST) -> Line:
    """Counts that are published without a total: each for itself, since nothing stands around it."""
    return Line({name: None if 0 < count < smallest else count for name, count in counts.items()}, None)
