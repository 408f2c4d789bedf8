"""The searchable list of cases, and the file of it.

Rule: what is searched for travels in the address, and a telephone number never does: it is typed into a form, which
answers with its pseudonym. A file of the list is an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for

from ivr import desk_entries
from ivr.callers import e164, pseudonym
from ivr.cases import CaseState
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Role
from keys import base32
from keys.errors import BadInput
from keys.groups import digits_of
from webhooks.desk import exporting, words
from webhooks.desk.figures import desk_zone
from webhooks.desk.guards import done, here, least, say, who
from webhooks.desk.search import Found, Page, TooManyKeys, Wanted, day_of, find
from webhooks.page_texts import gettext as _
from webhooks.row_numbers import row_number

room = Blueprint("case_list", __name__, url_prefix="/desk")

FIELDS = ("number", "last_five", "agreement", "state", "reason", "line", "caller", "since", "until")
"""What an address may hold; `caller` is a pseudonym there."""
_AT_A_TIME = 500


@room.get("/cases")
@least(Role.SUPERVISOR)
def page() -> Response:
    """The list, narrowed by what stands in the address; 400 where that cannot be read."""
    given = _asked(request.args)
    wanted, faults = wanted_of(given)
    found = Page((), None)
    if not faults:
        try:
            with here().database.read() as connection:
                found = find(connection, wanted, desk_zone(here().lines), before=_before())
        except TooManyKeys:
            faults = {"agreement": _too_many_keys()}
    return _shown(given, found, faults)


@room.post("/cases")
@least(Role.SUPERVISOR)
def look_for() -> Response:
    """Go to the list that the form asks for. This is no GET, since a caller's number would then be in the address."""
    given = _asked(request.form)
    typed = request.form.get("caller_number", "").strip()
    if typed:
        number = e164(typed, here().lines.all[0].country)
        if number is None:
            faults = {"caller_number": _("That is no telephone number. Write it with the country's code: +49 ...")}
            return _shown(given, Page((), None), faults)
        given["caller"] = pseudonym(number, here().secrets.pepper)
    faults = wanted_of(given)[1]
    if faults:
        return _shown(given, Page((), None), faults)
    return redirect(_address(given), 303)  # type: ignore[return-value] # a Response all the same


@room.post("/cases/export")
@least(Role.SUPERVISOR)
def export() -> Response:
    """The list as a file of comma-separated values, and an entry of who took it away."""
    given = _asked(request.form)
    wanted, faults = wanted_of(given)
    if faults:
        return _shown(given, Page((), None), faults)
    try:
        found = _everything(wanted)
    except TooManyKeys:
        return _shown(given, Page((), None), {"agreement": _too_many_keys()})
    if len(found) > exporting.MOST_ROWS:
        said = _("These are more than %(most)s cases. Ask for fewer days at a time.", most=exporting.MOST_ROWS)
        say(said, problem=True)
        return done(_address(given))
    at = here().now()
    details = {"rows": len(found), **{name: value for name, value in given.items() if name != "caller"}}
    details |= {"of_one_caller": True} if wanted.caller else {}
    with here().database.begin() as connection:
        entry = DeskEntry(at, who().name, Kind.EXPORTED, who().id, details=details)
        desk_entries.append(connection, entry)
    names = {line.number: line.name for line in here().lines.all}
    file = exporting.written(found, names, desk_zone(here().lines))
    name = f"cases-{at.astimezone(desk_zone(here().lines)):%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file, content_type="text/csv; charset=utf-8", headers=headers)


def _everything(wanted: Wanted) -> list[Found]:
    """Every case that is wanted, in bites; one more than a file may hold at most."""
    found: list[Found] = []
    before: int | None = None
    while len(found) <= exporting.MOST_ROWS:
        with here().database.read() as connection:
            bite = find(connection, wanted, desk_zone(here().lines), before=before, limit=_AT_A_TIME)
        found += bite.found
        before = bite.before
        if before is None:
            break
    return found


def _too_many_keys() -> str:
    return _("This agreement has too many keys to look for at once. Give the last five signs of one.")


def _address(given: Mapping[str, str]) -> str:
    """Where the list of what was asked for stands."""
    return f"{url_for('case_list.page')}?{urlencode(given)}"


def _asked(values: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, field by field; signs that no database takes are left out."""
    plain = {name: "".join(filter(str.isprintable, values.get(name, ""))).strip() for name in FIELDS}
    return {name: value for name, value in plain.items() if value}


def _before() -> int | None:
    """The row id before which the page begins."""
    return request.args.get("before", type=row_number)


def wanted_of(given: Mapping[str, str]) -> tuple[Wanted, dict[str, str]]:
    """What is looked for, from an address or a form, and by field what about it cannot be read."""
    faults: dict[str, str] = {}
    number, state = "", None
    try:
        number = digits_of(given.get("number", ""))
    except BadInput:
        faults["number"] = _("A case number has ten digits.")
    last_five = base32.fold(given.get("last_five", "").replace("-", "").replace(" ", ""))
    if last_five and (len(last_five) != 5 or any(sign not in base32.SIGNS for sign in last_five)):
        faults["last_five"] = _("Give the last five signs of the key.")
    if given.get("state"):
        if given["state"] in set(CaseState):
            state = CaseState(given["state"])
        else:
            faults["state"] = _("There is no such state.")
    since, until = (_day(given.get(name, ""), name, faults) for name in ("since", "until"))
    agreement, reason, line, caller = (given.get(name, "") for name in ("agreement", "reason", "line", "caller"))
    return Wanted(number, last_five, agreement, state, reason, line, caller, since, until), faults


def _day(given: str, field: str, faults: dict[str, str]) -> date | None:
    """A day that was asked for; one that cannot be read is a fault."""
    day = day_of(given)
    if day is None and given:
        faults[field] = _("Write the day as 2026-11-24.")
    return day


def _shown(given: Mapping[str, str], found: Page, faults: Mapping[str, str]) -> Response:
    page = render_template(
        "case_list.html",
        found=found.found,
        before=found.before,
        given=given,
        faults=faults,
        lines={line.number: line.name for line in here().lines.all},
        states=list(words.CASE_STATES.items()),
        reasons=sorted(words.REASONS.items(), key=lambda reason: reason[1]),
        zone=desk_zone(here().lines),
        later=bool(request.args.get("before")),
    )
    return Response(page, 400 if faults else 200)
