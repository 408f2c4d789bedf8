"""The block list: callers whom the line does not serve, by whom and why, and until when.

Rule: who is blocked is known by a pseudonym; the number itself is shown only on demand, and showing it is an entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from cryptography.fernet import InvalidToken
from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import Connection, select

from ivr import callers, cases, desk_entries, notices, operators
from ivr.callers import Caller
from ivr.calls import calls
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Role
from ivr.threads import threads
from webhooks.desk import deed_words, words
from webhooks.desk.guards import done, enhanced, here, least, local, say, who
from webhooks.desk.handling import LONGEST_REASON, NotDone, written
from webhooks.page_texts import gettext as _

room = Blueprint("blocking", __name__, url_prefix="/desk")

TERMS = words.BLOCKED_FOR
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


@room.get("/blocked")
@least(Role.SUPERVISOR)
def page() -> Response:
    """Who is blocked, and the form to block another by number."""
    return _shown()


@room.post("/blocked")
@least(Role.SUPERVISOR)
def block() -> Response:
    """Block whoever has a number, or whose a case is (`case`, its number); 400 with the form where that cannot be."""
    reason, days, at = request.form.get("reason", ""), request.form.get("days", ""), here().now()
    case_number = request.form.get("case", "")
    faults: dict[str, str] = {}
    why = written(reason, needed=True)
    if isinstance(why, NotDone):
        faults["reason"] = deed_words.not_done(why)
    if days not in TERMS:
        faults["days"] = _("Choose how long.")
    with here().database.begin() as connection:
        case = cases.find(connection, case_number) if case_number.isdecimal() else None
        if case_number and case is None:
            abort(404)
        caller = _by_number() if case is None else _of_case(connection, case.id)
        if caller is None and case is None:
            faults["number"] = _("That is no telephone number. Write it with the country's code: +49 ...")
        elif caller is None:
            faults["number"] = _("The caller of this case withheld the number, and cannot be blocked by it.")
        if caller is not None and isinstance(why, str) and not faults:
            until = at + timedelta(days=int(days)) if days else None
            notices.block(connection, caller.pseudonym, caller.sealed, why, who().id, now=at, until=until)
            about = None if case is None else case.id
            _note(connection, Kind.CALLER_BLOCKED, caller.pseudonym, about, why, until=TERMS.english(days))
    if faults and enhanced():  # a form on the page of a case, which keeps what was typed
        say(next(iter(faults.values())), problem=True)
        return Response(status=409)
    if faults:
        return _shown(faults=faults, reason=reason, days=days)
    say(_("This caller is blocked from the next call or text on."))
    return done(local(request.form["next"]) if request.form.get("next") else url_for("blocking.page"))


@room.post("/blocked/<caller>/lift")
@least(Role.SUPERVISOR)
def lift(caller: str) -> Response:
    """Serve a caller (a pseudonym) again."""
    _known(caller)
    with here().database.begin() as connection:
        lifted = notices.unblock(connection, caller, here().now())
        if lifted:
            _note(connection, Kind.CALLER_UNBLOCKED, caller, None, None)
    if lifted:
        say(_("This caller is served again."))
    else:
        say(_("This caller is not blocked."), problem=True)
    return done(url_for("blocking.page"))


@room.post("/blocked/<caller>/number")
@least(Role.SUPERVISOR)
def show_number(caller: str) -> Response:
    """Show the number of one blocked caller, and write down that it was. The answer is the page: nothing keeps it."""
    _known(caller)
    with here().database.begin() as connection:
        found = next((each for each in notices.blocked(connection, here().now()) if each.caller == caller), None)
        if found is None:
            abort(404)
        _note(connection, Kind.SHOWN, caller, None, None, what="number of a blocked caller")
    try:
        number = callers.unseal(found.number_sealed, here().secrets.number_key)
    except InvalidToken:
        number = _("sealed with another key") if found.number_sealed else _("erased")
    return _shown(shown={caller: number})


def _known(caller: str) -> None:
    """404 for what is no pseudonym."""
    if not _PSEUDONYM.fullmatch(caller):
        abort(404)


def _note(
    connection: Connection, kind: Kind, caller: str, case_id: int | None, reason: str | None, **details: str
) -> None:
    entry = DeskEntry(
        here().now(),
        who().name,
        kind,
        who().id,
        case_id=case_id,
        reason=reason,
        details={"caller": caller, **details},
    )
    desk_entries.append(connection, entry)


def _by_number() -> Caller | None:
    country = here().lines.all[0].country
    known = here().secrets
    return callers.recognise(
        request.form.get("number", "").strip(), country, pepper=known.pepper, number_key=known.number_key
    )


def _of_case(connection: Connection, case_id: int) -> Caller | None:
    """The caller of a case, with the number as it was sealed when they last called or texted."""
    pseudonym = connection.execute(select(cases.cases.c.caller).where(cases.cases.c.id == case_id)).scalar()
    if pseudonym is None:
        return None
    called = select(calls.c.number_sealed).where(calls.c.caller == pseudonym, calls.c.number_sealed.is_not(None))
    texted = select(threads.c.number_sealed).where(threads.c.caller == pseudonym)
    sealed = connection.execute(called.limit(1)).scalar() or connection.execute(texted.limit(1)).scalar()
    return None if sealed is None else Caller(pseudonym, sealed)


def _shown(
    shown: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None, reason: str = "", days: str = "7"
) -> Response:
    with here().database.read() as connection:
        listed, names = notices.blocked(connection, here().now()), operators.names(connection)
    page = render_template(
        "blocked.html",
        blocked=listed,
        names=names,
        shown=shown or {},
        faults=faults or {},
        typed_reason=reason,
        typed_days=days,
        terms=TERMS,
        most=LONGEST_REASON,
    )
    return Response(page, 400 if faults else 200)
