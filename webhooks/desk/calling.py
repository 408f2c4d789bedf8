"""Calling from the desk: talking to a caller who waits, on hold or with a colleague, and calling one back.

Rule: nothing is dialled here. What is wished for is written with the operator's name, and the line places the call when
this transaction has been committed; the operator's own telephone rings first, and a key on it begins the rest.

How a page shows it: `{% include "_calling.html" %}` with `calling=facts(...)`, or an element that fetches
`/desk/handoffs/<id>/calling`; the part keeps itself live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import Connection

from ivr import browser_phones, called_back, queue, rings, text_turn
from ivr.called_back import MOST_TRIES
from ivr.lines import Line
from ivr.operators import Operator
from ivr.queue import Handoff, HandoffState
from ivr.rings import TELEPHONES, RingKind
from webhooks.desk import talking
from webhooks.desk.call_words import CannotCall, is_trouble, told, why, yours_rings
from webhooks.desk.guards import case_url, done, here, say, who
from webhooks.page_texts import gettext as _

room = Blueprint("calling", __name__, url_prefix="/desk")


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one call, in words."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Calling:
    """What the page shows: which of the two may be done now, or in words why neither, and the calls so far.

    `talking` to the caller, who hears music while `on_hold`; `colleagues` are those who may be brought in.
    `in_browser`: it rings in the operator's browser, and not on their telephone.
    """

    handoff_id: int
    case_id: int
    may_talk: bool
    may_call_back: bool
    why_not: str
    tries: int
    calls: tuple[Told, ...]
    talking: bool
    on_hold: bool
    colleagues: tuple[Operator, ...]
    in_browser: bool


def facts(connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime) -> Calling:
    """What may be done by telephone about a handoff, and what was."""
    no_talk = _why_no_talk(connection, handoff, operator, now)
    no_call_back = _why_no_call_back(connection, handoff, operator, line, now)
    neither = no_call_back if no_talk is CannotCall.CALLER_GONE else no_talk
    placed = rings.of_handoff(connection, handoff.id)
    in_talk = talking.why_not(connection, handoff, operator) is None
    return Calling(
        handoff.id,
        handoff.case_id,
        no_talk is None,
        no_call_back is None,
        why(neither) if neither is not None and no_talk and no_call_back and not in_talk else "",
        rings.tries(connection, handoff.id),
        tuple(Told(ring.asked_at, told(ring)) for ring in placed if ring.kind in TELEPHONES or is_trouble(ring)),
        in_talk,
        handoff.on_hold_at is not None,
        tuple(talking.colleagues(connection, operator, now)) if in_talk else (),
        browser_phones.is_there(connection, operator.id, now),
    )


def talk(connection: Connection, handoff: Handoff, operator: Operator, now: datetime) -> CannotCall | None:
    """Let the operator's telephone ring, to talk to the caller who waits. None where it will."""
    return _why_no_talk(connection, handoff, operator, now) or talking.ring(
        connection, RingKind.TALK, handoff, operator, now
    )


def call_back(
    connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime
) -> CannotCall | None:
    """Let the operator's telephone ring, and the caller's when they have pressed the key. None where it will."""
    hindered = _why_no_call_back(connection, handoff, operator, line, now)
    return hindered or talking.ring(connection, RingKind.CALL_BACK, handoff, operator, now)


def _why_no_ring(connection: Connection, handoff: Handoff, operator: Operator, now: datetime) -> CannotCall | None:
    if handoff.state is not HandoffState.CLAIMED or handoff.claimed_by != operator.id:
        return CannotCall.NOT_YOURS
    if not browser_phones.can_be_rung(connection, operator, now):
        return CannotCall.NO_PHONE
    return CannotCall.RINGING if rings.under_way(connection, operator.id) else None


def _on_the_telephone(handoff: Handoff) -> bool:
    return handoff.left_at is None and handoff.channel != text_turn.CHANNEL


def _why_no_talk(connection: Connection, handoff: Handoff, operator: Operator, now: datetime) -> CannotCall | None:
    hindered = _why_no_ring(connection, handoff, operator, now)
    return hindered or (None if _on_the_telephone(handoff) else CannotCall.CALLER_GONE)


def _why_no_call_back(
    connection: Connection, handoff: Handoff, operator: Operator, line: Line, now: datetime
) -> CannotCall | None:
    hindered = _why_no_ring(connection, handoff, operator, now)
    if hindered is not None:
        return hindered
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
        hindered = talk(connection, _handoff(connection, handoff_id), who(), here().now())
    return _done(handoff_id, hindered)


@room.post("/handoffs/<int:handoff_id>/call-back")
def wish_call_back(handoff_id: int) -> Response:
    """Ring the operator, then the caller."""
    with here().database.begin() as connection:
        handoff = _handoff(connection, handoff_id)
        hindered = call_back(connection, handoff, who(), here().lines.dialled(handoff.line), here().now())
    return _done(handoff_id, hindered)


@room.post("/handoffs/<int:handoff_id>/hold")
def wish_hold(handoff_id: int) -> Response:
    """Put the caller on hold, or take them back."""
    on = request.form.get("on") == "yes"
    with here().database.begin() as connection:
        hindered = talking.hold(connection, _handoff(connection, handoff_id), who(), here().now(), on=on)
    said = _("The caller hears music in a moment.") if on else _("The caller is with you in a moment.")
    return _done(handoff_id, hindered, said)


@room.post("/handoffs/<int:handoff_id>/bring-in")
def wish_bring_in(handoff_id: int) -> Response:
    """Ring a colleague, to join the talk."""
    with here().database.begin() as connection:
        handoff = _handoff(connection, handoff_id)
        there = talking.colleagues(connection, who(), here().now())
        chosen = next((each for each in there if str(each.id) == request.form.get("to")), None)
        hindered = talking.bring_in(connection, handoff, who(), chosen, here().now())
    return _done(
        handoff_id,
        hindered,
        _("Their telephone rings in a moment. Once they are in, whoever leaves first leaves it to the other."),
    )


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


def _done(handoff_id: int, hindered: CannotCall | None, words: str = "") -> Response:
    if hindered is None:
        say(words or yours_rings())
    else:
        say(why(hindered), problem=True)
    return done(case_url(handoff_id), lambda: _part(handoff_id))
