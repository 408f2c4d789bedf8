"""What open desks cost the line, and how soon a change reaches them: both processes real, over one database.

Rule: the line's turns are measured with no desk open, with few and with many, in turns within one run; and with none a
second time, so that what is only the machine's own unrest can be told from what the desks cost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ivr import cases, claims, logins, operators, queue
from ivr.operators import NewOperator, Presence, Role
from ivr.queue import Handoff
from keys.database import Database
from webhooks import settings
from webhooks.app import open_database
from webhooks.bench import load, machine, running, stores
from webhooks.bench.desk_figures import AGAIN, NONE, Reached, Report, Slowed
from webhooks.bench.figures import percentile
from webhooks.bench.line import NUMBER, PUBLIC_URL, environment_of, words_that_ask
from webhooks.bench.open_desks import OpenDesks, open_desks
from webhooks.bench.signed import Address, bench_calls, standard_groups
from webhooks.bench.stores import Store

CHANGE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `waiting` cases, `desks` that a change must reach, `changes` of them; and the line's turns.

    More than 190 would be more than a page shows, so that no desk could show what comes after them.
    `streams` are the numbers of desks open in a round; `connections` of the load, and `turns` of a round in all.
    """

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    postgresql_url: str | None = None
    waiting: int = 190
    desks: int = 20
    changes: int = 40
    streams: tuple[int, ...] = (20, 200)
    connections: tuple[int, ...] = (1, 8)
    rounds: int = 5
    turns: int = 2100

    @property
    def subjects(self) -> dict[str, int]:
        """How many desks are open, by name."""
        return {NONE: 0, AGAIN: 0, **{f"{count} desks": count for count in self.streams}}


@dataclass(frozen=True, slots=True)
class _Bench:
    """Line and desk, the process that sends the load, and the desks that can be opened."""

    plan: Plan
    address: Address
    database: Database
    line_port: int
    desk_pid: int
    cookies: Sequence[str]
    desks: OpenDesks
    client: ProcessPoolExecutor

    def reached(self, name: str) -> Reached:
        """Let cases come in one after another, and look how soon each is at every desk. Raises WrongAnswerError."""
        heard: list[float] = []
        shown: list[float] = []
        with self.desks.opened(self.cookies[: self.plan.desks]):
            for _ in range(self.plan.changes):
                began = time.perf_counter()
                handoff = enter(self.database)
                at = self.desks.reached(handoff.id)
                heard += [moment - began for moment in at[0]]
                shown += [moment - began for moment in at[1]]
                with self.database.begin() as connection:
                    claims.finish(connection, handoff.id, "other", datetime.now(UTC))
                time.sleep(0.05 + secrets.randbelow(300) / 1000)  # at any moment between two looks of the reader
        plan, median = self.plan, statistics.median
        return Reached(
            name, plan.desks, plan.waiting, plan.changes, median(heard), max(heard), median(shown), max(shown)
        )

    def slowed(self, name: str, connections: int, say: Callable[[str], None]) -> Iterator[Slowed]:
        """The line's turns with and without desks, in turns. Raises WrongAnswerError."""
        names = list(self.plan.subjects)
        rounds: dict[str, list[list[float]]] = {subject: [] for subject in names}
        shares: dict[str, list[float]] = {subject: [] for subject in names}
        for number in range(self.plan.rounds):
            for place in range(len(names)):
                subject = names[(number + place) % len(names)]
                latencies, share = self._round(self.plan.subjects[subject], connections)
                rounds[subject].append(latencies)
                shares[subject].append(share)
            medians = ", ".join(f"{one} {percentile(rounds[one][-1], 50) * 1000:.2f}" for one in names)
            say(f"{name}, {connections} connections, round {number + 1}: {medians} ms")
        without = {percent: _without(rounds, percent) for percent in (50, 99)}
        for subject, each in rounds.items():
            p50, p99 = _percentiles(each, 50), _percentiles(each, 99)
            yield Slowed(
                database=name,
                connections=connections,
                subject=subject,
                turns=sum(map(len, each)),
                p50=statistics.median(p50),
                p99=statistics.median(p99),
                p50_ratio=_ratio(p50, without[50]),
                p99_ratio=_ratio(p99, without[99]),
                desk_share=statistics.median(shares[subject]),
            )

    def _round(self, streams: int, connections: int) -> tuple[list[float], float]:
        """The seconds of each turn, the shortest first, and the share of one core that the desk used meanwhile.

        Something changes each second, whether or not desks listen.
        """
        calls = list(bench_calls(self.address, self.plan.turns // 7, words_that_ask(), secrets.randbelow))
        shares = [calls[place::connections] for place in range(connections)]
        opening = [[(one.text, one.answer) for call in share for one in call.opening] for share in shares]
        timed = [[(one.text, one.answer) for call in share for one in call.group_turns] for share in shares]
        self.client.submit(load.run, self.line_port, opening).result()
        with self.desks.opened(self.cookies[:streams]), changing(self.database):
            began, used = time.perf_counter(), machine.used_seconds(*machine.family(self.desk_pid))
            measured = self.client.submit(load.run, self.line_port, timed).result()
            used = machine.used_seconds(*machine.family(self.desk_pid)) - used
            share = machine.share(used, time.perf_counter() - began)
        return sorted(measured.latencies), share


def _percentiles(rounds: Sequence[Sequence[float]], percent: int) -> list[float]:
    """Of each round, in milliseconds."""
    return [percentile(one, percent) * 1000 for one in rounds]


def _without(rounds: Mapping[str, Sequence[Sequence[float]]], percent: int) -> list[float]:
    """Of each round, the mean of what was found twice without a desk: one alone is as unsteady as what it judges."""
    pairs = zip(_percentiles(rounds[NONE], percent), _percentiles(rounds[AGAIN], percent), strict=True)
    return [statistics.mean(pair) for pair in pairs]


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """How many times as much, the median of the rounds."""
    return statistics.median(one / other for one, other in zip(ours, others, strict=True))


def measure(plan: Plan, say: Callable[[str], None]) -> Report:
    """Carry the plan out; `say` is told how it goes on. Raises as `bench.line.measure` does."""
    reached: list[Reached] = []
    slowed: list[Slowed] = []
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        folder = Path(name)
        facts = machine.facts(folder)
        for database in plan.databases:
            place = folder / database
            place.mkdir()
            with stores.opened(database, plan.postgresql_url, place) as store, _serving(store, plan, place) as bench:
                reached.append(bench.reached(database))
                say(f"{database}: at every desk after {reached[-1].shown_most:.2f} s at most")
                for connections in plan.connections:
                    slowed.extend(bench.slowed(database, connections, say))
    return Report(facts, plan.rounds, tuple(reached), tuple(slowed))


@contextmanager
def _serving(store: Store, plan: Plan, folder: Path) -> Iterator[_Bench]:
    address = Address(PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16), NUMBER)
    environment = environment_of(store, address, folder, None, None)
    running.run("init", "--rehearsal", environment=environment)
    with contextlib.ExitStack() as stack:
        database = open_database(settings.load(environment))
        stack.callback(database.close)
        cookies = _fill(database, plan)
        line = stack.enter_context(running.serving("serve", environment=environment, log=folder / "line.log"))
        desk = stack.enter_context(_desk(environment, folder / "the-desk.log"))
        spawn = multiprocessing.get_context("spawn")
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
        desks = stack.enter_context(open_desks(desk.port))
        yield _Bench(plan, address, database, line.port, desk.pid, cookies, desks, client)


def _desk(environment: Mapping[str, str], log: Path) -> contextlib.AbstractContextManager[running.Server]:
    return running.serving(
        "desk", environment=environment, log=log, listen="TOUCHTONE_DESK_LISTEN", ready="/desk/login", apart=True
    )


def _fill(database: Database, plan: Plan) -> list[str]:
    """People at the desk, the cases that wait, and a cookie for every desk that will be open."""
    now = datetime.now(UTC)
    tokens = [secrets.token_urlsafe(32) for _ in range(max(plan.desks, *plan.streams))]
    with database.begin() as connection:
        people = [
            operators.add(connection, NewOperator(f"Operator {number}", Role.OPERATOR, "nobody's"), now)
            for number in range(1, plan.desks + 1)
        ]
        for person in people:
            operators.set_presence(connection, person.id, Presence.AVAILABLE, now)
        for place, token in enumerate(tokens):
            person = people[place % len(people)]
            logins.open_login(connection, person.id, token, address="127.0.0.1", browser="bench", now=now)
    for _ in range(plan.waiting):
        enter(database)
    return [f"touchtone_desk={token}" for token in tokens]


def enter(database: Database) -> Handoff:
    """A case comes into the queue: a caller who is stuck after some groups, or after all."""
    groups, now = standard_groups(secrets.randbelow), datetime.now(UTC)
    with database.begin() as connection:
        case = cases.open_case(
            connection, line=NUMBER, caller=None, layout=1, groups=groups[: 1 + secrets.randbelow(9)], now=now,
            below=secrets.randbelow,
        )  # fmt: skip
        cases.needs_person(connection, case.id, "ASKED", now)
        facts = {"channel": "phone", "sid": f"CA{case.id:032x}", "line": NUMBER, "reason": "ASKED"}
        return queue.enter(connection, case.id, caller=None, now=now, **facts)


@contextmanager
def changing(database: Database) -> Iterator[None]:
    """The queue changes every second, as at a desk where people work, until the block ends: one comes, one goes."""
    over = threading.Event()

    def change() -> None:
        before = enter(database)
        while not over.wait(CHANGE_SECONDS):
            handoff = enter(database)
            with database.begin() as connection:
                claims.finish(connection, before.id, "other", datetime.now(UTC))
            before = handoff

    changes = threading.Thread(target=change, name="changes")
    changes.start()
    try:
        yield
    finally:
        over.set()
        changes.join()
