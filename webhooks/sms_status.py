"""The provider's news of texts we sent: how far each has come.

Rule: news is taken in any order and any number of times, and answered with nothing; what cannot be understood is logged
and let go, since telling the provider so would only bring it again.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from ivr.callers import pseudonym
from ivr.outbox import TextState
from ivr.sending import News, note_status
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics
from webhooks.door import exchange, guard

STATES = {
    "accepted": TextState.ACCEPTED,
    "scheduled": TextState.ACCEPTED,
    "queued": TextState.ACCEPTED,
    "sending": TextState.ACCEPTED,
    "sent": TextState.SENT,
    "partially_delivered": TextState.SENT,
    "delivered": TextState.DELIVERED,
    "read": TextState.DELIVERED,
    "undelivered": TextState.UNDELIVERED,
    "failed": TextState.FAILED,
    "canceled": TextState.FAILED,
}
"""Twilio's words for a text that goes out (docs/messaging/guides/outbound-message-status-in-status-callbacks)."""
LONGEST_SID = 64
LONGEST_NUMBER = 18
"""Digits of a row's number at most."""

_log = structlog.get_logger(__name__)

sms_status = Blueprint("sms_status", __name__, url_prefix="/sms")
sms_status.before_request(guard)


@sms_status.errorhandler(Exception)
def fail(error: Exception) -> Response | HTTPException:
    """A fault of ours: logged with the text's id, and answered 503, so that Twilio tells us once more."""
    if isinstance(error, HTTPException):
        return error
    sid = request.form.get("MessageSid", "")
    if isinstance(error, DatabaseUnavailable):
        metrics.no_database("text_status", error)
        _log.error("database_unavailable", message_sid=sid, cause=error.cause.value)
    else:
        _log.error("text_status_failed", message_sid=sid, exc_info=error)
    return Response("try again\n", status=503, content_type="text/plain")


@sms_status.post("/status")
def status() -> Response:
    """The status callback of one text; our own address names its row."""
    here = exchange()
    sid, told = request.form.get("MessageSid", ""), request.form.get("MessageStatus", "")
    state = STATES.get(told)
    if state is None or not sid.isalnum() or len(sid) > LONGEST_SID:
        _log.warning("text_status_unknown", message_sid=sid[:LONGEST_SID], status=told[:LONGEST_SID])
        return Response(status=204)
    news = News(
        text=_number(request.args.get("text", ""), LONGEST_NUMBER),
        sid=sid,
        caller=pseudonym(request.form.get("To", ""), here.secrets.pepper),
        state=state,
        error=_number(request.form.get("ErrorCode", ""), 9),
    )
    with here.database.begin() as connection:
        note_status(connection, news, here.now())
    return Response(status=204)


def _number(given: str, longest: int) -> int | None:
    """A whole number that the database can hold; None for anything else, also for 0, which is no error."""
    if not given.isascii() or not given.isdigit() or len(given) > longest:
        return None
    return int(given) or None
