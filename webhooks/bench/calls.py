"""A thousand calls at once on one really served line: is anything lost, how long do callers wait, what fills first.

Rule: every call is checked to its end. The device of each caller is given what was read back, and must be activated by
it; the ledger must hold as many activations as there were calls.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from webhooks import settings
from webhooks.bench import calling, machine, running, server_watch, slowest, stores
from webhooks.bench.calling import SPAN, Load, Manner
from webhooks.bench.figures import percentile, table
from webhooks.bench.line import NUMBER, PUBLIC_URL, environment_of
from webhooks.bench.listening import heard_out
from webhooks.bench.owners import Owners
from webhooks.bench.running import Server
from webhooks.bench.signed import Address
from webhooks.bench.slowest import Eyes, Slowest
from webhooks.bench.stores import Store
from webhooks.bench.watching import DISK, MACHINE, STOLEN, fullest, server_of, shares

MOST_P99 = 250.0
"""Milliseconds."""
LINE, LOAD = "the line", "the load's own process"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls `at_once`, one run after another; they begin spread over `ramp` seconds."""

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    at_once: tuple[int, ...] = (1_000,)
    ramp: float = 20.0
    workers: int | None = None
    threads: int | None = None
    postgresql_url: str | None = None
    manner: Manner = field(default_factory=Manner)


@dataclass(frozen=True, slots=True)
class Fullness:
    """How much of something was used in the five seconds in which the line used most, 1 being all of it."""

    of: str
    share: float


@dataclass(frozen=True, slots=True)
class CallsRun:
    """One run on one database; times in milliseconds, `busiest` in turns a second, the fullest thing first.

    `activated` devices took the answer, `posted` activations the ledger holds for them, `lost_keys` fell on no gather.
    `client_share` and `client_late` tell whether the load itself could keep up, `others_share` how much of the cores
    programs used that are no part of the measurement; `under_way` is how many turns were, on average, in the fullest
    five seconds: more than the line has threads, and they stood in line. `slowest` is what was seen while the slowest
    turn waited, `counted` what the database counted in the run, by name.
    """

    database: str
    calls: int
    at_once: int
    activated: int
    posted: int
    lost_keys: int
    faults: tuple[str, ...]
    turns: int
    busiest: float
    p50: float
    p99: float
    longest: float
    filled: tuple[Fullness, ...]
    client_share: float
    client_late: float
    others_share: float
    under_way: float
    slowest: Slowest
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CallsReport:
    """All runs, and the machine they ran on."""

    machine: dict[str, str]
    runs: tuple[CallsRun, ...]

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self) | {"aims": [{"aim": aim, "found": found, "met": met} for aim, found, met in self.aims()]}

    def aims(self) -> Iterator[tuple[str, str, bool]]:
        """Each aim, what was found, and whether it is met."""
        for run in self.runs:
            where = f"{run.database}, {run.calls:,} calls"
            yield f"{where}: no key lost", f"{run.lost_keys}", run.lost_keys == 0
            yield f"{where}: every call activated", f"{run.activated:,}", run.activated == run.calls
            yield f"{where}: as many in the ledger", f"{run.posted:,}", run.posted == run.activated
            yield f"{where}: p99 under {MOST_P99:.0f} ms", f"{run.p99:.0f} ms", run.p99 < MOST_P99


def measure(plan: Plan, say: Callable[[str], None]) -> CallsReport:
    """Carry the plan out. Raises stores.NoServerError, stores.NotDurableError and running.NotStartedError."""
    runs: list[CallsRun] = []
    calling.more_files(max(plan.at_once) * 2)
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        facts = machine.facts(Path(name))
        for database in plan.databases:
            folder = Path(name) / database
            folder.mkdir()
            with stores.opened(database, plan.postgresql_url, folder) as store:
                runs.extend(_on(plan, store, folder, say))
    return CallsReport(facts, tuple(runs))


def _on(plan: Plan, store: Store, folder: Path, say: Callable[[str], None]) -> list[CallsRun]:
    address = Address(PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16), NUMBER)
    environment = environment_of(store, address, folder, plan.workers, plan.threads)
    running.run("init", "--rehearsal", environment=environment)
    owners = Owners.made(environment, store)
    found = settings.load(environment)
    runs = []
    with ExitStack() as stack:
        server = stack.enter_context(running.serving("serve", environment=environment, log=folder / "serve.log"))
        spawn = multiprocessing.get_context("spawn")
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
        for count in plan.at_once:
            keyers = owners.ring(count, plan.ramp)
            say(f"{store.name}: {count:,} calls")
            posted = owners.posted()
            counted = server_watch.counted(store)
            of = _processes(server, store, client.submit(os.getpid).result())
            with slowest.watching(of, store, folder) as eyes:
                held = client.submit(calling.run, server.port, address, keyers, plan.manner).result()
            counted = {name: now - counted[name] for name, now in server_watch.counted(store).items()}
            runs.append(_judged(_Seen(store.name, held, eyes, counted, found.workers, folder), owners, posted))
    return runs


def _processes(server: Server, store: Store, client: int) -> dict[str, int]:
    """The processes that take part, by name."""
    database = server_of(store)
    return {LINE: server.pid, LOAD: client} | ({} if database is None else {"the database": database})


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run as it was seen: its calls, what was looked at meanwhile, what the database counted, workers and folder."""

    database: str
    held: Load
    eyes: Eyes
    counted: Mapping[str, int]
    workers: int
    folder: Path


def _judged(seen: _Seen, owners: Owners, posted: int) -> CallsRun:
    """One run in figures; `posted` is what the ledger held before it."""
    held, cores = seen.held, os.cpu_count() or 1
    heard = [heard_out(one) for one in held.held]
    # What a turn costs differs: the most of them are asked for before the dearest, which activate.
    began = fullest(seen.eyes.used, LINE)
    rate, mean = held.within(began)
    used = shares(seen.eyes.used, began, began + SPAN)
    own = sum(share for name, share in used.items() if name not in {MACHINE, DISK, STOLEN})
    filled = [
        Fullness("the cores, with the load's own part", own / cores),
        Fullness("the line's interpreter", used[LINE] / seen.workers),
        Fullness("the disk, one flush a turn", rate * machine.flush_seconds(seen.folder)),
    ]
    waits = held.waits
    return CallsRun(
        database=seen.database,
        calls=len(held.held),
        at_once=held.at_once,
        activated=owners.activated(heard),
        posted=owners.posted() - posted,
        lost_keys=sum(one.lost for one in held.held),
        faults=tuple(sorted({one.fault for one in heard if one.fault})[:5]),
        turns=len(waits),
        busiest=held.busiest(),
        p50=percentile(waits, 50) * 1000,
        p99=percentile(waits, 99) * 1000,
        longest=waits[-1] * 1000,
        filled=tuple(sorted(filled, key=lambda one: -one.share)),
        client_share=used[LOAD],
        client_late=held.latest() * 1000,
        others_share=max(0.0, used[MACHINE] - own) / cores,
        under_way=rate * mean,
        slowest=seen.eyes.while_slowest(held),
        counted=seen.counted,
    )


def told(report: CallsReport, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    head = (
        "database", "calls", "at once", "activated", "keys lost", "turns", "busiest turns/s", "p50 ms", "p99 ms",
        "longest ms",
    )  # fmt: skip
    body = [
        (
            run.database,
            *(f"{count:,}" for count in (run.calls, run.at_once, run.activated, run.lost_keys, run.turns)),
            f"{run.busiest:,.0f}",
            *(f"{time:.1f}" for time in (run.p50, run.p99, run.longest)),
        )
        for run in report.runs
    ]
    parts = [table(head, body, markdown=markdown)]
    parts.append(table(("database", "calls", "what fills", "share"), list(_fullness(report.runs)), markdown=markdown))
    for run in report.runs:
        parts += [_sentence(run), _slowest(run)]
    aims = [(aim, found, "yes" if met else "no") for aim, found, met in report.aims()]
    parts.append(table(("aim", "found", "met"), aims, markdown=markdown))
    parts.append(table(("machine", ""), list(report.machine.items()), markdown=markdown))
    return "\n\n".join(parts)


def _fullness(runs: Sequence[CallsRun]) -> Iterator[tuple[str, ...]]:
    for run in runs:
        for one in run.filled:
            yield run.database, f"{run.calls:,}", one.of, f"{one.share:.0%}"
        yield run.database, f"{run.calls:,}", "(the load's own process)", f"{run.client_share:.0%}"


def _sentence(run: CallsRun) -> str:
    first = run.filled[0]
    more = f"; faults: {', '.join(run.faults)}" if run.faults else ""
    reach = run.at_once / first.share if first.share else 0
    return (
        f"{run.database}, {run.calls:,} calls: the first to fill is {first.of}, {first.share:.0%} full in its fullest"
        f" five seconds, so at about {reach:,.0f} calls at this pace; {run.under_way:.1f} turns were under way at once."
        f" The load woke late by {run.client_late:.0f} ms at most; programs that are no part of this used"
        f" {run.others_share:.0%} of the cores{more}."
    )


def _slowest(run: CallsRun) -> str:
    counted = ", ".join(f"{count:,} {name}" for name, count in run.counted.items())
    more = f" In the whole run the database counted {counted}." if counted else ""
    return f"{run.database}, {run.calls:,} calls: {run.slowest.told()}{more}"
