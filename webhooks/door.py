"""The provider's door: what the routes behind it work with, and who is let in.

Rule: every route of the provider's stands behind `guard`, and nothing is read from a form that it has not let in.
"""

from __future__ import annotations

import secrets as randomness
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import structlog
from flask import abort, current_app, request

from ivr.lines import Lines, TextLimits
from keys.database import Database
from keys.secrets_file import Secrets
from webhooks import metrics
from webhooks.forms import FORM_TYPE, FormRequest
from webhooks.signature import SIGNATURE_LENGTH, is_signed
from webhooks.twiml import Wording

MOST_NAMES = 60
LONGEST_NAME = 40
"""Of a refused form's names this many, cut to this length, are logged: a real form has about thirty short ones."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything the routes work with; one for each app. `texts_due` is set where a commit may have written a text.

    `kept` is for how long what names a caller is kept; `probe_file` is there while a probe runs.
    """

    database: Database
    secrets: Secrets
    lines: Lines
    wording: Wording
    account_sid: str
    auth_tokens: tuple[str, ...]
    spool_dir: Path
    limits: TextLimits = field(default_factory=TextLimits)
    kept: timedelta = timedelta(days=90)
    probe_file: Path | None = None
    texts_due: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    below: Callable[[int], int] = randomness.randbelow


def exchange() -> Exchange:
    """The exchange of the running app."""
    found: Exchange = current_app.extensions["exchange"]
    return found


def guard() -> None:
    """Let in only a form that Twilio signed over our public address, for our account: else 415, 413 or 403."""
    if request.mimetype != FORM_TYPE:
        abort(415)
    given = request.environ.get("HTTP_X_TWILIO_SIGNATURE", "")
    if len(given) != SIGNATURE_LENGTH:
        # Nothing of the body is read: whoever sends it slowly holds no thread.
        metrics.TURNED_AWAY.labels("twilio", "signature_missing").inc()
        _log.warning("signature_missing", path=request.path)
        abort(403)
    here, environ, form = exchange(), request.environ, request.form
    query = environ.get("QUERY_STRING", "")
    url = here.wording.public_url + environ.get("PATH_INFO", "") + (f"?{query}" if query else "")
    if not is_signed(given, here.auth_tokens, url, cast(FormRequest, request).fields):
        # Names only: a parameter that was added on the way is the usual reason, and its value is nobody's business.
        names = [name[:LONGEST_NAME] for name in sorted(form)[:MOST_NAMES]]
        metrics.TURNED_AWAY.labels("twilio", "signature_refused").inc()
        _log.warning("signature_refused", path=request.path, parameters=names)
        abort(403)
    if form.get("AccountSid") != here.account_sid:
        metrics.TURNED_AWAY.labels("twilio", "account_refused").inc()
        _log.warning("account_refused", path=request.path)
        abort(403)
