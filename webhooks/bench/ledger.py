"""What an activation costs in the ledger, beside PostgreSQL's own yardstick on the same server.

Rule: ours and pgbench's are measured in turns within one run, and their order moves on from round to round. Whatever
was committed must be found in the ledger afterwards, with counters that are the sums of the entries.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from keys import ledger as book
from keys.allowance import allowances
from keys.database import Database
from webhooks.bench import filling, machine, pgbench, reserving, stores
from webhooks.bench.figures import percentile, table
from webhooks.bench.stores import Store

HOT, MANY, BATCH = "one hot key", "many keys", "batch"
TPCB, SIMPLE = "pgbench TPC-B-like", "pgbench simple-update"
LEAST = {HOT: 0.4, MANY: 1.0, BATCH: 2.0}
"""Of the rate of TPC-B at `CROWD` connections."""
CROWD = 32
_LEAD = 0.5
"""Seconds in which every process has its share, and draws its installation IDs, before the clock runs."""
_WARMING = 0.2
_MOST_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `connections` at once, `rounds` of `seconds` each, over so many `keys`, and a `batch`."""

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    connections: tuple[int, ...] = (1, 8, 32)
    rounds: int = 5
    seconds: int = 2
    keys: int = 1_000
    batch: int = 10_000
    postgresql_url: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """One subject's medians: activations (or pgbench's transactions) a second, milliseconds, and two ratios.

    A time or a ratio is None where there is none: pgbench gives no p99, and SQLite has no pgbench. A batch stands
    beside pgbench's rate at the most connections.
    """

    database: str
    connections: int
    subject: str
    rate: float
    p50: float | None
    p99: float | None
    of_tpcb: float | None
    of_simple: float | None


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """One run. `anchored` is whether pgbench was there, `activated` how many activations were found in the ledgers."""

    machine: dict[str, str]
    rounds: int
    seconds: int
    anchored: bool
    activated: int
    rates: tuple[Rate, ...]

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self) | {"aims": [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()]}

    def aims(self) -> Iterator[tuple[str, str, bool]]:
        """Each aim, what was found, and whether it is met."""
        for one in self.rates:
            least = LEAST.get(one.subject)
            if least is None or one.of_tpcb is None or (one.connections != CROWD and one.subject != BATCH):
                continue
            where = "a machine" if one.subject == BATCH else f"{CROWD} connections"
            yield f"{one.subject}, {where}: at least {least} of TPC-B", f"{one.of_tpcb:.2f}", one.of_tpcb >= least


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one subject: its rate, and the seconds of each where they are known."""

    rate: float
    latencies: tuple[float, ...] = ()


@dataclass(slots=True)
class _Bench:
    """One database under load, and the processes that load it; `committed` is how many activations they report."""

    plan: Plan
    store: Store
    pool: ProcessPoolExecutor
    processes: int
    yardstick: Path | None
    committed: int = 0

    def samples(self, connections: int, number: int) -> dict[str, Sample]:
        """One round of everything with so many connections; `number` decides who begins."""
        ways: dict[str, Callable[[], Sample]] = {
            HOT: lambda: self._reserve(connections, 1, self.plan.seconds),
            MANY: lambda: self._reserve(connections, self.plan.keys, self.plan.seconds),
        }
        if self.yardstick is not None:
            ways[TPCB] = lambda: self._pgbench(pgbench.TPCB, connections)
            ways[SIMPLE] = lambda: self._pgbench(pgbench.SIMPLE_UPDATE, connections)
        names = list(ways)
        turned = names[number % len(names) :] + names[: number % len(names)]
        return {name: ways[name]() for name in turned}

    def batch(self) -> Sample:
        """One batch, in machines a second."""
        taken = self.pool.submit(reserving.batch, self.store.line_url, 1, self.plan.batch).result()
        self.committed += self.plan.batch
        return Sample(self.plan.batch / taken)

    def warm(self) -> None:
        """Start every process and open every connection, before anything counts."""
        for connections in self.plan.connections:
            self._reserve(connections, self.plan.keys, _WARMING)

    def _reserve(self, connections: int, keys: int, seconds: float) -> Sample:
        processes = min(self.processes, connections)
        starts_at = time.monotonic() + _LEAD
        shares = [
            reserving.Share(self.store.line_url, threads, range(1, keys + 1), starts_at, seconds)
            for threads in _shared(connections, processes)
        ]
        done = list(self.pool.map(reserving.run, shares))
        latencies = tuple(latency for one in done for latency in one.latencies)
        self.committed += len(latencies)
        return Sample(len(latencies) / (max(one.ended for one in done) - min(one.began for one in done)), latencies)

    def _pgbench(self, script: str, connections: int) -> Sample:
        assert self.yardstick is not None  # else it is no way to go
        return Sample(pgbench.rate(self.yardstick, self.store.floor_url, script, connections, self.plan.seconds))


def measure(plan: Plan, say: Callable[[str], None]) -> LedgerReport:
    """Carry the plan out; `say` is told how it goes on.

    Raises stores.NoServerError, stores.NotDurableError, pgbench.PgbenchFailedError, reserving.NotActivatedError, and
    RuntimeError where the ledger does not hold what was committed.
    """
    rates: list[Rate] = []
    activated = 0
    anchored = False
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        facts = machine.facts(Path(name))
        for database in plan.databases:
            folder = Path(name) / database
            folder.mkdir()
            with stores.opened(database, plan.postgresql_url, folder) as store:
                yardstick = pgbench.program() if database == "postgresql" else None
                if database == "postgresql" and yardstick is None:
                    say(pgbench.HOW_TO_GET_IT)
                anchored = anchored or yardstick is not None
                measured, made = _on(plan, store, yardstick, say)
            rates.extend(measured)
            activated += made
    return LedgerReport(facts, plan.rounds, plan.seconds, anchored, activated, tuple(rates))


def _on(plan: Plan, store: Store, yardstick: Path | None, say: Callable[[str], None]) -> tuple[list[Rate], int]:
    database = reserving.opened(store.line_url)
    filling.open_ledger(database)
    with database.begin() as connection:
        filling.add_keys(connection, plan.keys)
    if yardstick is not None:
        pgbench.fill(yardstick, store.floor_url, max(plan.connections))
    # The line on SQLite is one process; on PostgreSQL it may be several.
    processes = 1 if store.name == "sqlite" else min(_MOST_PROCESSES, max(plan.connections))
    samples: dict[tuple[int, str], list[Sample]] = {}
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        bench = _Bench(plan, store, pool, processes, yardstick)
        bench.warm()
        for number in range(plan.rounds):
            for connections in plan.connections:
                for name, sample in bench.samples(connections, number).items():
                    samples.setdefault((connections, name), []).append(sample)
            samples.setdefault((1, BATCH), []).append(bench.batch())
            last = ", ".join(f"{name} at {many} {found[-1].rate:,.0f}" for (many, name), found in samples.items())
            say(f"{store.name}, round {number + 1}, a second: {last}")
    _check(database, bench.committed)
    database.close()
    reserving.opened.cache_clear()
    named = sorted(samples, key=lambda one: (one[1] == BATCH, one[0]))
    return [_rate(plan, store.name, samples, *one) for one in named], bench.committed


def _check(database: Database, committed: int) -> None:
    """Every activation that was reported must be in the ledger, once, and every counter the sum of its entries."""
    with database.read() as connection:
        posted = connection.execute(select(func.sum(allowances.c.posted))).scalar_one()
        wrong = book.recount(connection)
    if posted != committed or wrong:
        raise RuntimeError(posted, committed, wrong[:3])


def _shared(connections: int, processes: int) -> list[int]:
    """So many connections dealt out to so many processes.

    >>> _shared(10, 4)
    [3, 3, 2, 2]
    """
    return [connections // processes + (place < connections % processes) for place in range(processes)]


def _rate(
    plan: Plan, database: str, samples: Mapping[tuple[int, str], Sequence[Sample]], connections: int, subject: str
) -> Rate:
    """The medians of one subject, beside both anchors of the same rounds."""
    own = samples[connections, subject]
    beside = max(plan.connections) if subject == BATCH else connections

    def ratio(anchor: str) -> float | None:
        its = samples.get((beside, anchor))
        if its is None:
            return None
        return statistics.median(one.rate / other.rate for one, other in zip(own, its, strict=True))

    def milliseconds(percent: int) -> float | None:
        known = [sorted(one.latencies) for one in own if one.latencies]
        return statistics.median(percentile(one, percent) for one in known) * 1000 if known else None

    rate = statistics.median(one.rate for one in own)
    return Rate(database, connections, subject, rate, milliseconds(50), milliseconds(99), ratio(TPCB), ratio(SIMPLE))


def told(report: LedgerReport, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    head = ("database", "connections", "subject", "a second", "p50 ms", "p99 ms", "of TPC-B", "of simple-update")
    body = [
        (
            one.database,
            str(one.connections),
            one.subject,
            f"{one.rate:,.0f}",
            *(f"{time:.1f}" if time is not None else "" for time in (one.p50, one.p99)),
            *(f"{ratio:.2f}" if ratio is not None else "" for ratio in (one.of_tpcb, one.of_simple)),
        )
        for one in report.rates
    ]
    aims = [(aim, found, "yes" if met else "no") for aim, found, met in report.aims()]
    parts = [table(head, body, markdown=markdown)]
    if aims:
        parts.append(table(("aim", "found", "met"), aims, markdown=markdown))
    elif not report.anchored:
        parts.append(pgbench.HOW_TO_GET_IT)
    parts.append(f"{report.activated:,} activations were committed, and all were found in the ledger.")
    parts.append(table(("machine", ""), list(report.machine.items()), markdown=markdown))
    return "\n\n".join(parts)
