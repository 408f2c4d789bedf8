"""What the processes of a measurement use while it runs, looked at from beside them.

Rule: it only looks, twice a second; what it finds is a share of a second of one processor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from webhooks.bench import machine
from webhooks.bench.stores import Store

EVERY = 0.5
"""Seconds between two looks."""
SPAN = 5.0
MACHINE = "everything on the machine"


class Watch:
    """Looks at processes, given by name and id, and all that descend from them, while the block lasts."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._of = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.looks: list[tuple[float, dict[str, float]]] = []

    def __enter__(self) -> None:
        """Begin to look."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Have looked enough."""
        self._stop.set()
        self._thread.join()

    def used(self, began: float) -> dict[str, float]:
        """Processor seconds a second of each, in the five seconds from `began` on (`time.monotonic`)."""
        inside = [look for look in self.looks if began - EVERY <= look[0] <= began + SPAN + EVERY]
        if len(inside) < 2:
            inside = self.looks
        (first, before), (last, after) = inside[0], inside[-1]
        return {name: machine.share(after[name] - before[name], last - first) for name in before}

    def _look(self) -> None:
        while True:
            used = {name: machine.used_seconds(*machine.family(pid)) for name, pid in self._of.items()}
            self.looks.append((time.monotonic(), used | {MACHINE: machine.busy_seconds()}))
            if self._stop.wait(EVERY):
                return


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
