"""The language that somebody wants to read the desk in.

Rule: the choice is the browser's, in a cookie, so that it holds before anybody has logged in; whoever chose none reads
what their browser asks for.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, request

from webhooks.desk.guards import done, here, local, without_login
from webhooks.page_texts import languages

room = Blueprint("language_choice", __name__, url_prefix="/desk")

KEPT = timedelta(days=365)


@room.post("/language")
@without_login
def keep() -> Response:
    """Keep the choice, and go on to where they were; 400 for a language there is not."""
    chosen = request.form.get("language", "")
    if chosen not in languages("desk"):
        abort(400)
    answer = done(local(request.form.get("next")))
    answer.set_cookie(
        here().language_cookie,
        chosen,
        path=here().cookie_path,
        secure=here().is_https,
        httponly=True,
        samesite="Strict",
        max_age=int(KEPT.total_seconds()),
    )
    return answer
