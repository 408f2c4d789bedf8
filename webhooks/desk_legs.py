"""The provider's routes of the calls we place ourselves: an operator's leg, and that of a caller who is called back.

Rule: whoever picks up hears who rings and presses a key before anything else happens; a call that is not the ring our
address names, or whose ring is over, is ended with a sentence.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, abort, request
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from ivr import legs
from ivr.actions import say
from ivr.answer import Answer
from ivr.legs import Ask, Hold, Leg, Part, Reply, Talk
from ivr.lines import Line
from ivr.rings import RingOutcome
from ivr.turn import hang_up
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics, twiml
from webhooks.door import exchange, guard
from webhooks.line_flask import Document
from webhooks.row_numbers import LARGEST

OUTCOMES = {
    "completed": RingOutcome.TALKED,
    "busy": RingOutcome.BUSY,
    "no-answer": RingOutcome.NO_ANSWER,
    "failed": RingOutcome.FAILED,
    "canceled": RingOutcome.FAILED,
}
"""Twilio's words for a call that is over (docs/voice/twiml, CallStatus); every other is of one under way."""
_LONGEST_SID = 64

_log = structlog.get_logger(__name__)

desk_legs = Blueprint("desk_legs", __name__, url_prefix="/voice/desk")
desk_legs.before_request(guard)


@desk_legs.errorhandler(Exception)
def apologise(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the call's id, and spoken; a status callback is asked for once more."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("leg", error)
        _log.error("database_unavailable", call_sid=request.form.get("CallSid", ""), cause=error.cause.value)
    else:
        _log.error("leg_failed", call_sid=request.form.get("CallSid", ""), exc_info=error)
    if request.endpoint == "desk_legs.status":
        return Response("try again\n", status=503, content_type="text/plain")
    metrics.FALLBACKS.labels("leg").inc()
    return Document(twiml.farewell(exchange().wording, _line(), say("fault.apology"), say("fault.try_later")))


@desk_legs.post("/leg/<int:ring>")
def picked_up(ring: int) -> Response:
    """The first document of the leg."""
    with exchange().database.begin() as connection:
        reply = legs.pick_up(_leg(connection, ring))
    return _spoken(ring, reply)


@desk_legs.post("/leg/<int:ring>/key/<int:time>")
def key(ring: int, time: int) -> Response:
    """The key, or its absence, after the question was asked for the first or the second time."""
    with exchange().database.begin() as connection:
        reply = legs.press(_leg(connection, ring), request.form.get("Digits", ""), asked_again=time > 1)
    return _spoken(ring, reply, time=time + 1)


@desk_legs.post("/leg/<int:ring>/hold/<int:rounds>")
def hold(ring: int, rounds: int) -> Response:
    """Another round of waiting for the other leg."""
    with exchange().database.begin() as connection:
        reply = legs.hold(_leg(connection, ring), rounds)
    return _spoken(ring, reply, rounds=rounds + 1)


@desk_legs.post("/leg/<int:ring>/parted")
def parted(ring: int) -> Response:
    """The conference is over for this leg."""
    with exchange().database.begin() as connection:
        reply = legs.parted(_leg(connection, ring), hung_up=request.form.get("CallStatus") == "completed")
    return _spoken(ring, reply)


@desk_legs.post("/status/<int:ring>")
def status(ring: int) -> Response:
    """How far the call has come. A caller's leg may be a call of the line's, which ends with it."""
    outcome = OUTCOMES.get(request.form.get("CallStatus", ""))
    with exchange().database.begin() as connection:
        leg = _leg(connection, ring)
        legs.news(leg, outcome)
        if outcome is not None:
            hang_up(connection, leg.sid, now=leg.now)
    exchange().texts_due.set()
    return Response(status=204)


def _leg(connection: Connection, ring: int) -> Leg:
    sid = request.form.get("CallSid", "")
    if not sid.isalnum() or len(sid) > _LONGEST_SID:
        abort(400)
    if ring > LARGEST:
        abort(404)
    here = exchange()
    return Leg(connection, here.secrets, ring, sid, _line(), here.now())


def _line() -> Line:
    """We place our calls from the line's own number."""
    return exchange().lines.dialled(request.form.get("From", ""))


def _spoken(ring: int, reply: Reply, *, time: int = 1, rounds: int = 1) -> Response:
    here, line = exchange(), _line()
    leg = f"/voice/desk/leg/{ring}"
    match reply:
        case Ask(prompts):
            return Document(twiml.ask(here.wording, line, prompts, f"{leg}/key/{time}"))
        case Hold(prompts):
            return Document(twiml.hold(here.wording, line, prompts, f"{leg}/hold/{rounds}"))
        case Talk(room, ends):
            return Document(twiml.talk(here.wording, room, f"{leg}/parted", ends=ends))
        case Part(prompts):
            return Document(twiml.farewell(here.wording, line, *prompts))
        case Answer():
            return Document(twiml.render(here.wording, line, reply))
