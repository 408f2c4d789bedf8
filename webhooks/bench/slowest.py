"""What everything did while the slowest turn waited, so that the cause of a delay is seen, not guessed.

Rule: what is told of that time was looked at in it, from beside: nothing asks the line itself, which would wait too.
Where nobody was answered meanwhile, the line stood still; where many were, the turn stood in line behind them.

>>> turns = [(0.0, 0.1), (1.0, 0.5), (1.1, 0.2)]  # asked at, and the seconds to the answer
>>> slowest(turns)
(1.0, 0.5)
>>> round(longest_silence(turns), 3)
0.3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webhooks.bench import server_watch
from webhooks.bench.calling import Load
from webhooks.bench.server_watch import Waits
from webhooks.bench.stores import Store
from webhooks.bench.watching import Looking, flushes, processes, shares


@dataclass(frozen=True, slots=True)
class Slowest:
    """The turn that waited longest: `began` seconds after the first ring it was asked for, and waited `seconds`.

    Seen meanwhile: `answered` others; `shares`, processor seconds a second of processes and of all cores; `waits`, how
    many of the database's processes were at a thing on average; `flush`, the seconds of the slowest small durable
    write; `load_late` and `watch_late`, by how many seconds the load and the looks from beside woke too late.
    `silence` is the longest time of the whole run in which somebody waited and nobody was answered.
    """

    began: float
    seconds: float
    answered: int
    shares: Mapping[str, float]
    waits: Mapping[str, float]
    flush: float
    load_late: float
    watch_late: float
    silence: float

    def told(self) -> str:
        """Some sentences, after the name of the run."""
        used = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        waits = ", ".join(f"{name} {count:.1f}" for name, count in self.waits.items()) or "nothing seen"
        return (
            f"the slowest turn waited {_ms(self.seconds)}, {self.began:.0f} s after the first ring, and {self.answered}"
            f" others were answered meanwhile. Then, of one core: {used}; of the database's processes, on average:"
            f" {waits}; a small durable write took {_ms(self.flush)} at most; the load woke late by"
            f" {_ms(self.load_late)}, the looks from beside by {_ms(self.watch_late)}. In the whole run nobody was"
            f" answered for {_ms(self.silence)} at most while somebody waited."
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


Turns = Sequence[tuple[float, float]]
"""The moment each was asked for, and the seconds to its answer."""


def slowest(turns: Turns) -> tuple[float, float]:
    """The turn that waited longest."""
    return max(turns, key=lambda turn: turn[1])


def longest_silence(turns: Turns) -> float:
    """The seconds of the longest time in which somebody waited and nobody was answered."""
    edges = sorted(edge for asked, wait in turns for edge in ((asked, 1), (asked + wait, -1)))
    longest, waiting, since = 0.0, 0, 0.0
    for moment, step in edges:
        if step < 0:
            longest = max(longest, moment - since)
        if step < 0 or not waiting:
            since = moment
        waiting += step
    return longest


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks at everything while calls are held."""

    used: Looking[dict[str, float]]
    disk: Looking[None]
    waits: Looking[Waits] | None

    def while_slowest(self, held: Load) -> Slowest:
        """What was seen while the slowest turn of a load waited."""
        turns = held.turns
        began, seconds = slowest(turns)
        ended = began + seconds
        counts: Counter[str] = Counter()
        seen = self.waits.within(began, ended) if self.waits else []
        for look in seen:
            counts.update(look.seen)
        disk = self.disk.within(began, ended)
        return Slowest(
            began=began - held.rang,
            seconds=seconds,
            answered=sum(began <= asked + wait < ended for asked, wait in turns),
            shares=shares(self.used, began, ended),
            waits={name: count / len(seen) for name, count in counts.most_common()},
            flush=max((look.done - look.began for look in disk), default=0.0),
            load_late=held.latest(began, ended),
            watch_late=max([0.0, *(look.began - look.due for look in disk), *(look.began - look.due for look in seen)]),
            silence=longest_silence(turns),
        )


@contextmanager
def watching(of: Mapping[str, int], store: Store, folder: Path) -> Iterator[Eyes]:
    """Look at the processes named, the disk of `folder` and the database, until the block ends."""
    with server_watch.waits(store) as waits, flushes(folder) as disk, processes(of) as used:
        yield Eyes(used, disk, waits)
