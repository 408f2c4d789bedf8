"""A thousand callers in one process: each keys at a person's pace, and none waits for another.

Rule: time is real. A caller goes on keying by its own clock, as people do who know what comes next; whatever is keyed
before the next gather is open is lost, and counted. One thread and one event loop carry them all, and tell how late
they were themselves; so that they are not, requests are built and signed before the first ring, and what the callers
heard is made out when all have hung up (`webhooks.bench.listening`).

A gather is open half a turn's delay after our answer, which was asked for half a delay after the last key
(`webhooks.rehearsal.clock.Pace`): so the line itself has a second before the first key is lost.

>>> round(Manner().slack, 2)
1.05
"""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from webhooks.bench.callers_clock import BLOCK_COPYING
from webhooks.bench.signed import Address, Signed, whole_call
from webhooks.rehearsal.clock import Pace

_PATIENCE = 15.0
"""Seconds after which Twilio gives an answer up."""
_AT_ONCE = 65536
"""Bytes read at one time."""
_SHOWN = 200
"""Signs of a document that are shown where it is not what it must be."""
_OWN_FILES = 100
SPAN = 5.0
"""Seconds over which what is busy, or full, is told."""
_LATE = 0.005
"""Seconds that a loop of a thousand callers is late by anyway."""


class _AstrayError(ValueError):
    """A call went otherwise than it had to."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How callers are: their pace, the seconds of first words they let pass, and those to copy a block down."""

    pace: Pace = field(default_factory=Pace)
    opening: float = 4.0
    copying: float = BLOCK_COPYING

    @property
    def slack(self) -> float:
        """Seconds that the line may take for a turn before a caller's next key is lost."""
        return self.pace.think_seconds + self.pace.key_seconds - self.pace.turn_delay


@dataclass(frozen=True, slots=True)
class Keyer:
    """One caller: id of the call, number, the groups to key, and after how many seconds it rings."""

    call_sid: str
    number: str
    groups: tuple[str, ...]
    rings_after: float


@dataclass(slots=True)
class Held:
    """What became of one call.

    `waits` are the moment of each request and the seconds to its answer, `lost` how many keys fell on no gather,
    `documents` the answers to its groups, `fault` what went wrong, empty where nothing did.
    """

    began: float = 0.0
    ended: float = 0.0
    waits: list[tuple[float, float]] = field(default_factory=list)
    lost: int = 0
    documents: list[str] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """All calls of a run, and when this very process woke too late, by how much."""

    held: tuple[Held, ...]
    late: tuple[tuple[float, float], ...]

    @property
    def rang(self) -> float:
        """The moment of the first ring."""
        return min(one.began for one in self.held)

    @property
    def turns(self) -> list[tuple[float, float]]:
        """The moment each turn was asked for, and the seconds to its answer."""
        return sorted(one for each in self.held for one in each.waits)

    def latest(self, began: float = float("-inf"), ended: float = float("inf")) -> float:
        """By how many seconds it woke too late at most, of what touches the time from one moment to another."""
        return max((late for due, late in self.late if due <= ended and due + late >= began), default=0.0)

    @property
    def at_once(self) -> int:
        """The most calls that were held at one moment."""
        edges = sorted([(one.began, 1) for one in self.held] + [(one.ended, -1) for one in self.held])
        most = now = 0
        for _, step in edges:
            now += step
            most = max(most, now)
        return most

    @property
    def waits(self) -> list[float]:
        """The seconds of every turn, rising."""
        return sorted(wait for _, wait in self.turns)

    def busiest(self) -> float:
        """Turns a second in the busiest five seconds."""
        moments = [moment for moment, _ in self.turns]
        best = first = 0
        for place, moment in enumerate(moments, 1):
            while moments[first] < moment - SPAN:
                first += 1
            best = max(best, place - first)
        return best / SPAN

    def within(self, began: float) -> tuple[float, float]:
        """Turns a second in the five seconds that begin at a moment, and their mean seconds."""
        waits = [wait for moment, wait in self.turns if began <= moment <= began + SPAN]
        return len(waits) / SPAN, sum(waits) / len(waits) if waits else 0.0


def run(port: int, address: Address, keyers: Sequence[Keyer], manner: Manner) -> Load:
    """Hold all the calls; they end when every caller has hung up."""
    more_files(len(keyers) * 2 + _OWN_FILES)
    calls = [_Ready(keyer, whole_call(address, keyer.call_sid, keyer.number, keyer.groups)) for keyer in keyers]
    line = _Line(port, manner)
    held = asyncio.run(_all(line, calls))
    return Load(held, tuple(line.late))


def more_files(count: int) -> None:
    """Let this process, and those it starts, have so many files open, as far as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass(frozen=True, slots=True)
class _Ready:
    """A caller, and all that goes to the line in the call: the ring, a turn for each group, the end."""

    keyer: Keyer
    requests: tuple[Signed, ...]


@dataclass(slots=True)
class _Line:
    """Where the calls go, and when this process woke late so far."""

    port: int
    manner: Manner
    late: list[tuple[float, float]] = field(default_factory=list)

    def now(self) -> float:
        """Seconds on the clock that the calls go by."""
        return time.monotonic()

    async def until(self, moment: float) -> None:
        """Sleep until a moment."""
        wait = moment - self.now()
        if wait > 0:
            await asyncio.sleep(wait)
            late = self.now() - moment
            if late > _LATE:
                self.late.append((moment, late))

    async def ask(self, request: Signed, held: Held | None) -> str:
        """Send one request on a connection of its own, as a provider's many machines do. The answer's body."""
        asked_at = self.now()
        async with asyncio.timeout(_PATIENCE):
            answer = await _exchange(self.port, request.text)
        if held is not None:
            held.waits.append((asked_at, self.now() - asked_at))
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 204 ")):
            raise _AstrayError(head[:60].decode("latin-1"))
        return body.decode()


async def _exchange(port: int, request: bytes) -> bytes:
    """The plain socket: asyncio's streams cost the load as much again as all the rest of a turn."""
    loop = asyncio.get_running_loop()
    pieces = []
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, request)
        while piece := await loop.sock_recv(connection, _AT_ONCE):
            pieces.append(piece)
    return b"".join(pieces)


async def _all(line: _Line, calls: Sequence[_Ready]) -> tuple[Held, ...]:
    started = line.now()
    return tuple(await asyncio.gather(*(_call(line, call, started + call.keyer.rings_after) for call in calls)))


async def _call(line: _Line, call: _Ready, rings_at: float) -> Held:
    held = Held()
    await line.until(rings_at)
    held.began = line.now()
    try:
        await _talk(line, call, held)
    except _AstrayError as error:
        held.fault = str(error)
    except (OSError, TimeoutError) as error:
        held.fault = type(error).__name__
    held.ended = line.now()
    return held


async def _talk(line: _Line, call: _Ready, held: Held) -> None:
    """One call from its ring to its hang-up."""
    pace = line.manner.pace
    ring, *turns, end = call.requests
    _way_on(ring, await line.ask(ring, held))
    opens_at = line.now() + pace.turn_delay / 2
    last_key = opens_at + line.manner.opening
    for group, turn in zip(call.keyer.groups, turns, strict=True):
        keys = [last_key + pace.think_seconds + pace.key_seconds * place for place in range(1, len(group) + 1)]
        held.lost += sum(key < opens_at for key in keys)
        last_key = keys[-1]
        await line.until(last_key + pace.turn_delay / 2)
        held.documents.append(await line.ask(turn, held))
        opens_at = line.now() + pace.turn_delay / 2
        _way_on(turn, held.documents[-1])
    blocks = held.documents[-1].count("<Gather") - 1  # the last is the menu's
    await line.until(opens_at + line.manner.copying * blocks)
    await line.ask(end, None)


def _way_on(request: Signed, document: str) -> None:
    """Raises _AstrayError where a document does not lead to where the next request goes."""
    if request.answer.decode() not in document:
        raise _AstrayError(f"no way on: {document[:_SHOWN]}")
