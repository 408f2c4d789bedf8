"""What a turn asks the queue: to let a case in, where it stands, and what an operator has decided.

Rule: a decision is taken up once, in the turn that tells the caller of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from ivr import cases, claims, queue, sightings
from ivr.calls import calls
from ivr.cases import CaseState
from ivr.deeds import Turn
from ivr.events import DeskClosed, HandedBack, Issued, Joined, Queued, StillWaiting, TurnedDown
from ivr.hours import is_open as desk_is_open
from ivr.lines import Line
from ivr.queue import Decision, HandoffState, handoffs
from ivr.rooms import room_of
from ivr.sightings import Attempt
from keys import ledger

MISSED = timedelta(minutes=2)
"""A round takes a quarter of a minute; a call that brings none for so long is over."""
WENT_ON = "went_on"
"""The disposition of a handoff whose caller went on without a person."""


def is_open(line: Line, now: datetime) -> bool:
    """Whether operators are there by the hours of the line."""
    return line.desk is not None and desk_is_open(line.desk, now)


def enter(turn: Turn, case_id: int | None, reason: str) -> Queued | DeskClosed:
    """Put the case of a call or a thread into the queue, if the desk is open."""
    if not is_open(turn.line, turn.now):
        return DeskClosed()
    assert case_id is not None  # KeepGroups goes before
    attempt = Attempt(turn.caller, turn.country, turn.channel, None)
    cases.scored(turn.connection, case_id, sightings.look(turn.connection, attempt, turn.now))
    handoff = queue.enter(
        turn.connection,
        case_id,
        channel=turn.channel,
        sid=turn.sid,
        line=turn.line.number,
        caller=turn.caller,
        reason=reason,
        now=turn.now,
    )
    place = queue.place(turn.connection, handoff)
    return Queued(place.number, place.minutes)


def look(
    turn: Turn, case_id: int | None, keys: str, *, text_failed: bool = False
) -> StillWaiting | HandedBack | Issued | Joined | TurnedDown:
    """What became of a waiting case since the last round."""
    assert case_id is not None  # it was let in with one
    handoff = queue.of_case(turn.connection, case_id)
    if handoff is not None and handoff.on_hold_at is not None:  # they are in no room any more
        queue.put_on_hold(turn.connection, handoff.id, turn.now, on=False)
    if handoff is not None and handoff.state in {HandoffState.WAITING, HandoffState.CLAIMED}:
        place = queue.place(turn.connection, handoff)
        claimed = handoff.state is HandoffState.CLAIMED
        return StillWaiting(keys, place.number, place.minutes, claimed, text_failed)
    if handoff is not None and handoff.decision is Decision.TALK:
        claims.take_up_talk(turn.connection, handoff.id, turn.now)
        return Joined(room_of(handoff.id))
    case = cases.read(turn.connection, case_id)
    if handoff is not None and handoff.decision is not None:
        claims.finish(turn.connection, handoff.id, handoff.decision, turn.now)
        if handoff.decision is Decision.REFUSED and handoff.decided_reason is not None:
            return TurnedDown(handoff.decided_reason)
    if case.state is CaseState.ACTIVATED and case.reservation_id is not None:
        reservation = ledger.find(turn.connection, case.reservation_id)
        assert reservation is not None  # the case refers to it
        return Issued(reservation.blocks, case.format, case.groups)
    return HandedBack(case.format, case.groups)


def lost(connection: Connection, now: datetime) -> list[str]:
    """The ids of calls that wait in the queue and have missed their rounds: over, though nobody told us so."""
    rows = connection.execute(
        select(calls.c.sid)
        .join(handoffs, handoffs.c.sid == calls.c.sid)
        .where(
            handoffs.c.finished_at.is_(None),
            handoffs.c.left_at.is_(None),
            calls.c.ended_at.is_(None),
            calls.c.replied_at < now - MISSED,
            calls.c.state.like('["Waiting",%'),
        )
    )
    return list(rows.scalars())


def stop(turn: Turn, case_id: int | None) -> None:
    """The caller goes on without a person."""
    handoff = None if case_id is None else queue.of_case(turn.connection, case_id)
    if handoff is not None:
        claims.finish(turn.connection, handoff.id, WENT_ON, turn.now)
