"""The load on a ledger: threads that each activate one machine after another, in one of several processes.

Rule: every activation is a transaction of its own through `keys.ledger`, as a turn makes it, and counts once it is
committed. What was committed is counted again in the ledger afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from random import Random

from keys import ledger
from keys.database import Database
from keys.ledger_many import CHUNK, reserve_and_post_many
from webhooks.bench.filling import anybodys_id

PATIENCE = 600.0
"""Seconds: whoever waits here waits for a busy machine, not for a caller."""
MOST_THREADS = 64
_MOST_A_SECOND = 3_000
"""Of one process: so many installation IDs are drawn before the clock runs. Who needs more draws them then."""


class NotActivatedError(ValueError):
    """The ledger did not activate a machine that it had to; `answer` is what it said."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Share:
    """One process's share: so many threads, keys by their serials, from a moment on (`time.monotonic`) for so long."""

    url: str
    threads: int
    serials: Sequence[int]
    starts_at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a share came to: its moments of begin and end, and the seconds of each activation."""

    began: float
    ended: float
    latencies: tuple[float, ...]


def run(share: Share) -> Done:
    """Activate until the time is over. Raises NotActivatedError."""
    database = opened(share.url)
    ready = threading.Barrier(share.threads)
    with ThreadPoolExecutor(share.threads) as pool:
        parts = [pool.submit(_activate, database, share, ready) for _ in range(share.threads)]
        done = [part.result() for part in parts]
    return Done(
        min(one.began for one in done),
        max(one.ended for one in done),
        tuple(latency for one in done for latency in one.latencies),
    )


def batch(url: str, serial: int, machines: int) -> float:
    """Activate many machines of one key as one request would, a transaction a chunk; the seconds it takes.

    Raises NotActivatedError.
    """
    claims = [_claim(serial) for _ in range(machines)]
    started = time.perf_counter()
    for place in range(0, machines, CHUNK):
        with opened(url).begin() as connection:
            done = reserve_and_post_many(connection, claims[place : place + CHUNK], now=datetime.now(UTC))
        for one in done:
            _check(one)
    return time.perf_counter() - started


@lru_cache(maxsize=4)
def opened(url: str) -> Database:
    """The database of a process: opened once, so that no connection is made while the clock runs."""
    return Database(url, patience=PATIENCE, connections=MOST_THREADS)


def _activate(database: Database, share: Share, ready: threading.Barrier) -> Done:
    chance = Random()  # noqa: S311 - which key comes next is no secret
    latencies: list[float] = []
    drawn = [_any_claim(share, chance) for _ in range(int(share.seconds * _MOST_A_SECOND / share.threads))]
    with database.read():
        ready.wait()  # every thread has a connection of its own now
    time.sleep(max(0.0, share.starts_at - time.monotonic()))
    began = now = time.monotonic()
    until = began + share.seconds
    while now < until:
        claim = drawn.pop() if drawn else _any_claim(share, chance)
        started = time.perf_counter()
        done = database.carry_out(partial(ledger.reserve_and_post, claim=claim, now=datetime.now(UTC)))
        latencies.append(time.perf_counter() - started)
        _check(done)
        now = time.monotonic()
    return Done(began, now, tuple(latencies))


def _any_claim(share: Share, chance: Random) -> ledger.Claim:
    return _claim(chance.choice(share.serials))


def _claim(serial: int) -> ledger.Claim:
    return ledger.Claim(anybodys_id(serial), 1, "phone", "bench")


def _check(done: ledger.Activated | ledger.Refused) -> None:
    if not isinstance(done, ledger.Activated) or done.replay:
        raise NotActivatedError(repr(done))
