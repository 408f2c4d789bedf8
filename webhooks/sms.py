"""The provider's messaging route: a text comes in, and is answered through the outbox.

Rule: the answer to the request itself is always empty. What we say goes out after the commit, by one way for all texts,
so that a text that is brought twice is answered once.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, abort

from keys.unavailable import DatabaseUnavailable
from webhooks import incoming_texts, metrics
from webhooks.door import exchange, guard
from webhooks.incoming_texts import Arrived
from webhooks.line_flask import Document

LONGEST_SID = 64
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'

_log = structlog.get_logger(__name__)

sms = Blueprint("sms", __name__, url_prefix="/sms")
sms.before_request(guard)


@sms.errorhandler(Exception)
def fail(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the text's id, and answered 503, so that Twilio asks the fallback URL: us, again."""
    if isinstance(error, HTTPException):
        return error
    _log.error("text_failed", message_sid=request.form.get("MessageSid", ""), exc_info=error)
    return Response("try again\n", status=503, content_type="text/plain")


@sms.post("/incoming")
def incoming() -> Response:
    """The Messaging URL and its fallback: one text, taken once; without a database it is kept until there is one."""
    here, form = exchange(), request.form
    given = (form.get(name, "") for name in ("From", "To", "MessagingServiceSid", "Body", "OptOutType"))
    arrived = Arrived(_sid(), *given)
    try:
        incoming_texts.take(here, arrived)
    except DatabaseUnavailable as unavailable:
        metrics.no_database("text", unavailable)
        _log.error("database_unavailable", message_sid=arrived.sid, cause=unavailable.cause.value)
        incoming_texts.keep(here, arrived)
    return Document(EMPTY)


def _sid() -> str:
    """The text's id; 400 where there is none, which Twilio never sends."""
    sid: str = request.form.get("MessageSid", "")
    if not sid.isalnum() or len(sid) > LONGEST_SID:
        abort(400)
    return sid
