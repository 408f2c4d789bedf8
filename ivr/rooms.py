"""Rooms: the conference of one talk, who of us is in it, and how its people are to be.

Rule: a caller is never left in a room because one of two operators hangs up. Whoever is the last of us there ends the
talk by leaving; while there are two, or a second is about to come in, neither does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ivr import calls, queue, rings
from ivr.queue import Handoff, HandoffState
from ivr.rings import OPERATORS, Ring, RingKind, RingOutcome, RingState, Wanted
from ivr.states import Talking, Waiting


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the people of a room are to be: the caller's call, held or not; each leg of ours, and whether it ends it."""

    room: str
    caller: str
    held: bool
    legs: tuple[tuple[str, bool], ...]


def room_of(handoff_id: int) -> str:
    """The conference of one handoff; its name says nothing about anybody."""
    return f"handoff-{handoff_id}"


def there(connection: Connection, handoff_id: int) -> list[Ring]:
    """The legs of operators in the room, or on their way into it, the newest first."""
    return [
        ring
        for ring in rings.of_handoff(connection, handoff_id)
        if ring.kind in OPERATORS and ring.state is RingState.ACCEPTED and _is_in_or_coming(ring)
    ]


def others(connection: Connection, ring: Ring) -> list[Ring]:
    """The same but for one leg."""
    return [other for other in there(connection, ring.handoff_id) if other.id != ring.id]


def caller_is_in(connection: Connection, handoff: Handoff) -> bool:
    """Whether the caller is in the room."""
    call = calls.lock(connection, handoff.sid) if handoff.left_at is None else None
    return call is not None and call.ended_at is None and isinstance(call.state, Talking)


def leads_somewhere(connection: Connection, ring: Ring, handoff: Handoff) -> bool:
    """Whether there is a reason left to ring an operator: the case is theirs, and whom they would talk to is there."""
    if ring.kind is RingKind.JOIN:
        return handoff.left_at is None and bool(others(connection, ring))
    return is_theirs(handoff, ring) and (ring.kind is RingKind.CALL_BACK or handoff.left_at is None)


def is_theirs(handoff: Handoff, ring: Ring) -> bool:
    """Whether the case still is that of the operator who is rung."""
    return handoff.state is HandoffState.CLAIMED and handoff.claimed_by == ring.operator_id


def arrange(connection: Connection, ring: Ring, now: datetime) -> None:
    """Ask for the people of a ring's room to be brought to what is written."""
    wanted = Wanted(RingKind.ROOM, ring.handoff_id, ring.case_id, ring.operator_id, ring.line, None)
    rings.ask(connection, wanted, now, now)


def is_being_arranged(connection: Connection, handoff_id: int) -> bool:
    """Whether an arrangement was asked for that has not come about yet."""
    live = (RingState.DUE, RingState.PLACING)
    placed = rings.rings
    asked = (placed.c.handoff_id == handoff_id) & (placed.c.kind == RingKind.ROOM) & placed.c.state.in_(live)
    return connection.execute(select(placed.c.id).where(asked)).first() is not None


def arrangement(connection: Connection, handoff_id: int) -> Arrangement | None:
    """How the people of a room are to be now; None where the caller is not in it."""
    handoff = queue.read(connection, handoff_id)
    if handoff is None or not caller_is_in(connection, handoff):
        return None
    legs = there(connection, handoff_id)
    inside = [ring.sid for ring in legs if ring.outcome is RingOutcome.TALKED and ring.sid is not None]
    ends = len(legs) == 1
    return Arrangement(
        room_of(handoff_id), handoff.sid, handoff.on_hold_at is not None, tuple((sid, ends) for sid in inside)
    )


def waits_for_news(connection: Connection, handoff_id: int) -> tuple[str, int] | None:
    """The call and its next turn, of a caller who hears music while something is decided; None where nobody does."""
    handoff = queue.read(connection, handoff_id)
    if handoff is None or handoff.state is not HandoffState.DECIDED or handoff.left_at is not None:
        return None
    call = calls.lock(connection, handoff.sid)
    if call is None or call.ended_at is not None or not isinstance(call.state, Waiting):
        return None
    return call.sid, call.turn


def _is_in_or_coming(ring: Ring) -> bool:
    """In the room, or, for a colleague, sure to come in: whoever waits for the caller is in no room yet."""
    return ring.outcome is RingOutcome.TALKED or ring.kind is RingKind.JOIN
