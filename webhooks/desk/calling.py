"""Calling from the desk: talking to a caller who waits, and calling one back.

Rule: nothing is dialled here. What is wished for is written with the operator's name, and the line places the call when
this transaction has been committed; the operator's own telephone rings first, and a key on it begins the rest.

How a page shows it: `{% include "_calling.html" %}` with `calling=facts(...)`, or an element that fetches
`/desk/handoffs/<id>/calling`; the part keeps itself live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask import Blueprint, Response, abort, render_template
from sqlalchemy import Connection

from ivr import called_back, queue, rings, text_turn
from ivr.called_back import EARLIEST, LATEST, MOST_TRIES
from ivr.lines import Line
from ivr.operators import Operator
from ivr.queue import Handoff, HandoffState
from ivr.rings import LIVE, Ring, RingKind, RingOutcome, RingState, Wanted
from webhooks.desk.guards import case_url, done, here, say, who

room = Blueprint("calling", __name__, url_prefix="/desk")


class CannotCall(StrEnum):
    """Why the operator's telephone is not rung."""

    NOT_YOURS = "not_yours"
    NO_PHONE = "no_phone"
    RINGING = "ringing"
    CALLER_GONE = "caller_gone"
    CALLER_WAITS = "caller_waits"
    NO_NUMBER = "no_number"
    OUT_OF_HOURS = "out_of_hours"
    TRIES_USED = "tries_used"


WHY = {
    CannotCall.NOT_YOURS: "This case is not in your hands just now: claim it first.",
    CannotCall.NO_PHONE: "Your own telephone number is not on file, so that nothing of yours can ring. "
    "An administrator can add it.",
    CannotCall.RINGING: "A call of yours is under way already.",
    CannotCall.CALLER_GONE: "The caller does not wait on the telephone.",
    CannotCall.CALLER_WAITS: "The caller still waits on the telephone: talk to them there.",
    CannotCall.NO_NUMBER: "No number of this caller is known.",
    CannotCall.OUT_OF_HOURS: f"Callers are rung from {EARLIEST:%H:%M} to {LATEST:%H:%M} by their line's clock.",
    CannotCall.TRIES_USED: f"This caller was rung {MOST_TRIES} times already. Text them instead.",
}
HOW = {
    RingState.DUE: "is about to ring",
    RingState.PLACING: "is about to ring",
    RingState.RINGING: "rings",
    RingState.ANSWERED: "was picked up; 1 has not been pressed yet",
    RingState.ACCEPTED: "is on the call",
}
OUTCOMES = {
    RingOutcome.TALKED: "talked",
    RingOutcome.GONE: "took the call, but the other side had gone",
    RingOutcome.NO_KEY: "was picked up, and no key was pressed (a voicemail, perhaps)",
    RingOutcome.NO_ANSWER: "was not picked up",
    RingOutcome.BUSY: "was busy",
    RingOutcome.FAILED: "could not be rung",
    RingOutcome.UNKNOWN: "may have rung; the provider never told",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one call, in words."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Calling:
    """What the page shows: which of the two may be done now, or in words why neither, and the calls so far."""

    handoff_id: int
    case_id: int
    may_talk: bool
    may_call_back: bool
    why_not: str
    tries: int
    calls: tuple[Told, ...]


def facts(connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime) -> Calling:
    """What may be done by telephone about a handoff, and what was."""
    no_talk = _why_no_talk(connection, handoff, operator)
    no_call_back = _why_no_call_back(connection, handoff, operator, line, now)
    neither = no_call_back if no_talk is CannotCall.CALLER_GONE else no_talk
    placed = rings.of_handoff(connection, handoff.id)
    return Calling(
        handoff.id,
        handoff.case_id,
        no_talk is None,
        no_call_back is None,
        WHY[neither] if neither is not None and no_talk and no_call_back else "",
        rings.tries(connection, handoff.id),
        tuple(Told(ring.asked_at, _told(ring)) for ring in placed if ring.kind is not RingKind.RETURN),
    )


def _told(ring: Ring) -> str:
    whose = "The caller's telephone" if ring.kind is RingKind.CALLER else "The operator's telephone"
    how = HOW[ring.state] if ring.outcome is None or ring.state in LIVE else OUTCOMES[ring.outcome]
    return f"{whose} {how}" + (f" (error {ring.error})." if ring.error else ".")


def talk(connection: Connection, handoff: Handoff, operator: Operator, now: datetime) -> CannotCall | None:
    """Let the operator's telephone ring, to talk to the caller who waits. None where it will."""
    return _why_no_talk(connection, handoff, operator) or _ring(connection, RingKind.TALK, handoff, operator, now)


def call_back(
    connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime
) -> CannotCall | None:
    """Let the operator's telephone ring, and the caller's when they have pressed the key. None where it will."""
    why = _why_no_call_back(connection, handoff, operator, line, now)
    return why or _ring(connection, RingKind.CALL_BACK, handoff, operator, now)


def _ring(
    connection: Connection, kind: RingKind, handoff: Handoff, operator: Operator, now: datetime
) -> CannotCall | None:
    wanted = Wanted(kind, handoff.id, handoff.case_id, operator.id, handoff.line, operator.phone_sealed)
    if rings.ask(connection, wanted, now, now) is None:
        return CannotCall.RINGING
    queue.note(connection, "ring_wished", now, handoff.id, handoff.case_id)
    return None


def _why_no_ring(connection: Connection, handoff: Handoff, operator: Operator) -> CannotCall | None:
    if handoff.state is not HandoffState.CLAIMED or handoff.claimed_by != operator.id:
        return CannotCall.NOT_YOURS
    if operator.phone_sealed is None:
        return CannotCall.NO_PHONE
    return CannotCall.RINGING if rings.under_way(connection, operator.id) else None


def _on_the_telephone(handoff: Handoff) -> bool:
    return handoff.left_at is None and handoff.channel != text_turn.CHANNEL


def _why_no_talk(connection: Connection, handoff: Handoff, operator: Operator) -> CannotCall | None:
    why = _why_no_ring(connection, handoff, operator)
    return why or (None if _on_the_telephone(handoff) else CannotCall.CALLER_GONE)


def _why_no_call_back(
    connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime
) -> CannotCall | None:
    why = _why_no_ring(connection, handoff, operator)
    if why is not None:
        return why
    if _on_the_telephone(handoff):
        return CannotCall.CALLER_WAITS
    if called_back.number_of(connection, handoff) is None:
        return CannotCall.NO_NUMBER
    if rings.tries(connection, handoff.id) >= MOST_TRIES:
        return CannotCall.TRIES_USED
    return None if called_back.in_hours(line, now) else CannotCall.OUT_OF_HOURS


@room.get("/handoffs/<int:handoff_id>/calling")
def part(handoff_id: int) -> str:
    """The part of the page that tells of calls."""
    return _part(handoff_id)


@room.post("/handoffs/<int:handoff_id>/talk")
def wish_talk(handoff_id: int) -> Response:
    """Ring the operator, to talk to the caller."""
    with here().database.begin() as connection:
        why = talk(connection, _handoff(connection, handoff_id), who(), here().now())
    return _done(handoff_id, why)


@room.post("/handoffs/<int:handoff_id>/call-back")
def wish_call_back(handoff_id: int) -> Response:
    """Ring the operator, then the caller."""
    with here().database.begin() as connection:
        handoff = _handoff(connection, handoff_id)
        why = call_back(connection, handoff, who(), here().lines.dialled(handoff.line), here().now())
    return _done(handoff_id, why)


def _handoff(connection: Connection, handoff_id: int) -> Handoff:
    handoff = queue.read(connection, handoff_id)
    if handoff is None:
        abort(404)
    return handoff


def _part(handoff_id: int) -> str:
    with here().database.read() as connection:
        handoff = _handoff(connection, handoff_id)
        calling = facts(connection, handoff, who(), here().lines.dialled(handoff.line), here().now())
    return render_template("_calling.html", calling=calling)


def _done(handoff_id: int, why: CannotCall | None) -> Response:
    if why is None:
        say("Your telephone rings in a moment. Press 1 when it has told you of the case.")
    else:
        say(WHY[why], problem=True)
    return done(case_url(handoff_id), lambda: _part(handoff_id))
