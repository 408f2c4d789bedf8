"""How a ring ends: what came of it is written down, and nobody is left alone in a room.

Rule: an operator's leg that is over takes back what it had asked for: a caller who has not been joined yet is not, and
one who has been is brought back to the line. A browser that was not picked up is followed by the operator's own
telephone, as long as there is a reason to ring it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ivr import call_backs, calls, claims, desk_entries, operators, queue, rings, rooms
from ivr.desk_entries import DeskEntry, Kind
from ivr.queue import Decision, HandoffState
from ivr.rings import OPERATORS, Ring, RingKind, RingOutcome, RingState, Wanted
from ivr.states import Talking

BRING_BACK_AFTER = timedelta(seconds=5)
"""After an operator's leg: by then a caller who parted from it has come back to the line by themselves."""
_NOT_PICKED_UP = frozenset({RingOutcome.NO_ANSWER, RingOutcome.FAILED})
"""What comes of a page that nobody is at, or that is closed; whoever is there and says "not now" is busy."""
_KINDS = {
    RingKind.TALK: Kind.TALKED,
    RingKind.JOIN: Kind.TALKED,
    RingKind.CALL_BACK: Kind.CALLED_BACK,
    RingKind.CALLER: Kind.CALLED_BACK,
}


def end(
    connection: Connection,
    ring: Ring,
    outcome: RingOutcome,
    now: datetime,
    *,
    sid: str | None = None,
    error: int | None = None,
) -> bool:
    """End a ring, with its entry. False, and nothing done, where it was over before."""
    if not rings.ended(connection, ring, outcome, now, sid=sid, error=error):
        return False
    kind = _KINDS.get(ring.kind)
    if kind is None:
        return True
    whose = "operator's browser" if ring.browser else "operator"
    details: dict[str, str | int] = {"whose": whose, "outcome": outcome}
    if ring.kind is RingKind.CALLER:
        details |= {"whose": "caller", "try": rings.tries(connection, ring.handoff_id)}
    name = operators.names(connection).get(ring.operator_id, "")
    entry = DeskEntry(now, name, kind, ring.operator_id, ring.case_id, ring.handoff_id, details=details)
    desk_entries.append(connection, entry)
    if ring.kind is RingKind.CALLER and outcome is RingOutcome.TALKED:
        call_backs.keep(connection, ring.case_id, by=name, now=now)
    queue.note(connection, "ring_ended", now, ring.handoff_id, ring.case_id)
    if ring.state is RingState.ACCEPTED and ring.kind is not RingKind.CALLER:
        _leave(connection, ring, now)
    if ring.browser and outcome in _NOT_PICKED_UP:
        _go_on(connection, ring, now)
    return True


def come_to(ring: Ring) -> RingOutcome:
    """What came of a call that was completed, by how far it had come."""
    if ring.state is RingState.ACCEPTED:
        return RingOutcome.TALKED if ring.outcome is RingOutcome.TALKED else RingOutcome.GONE
    return RingOutcome.NO_KEY if ring.state is RingState.ANSWERED else RingOutcome.FAILED


def left_alone(connection: Connection, ring: Ring) -> tuple[str, int] | None:
    """The call and its next turn, of a caller who still is in the room that the operator has left."""
    handoff = queue.read(connection, ring.handoff_id)
    if handoff is None or handoff.left_at is not None or _somebody_there(connection, ring.handoff_id):
        return None
    call = calls.lock(connection, handoff.sid)
    if call is None or call.ended_at is not None or not isinstance(call.state, Talking):
        return None
    return call.sid, call.turn


def _go_on(connection: Connection, ring: Ring, now: datetime) -> None:
    """Ring the operator's own telephone, which asks for a key."""
    handoff = queue.read(connection, ring.handoff_id)
    if ring.number_sealed is None or handoff is None or not rooms.leads_somewhere(connection, ring, handoff):
        return
    wanted = Wanted(ring.kind, ring.handoff_id, ring.case_id, ring.operator_id, ring.line, ring.number_sealed)
    rings.ask(connection, wanted, now, now)
    queue.note(connection, "ring_wished", now, ring.handoff_id, ring.case_id)


def _leave(connection: Connection, ring: Ring, now: datetime) -> None:
    """The operator has hung up."""
    handoff = queue.read(connection, ring.handoff_id)
    if handoff is None or handoff.finished_at is not None:
        return
    if stay := rooms.there(connection, ring.handoff_id):
        rooms.arrange(connection, stay[0], now)
        _leave_it_to(connection, ring, stay[0], now)
        return
    asked = handoff.state is HandoffState.DECIDED and handoff.decision is Decision.TALK
    if asked and handoff.claimed_by == ring.operator_id:
        claims.take_up_talk(connection, handoff.id, now)
    if handoff.left_at is None:
        back = Wanted(RingKind.RETURN, ring.handoff_id, ring.case_id, ring.operator_id, ring.line, None)
        rings.ask(connection, back, now + BRING_BACK_AFTER, now)


def _leave_it_to(connection: Connection, ring: Ring, stays: Ring, now: datetime) -> None:
    """A talk goes on with whoever stays; the case is theirs from now on, if it was the other's."""
    if not claims.transfer(connection, ring.handoff_id, ring.operator_id, stays.operator_id, now):
        return
    names = operators.names(connection)
    facts = {"to": names.get(stays.operator_id, ""), "by": "telephone"}
    entry = DeskEntry(
        now, names.get(ring.operator_id, ""), Kind.TRANSFERRED, ring.operator_id, ring.case_id, ring.handoff_id,
        details=facts,
    )  # fmt: skip
    desk_entries.append(connection, entry)


def _somebody_there(connection: Connection, handoff_id: int) -> bool:
    return any(
        ring.state is RingState.ACCEPTED and ring.kind in OPERATORS for ring in rings.of_handoff(connection, handoff_id)
    )
