"""The costs whose growth is looked at: what the line does at every turn, and what it does beside.

Rule: what a cost changes is taken back, so that a database keeps its size while it is measured. So no commit is timed:
a commit waits for the disk, whatever the database holds.
"""

from __future__ import annotations

import contextlib
import secrets as randomness
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event, select

from ivr import cases, logins, outbox, queue, sending, waiting_room
from ivr.callers import Caller, seal
from ivr.deeds import Turn
from ivr.dropped import dropped_case
from ivr.lines import Line, Lines
from ivr.queue import Handoff, HandoffState, handoffs
from ivr.turn import Knock, take_turn
from keys import ledger
from keys.database import Database
from keys.ledger import Claim
from keys.secrets_file import Secrets
from webhooks.bench.filling import anybodys_id
from webhooks.bench.line import NUMBER
from webhooks.bench.scale_fill import BUSY, CASE_BASE, token_of
from webhooks.bench.signed import FIRST_TIMED, LAST_TIMED, standard_groups
from webhooks.desk import board

LINE = Line(NUMBER, "Bench", "US", "en-US", 24)
LINES = Lines((LINE,))


class _TakenBackError(Exception):
    """Ends a transaction whose changes are not to stay."""


def a_claim(serial: int = 1) -> Claim:
    """A machine never seen before, of the key with this serial."""
    return Claim(anybodys_id(serial), 1, "phone", "bench")


@dataclass(frozen=True, slots=True)
class Place:
    """A filled database with the keys 1 to `keys`, and an activation that was made there."""

    database: Database
    secrets: Secrets
    keys: int = 1
    known: Claim = field(default_factory=a_claim)

    def any_claim(self) -> Claim:
        """A machine never seen before, of any of the keys."""
        return a_claim(1 + randomness.randbelow(self.keys))

    def settle(self) -> None:
        """Make the known activation."""
        with self.database.begin() as connection:
            ledger.reserve_and_post(connection, self.known, now=_now())


Cost = Callable[[Place, int], list[float]]
"""From a place and how often: the seconds of each time."""


def _now() -> datetime:
    return datetime.now(UTC)


def _timed(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _reading(step: Callable[[Place, Connection], object]) -> Cost:
    """A cost that changes nothing."""

    def cost(place: Place, count: int) -> list[float]:
        with place.database.read() as connection:
            return [_timed(lambda: step(place, connection)) for _ in range(count)]

    return cost


def _writing(step: Callable[[Place, Connection], object]) -> Cost:
    """A cost whose changes are taken back, each time."""

    def cost(place: Place, count: int) -> list[float]:
        seconds = []
        for _ in range(count):
            with contextlib.suppress(_TakenBackError), place.database.begin() as connection:
                seconds.append(_timed(lambda: step(place, connection)))
                raise _TakenBackError
        return seconds

    return cost


def _group_turns(place: Place, count: int) -> list[float]:
    """Turns 2 to 8 of calls that key standard IDs; the first two turns of each are not timed."""
    seconds: list[float] = []
    while len(seconds) < count:
        with contextlib.suppress(_TakenBackError), place.database.begin() as connection:
            sid, groups = f"CA{randomness.token_hex(16)}", standard_groups(randomness.randbelow)
            name = randomness.token_hex(16)
            _turn(place, connection, sid, name, None, "")
            for number, group in enumerate(groups[:LAST_TIMED], 1):
                taken = _timed(lambda: _turn(place, connection, sid, name, number, group))  # noqa: B023 - called at once
                if number >= FIRST_TIMED:
                    seconds.append(taken)
            raise _TakenBackError
    return seconds[:count]


def _turn(place: Place, connection: Connection, sid: str, name: str, number: int | None, keys: str) -> None:
    knock = Knock(sid, lambda: Caller(name, seal("+14155550100", place.secrets.number_key)), LINE, number, keys, None)
    take_turn(connection, place.secrets, knock, now=_now(), below=randomness.randbelow)


def _first_turn(place: Place, connection: Connection) -> None:
    _turn(place, connection, f"CA{randomness.token_hex(16)}", BUSY, None, "")


def _last(connection: Connection) -> Handoff:
    """Whoever waits behind all others."""
    last = select(handoffs).where(handoffs.c.state == HandoffState.WAITING).order_by(handoffs.c.id.desc())
    return queue.handoff_of(connection.execute(last.limit(1)).one())


def _place(place: Place, count: int) -> list[float]:
    with place.database.read() as connection:
        last = _last(connection)
        return [_timed(lambda: queue.place(connection, last)) for _ in range(count)]


def _waiting_round(place: Place, count: int) -> list[float]:
    with place.database.read() as connection:
        last = _last(connection)
        turn = Turn(connection, place.secrets, "phone", last.sid, BUSY, LINE, _now(), randomness.randbelow)
        return [_timed(lambda: waiting_room.look(turn, last.case_id, "")) for _ in range(count)]


COSTS: Mapping[str, Cost] = {
    "reserve": _writing(lambda _, connection: ledger.reserve_and_post(connection, a_claim(), now=_now())),
    "reserve of any key": _writing(
        lambda place, connection: ledger.reserve_and_post(connection, place.any_claim(), now=_now())
    ),
    "replay": _writing(lambda place, connection: ledger.reserve_and_post(connection, place.known, now=_now())),
    "sweep of holds": _writing(lambda _, connection: ledger.expire(connection, now=_now())),
    "group turn": _group_turns,
    "first turn": _writing(_first_turn),
    "dropped case": _reading(lambda _, connection: dropped_case(connection, BUSY, _now())),
    "case by number": _reading(lambda _, connection: cases.find(connection, str(CASE_BASE + 5))),
    "place in the queue": _place,
    "waiting round": _waiting_round,
    "queue page": _reading(lambda _, connection: board.look(connection, LINES, 0, _now())),
    "desk of a token": _reading(lambda _, connection: logins.find(connection, token_of(1), _now())),
    "look for a due text": _reading(lambda _, connection: sending.any_due(connection, _now())),
    "claim of a text": _writing(lambda _, connection: sending.claim(connection, "bench", _now(), timedelta(minutes=1))),
    "fate of a text": _reading(lambda _, connection: outbox.fate(connection, "CAc5")),
}


def statements_of(cost: Cost, place: Place) -> list[tuple[str, Any]]:
    """The statements of one time, with what was bound to them, that can be explained."""
    heard: list[tuple[str, Any]] = []

    def note(*facts: Any) -> None:
        heard.append((facts[2], facts[3]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        cost(place, 1)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return [one for one in heard if one[0].lstrip().upper().startswith(("SELECT", "UPDATE", "WITH"))]
