"""Operators and their limits: a supervisor sees them, an administrator changes them.

Rule: every change is an entry that says what it was and what it is; a telephone number is written, and never shown.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import Connection

from ivr import callers, desk_entries, logins, operators, queue, staffing
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Operator, Role
from ivr.staffing import MOST_GRANT_LIMIT, StaffFault, Terms
from webhooks.desk.guards import done, here, least, say, who
from webhooks.page_texts import Words, later
from webhooks.page_texts import gettext as _

room = Blueprint("staff", __name__, url_prefix="/desk")

FAULTS = Words(
    {
        StaffFault.NOT_ADMINISTRATOR: later("You are no administrator any more."),
        StaffFault.UNKNOWN: later("There is no such operator."),
        StaffFault.ONESELF: later(
            "Your own role, and your own place at the desk, another administrator must take from you."
        ),
        StaffFault.GRANT_LIMIT: later("The limit goes from 0 to %(most)s."),
        StaffFault.NO_PHONE: later("Whoever is on call needs a telephone number."),
        StaffFault.AS_IT_WAS: later("That is how it was already."),
    }
)


@room.get("/operators")
@least(Role.SUPERVISOR)
def page() -> str:
    """Everybody who works at the desk, and who did."""
    with here().database.read() as connection:
        listed = operators.listed(connection)
        here_now = [login.operator.id for login in logins.live(connection, here().now())]
    return render_template("operators.html", listed=listed, places=here_now)


@room.get("/operators/<int:operator_id>")
@least(Role.ADMINISTRATOR)
def one(operator_id: int) -> str:
    """One operator, and what can be changed."""
    with here().database.read() as connection:
        found = staffing.read(connection, operator_id)
        places = logins.live(connection, here().now(), operator_id)
    if found is None:
        abort(404)
    return render_template("operator.html", each=found, places=places, most=MOST_GRANT_LIMIT)


@room.post("/operators/<int:operator_id>")
@least(Role.ADMINISTRATOR)
def change(operator_id: int) -> Response:
    """Set role, limit, telephone and being on call. An empty telephone field leaves the number as it is."""
    with here().database.begin() as connection:
        known = staffing.read(connection, operator_id)
        if known is None:
            abort(404)
        terms, fault = _terms(known)
        if terms is not None:
            before = staffing.change(connection, operator_id, terms, who().id)
            if isinstance(before, StaffFault):
                fault = FAULTS.of(before, most=MOST_GRANT_LIMIT)
            else:
                _note(connection, known.name, **_changes(before, terms))
    return _answer(operator_id, fault, _("%(who)s is changed.", who=known.name))


@room.post("/operators/<int:operator_id>/disable")
@least(Role.ADMINISTRATOR)
def disable(operator_id: int) -> Response:
    """Let an operator in no more, at once and everywhere; what they have goes back to the queue."""
    at = here().now()
    with here().database.begin() as connection:
        name = _name(connection, operator_id)
        ended = staffing.dismiss(connection, operator_id, who().id, at)
        fault = FAULTS.of(ended, most=MOST_GRANT_LIMIT) if isinstance(ended, StaffFault) else ""
        if not isinstance(ended, StaffFault):
            _note(connection, name, disabled=True, logins_ended=ended.logins, cases_returned=len(ended.returned))
            for handoff_id, case_id in ended.returned:
                reason = f"{name} was disabled"
                entry = DeskEntry(at, who().name, Kind.RETURNED, who().id, case_id, handoff_id, reason=reason)
                desk_entries.append(connection, entry)
            queue.note(connection, "presence", at)
    return _answer(operator_id, fault, _("%(who)s is disabled and logged out everywhere.", who=name))


@room.post("/operators/<int:operator_id>/enable")
@least(Role.ADMINISTRATOR)
def enable(operator_id: int) -> Response:
    """Let a disabled operator in again."""
    with here().database.begin() as connection:
        name = _name(connection, operator_id)
        back = staffing.let_back(connection, operator_id, who().id)
        fault = FAULTS.of(back, most=MOST_GRANT_LIMIT) if isinstance(back, StaffFault) else ""
        if not fault:
            _note(connection, name, disabled=False)
    return _answer(operator_id, fault, _("%(who)s may log in again.", who=name))


@room.post("/operators/<int:operator_id>/logout")
@least(Role.ADMINISTRATOR)
def log_out(operator_id: int) -> Response:
    """End every login of an operator."""
    at = here().now()
    with here().database.begin() as connection:
        name = _name(connection, operator_id)
        ended = staffing.log_out(connection, operator_id, who().id, at)
        fault = FAULTS.of(ended, most=MOST_GRANT_LIMIT) if isinstance(ended, StaffFault) else ""
        if not fault:
            entry = DeskEntry(at, who().name, Kind.LOGIN_REVOKED, who().id, details={"of": name, "logins": ended})
            desk_entries.append(connection, entry)
    return _answer(operator_id, fault, _("%(who)s is logged out everywhere.", who=name))


def _terms(known: Operator) -> tuple[Terms | None, str]:
    """What the form asks for, or why it cannot be."""
    form = request.form
    try:
        role, limit = Role(form.get("role", "")), int(form.get("grant_limit", ""))
    except ValueError:
        return None, _("Choose a role, and give the limit as a whole number.")
    phone, typed = known.phone_sealed, form.get("phone", "").strip()
    if form.get("forget_phone"):
        phone = None
    elif typed:
        number = callers.e164(typed, here().lines.all[0].country)
        if number is None:
            return None, _("That is no telephone number. Write it with the country's code: +49 ...")
        phone = callers.seal(number, here().secrets.number_key)
    return Terms(role, limit, phone, bool(form.get("on_call"))), ""


def _changes(before: Operator, after: Terms) -> dict[str, object]:
    """What was changed, from what to what; of a telephone number only that it was."""
    changes: dict[str, object] = {}
    if before.role is not after.role:
        changes |= {"role": f"{before.role} to {after.role}"}
    if before.grant_limit != after.grant_limit:
        changes |= {"grant_limit": f"{before.grant_limit} to {after.grant_limit}"}
    if before.on_call != after.on_call:
        changes |= {"on_call": after.on_call}
    if before.phone_sealed != after.phone_sealed:
        changes |= {"phone": "set" if after.phone_sealed else "taken away"}
    return changes


def _name(connection: Connection, operator_id: int) -> str:
    found = staffing.read(connection, operator_id)
    if found is None:
        abort(404)
    return found.name


def _note(connection: Connection, name: str, **details: object) -> None:
    entry = DeskEntry(here().now(), who().name, Kind.OPERATOR_CHANGED, who().id, details={"operator": name, **details})
    desk_entries.append(connection, entry)


def _answer(operator_id: int, fault: str, sentence: str) -> Response:
    say(fault or sentence, problem=bool(fault))
    return done(url_for("staff.one", operator_id=operator_id))
