"""What was measured of open desks, in numbers and words: pure.

Rule: a figure stands beside the aim it is held to.

>>> none = Slowed("sqlite", 1, NONE, 2100, 1.30, 2.60, 0.99, 0.74, 0.01)
>>> again = Slowed("sqlite", 1, AGAIN, 2100, 1.30, 2.60, 1.01, 1.26, 0.01)
>>> slowed = Slowed("sqlite", 1, "20 desks", 2100, 1.30, 2.60, 1.02, 1.25, 0.03)
>>> report = Report({}, 5, (Reached("sqlite", 20, 200, 40, 0.2, 0.4, 0.4, 0.7),), (none, again, slowed))
>>> [(found, met) for _, found, met in report.aims()]
[('0.70 s', True), ('1.02, 1.01 without', True), ('1.25, 1.26 without', True)]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from webhooks.bench.figures import table

NONE, AGAIN = "no desk", "no desk, again"
MOST_SECONDS = 1.0
MOST_SLOWER = {"median": 1.05, "p99": 1.2}
"""Of turns beside the same without a desk; where one of the two without is itself further from their mean, so much."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How long a change took, in seconds: to be heard of at every desk, and to stand in every queue."""

    database: str
    desks: int
    waiting: int
    changes: int
    heard_p50: float
    heard_most: float
    shown_p50: float
    shown_most: float


@dataclass(frozen=True, slots=True)
class Slowed:
    """The line's turns with so many desks open: milliseconds, and medians of the rounds' ratios to none.

    None is the mean of the two without a desk in the same round.
    `desk_share` is how much of one core the desk's process used while the turns were timed.
    """

    database: str
    connections: int
    subject: str
    turns: int
    p50: float
    p99: float
    p50_ratio: float
    p99_ratio: float
    desk_share: float

    @property
    def beside(self) -> tuple[str, int]:
        """What it may be compared with."""
        return self.database, self.connections

    def ratio(self, name: str) -> float:
        """To none, of the median or the p99."""
        return self.p50_ratio if name == "median" else self.p99_ratio


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `machine` are facts by name."""

    machine: dict[str, str]
    rounds: int
    reached: tuple[Reached, ...]
    slowed: tuple[Slowed, ...]

    def aims(self) -> Iterator[tuple[str, str, bool]]:
        """Each aim, what was found, and whether it is met."""
        for one in self.reached:
            aim = f"{one.database}: every change at all {one.desks} desks within {MOST_SECONDS:.0f} s"
            yield aim, f"{one.shown_most:.2f} s", one.shown_most < MOST_SECONDS
        for each in self.slowed:
            if each.subject not in {NONE, AGAIN}:
                beside = [one for one in self.slowed if one.beside == each.beside and one.subject in {NONE, AGAIN}]
                where = f"{each.database}, {each.connections} connection{'s' * (each.connections != 1)}, {each.subject}"
                for name, most in MOST_SLOWER.items():
                    found, unrest = each.ratio(name), max(one.ratio(name) for one in beside)
                    aim = f"{where}: the {name} of turns at most {most} times that without"
                    yield aim, f"{found:.2f}, {unrest:.2f} without", found <= max(most, unrest)

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON, with each aim and whether it is met."""
        aims = [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()]
        return {**asdict(self), "aims": aims}


def told(report: Report, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    seconds = ("heard_p50", "heard_most", "shown_p50", "shown_most")
    reached = [
        (
            one.database,
            str(one.waiting),
            str(one.desks),
            str(one.changes),
            *(f"{getattr(one, name):.2f}" for name in seconds),
        )
        for one in report.reached
    ]
    slowed = [
        (one.database, str(one.connections), one.subject, f"{one.turns:,}", f"{one.p50:.2f}", f"{one.p99:.2f}",
         f"{one.p50_ratio:.2f}", f"{one.p99_ratio:.2f}", f"{one.desk_share:.1%}")
        for one in report.slowed
    ]  # fmt: skip
    heads = ("heard p50 s", "heard most s", "shown p50 s", "shown most s")
    aims = [(aim, found, "yes" if met else "no") for aim, found, met in report.aims()]
    parts = [
        table(("database", "waiting", "desks", "changes", *heads), reached, markdown=markdown),
        table(
            (
                "database",
                "connections",
                "open",
                "turns",
                "p50 ms",
                "p99 ms",
                "p50 of none",
                "p99 of none",
                "desk, of a core",
            ),
            slowed,
            markdown=markdown,
        ),
        table(("aim", "found", "met"), aims, markdown=markdown),
        table(("machine", ""), list(report.machine.items()), markdown=markdown),
    ]
    return "\n\n".join(parts)
