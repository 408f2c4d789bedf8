"""What a group turn costs the processor: one thread, no server, beside the same two baselines.

Rule: only the thread's own processor time is counted, in short rounds that alternate. So a change to the turn can be
judged while the machine is busy with other things, where a rate could not be trusted.
"""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from webhooks import settings
from webhooks.app import create_app, open_exchange
from webhooks.bench import baselines, in_process, machine, running, stores
from webhooks.bench.figures import table
from webhooks.bench.in_process import Application
from webhooks.bench.line import (
    ANY_GATHER,
    FLOOR,
    NUMBER,
    OURS,
    PUBLIC_URL,
    VIEW,
    environment_of,
    statements_of,
    words_that_ask,
)
from webhooks.bench.signed import Address, BenchCall, bench_calls
from webhooks.bench.stores import Store

_WARMING = 30
"""Calls of each subject before any counts: statements are prepared, caches filled, pages read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `calls` of each subject in each of the `rounds`, each call seven timed turns."""

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    rounds: int = 101
    calls: int = 3
    postgresql_url: str | None = None


@dataclass(frozen=True, slots=True)
class TurnCost:
    """One subject's processor time a turn: microseconds in its least and its median round, and beside the floor.

    `least_of_floor` is the floor's least as a share of its own, `of_floor` the median of the rounds' own shares.
    `statements` of a turn, without begin and commit; None for a baseline.
    """

    database: str
    subject: str
    least: float
    median: float
    least_of_floor: float
    of_floor: float
    statements: int | None


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One run."""

    machine: dict[str, str]
    rounds: int
    calls: int
    costs: tuple[TurnCost, ...]

    def as_facts(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self)


def measure(plan: Plan, say: Callable[[str], None]) -> TurnReport:
    """Carry the plan out; `say` is told how it goes on.

    Raises stores.NoServerError, stores.NotDurableError and load.WrongAnswerError.
    """
    costs: list[TurnCost] = []
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        facts = machine.facts(Path(name))
        for database in plan.databases:
            folder = Path(name) / database
            folder.mkdir()
            with stores.opened(database, plan.postgresql_url, folder) as store:
                say(f"{database}: {plan.rounds} rounds")
                costs.extend(_on(store, plan, folder))
    return TurnReport(facts, plan.rounds, plan.calls, tuple(costs))


def _on(store: Store, plan: Plan, folder: Path) -> Iterator[TurnCost]:
    address = Address(PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16), NUMBER)
    environment = environment_of(store, address, folder, None, None)
    running.run("init", "--rehearsal", environment=environment)
    statements = len(statements_of(environment, address))
    with _subjects(environment) as subjects:
        for name, application in subjects.items():
            _seconds(application, name, address, _WARMING)
        seconds: dict[str, list[float]] = {name: [] for name in subjects}
        names = list(subjects)
        for number in range(plan.rounds):
            for place in range(len(names)):
                name = names[(number + place) % len(names)]
                seconds[name].append(_seconds(subjects[name], name, address, plan.calls))
    for name, own in seconds.items():
        yield TurnCost(
            database=store.name,
            subject=name,
            least=min(own) * 1e6,
            median=statistics.median(own) * 1e6,
            least_of_floor=min(seconds[FLOOR]) / min(own),
            of_floor=statistics.median(its / ours for ours, its in zip(own, seconds[FLOOR], strict=True)),
            statements=statements if name == OURS else None,
        )


@contextmanager
def _subjects(environment: Mapping[str, str]) -> Iterator[dict[str, Application]]:
    """The three applications, as a worker would make each."""
    exchange, floor = open_exchange(settings.load(environment)), baselines.floor(environment)
    with closing(exchange.database), floor.extensions["kept"]:
        yield {VIEW: baselines.signed_view(environment), FLOOR: floor, OURS: create_app(exchange)}


def _seconds(application: Application, name: str, address: Address, count: int) -> float:
    """Processor seconds of a group turn, over `count` calls that no other round has."""
    calls = list(bench_calls(address, count, words_that_ask(), secrets.randbelow))
    for call in calls:
        for request in call.opening:
            in_process.bring(application, in_process.environ(request), request.answer if name == OURS else ANY_GATHER)
    ready = list(_ready(calls, name))
    started = time.thread_time()
    for given, awaited in ready:
        in_process.bring(application, given, awaited)
    return (time.thread_time() - started) / len(ready)


def _ready(calls: Sequence[BenchCall], name: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The timed requests, call after call, with what each answer must hold. A baseline answers any with one gather."""
    for call in calls:
        for request in call.group_turns:
            yield in_process.environ(request), request.answer if name == OURS else ANY_GATHER


def told(report: TurnReport, *, markdown: bool = False) -> str:
    """The whole report, to read."""
    head = ("database", "subject", "least us", "of the floor", "median us", "of the floor", "statements")
    body = [
        (
            one.database,
            one.subject,
            f"{one.least:.0f}",
            f"{one.least_of_floor:.2f}",
            f"{one.median:.0f}",
            f"{one.of_floor:.2f}",
            str(one.statements) if one.statements is not None else "",
        )
        for one in report.costs
    ]
    turns = report.calls * 7
    parts = [
        table(head, body, markdown=markdown),
        f"Processor time of one thread in {report.rounds} rounds of {turns} turns each.",
        table(("machine", ""), list(report.machine.items()), markdown=markdown),
    ]
    return "\n\n".join(parts)
