"""The desk as a Flask application: its rooms, and what every template may use.

Rule: what is shared between rooms stands here and in `guards`; a room knows no other room but by its endpoints.

How a page is added:

1. A room is a file with `room = Blueprint("case_page", __name__, url_prefix="/desk")`, named as the file is; add it to
   `ROOMS` below, and declare its floor in pyproject.toml. Its templates lie in `webhooks/desk/templates`. A page that
   stands in the header is named in `NAVIGATION`; who may not see it is not shown it.
2. A view needs a login without saying so. Below the route's decorator, `@least(Role.SUPERVISOR)` asks for more.
   In it, `here()` is the `Desk`, `who()` the operator; it begins one transaction, `with here().database.begin()`
   (or `.read()`), in which whatever it changes has its `desk_entries.append` and, for other desks, `queue.note`.
3. A page's template: `{% extends "base.html" %}`, blocks `title`, `main`, and `keys` (rows `<tr><th><kbd>x</kbd></th>
   <td>what it does</td></tr>` of the key map). A key is bound by `data-key="x"` on a link, button or field.
   At hand are `me`, `words`, `Role`, and `show.wait(instant, target)`, `show.moment(instant)`, `show.tag(text, kind)`.
4. A form: `<form method="post" action=... hx-post=... hx-target="#part" hx-swap="outerHTML">{{ csrf() }}`; enhanced or
   not, the same view answers: `say("Noted.")` and `return done(url_for(...), lambda: render_template("_part.html"))`.
   A draft that must survive: `data-draft="case-17-note"` on the textarea. No inline script or style: the policy
   forbids both, and `hx-on`, `js:` and trigger filters as well.
   What is to be read goes through `_("...")`, in templates, scripts and here alike; `make texts` takes it up into
   `prompts/desk`, and a text without its translation is not released.
5. A part that stays live: `hx-get="/desk/.../part" hx-trigger="desk-changed from:body"` (any change), or
   `desk-case-17 from:body` (of that case), with an `id`; give fields, and what can have the focus, an `id` too: by it
   they keep focus, caret and what was typed (`static/kept.js`). The queue comes by the stream itself (`sheets`).
"""

from __future__ import annotations

from datetime import datetime
from importlib import resources
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from ivr.operators import Presence, Role
from keys.unavailable import DatabaseUnavailable
from webhooks.desk import (
    blocking,
    browser_phone,
    calling,
    case_list,
    case_page,
    deeds,
    guards,
    guessing,
    language_choice,
    logging_in,
    mix_page,
    notices_page,
    office,
    place_words,
    probing,
    queue_page,
    sign_words,
    signs_page,
    staff,
    statistics_page,
    taking_up,
    trail,
    words,
)
from webhooks.desk.guards import Desk, here, without_login
from webhooks.page_templates import in_languages
from webhooks.page_texts import gettext as _
from webhooks.page_texts import joined, languages, later, page_script
from webhooks.row_numbers import RowNumber

LARGEST_FORM = 64 * 1024
ROOMS: tuple[Blueprint, ...] = (
    logging_in.room,
    language_choice.room,
    queue_page.room,
    office.room,
    signs_page.room,
    guessing.room,
    mix_page.room,
    statistics_page.room,
    case_list.room,
    notices_page.room,
    blocking.room,
    staff.room,
    trail.room,
    calling.room,
    browser_phone.room,
    case_page.room,
    taking_up.room,
    deeds.room,
    probing.room,
)
NAVIGATION = (
    ("office.page", later("Office")),
    ("case_list.page", later("Cases")),
    ("deeds.grants", later("Grants")),
    ("browser_phone.page", later("Telephone")),
)
"""Pages that stand in the header: endpoint and name."""
_REASONS = {
    400: later("The form was not complete."),
    403: later("You may not do this."),
    404: later("There is no such page or case."),
    413: later("That was too much at once."),
}


def create_desk(desk: Desk) -> Flask:
    """The desk's application."""
    app = Flask("touchtone desk", root_path=str(resources.files("webhooks.desk")), static_url_path="/desk/static")
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=200,
        # Asked for anew each time, and sent where it is another: scripts and pages must be of one release.
        SEND_FILE_MAX_AGE_DEFAULT=None,
        # What is said to the operator on the next page, and nothing else, travels in this signed cookie.
        SECRET_KEY=guards.said_key(desk.secrets.pepper),
        SESSION_COOKIE_NAME=f"{desk.cookie}_said",
        SESSION_COOKIE_PATH=desk.cookie_path,
        SESSION_COOKIE_SECURE=desk.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
    )
    app.url_map.converters["int"] = RowNumber
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["desk"] = desk
    app.before_request(guards.guard)
    app.after_request(guards.close_off)
    app.teardown_request(guards.forget_language)
    app.jinja_env.globals.update(
        words=words,
        Role=Role,
        Presence=Presence,
        csrf=guards.csrf_field,
        place_words=place_words,
        sign_words=sign_words,
        joined=joined,
        languages=languages,
        case_url=guards.case_url,
        seconds_since=_seconds_since,
        rooms_shown=_rooms_shown,
    )
    in_languages(app.jinja_env)
    app.jinja_env.globals["show"] = app.jinja_env.get_template("_macros.html").module
    app.context_processor(_of_this_request)
    app.register_error_handler(HTTPException, _problem)
    app.register_error_handler(DatabaseUnavailable, _unavailable)
    app.add_url_rule("/desk/htmx.js", "htmx", _htmx)
    app.add_url_rule("/desk/static/words.js", "words", _words)
    app.view_functions["static"] = without_login(app.view_functions["static"])
    for room in ROOMS:
        app.register_blueprint(room)
    return app


def _of_this_request() -> dict[str, Any]:
    """What templates know of whoever asks."""
    return {
        "me": g.login.operator if g.get("login") else None,
        "now": here().now(),
        "csrf_token": g.get("csrf", ""),
    }


def _rooms_shown() -> list[dict[str, str]]:
    """The pages in the header that this operator may open."""
    views, role = current_app.view_functions, guards.who().role
    return [
        {"name": _(name), "href": url_for(endpoint)}
        for endpoint, name in NAVIGATION
        if endpoint in views and role.covers(guards.least_role(endpoint) or Role.OPERATOR)
        if endpoint != "browser_phone.page" or here().voice is not None
    ]


def _seconds_since(instant: datetime) -> int:
    """Whole seconds that have passed since an instant."""
    return max(0, int((here().now() - instant).total_seconds()))


@without_login
def _htmx() -> Response:
    """The library that swaps fragments, from the wheel that brings it."""
    script = resources.files("js_lib_htmx").joinpath("static", "htmx", "htmx.min.js").read_bytes()
    return Response(script, mimetype="text/javascript", headers={"Cache-Control": "max-age=86400"})


@without_login
def _words() -> Response:
    """How scripts say what they say, on every page of ours."""
    return Response(page_script("words.js"), mimetype="text/javascript", headers={"Cache-Control": "no-cache"})


def _problem(error: HTTPException) -> Response:
    """One page for whatever cannot be done, in words; the status stays."""
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response(request.environ)  # type: ignore[return-value] # a redirect, as Flask makes it
    said = (
        later("This page is out of date. Load it again.") if error.description == "token" else _REASONS.get(error.code)
    )
    return Response(
        render_template("problem.html", status=error.code, said=_(said or later("Something went wrong."))), error.code
    )


def _unavailable(_error: DatabaseUnavailable) -> Response:
    """The database does not answer just now."""
    said = _("The database does not answer. What you typed is still here; try again in a moment.")
    return Response(render_template("problem.html", status=503, said=said), 503, {"Retry-After": "5"})
