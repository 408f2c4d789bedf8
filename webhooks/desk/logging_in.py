"""Logging in and out, and the list of where one is logged in.

Rule: whoever fails hears the same words after the same time, whatever was wrong; and each try makes the next one wait.
"""

from __future__ import annotations

import json
import secrets as randomness
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from sqlalchemy import Connection, select

from ivr import desk_entries, logins, operators, queue
from ivr.callers import unseal
from ivr.desk_entries import DeskEntry, Kind
from ivr.desk_entries import desk_entries as entries
from ivr.operators import Presence, Proof, Role
from webhooks.addresses import address_of_request
from webhooks.desk import passwords, totp
from webhooks.desk.guards import csrf_of, done, here, local, login, say, who, without_login
from webhooks.page_texts import gettext as _
from webhooks.page_texts import later

room = Blueprint("logging_in", __name__, url_prefix="/desk")

WINDOW = timedelta(minutes=15)
"""How far back wrong tries from one address count."""
REFUSED = later(
    "That did not let you in: the name, the password or the code is wrong, or there were too many tries. "
    "Wait a moment and try again."
)
BUSY = later("Many people log in just now. Try again in some seconds.")


@room.get("/login")
@without_login
def page() -> Response:
    """The form to log in with, under a token of its own until somebody has."""
    token = request.cookies.get(here().cookie, "")
    if token:
        with here().database.read() as connection:
            if logins.find(connection, token, here().now()) is not None:
                return redirect(local(request.args.get("next")))  # type: ignore[return-value] # a Response all the same
    return _form("", 200)


@room.post("/login")
@without_login
def log_in() -> Response:
    """Let an operator in: 303 to where they wanted to go, or 401 with the form and one sentence for every fault."""
    name, password = request.form.get("name", "").strip()[:64], request.form.get("password", "")
    at, address = here().now(), address_of_request()
    with here().database.read() as connection:
        proof = operators.proof_of(connection, name)
        shut = _shut(connection, proof, address, at)
    try:
        known = passwords.matches(None if proof is None else proof.password_hash, password)
    except passwords.TooManyAtOnce:
        return _form(BUSY, 503)
    if shut:  # the password was tried all the same: how long it took must not tell who is locked out
        return _form(REFUSED, 401)
    token = randomness.token_urlsafe(32)
    with here().database.begin() as connection:
        if proof is None or not known or not _second_factor(connection, proof, request.form.get("code", ""), at):
            _fail(connection, proof, name, address, at)
            token = ""
        else:
            browser = str(request.user_agent.string)
            logins.open_login(connection, proof.operator.id, token, address=address, browser=browser, now=at)
            if operators.set_presence(connection, proof.operator.id, Presence.AVAILABLE, at):
                queue.note(connection, "presence", at)
            _note(connection, Kind.LOGGED_IN, proof.operator.name, at, operator_id=proof.operator.id, address=address)
    if not token:
        return _form(REFUSED, 401)
    answer = redirect(local(request.form.get("next")), 303)
    _give_cookie(answer, token)
    return answer  # type: ignore[return-value] # a Response all the same


@room.post("/logout")
def log_out() -> Response:
    """End this login; with the last one, the operator is off."""
    at = here().now()
    with here().database.begin() as connection:
        logins.revoke(connection, login().id, at)
        _note(connection, Kind.LOGGED_OUT, who().name, at, operator_id=who().id)
        if not logins.live(connection, at, who().id) and operators.set_presence(connection, who().id, Presence.OFF, at):
            queue.note(connection, "presence", at)
    answer = done(url_for("logging_in.page"))
    answer.delete_cookie(here().cookie, path=here().cookie_path, secure=here().is_https, httponly=True)
    return answer


@room.get("/logins")
def list_logins() -> str:
    """Where the operator is logged in; for an administrator, where everybody is."""
    everybody = who().role.covers(Role.ADMINISTRATOR)
    with here().database.read() as connection:
        found = logins.live(connection, here().now(), None if everybody else who().id)
    return render_template("logins.html", found=found, this=login().id, everybody=everybody)


@room.post("/logins/<int:login_id>/revoke")
def revoke(login_id: int) -> Response:
    """End a login: one's own, or anybody's for an administrator. 404 for another's, as if there were none."""
    at = here().now()
    with here().database.begin() as connection:
        found = next((each for each in logins.live(connection, at) if each.id == login_id), None)
        if found is None or (found.operator.id != who().id and not who().role.covers(Role.ADMINISTRATOR)):
            abort(404)
        logins.revoke(connection, login_id, at)
        _note(connection, Kind.LOGIN_REVOKED, who().name, at, operator_id=who().id, of=found.operator.name)
    say(_("%(who)s is logged out there.", who=found.operator.name))
    return done(url_for("logging_in.list_logins"))


def _shut(connection: Connection, proof: Proof | None, address: str, at: datetime) -> bool:
    """Whether the door is shut for this name, or for this address, because of wrong tries."""
    if proof is not None and proof.locked_until is not None and at < proof.locked_until:
        return True
    # Whoever failed has not shown who they are, so that these entries are nobody's.
    rows = connection.execute(
        select(entries.c.at, entries.c.details)
        .where(entries.c.operator_id.is_(None), entries.c.at > at - WINDOW, entries.c.kind == Kind.LOGIN_FAILED)
        .order_by(entries.c.at)
    )
    tries = [row.at for row in rows if json.loads(row.details or "{}").get("address") == address]
    return bool(tries) and at < tries[-1] + operators.delay_after(len(tries))


def _second_factor(connection: Connection, proof: Proof, code: str, at: datetime) -> bool:
    """Whether the one-time code is right and fresh, for who has such an app."""
    if proof.totp_sealed is None:
        return True
    step = totp.step_of(unseal(proof.totp_sealed, here().secrets.number_key), code, at)
    return step is not None and operators.use_totp(connection, proof.operator.id, step)


def _fail(connection: Connection, proof: Proof | None, name: str, address: str, at: datetime) -> None:
    """Write a wrong try down. A name that nobody has may be a password in the wrong field, and is not kept."""
    if proof is not None:
        operators.note_failure(connection, proof.operator.id, at)
    _note(connection, Kind.LOGIN_FAILED, name if proof is not None else "(unknown)", at, address=address)


def _note(
    connection: Connection, kind: Kind, name: str, at: datetime, operator_id: int | None = None, **details: str
) -> None:
    desk_entries.append(connection, DeskEntry(at, name, kind, operator_id, details=details or None))


def _form(said: str, status: int) -> Response:
    """The login page, with a token that its form must bring back."""
    token = request.cookies.get(here().cookie, "") or randomness.token_urlsafe(32)
    g.csrf = csrf_of(token)
    after = request.values.get("next", "")
    answer = Response(
        render_template("login.html", said=said and _(said), after=local(after), name=request.form.get("name", ""))
    )
    answer.status_code = status
    _give_cookie(answer, token)
    return answer


def _give_cookie(answer: Any, token: str) -> None:
    answer.set_cookie(
        here().cookie,
        token,
        path=here().cookie_path,
        secure=here().is_https,
        httponly=True,
        samesite="Strict",
        max_age=int(logins.LIFETIME.total_seconds()),
    )
