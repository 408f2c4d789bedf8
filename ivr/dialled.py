"""What becomes of a ring that is dialled: it is taken by one delivery, and the provider has it, or has not.

Rule: taking a ring and writing down that it is dialled is one transaction, so that a process killed at any point leaves
a ring that nobody dials again; and at most one telephone a second is rung, whatever number of processes take.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, Table, and_, or_, select, update

from ivr.rings import TELEPHONES, Ring, RingState, move, ring_of, rings
from keys.database import Instant, insert_into, metadata

ring_pace = Table(
    "ring_pace",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("next_at", Instant, nullable=False),
)
"""One row: before this moment no process places a call."""

PACE = timedelta(seconds=1)
"""Between two calls, in all processes together: what an account may place without being asked to wait
(www.twilio.com/docs/voice/api/call-resource, calls per second)."""
SILENT = timedelta(minutes=3)
"""A telephone that rings, or asks for its key, for so long has stopped without our being told."""
LONGEST_TALK = timedelta(hours=1)
"""After so long a talk is cut off: a telephone that was laid aside must not stay joined for ever."""
FORGOTTEN = LONGEST_TALK + timedelta(minutes=10)
"""A talk of which nothing was heard for so long is over."""


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether there is anything to dial: a look that locks nothing."""
    return connection.execute(_first_due(now)).first() is not None


def take(connection: Connection, by: str, now: datetime, lease: timedelta) -> Ring | None:
    """Take the ring that has been due longest, to be dialled at once. None where none is due, or it is not yet time.

    `by` names one delivery among all processes. The turn of the pace is used up with it, so that whatever number of
    deliveries take at the same moment, one of them may dial. What is asked of calls under way goes first, unpaced.
    """
    asked = _take(connection, _first_due(now, rings.c.kind.not_in(TELEPHONES)), by, now, lease)
    if asked is not None:
        return asked
    paced = connection.execute(
        insert_into(connection, ring_pace)
        .values(id=1, next_at=now + PACE)
        .on_conflict_do_update(index_elements=["id"], set_={"next_at": now + PACE}, where=ring_pace.c.next_at <= now)
        .returning(ring_pace.c.id)
    ).first()
    if paced is None:
        return None
    return _take(connection, _first_due(now, rings.c.kind.in_(TELEPHONES)), by, now, lease)


def _take(connection: Connection, due: Any, by: str, now: datetime, lease: timedelta) -> Ring | None:
    row = connection.execute(
        update(rings)
        .where(rings.c.id == due.with_for_update(skip_locked=True).scalar_subquery())
        .values(
            state=RingState.PLACING,
            claimed_by=by,
            claimed_until=now + lease,
            posted_at=now,
            attempts=rings.c.attempts + 1,
            changed_at=now,
        )
        .returning(rings)
    ).one_or_none()
    return None if row is None else ring_of(row)


def postponed(connection: Connection, ring: Ring, due_at: datetime, now: datetime) -> None:
    """The provider surely has not got it: dial at `due_at`."""
    move(connection, ring.id, (RingState.PLACING,), state=RingState.DUE, due_at=due_at, posted_at=None, changed_at=now)


def lost(connection: Connection, now: datetime) -> list[Ring]:
    """Every ring that nothing will be heard of any more."""
    over = (
        and_(rings.c.state == RingState.PLACING, rings.c.claimed_until < now),
        and_(rings.c.state.in_([RingState.RINGING, RingState.ANSWERED]), rings.c.changed_at < now - SILENT),
        and_(rings.c.state == RingState.ACCEPTED, rings.c.changed_at < now - FORGOTTEN),
    )
    return [ring_of(row) for row in connection.execute(select(rings).where(or_(*over)).order_by(rings.c.id))]


def _first_due(now: datetime, *of: ColumnElement[bool]) -> Any:
    ready = (rings.c.state == RingState.DUE) & (rings.c.due_at <= now)
    return select(rings.c.id).where(ready, *of).order_by(rings.c.due_at, rings.c.id).limit(1)
