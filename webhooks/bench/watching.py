"""What processes, machine, disk and database do while a measurement runs, looked at from beside them.

Rule: it only looks, a few times a second; what it finds is a share of a second of one processor, or what somebody
waited for. How late a look itself was tells when the whole machine stood still.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from webhooks.bench import machine
from webhooks.bench.calling import SPAN
from webhooks.bench.stores import Store

EVERY = 0.25
"""Seconds between two looks."""
MACHINE, DISK, STOLEN = "everything on the machine", "waiting for the disk", "taken by other machines"
"""Of all cores: what was spent on anything, what was left idle while the disk was awaited, what the host took."""

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Look(Generic[Seen]):
    """One look: when it was due, when it began and was done (`time.monotonic`), and what was seen."""

    due: float
    began: float
    done: float
    seen: Seen


class Looking(Generic[Seen]):
    """Looks again and again, in a thread of its own, while the block lasts."""

    def __init__(self, look: Callable[[], Seen], every: float = EVERY) -> None:
        self._look, self._every = look, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks: list[Look[Seen]] = []

    def __enter__(self) -> Looking[Seen]:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Have looked enough."""
        self._stop.set()
        self._thread.join()

    def within(self, began: float, ended: float) -> list[Look[Seen]]:
        """The looks that were due or under way in a time."""
        return [look for look in self.looks if look.done >= began and look.due <= ended]

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            began = time.monotonic()
            seen = self._look()
            done = time.monotonic()
            self.looks.append(Look(due, began, done, seen))
            due = done + self._every
            if self._stop.wait(self._every):
                return


def processes(of: Mapping[str, int]) -> Looking[dict[str, float]]:
    """Processor seconds so far of processes, given by name and id with all that descend from them, and of the cores."""

    def look() -> dict[str, float]:
        used = {name: machine.used_seconds(*machine.family(pid)) for name, pid in of.items()}
        spent = machine.core_seconds()
        return used | {MACHINE: spent.busy, DISK: spent.awaiting_disk, STOLEN: spent.stolen}

    return Looking(look)


def shares(looking: Looking[dict[str, float]], began: float, ended: float) -> dict[str, float]:
    """What each used from one moment to another, as nearly as was looked, in processor seconds a second."""
    looks = looking.looks
    first = max((look for look in looks if look.began <= began), key=lambda look: look.began, default=looks[0])
    last = min((look for look in looks if look.began >= ended), key=lambda look: look.began, default=looks[-1])
    return {name: machine.share(last.seen[name] - first.seen[name], last.began - first.began) for name in first.seen}


def fullest(looking: Looking[dict[str, float]], name: str) -> float:
    """The moment at which the five seconds begin in which something used the most processor time."""
    looks = looking.looks
    best, best_share, last = looks[0].began, -1.0, 0
    for first in looks:
        while last < len(looks) - 1 and looks[last].began < first.began + SPAN:
            last += 1
        share = machine.share(looks[last].seen[name] - first.seen[name], SPAN)
        if share > best_share:
            best, best_share = first.began, share
    return best


def flushes(folder: Path) -> Looking[None]:
    """A small durable write to the same disk, again and again: how long each took is from `began` to `done`."""

    def look() -> None:
        file = os.open(folder / "flushes", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, bytes(512), 0)
            os.fsync(file)
        finally:
            os.close(file)

    return Looking(look)


def server_of(store: Store) -> int | None:
    """The id of the PostgreSQL server's first process, where it runs on this machine; None for SQLite."""
    if store.name == "sqlite":
        return None
    import psycopg

    with psycopg.connect(store.line_url) as connection:
        own = connection.info.backend_pid
    stat = Path(f"/proc/{own}/stat")
    # A backend's parent is the first process; over a network the number may be another program's, or nobody's.
    words = stat.read_text() if stat.exists() else ""
    return int(words.rpartition(")")[2].split()[1]) if "(postgres" in words else None
