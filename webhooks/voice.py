"""The provider's voice routes. No other file sees one of Twilio's field names.

Rule: a caller always hears a sentence. Whatever fails inside us is answered with valid TwiML that apologises and offers
a way on; only what is not Twilio's (no signature, not a form) gets a bare status, and that is never a 5xx.
"""

from __future__ import annotations

import re
from collections.abc import Callable

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
from webhooks import metrics, probe, spool, twiml
from webhooks.door import exchange, guard
from webhooks.line_flask import Document

PATIENCE = 2.4
"""Seconds a voice route may spend on lock, connection and statements together; Twilio's own cliff is 15."""
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_LONGEST_SID = 64
_CONFIDENCE = re.compile(r"[01](\.[0-9]{1,20})?", re.ASCII)

_log = structlog.get_logger(__name__)

voice = Blueprint("voice", __name__, url_prefix="/voice")
voice.before_request(guard)


@voice.errorhandler(Exception)
def apologise(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the call's id, and spoken as an apology with a way on."""
    if isinstance(error, HTTPException):
        return error
    call_sid = request.form.get("CallSid", "")
    metrics.FALLBACKS.labels("voice").inc()
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("voice", error)
        _log.error("database_unavailable", call_sid=call_sid, cause=error.cause.value)
    else:
        _log.error("turn_failed", call_sid=call_sid, exc_info=error)
    line = _line()
    # Where the call-back itself failed, offering it once more would go in a circle.
    can_call_back = request.endpoint != "voice.call_back" and _caller(line) is not None
    return Document(twiml.fault(exchange().wording, line, can_call_back=can_call_back, locale=_locale(line)))


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
    here, line = exchange(), _line()
    caller = _caller(line)
    if request.form.get("Digits") != "1" or caller is None:
        return Document(twiml.farewell(here.wording, line, say("fault.try_later"), locale=_locale(line)))
    wish = Wish(_call_sid(), None, line.number, caller.sealed, here.now(), line.call_back_hours)
    try:
        with here.database.begin() as connection:
            note(connection, wish)
    except Exception as error:  # noqa: BLE001 - whatever keeps it out of the database, the disk can keep it
        _log.error("call_back_spooled", call_sid=wish.call_sid, exc_info=error)
        spool.put(here.spool_dir, wish)
        metrics.SPOOLED.labels(type(error).__name__).inc()
    return Document(twiml.farewell(here.wording, line, say("fault.noted"), locale=_locale(line)))


@voice.post("/status")
def status() -> Response:
    """The call's status callback: at its end, what the call alone still holds is given back."""
    here = exchange()
    if request.form.get("CallStatus") in _OVER:
        with here.database.begin() as connection:
            hang_up(connection, _call_sid(), now=here.now())
    return Response(status=204)


def _turn(number: int | None) -> Response:
    here, line = exchange(), _line()
    keys = request.form.get("Digits", "")
    knock = Knock(_call_sid(), lambda: _caller(line), line, number, keys, _block(), here.limits, _said(line))
    with metrics.Turn("phone") as timed:
        with here.database.begin() as connection:
            answer = take_turn(connection, here.secrets, knock, now=here.now(), below=here.below)
        timed.outcome = metrics.OUTCOMES[type(answer.spoken)]
        document = Document(twiml.render(here.wording, line, answer))
    if answer.said is not None:
        metrics.came_to("phone", answer.said)
    _log.debug("turn_taken", call_sid=knock.call_sid, turn=answer.turn, outcome=timed.outcome)
    return document


def _said(line: Line) -> Callable[[str], str] | None:
    """What was said, to be read in a language, where the line listens; the words go no farther than this."""
    words, sure = request.form.get("SpeechResult", ""), _sure(request.form.get("Confidence", ""))
    if not line.speech or not words:
        return None
    catalogues = exchange().wording.catalogues
    return lambda locale: meaning(words, vocabulary(catalogues.get(locale) or catalogues[line.locale]), sure)


def _sure(confidence: str) -> float | None:
    """How sure the provider is of the words, from 0 to 1; None where it does not say."""
    return float(confidence) if _CONFIDENCE.fullmatch(confidence) else None


def _call_sid() -> str:
    """The call's id; 400 where there is none, which Twilio never sends."""
    sid: str = request.form.get("CallSid", "")
    if not sid.isalnum() or len(sid) > _LONGEST_SID:
        abort(400)
    return sid


def _line() -> Line:
    return exchange().lines.dialled(request.form.get("From" if _is_ours() else "To", ""))


def _caller(line: Line) -> Caller | None:
    held, number = exchange().secrets, request.form.get("To" if _is_ours() else "From", "")
    return recognise(number, line.country, pepper=held.pepper, number_key=held.number_key, before=held.peppers_before)


def _locale(line: Line) -> str:
    """The language of an apology: the country's, since what was chosen may be out of reach."""
    caller = _caller(line)
    return greeting(line.locales, None, caller.country if caller else None)


def _is_ours() -> bool:
    """Whether we placed the call ourselves: then the line is who rang, and the caller who was rung."""
    return request.form.get("Direction", "").startswith("outbound")


def _block() -> int | None:
    at = request.args.get("at", "") if request.query_string else ""
    return int(at) if at.isascii() and at.isdigit() and len(at) < 3 else None
