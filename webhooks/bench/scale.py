"""How costs grow with what a database holds: each dimension alone, small and large side by side.

Rule: the databases of all sizes stand beside one another and are measured in turns, so that whatever else the machine
does falls on all of them alike. A cost that grows more than half again is flagged, and what its statements walk
through from end to end is named.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keys import secrets_file
from keys.database import Database
from keys.secrets_file import Secrets
from webhooks.bench import filling, machine, stores
from webhooks.bench.figures import table
from webhooks.bench.plans import Walk, walks
from webhooks.bench.scale_costs import COSTS, Place, statements_of
from webhooks.bench.scale_fill import DIMENSIONS, LEDGER, Dimension, whole_ledger

MOST_GROWTH = 1.5
MOST_OF_EMPTY = 1.3
"""Of an activation in a whole ledger."""
PATIENCE = 900.0
_WARMING = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: each cost `times` in each of the `rounds`, at no size over `most`.

    With `activations`, instead, an empty ledger beside one that holds them and so many `keys`.
    """

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    rounds: int = 5
    times: int = 20
    most: int = 1_000_000
    only: tuple[str, ...] = ()
    activations: int | None = None
    keys: int = 1_000_000
    postgresql_url: str | None = None

    def dimensions(self) -> Iterator[Dimension]:
        """What is to grow."""
        if self.activations is not None:
            yield whole_ledger(self.keys, self.activations)
            return
        yield from (one for one in DIMENSIONS if not self.only or one.name in self.only)

    def sizes(self, dimension: Dimension) -> tuple[int, ...]:
        """The sizes of a dimension that are not too many."""
        if self.activations is not None:
            return dimension.sizes
        return tuple(sorted({min(size, self.most) for size in dimension.sizes}))


@dataclass(frozen=True, slots=True)
class Growth:
    """One cost in one dimension: milliseconds by size, and what its statements walk through at the largest."""

    database: str
    dimension: str
    cost: str
    milliseconds: dict[int, float]
    walks: tuple[Walk, ...]

    @property
    def ratio(self) -> float:
        """The largest size's cost as a multiple of the smallest's."""
        sizes = sorted(self.milliseconds)
        return self.milliseconds[sizes[-1]] / self.milliseconds[sizes[0]]

    @property
    def grows(self) -> bool:
        """Whether it is more than noise and depth of an index."""
        return self.ratio > MOST_GROWTH


@dataclass(frozen=True, slots=True)
class ScaleReport:
    """One run."""

    machine: dict[str, str]
    growths: tuple[Growth, ...]

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        grown = [asdict(one) | {"ratio": one.ratio, "grows": one.grows} for one in self.growths]
        aims = [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()]
        return {"machine": self.machine, "growths": grown, "aims": aims}

    def aims(self) -> Iterator[tuple[str, str, bool]]:
        """The aim of each cost of a whole ledger, what was found, and whether it is met."""
        for one in self.growths:
            if one.dimension == LEDGER:
                aim = f"{one.database}, {one.cost}: at most {MOST_OF_EMPTY} times that of an empty ledger"
                yield aim, f"{one.ratio:.2f}", one.ratio <= MOST_OF_EMPTY


def measure(plan: Plan, say: Callable[[str], None]) -> ScaleReport:
    """Carry the plan out. Raises stores.NoServerError and stores.NotDurableError."""
    growths: list[Growth] = []
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        folder = Path(name)
        facts = machine.facts(folder)
        secrets = secrets_file.create(folder / "secrets.toml")
        for kind in plan.databases:
            with ExitStack() as stack:
                url = stack.enter_context(stores.serving(plan.postgresql_url)) if kind == "postgresql" else None
                for dimension in plan.dimensions():
                    say(f"{kind}: {dimension.name}")
                    growths.extend(_grown(plan, kind, url, dimension, secrets, say))
    return ScaleReport(facts, tuple(growths))


def _grown(
    plan: Plan, kind: str, url: str | None, dimension: Dimension, secrets: Secrets, say: Callable[[str], None]
) -> Iterator[Growth]:
    """Every cost of one dimension, on databases that are gone afterwards."""
    with ExitStack() as stack:
        places: dict[int, Place] = {}
        for size in plan.sizes(dimension):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchtone-bench-")))
            store = stack.enter_context(stores.opened(kind, url, folder))
            database = Database(store.line_url, patience=PATIENCE, connections=2)
            stack.callback(database.close)
            filling.open_ledger(database)
            started = time.perf_counter()
            with database.begin() as connection:
                dimension.fill(connection, size)
            places[size] = Place(database, secrets, plan.keys if dimension.name == LEDGER and size else 1)
            places[size].settle()
            filling.settle(database)
            say(f"{kind}: filled to {size:,} in {time.perf_counter() - started:.0f} s")
        for name in dimension.costs:
            medians = _medians(plan, places, name)
            largest = places[max(places)]
            walked = walks(largest.database, statements_of(COSTS[name], largest))
            yield Growth(kind, dimension.name, name, medians, walked)


def _medians(plan: Plan, places: Mapping[int, Place], name: str) -> dict[int, float]:
    """Milliseconds of a cost at every size, measured in turns."""
    cost = COSTS[name]
    seconds: dict[int, list[float]] = {size: [] for size in places}
    for place in places.values():
        cost(place, _WARMING)  # statements are built, pages are read, plans are made
    sizes = list(places)
    for number in range(plan.rounds):
        for turn in range(len(sizes)):
            size = sizes[(number + turn) % len(sizes)]
            seconds[size].extend(cost(places[size], plan.times))
    return {size: statistics.median(each) * 1000 for size, each in seconds.items()}


def told(report: ScaleReport, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    head = ("database", "with", "cost", "ms, by size", "largest/smallest", "walks through")
    body = [
        (
            one.database,
            one.dimension,
            one.cost,
            ", ".join(f"{size:,}: {time:.2f}" for size, time in sorted(one.milliseconds.items())),
            f"{one.ratio:.2f}{' GROWS' if one.grows else ''}",
            ", ".join(sorted({walk.table for walk in one.walks})),
        )
        for one in report.growths
    ]
    parts = [table(head, body, markdown=markdown), _sentence(report.growths)]
    parts.extend(_plan(one, markdown=markdown) for one in report.growths if one.grows and one.walks)
    aims = [(aim, found, "yes" if met else "no") for aim, found, met in report.aims()]
    if aims:
        parts.append(table(("aim", "found", "met"), aims, markdown=markdown))
    parts.append(table(("machine", ""), list(report.machine.items()), markdown=markdown))
    return "\n\n".join(parts)


def _sentence(growths: Sequence[Growth]) -> str:
    grown = [f"{one.cost} with {one.dimension} ({one.database}, {one.ratio:.1f})" for one in growths if one.grows]
    if not grown:
        return f"No cost grows more than {MOST_GROWTH} times from the smallest size to the largest."
    return f"More than {MOST_GROWTH} times from the smallest size to the largest grow: {'; '.join(grown)}."


def _plan(one: Growth, *, markdown: bool) -> str:
    """What a cost that grows walks through, as the database explains it."""
    lines = "\n".join(f"{walk.explained}\n    in: {walk.statement}" for walk in one.walks)
    told = f"```text\n{lines}\n```" if markdown else lines
    return f"{one.database}, {one.cost} with {one.dimension}:\n\n{told}".rstrip()
