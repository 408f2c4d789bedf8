"""What one group turn costs, beside two baselines on the same server, threads and database.

Rule: the three are measured in turns within one run, each round on calls of its own, and the order moves on from round
to round, so that whatever else the machine does falls on all of them alike.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import secrets
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import event

from webhooks import settings
from webhooks.app import create_app, open_exchange
from webhooks.bench import in_process, load, machine, running, stores
from webhooks.bench.baselines import URL_VARIABLE
from webhooks.bench.figures import Comparison, Process, Report, Round, subject
from webhooks.bench.running import Server
from webhooks.bench.signed import Address, BenchCall, Signed, bench_calls
from webhooks.bench.stores import Store
from webhooks.lines_file import read_catalogues

VIEW, FLOOR, OURS = "(a) signed view", "(b) floor", "touchtone"
_OTHERS = ("DATABASE_URL", "TOUCHTONE_", "TWILIO_", "PYTHONDONTWRITEBYTECODE")
PUBLIC_URL = "https://line.example"
NUMBER = "+15005550006"
ANY_GATHER = b"<Gather "


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    `databases` by name; `connections` at once; `rounds` of each subject; `calls` of a connection in a round, each of
    them seven timed turns; `workers` of every server and `threads` of each (None: what the line's own default is);
    `starts` to time.
    """

    databases: tuple[str, ...] = ("sqlite", "postgresql")
    connections: tuple[int, ...] = (1, 32, 128)
    rounds: int = 7
    calls: int = 8
    workers: int | None = None
    threads: int | None = None
    starts: int = 3
    postgresql_url: str | None = None

    def calls_each(self, connections: int) -> int:
        """Calls of each connection in a round; a lone connection makes as many as eight would."""
        return self.calls * 8 if connections == 1 else self.calls


@dataclass(frozen=True, slots=True)
class _Bench:
    """One database with the three servers on it, and the process that sends the load."""

    plan: Plan
    address: Address
    servers: Mapping[str, Server]
    client: ProcessPoolExecutor
    say: Callable[[str], None]

    def compare(self, database: str, connections: int) -> Comparison:
        """Every subject in every round. Raises load.WrongAnswerError."""
        done: dict[str, list[Round]] = {name: [] for name in self.servers}
        names = list(self.servers)
        for number in range(self.plan.rounds):
            for place in range(len(names)):
                name = names[(number + place) % len(names)]
                done[name].append(self._round(name, connections))
            rates = ", ".join(f"{name} {done[name][-1].rate:,.0f}" for name in names)
            self.say(f"{database}, {connections} connections, round {number + 1}: {rates} turns/s")
        subjects = tuple(subject(name, rounds, done[VIEW], done[FLOOR]) for name, rounds in done.items())
        return Comparison(database, connections, subjects)

    def _round(self, name: str, connections: int) -> Round:
        each = self.plan.calls_each(connections)
        calls = list(bench_calls(self.address, each * connections, words_that_ask(), secrets.randbelow))
        shares = [calls[place::connections] for place in range(connections)]
        port = self.servers[name].port
        self._send(port, [_sent(share, name, lambda call: call.opening) for share in shares])
        timed = self._send(port, [_sent(share, name, lambda call: call.group_turns) for share in shares])
        return Round(timed.seconds, timed.latencies)

    def _send(self, port: int, queues: Sequence[Sequence[load.Sent]]) -> load.Timed:
        return self.client.submit(load.run, port, queues).result()


def measure(plan: Plan, say: Callable[[str], None]) -> Report:
    """Carry the plan out; `say` is told how it goes on.

    Raises stores.NoServerError, stores.NotDurableError, running.NotStartedError and load.WrongAnswerError.
    """
    comparisons: list[Comparison] = []
    processes: list[Process] = []
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        folder = Path(name)
        facts = machine.facts(folder)
        for database in plan.databases:
            place = folder / database
            place.mkdir()
            with stores.opened(database, plan.postgresql_url, place) as store:
                measured, process = _on(store, plan, place, say)
            comparisons.extend(measured)
            processes.append(process)
    return Report(facts, plan.rounds, tuple(comparisons), tuple(processes))


def _on(store: Store, plan: Plan, folder: Path, say: Callable[[str], None]) -> tuple[list[Comparison], Process]:
    """Everything on one database."""
    address = Address(PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16), NUMBER)
    environment = environment_of(store, address, folder, plan.workers, plan.threads)
    running.run("init", "--rehearsal", environment=environment)
    statements = statements_of(environment, address)
    starts = [_start_seconds(environment, folder) for _ in range(plan.starts - 1)]
    with contextlib.ExitStack() as stack:

        def start(*words: str) -> Server:
            log = folder / f"{words[-1]}.log"
            return stack.enter_context(running.serving(*words, environment=environment, log=log))

        ours = start("serve")
        starts.append(ours.start_seconds)
        servers = {
            VIEW: start("bench", "baseline", "signed-view"),
            FLOOR: start("bench", "baseline", "floor"),
            OURS: ours,
        }
        spawn = multiprocessing.get_context("spawn")
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
        bench = _Bench(plan, address, servers, client, say)
        idle = ours.worker_megabytes()
        compared = [bench.compare(store.name, connections) for connections in plan.connections]
        found = settings.load(environment)
        process = Process(
            database=store.name,
            workers=found.workers,
            threads=found.threads,
            idle_megabytes=idle,
            megabytes=ours.worker_megabytes(),
            start_seconds=statistics.median(starts),
            statements=statements,
        )
    return compared, process


def environment_of(
    store: Store, address: Address, folder: Path, workers: int | None, threads: int | None
) -> dict[str, str]:
    """The settings of a measurement and none of whoever runs it.

    What is installed is compiled once and for all. Who forbids Python to keep that would have every start compile.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    made = {
        "TOUCHTONE_DATA_DIR": str(folder / "data"),
        "TOUCHTONE_PUBLIC_URL": address.public_url,
        "DATABASE_URL": store.line_url,
        "TWILIO_ACCOUNT_SID": address.account_sid,
        "TWILIO_AUTH_TOKEN": address.auth_token,
        URL_VARIABLE: store.floor_url,
    }
    chosen = {"TOUCHTONE_WORKERS": workers, "TOUCHTONE_THREADS": threads}
    return kept | made | {name: str(count) for name, count in chosen.items() if count is not None}


def _start_seconds(environment: Mapping[str, str], folder: Path) -> float:
    with running.serving("serve", environment=environment, log=folder / "start.log") as server:
        return server.start_seconds


def statements_of(environment: Mapping[str, str], address: Address) -> tuple[str, ...]:
    """The statements of one group turn, in order, as the database layer sends them; begin and commit not among them."""
    exchange = open_exchange(settings.load(environment))
    application = create_app(exchange)
    call = next(bench_calls(address, 1, words_that_ask(), secrets.randbelow))
    heard: list[str] = []
    for request in call.opening:
        in_process.bring(application, in_process.environ(request), request.answer)

    @event.listens_for(exchange.database.engine, "before_cursor_execute")
    def note(*facts: object) -> None:
        heard.append(" ".join(str(facts[2]).split()))

    try:
        timed = call.group_turns[0]
        in_process.bring(application, in_process.environ(timed), timed.answer)
    finally:
        exchange.database.close()
    return tuple(heard)


def _sent(calls: Sequence[BenchCall], name: str, part: Callable[[BenchCall], tuple[Signed, ...]]) -> list[load.Sent]:
    """The requests of some calls, one after another. A baseline answers any of them with the same gather."""
    return [(one.text, one.answer if name == OURS else ANY_GATHER) for call in calls for one in part(call)]


def words_that_ask() -> Callable[[int], str]:
    """The words in which the line asks for a group."""
    catalogue = read_catalogues()["en-US"]
    return lambda group: str(catalogue.speech("group.next", {"group": group})[0])
