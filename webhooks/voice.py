"""The provider's voice routes. No other file sees one of Twilio's field names.

Rule: a caller always hears a sentence. Whatever fails inside us is answered with valid TwiML that apologises and offers
a way on; only what is not Twilio's (no signature, not a form) gets a bare status, and that is never a 5xx.
"""

from __future__ import annotations

import secrets as randomness
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException

from ivr.actions import say
from ivr.call_backs import Wish, note
from ivr.callers import Caller, recognise
from ivr.lines import Line, Lines, TextLimits
from ivr.turn import Knock, hang_up, take_turn
from keys.database import Database
from keys.secrets_file import Secrets
from keys.unavailable import DatabaseUnavailable
from webhooks import spool, twiml
from webhooks.signature import is_signed
from webhooks.twiml import Wording

PATIENCE = 2.4
"""Seconds a voice route may spend on lock, connection and statements together; Twilio's own cliff is 15."""
FORM_TYPE = "application/x-www-form-urlencoded"
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_LONGEST_SID = 64
MOST_NAMES = 60
LONGEST_NAME = 40
"""Of a refused form's names this many, cut to this length, are logged: a real form has about thirty short ones."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything the routes work with; one for each app. `texts_due` is set where a commit may have written a text."""

    database: Database
    secrets: Secrets
    lines: Lines
    wording: Wording
    account_sid: str
    auth_tokens: tuple[str, ...]
    spool_dir: Path
    limits: TextLimits = field(default_factory=TextLimits)
    texts_due: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    below: Callable[[int], int] = randomness.randbelow


voice = Blueprint("voice", __name__, url_prefix="/voice")


def exchange() -> Exchange:
    """The exchange of the running app."""
    found: Exchange = current_app.extensions["exchange"]
    return found


@voice.before_request
def guard() -> None:
    """Let in only a form that Twilio signed over our public address, for our account: else 415, 413 or 403."""
    if request.mimetype != FORM_TYPE:
        abort(415)
    here = exchange()
    query = request.environ.get("QUERY_STRING", "")
    url = here.wording.public_url + request.environ.get("PATH_INFO", "") + (f"?{query}" if query else "")
    given = request.headers.get("X-Twilio-Signature", "")
    if not is_signed(given, here.auth_tokens, url, request.form.items(multi=True)):
        # Names only: a parameter that was added on the way is the usual reason, and its value is nobody's business.
        names = [name[:LONGEST_NAME] for name in sorted(request.form)[:MOST_NAMES]]
        _log.warning("signature_refused", path=request.path, parameters=names)
        abort(403)
    if request.form.get("AccountSid") != here.account_sid:
        _log.warning("account_refused", path=request.path)
        abort(403)


@voice.errorhandler(Exception)
def apologise(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the call's id, and spoken as an apology with a way on."""
    if isinstance(error, HTTPException):
        return error
    call_sid = request.form.get("CallSid", "")
    if isinstance(error, DatabaseUnavailable):
        _log.error("database_unavailable", call_sid=call_sid, cause=error.cause.value)
    else:
        _log.error("turn_failed", call_sid=call_sid, exc_info=error)
    line = _line()
    # Where the call-back itself failed, offering it once more would go in a circle.
    can_call_back = request.endpoint != "voice.call_back" and _caller(line) is not None
    return _document(twiml.fault(exchange().wording, line, can_call_back=can_call_back))


@voice.post("/incoming")
def incoming() -> Response:
    """The Voice URL and its fallback: a new call begins, a live one hears its current prompt again."""
    return _turn(None)


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
        return _document(twiml.farewell(here.wording, line, say("fault.try_later")))
    wish = Wish(_call_sid(), None, line.number, caller.sealed, here.now(), line.call_back_hours)
    try:
        with here.database.begin() as connection:
            note(connection, wish)
    except Exception as error:  # noqa: BLE001 - whatever keeps it out of the database, the disk can keep it
        _log.error("call_back_spooled", call_sid=wish.call_sid, exc_info=error)
        spool.put(here.spool_dir, wish)
    return _document(twiml.farewell(here.wording, line, say("fault.noted")))


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
    knock = Knock(_call_sid(), lambda: _caller(line), line, number, request.form.get("Digits", ""), _block())
    with here.database.begin() as connection:
        answer = take_turn(connection, here.secrets, knock, now=here.now(), below=here.below)
    return _document(twiml.render(here.wording, line, answer))


def _call_sid() -> str:
    """The call's id; 400 where there is none, which Twilio never sends."""
    sid: str = request.form.get("CallSid", "")
    if not sid.isalnum() or len(sid) > _LONGEST_SID:
        abort(400)
    return sid


def _line() -> Line:
    return exchange().lines.dialled(request.form.get("To", ""))


def _caller(line: Line) -> Caller | None:
    held = exchange().secrets
    return recognise(request.form.get("From", ""), line.country, pepper=held.pepper, number_key=held.number_key)


def _block() -> int | None:
    at = request.args.get("at", "")
    return int(at) if at.isascii() and at.isdigit() and len(at) < 3 else None


def _document(text: str) -> Response:
    return Response(text, content_type="text/xml; charset=utf-8")
