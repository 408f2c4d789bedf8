"""The telephone in a browser: a page that stays open, takes the operator's leg of a talk, and says that it is there.

Rule: it is a page of its own, so that no step from page to page at the desk ends a talk; microphone and the provider's
hosts are for it alone. Where it is not set up there is no such page.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, jsonify, render_template

from ivr import browser_phones
from webhooks.desk import voice
from webhooks.desk.guards import here, who
from webhooks.desk.voice import TOKEN_SECONDS, Voice

room = Blueprint("browser_phone", __name__, url_prefix="/desk/phone")


@room.get("")
def page() -> str:
    """The telephone."""
    _voice()
    g.policy = voice.POLICY
    return render_template("phone.html")


@room.get("/sdk.js")
def sdk() -> Response:
    """The provider's library, from the data folder."""
    return Response(_voice().script, mimetype="text/javascript", headers={"Cache-Control": "private, max-age=86400"})


@room.post("/token")
def token() -> Response:
    """A token for this operator's browser, and how many seconds it is good for."""
    return jsonify(token=_voice().token(browser_phones.identity_of(who().id)), seconds=TOKEN_SECONDS)


@room.post("/here")
def is_here() -> Response:
    """The page is registered, and can be rung."""
    _voice()
    with here().database.begin() as connection:
        browser_phones.heard(connection, who().id, here().now())
    return Response(status=204)


@room.post("/gone")
def is_gone() -> Response:
    """The page takes no more calls."""
    _voice()
    with here().database.begin() as connection:
        browser_phones.gone(connection, who().id)
    return Response(status=204)


def _voice() -> Voice:
    """What makes the page a telephone; 404 where that was not set up."""
    found = here().voice
    if found is None:
        abort(404)
    return found
