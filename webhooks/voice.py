"""The provider's voice routes. No other file sees one of Twilio's field names.

Rule: a caller always hears a sentence. Whatever fails inside us is answered with valid TwiML that apologises and offers
a way on; only what is not Twilio's (no signature, not a form) gets a bare status, and that is never a 5xx.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import structlog
from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from ivr.actions import say
from ivr.call_backs import Wish, note
from ivr.callers import Caller, recognise
from ivr.languages import greeting
from ivr.lines import Line
from ivr.spoken_words import meaning, vocabulary
from ivr.turn import Knock, hang_up, take_turn
from keys.unavailable import DatabaseUnavailable
from webhooks import logs, metrics, probe, spool, twiml
from webhooks.door import exchange, guard
from webhooks.line_flask import Document
from webhooks.twiml import Wording

PATIENCE = 2.4
"""Seconds a voice route may spend on lock, connection and statements together; Twilio's own cliff is 15."""
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_LONGEST_SID = 64
_CONFIDENCE = re.compile(r"[01](\.[0-9]{1,20})?", re.ASCII)

_Form = Mapping[str, str]
"""The form of a request, which `request.form` finds anew each time it is named: so it is passed on."""

_log = structlog.get_logger(__name__)

voice = Blueprint("voice", __name__, url_prefix="/voice")
voice.before_request(guard)


@voice.errorhandler(Exception)
def apologise(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the call's id, and spoken as an apology with a way on."""
    if isinstance(error, HTTPException):
        return error
    form = request.form
    call_sid = form.get("CallSid", "")
    metrics.FALLBACKS.labels("voice").inc()
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("voice", error)
        _log.error("database_unavailable", call_sid=call_sid, cause=error.cause.value)
    else:
        _log.error("turn_failed", call_sid=call_sid, exc_info=error)
    line = _line(form)
    caller = _caller(form, line)
    # Where the call-back itself failed, offering it once more would go in a circle.
    can_call_back = request.endpoint != "voice.call_back" and caller is not None
    return Document(twiml.fault(exchange().wording, line, can_call_back=can_call_back, locale=_locale(line, caller)))


@voice.post("/incoming")
def incoming() -> Response:
    """The Voice URL and its fallback: a new call begins, a live one hears its current prompt again."""
    return probe.opening() or _turn(None)


@voice.post("/turn/<int:number>")
def turn(number: int) -> Response:
    """The action of every gather: turn `number` of the call."""
    return _turn(number)


@voice.post("/call-back")
def call_back() -> Response:
    """The choice after an apology: write the wish to the database, or to the spool where there is none."""
    here, form = exchange(), request.form
    line = _line(form)
    caller = _caller(form, line)
    if form.get("Digits") != "1" or caller is None:
        words = say("fault.try_later")
        return Document(twiml.farewell(here.wording, line, words, locale=_locale(line, caller)))
    wish = Wish(_call_sid(form), None, line.number, caller.sealed, here.now(), line.call_back_hours)
    try:
        with here.database.begin() as connection:
            note(connection, wish)
    except Exception as error:  # noqa: BLE001 - whatever keeps it out of the database, the disk can keep it
        _log.error("call_back_spooled", call_sid=wish.call_sid, exc_info=error)
        spool.put(here.spool_dir, wish)
        metrics.SPOOLED.labels(type(error).__name__).inc()
    return Document(twiml.farewell(here.wording, line, say("fault.noted"), locale=_locale(line, caller)))


@voice.post("/status")
def status() -> Response:
    """The call's status callback: at its end, what the call alone still holds is given back."""
    here, form = exchange(), request.form
    if form.get("CallStatus") in _OVER:
        with here.database.begin() as connection:
            hang_up(connection, _call_sid(form), now=here.now())
    return Response(status=204)


def _turn(number: int | None) -> Response:
    here, form = exchange(), request.form
    line = _line(form)
    keys, said = form.get("Digits", ""), _said(form, line, here.wording)
    knock = Knock(_call_sid(form), lambda: _caller(form, line), line, number, keys, _block(), here.limits, said)
    with metrics.Turn("phone") as timed:
        answer = here.database.carry_out(
            lambda connection: take_turn(connection, here.secrets, knock, now=here.now(), below=here.below)
        )
        timed.outcome = metrics.OUTCOMES[type(answer.spoken)]
        document = Document(twiml.render(here.wording, line, answer))
    if answer.said is not None:
        metrics.came_to("phone", answer.said)
    if logs.tells_all():
        _log.debug("turn_taken", call_sid=knock.call_sid, turn=answer.turn, outcome=timed.outcome)
    return document


def _said(form: _Form, line: Line, wording: Wording) -> Callable[[str], str] | None:
    """What was said, to be read in a language, where the line listens; the words go no farther than this."""
    if not line.speech or not form.get("SpeechResult"):
        return None
    words, sure = form["SpeechResult"], _sure(form.get("Confidence", ""))
    catalogues = wording.catalogues
    return lambda locale: meaning(words, vocabulary(catalogues.get(locale) or catalogues[line.locale]), sure)


def _sure(confidence: str) -> float | None:
    """How sure the provider is of the words, from 0 to 1; None where it does not say."""
    return float(confidence) if _CONFIDENCE.fullmatch(confidence) else None


def _call_sid(form: _Form) -> str:
    """The call's id; 400 where there is none, which Twilio never sends."""
    sid = form.get("CallSid", "")
    if not sid.isalnum() or len(sid) > _LONGEST_SID:
        abort(400)
    return sid


def _line(form: _Form) -> Line:
    return exchange().lines.dialled(form.get("From" if _is_ours(form) else "To", ""))


def _caller(form: _Form, line: Line) -> Caller | None:
    held, number = exchange().secrets, form.get("To" if _is_ours(form) else "From", "")
    return recognise(number, line.country, pepper=held.pepper, number_key=held.number_key, before=held.peppers_before)


def _locale(line: Line, caller: Caller | None) -> str:
    """The language of an apology: the country's, since what was chosen may be out of reach."""
    return greeting(line.locales, None, caller.country if caller else None)


def _is_ours(form: _Form) -> bool:
    """Whether we placed the call ourselves: then the line is who rang, and the caller who was rung."""
    return form.get("Direction", "").startswith("outbound")


def _block() -> int | None:
    at = request.args.get("at", "") if request.query_string else ""
    return int(at) if at.isascii() and at.isdigit() and len(at) < 3 else None
