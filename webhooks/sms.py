"""The provider's messaging route: a text comes in, and is answered through the outbox.

Rule: the answer to the request itself is always empty. What we say goes out after the commit, by one way for all texts,
so that a text that is brought twice is answered once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, abort

from ivr.callers import e164, of_number
from ivr.lines import Line
from ivr.message import Word
from ivr.prompts import Catalogue
from ivr.text_turn import Incoming, Vocabulary, take_text
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics
from webhooks.door import exchange, guard
from webhooks.line_flask import Document

LONGEST_SID = 64
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'
_WORDS = {
    "word.instructions": Word.INSTRUCTIONS,
    "word.status": Word.STATUS,
    "word.new": Word.NEW,
    "word.agent": Word.AGENT,
    "word.more": Word.MORE,
    "word.languages": Word.LANGUAGES,
}

_COMMA = re.compile("[,\u060c\u3001\uff0c]")
"""As it is written in Latin, Arabic and Chinese."""

_log = structlog.get_logger(__name__)

sms = Blueprint("sms", __name__, url_prefix="/sms")
sms.before_request(guard)


@sms.errorhandler(Exception)
def fail(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the text's id, and answered 503, so that Twilio asks the fallback URL: us, again."""
    if isinstance(error, HTTPException):
        return error
    message_sid = request.form.get("MessageSid", "")
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("text", error)
        _log.error("database_unavailable", message_sid=message_sid, cause=error.cause.value)
    else:
        _log.error("text_failed", message_sid=message_sid, exc_info=error)
    return Response("try again\n", status=503, content_type="text/plain")


@sms.post("/incoming")
def incoming() -> Response:
    """The Messaging URL and its fallback: one text, taken once."""
    here = exchange()
    line = here.lines.texted(request.form.get("To", ""), request.form.get("MessagingServiceSid", ""))
    number = None if line is None else e164(request.form.get("From", ""), line.country)
    if line is None or number is None:
        # A line without texts, or a sender that is no telephone number: a short number, or a name.
        _log.warning("text_not_for_us", message_sid=_sid())
        return Document(EMPTY)
    held = here.secrets
    caller = of_number(number, pepper=held.pepper, number_key=held.number_key, before=held.peppers_before)
    text = Incoming(_sid(), caller, number, line, request.form.get("Body", ""), request.form.get("OptOutType", ""))
    words = vocabulary(line, here.wording.catalogues)
    with metrics.Turn("text"), here.database.begin() as connection:
        said = take_text(
            connection, here.secrets, text, words=words, limits=here.limits, now=here.now(), below=here.below
        )
    here.texts_due.set()
    if said is not None:
        metrics.came_to("text", said)
    _log.debug("text_taken", message_sid=text.sid)
    return Document(EMPTY)


def _sid() -> str:
    """The text's id; 400 where there is none, which Twilio never sends."""
    sid: str = request.form.get("MessageSid", "")
    if not sid.isalnum() or len(sid) > LONGEST_SID:
        abort(400)
    return sid


def vocabulary(line: Line, catalogues: Mapping[str, Catalogue]) -> Vocabulary:
    """The words of every language that the line speaks. A name that two have alike means the line's first."""
    words = {
        locale: {text: word for prompt, word in _WORDS.items() for text in _listed(catalogues[locale], prompt)}
        for locale in line.locales
    }
    named = reversed(line.locales) if len(line.locales) > 1 else ()
    languages = {text: locale for locale in named for text in _listed(catalogues[locale], "word.language")}
    return Vocabulary(words, languages)


def _listed(catalogue: Catalogue, prompt: str) -> list[str]:
    """The words of a prompt, casefolded: it lists one or more, with commas between."""
    return [word.strip().casefold() for word in _COMMA.split(catalogue.text(prompt, None)) if word.strip()]
