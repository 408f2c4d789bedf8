"""What was measured, in numbers and words: pure, from rounds to medians, ratios and tables.

Rule: a figure stands beside the aim it is held to, and a ratio is taken round by round, since a machine is quicker in
one minute than in the next.

>>> quick, slow = Round(2.0, (0.001, 0.002, 0.003, 0.004)), Round(4.0, (0.002, 0.004, 0.006, 0.008))
>>> subject("ours", (slow,), (quick,), (quick,)).of_floor
0.5
>>> percentile(tuple(range(1, 101)), 99)
99
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

N = TypeVar("N", int, float)

LEAST_OF_FLOOR = 0.8
MOST_P99_OF_FLOOR = 1.5
MOST_P99 = {"postgresql": 50.0, "sqlite": 100.0}
"""Milliseconds, at `CROWD` connections."""
CROWD = 32
MOST_MEGABYTES = 90.0
MOST_START_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one subject: seconds in all, and of each turn."""

    seconds: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.latencies) / self.seconds


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject's medians over its rounds: turns a second, milliseconds, and its rate as a share of (a) and (b).

    `least_of_floor` is the share of (b) in its worst round, `most_p99` the p99 of its worst; `p99_of_floor` is how many
    times the p99 of (b) its own is, the median of the rounds.
    """

    subject: str
    turns: int
    rate: float
    p50: float
    p99: float
    most_p99: float
    of_view: float
    of_floor: float
    least_of_floor: float
    p99_of_floor: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything measured on one database with so many connections."""

    database: str
    connections: int
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """The line's process on one database: MB of a worker before and after its load, start-up, statements of a turn."""

    database: str
    workers: int
    threads: int
    idle_megabytes: float
    megabytes: float
    start_seconds: float
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `machine` are facts by name, that the figures may be understood."""

    machine: dict[str, str]
    rounds: int
    comparisons: tuple[Comparison, ...]
    processes: tuple[Process, ...]

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON, with each aim and whether it is met."""
        aims = [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()]
        return {**asdict(self), "aims": aims}

    def aims(self) -> Iterator[tuple[str, str, bool]]:
        """Each aim, what was found, and whether it is met."""
        for compared in self.comparisons:
            ours = compared.subjects[-1]
            where = f"{compared.database}, {compared.connections} connection{'s' * (compared.connections != 1)}"
            yield (
                f"{where}: at least {LEAST_OF_FLOOR} of the floor",
                f"{ours.of_floor:.2f}",
                ours.of_floor >= LEAST_OF_FLOOR,
            )
            yield (
                f"{where}: p99 at most {MOST_P99_OF_FLOOR} times the floor's",
                f"{ours.p99_of_floor:.2f}",
                ours.p99_of_floor <= MOST_P99_OF_FLOOR,
            )
            if compared.connections == CROWD:
                most = MOST_P99[compared.database]
                yield f"{where}: p99 under {most:.0f} ms", f"{ours.p99:.0f} ms", ours.p99 < most
        for process in self.processes:
            memory, start = process.megabytes, process.start_seconds
            yield (
                f"{process.database}: under {MOST_MEGABYTES:.0f} MB a worker",
                f"{memory:.0f} MB",
                memory < MOST_MEGABYTES,
            )
            yield (
                f"{process.database}: start-up under {MOST_START_SECONDS} s",
                f"{start:.2f} s",
                start < MOST_START_SECONDS,
            )


def percentile(ordered: Sequence[N], percent: int) -> N:
    """The value that `percent` of a hundred do not exceed (nearest rank); `ordered` rises and is not empty."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def subject(name: str, rounds: Sequence[Round], view: Sequence[Round], floor: Sequence[Round]) -> Subject:
    """The medians of one subject, beside the two baselines of the same rounds."""
    ordered = [sorted(one.latencies) for one in rounds]
    p99 = [percentile(latencies, 99) * 1000 for latencies in ordered]
    floor_p99 = [percentile(sorted(one.latencies), 99) * 1000 for one in floor]
    of_floor = [one.rate / other.rate for one, other in zip(rounds, floor, strict=True)]
    return Subject(
        subject=name,
        turns=sum(len(one.latencies) for one in rounds),
        rate=statistics.median(one.rate for one in rounds),
        p50=statistics.median(percentile(latencies, 50) * 1000 for latencies in ordered),
        p99=statistics.median(p99),
        most_p99=max(p99),
        of_view=statistics.median(one.rate / other.rate for one, other in zip(rounds, view, strict=True)),
        of_floor=statistics.median(of_floor),
        least_of_floor=min(of_floor),
        p99_of_floor=statistics.median(ours / its for ours, its in zip(p99, floor_p99, strict=True)),
    )


COLUMNS = (
    "database", "connections", "subject", "turns", "turns/s", "p50 ms", "p99 ms", "worst",
    "of (a)", "of (b)", "p99 of (b)",
)  # fmt: skip


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """One row of words for each subject, under COLUMNS; "worst" is the p99 of the worst round."""
    for compared in report.comparisons:
        for one in compared.subjects:
            yield (
                compared.database,
                str(compared.connections),
                one.subject,
                f"{one.turns:,}",
                f"{one.rate:,.0f}",
                f"{one.p50:.1f}",
                f"{one.p99:.1f}",
                f"{one.most_p99:.1f}",
                f"{one.of_view:.2f}",
                f"{one.of_floor:.2f}",
                f"{one.p99_of_floor:.2f}",
            )


def table(head: Sequence[str], body: Sequence[Sequence[str]], *, markdown: bool = False) -> str:
    """Rows under their heads, aligned for a terminal or as a Markdown table."""
    if markdown:
        lines = [head, ["---"] * len(head), *body]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(line[place]) for line in (head, *body)) for place in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    )


def told(report: Report, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    processes = [
        (
            process.database,
            f"{process.workers} x {process.threads}",
            f"{process.idle_megabytes:.0f}",
            f"{process.megabytes:.0f}",
            f"{process.start_seconds:.2f}",
            str(len(process.statements)),
        )
        for process in report.processes
    ]
    aims = [(aim, found, "yes" if met else "no") for aim, found, met in report.aims()]
    parts = [
        table(COLUMNS, list(rows(report)), markdown=markdown),
        table(
            ("database", "workers x threads", "MB idle", "MB after load", "start-up s", "statements a turn"),
            processes,
            markdown=markdown,
        ),
        table(("aim", "found", "met"), aims, markdown=markdown),
        table(("machine", ""), list(report.machine.items()), markdown=markdown),
    ]
    return "\n\n".join(parts)
