"""The desk's door: who is let in, what they may do, and what every answer carries.

Rule: a view is closed unless it says otherwise. Without a mark it needs an operator's login, `@least(role)` asks for
more, `@without_login` opens it; whatever changes something needs the token that only our own pages hold.
"""

from __future__ import annotations

import hmac
import json
import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup

from ivr import logins
from ivr.lines import Lines, TextLimits
from ivr.logins import Login
from ivr.operators import Operator, Role
from keys.database import Database
from keys.secrets_file import Secrets
from webhooks.beats import Beats
from webhooks.desk.voice import Voice
from webhooks.page_texts import choose, read_in
from webhooks.page_texts import gettext as _
from webhooks.twiml import Wording

ENHANCED = "HX-Request"
"""The header of a request that wants a fragment and no whole page."""
CSRF_HEADER = "X-Desk-Token"
CSRF_FIELD = "csrf"
LANGUAGE_HEADER = "X-Desk-Language"
"""In which language the page is that asks for a part of itself."""
TOUCH_EVERY = timedelta(seconds=30)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the desk's rooms work with; one for each app. `public_url` is the desk's own, without `/desk`.

    `voice` makes browsers telephones; None where that is not set up. `beats` are of the work beside its pages.
    """

    database: Database
    secrets: Secrets
    lines: Lines
    wording: Wording
    public_url: str
    limits: TextLimits = TextLimits()  # noqa: RUF009 - frozen, so that it may be shared
    voice: Voice | None = None
    beats: Beats = field(default_factory=Beats)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    below: Callable[[int], int] = randomness.randbelow

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the desk encrypted."""
        return self.public_url.startswith("https:")

    @property
    def cookie(self) -> str:
        """The login cookie's name: with the prefix that no other host can set, wherever it may be used."""
        return "__Host-touchtone_desk" if self.is_https else "touchtone_desk"

    @property
    def language_cookie(self) -> str:
        """The cookie of the language that was chosen at this browser."""
        return f"{self.cookie}_language"

    @property
    def cookie_path(self) -> str:
        """Where browsers send it: the prefix demands the root."""
        return "/" if self.is_https else "/desk"


def here() -> Desk:
    """The desk of the running app."""
    found: Desk = current_app.extensions["desk"]
    return found


def who() -> Operator:
    """The operator whose request this is."""
    return login().operator


def login() -> Login:
    """The login this request came with."""
    found: Login = g.login
    return found


def least(role: Role) -> Callable[[_View], _View]:
    """Mark a view as one that only this role, or one above it, may use; put it below the route's decorator."""

    def mark(view: _View) -> _View:
        view.least_role = role  # type: ignore[attr-defined] # functions carry attributes
        return view

    return mark


def without_login(view: _View) -> _View:
    """Mark a view as one for everybody."""
    view.open_door = True  # type: ignore[attr-defined] # functions carry attributes
    return view


def least_role(endpoint: str | None) -> Role | None:
    """The role that an endpoint asks for; None where it is for everybody."""
    view = current_app.view_functions.get(endpoint or "")
    if getattr(view, "open_door", False):
        return None
    found: Role = getattr(view, "least_role", Role.OPERATOR)
    return found


def enhanced() -> bool:
    """Whether this request wants a fragment and no whole page."""
    return request.headers.get(ENHANCED) == "true"


def csrf_of(token: str) -> str:
    """What a page must send to change anything: bound to the cookie, which no script and no other site can read."""
    return hmac.digest(token.encode(), b"touchtone desk form", "sha256").hex()


def said_key(pepper: bytes) -> bytes:
    """The key that signs what is said on the next page."""
    return hmac.digest(pepper, b"touchtone desk said", "sha256")


def csrf_field() -> Markup:
    """The hidden field of every form; a template calls `{{ csrf() }}`."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, g.get("csrf", ""))


def guard() -> Any:
    """Let a request in, or answer it: to the login page, 401, 403 for the role, 403 for the missing token."""
    g.login = None
    wished = request.headers.get(LANGUAGE_HEADER) or request.cookies.get(here().language_cookie)
    read_in(choose("desk", wished, request.accept_languages))
    if "\x00" in request.path:  # the one sign that no database takes: nothing has such a name
        abort(404)
    token = request.cookies.get(here().cookie, "")
    needed = least_role(request.endpoint)
    if needed is not None:
        if token:
            with here().database.read() as connection:
                g.login = logins.find(connection, token, here().now())
        if g.login is None:
            return _to_the_login()
    if token:
        g.csrf = csrf_of(token)
    if request.method not in {"GET", "HEAD", "OPTIONS"} and not _holds_token():
        abort(403, "token")
    if needed is not None and not who().role.covers(needed):
        abort(403, "role")
    if g.login is not None and here().now() - g.login.seen_at >= TOUCH_EVERY:
        with here().database.begin() as connection:
            logins.touch(connection, g.login.id, here().now())
    return None


def forget_language(_error: BaseException | None) -> None:
    """Whatever this thread does next is not for whoever has just been answered."""
    read_in(None)


def _holds_token() -> bool:
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    known = g.get("csrf", "")
    return bool(known) and hmac.compare_digest(given.encode(), known.encode())


def _to_the_login() -> Any:
    """A page goes to the login, and comes back to where it was; what is part of a page, or a form, is told 401."""
    if request.method == "GET" and not enhanced():
        return redirect(url_for("logging_in.page", next=request.full_path.rstrip("?")))
    return Response(render_template("problem.html", status=401, said=_("You are logged out. Log in again.")), 401)


def local(path: str | None) -> str:
    """A path of the desk to go on to; the queue for anything else, so that no link can send people elsewhere."""
    parts = urlsplit(path or "")
    if (
        parts.scheme
        or parts.netloc
        or "\\" in (path or "")
        or ".." in parts.path
        or not (parts.path + "/").startswith("/desk/")
    ):
        return url_for("queue_page.page")
    return path or ""


def case_url(handoff_id: int) -> str:
    """The page of a case in the queue."""
    there = "case_page.page" in current_app.view_functions
    return url_for("case_page.page", handoff_id=handoff_id) if there else url_for("queue_page.page")


def say(sentence: str, *, problem: bool = False) -> None:
    """Tell the operator what came of it: on the next page, or at once where a fragment was asked for."""
    if enhanced():
        g.setdefault("said", []).append({"words": sentence, "problem": problem})
    else:
        flash(sentence, "problem" if problem else "done")


def done(page: str, fragment: Callable[[], str] | None = None) -> Response:
    """The answer to a POST: 303 to a page, or the changed fragment where one was asked for."""
    if enhanced() and fragment is not None:
        return Response(fragment())
    if enhanced():
        for told in g.pop("said", []):  # it is said on the page they go to
            flash(told["words"], "problem" if told["problem"] else "done")
        return Response(status=204, headers={"HX-Redirect": page})
    return Response(status=303, headers={"Location": page})


def close_off(response: Response) -> Response:
    """No other site's script, frame, cache or log gets anything from here; and what was said goes along."""
    response.headers["Content-Security-Policy"] = g.get("policy", POLICY)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self)"
    if here().is_https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if g.get("said"):
        response.headers["HX-Trigger"] = json.dumps({"desk-said": g.said})
    return response
