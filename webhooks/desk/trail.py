"""The audit trail: everything that was done at the desk, the newest first.

Rule: it is read here and changed nowhere; pages go by row id, so that what is done meanwhile moves nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from datetime import time as time_of_day

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import Connection, select

from ivr import operators
from ivr.cases import cases
from ivr.desk_entries import Kind, desk_entries
from ivr.operators import Role
from keys.errors import BadInput
from keys.groups import digits_of
from webhooks.desk import entry_words
from webhooks.desk.figures import desk_zone
from webhooks.desk.guards import here, least
from webhooks.desk.search import day_of
from webhooks.page_texts import gettext as _
from webhooks.row_numbers import row_number

room = Blueprint("trail", __name__, url_prefix="/desk")

PAGE = 100
FIELDS = ("operator", "kind", "case", "since", "until")


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries; None and "" stand for any. `case` is a case number, days are those of the desk, both included."""

    operator: int | None = None
    kind: Kind | None = None
    case: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry in words, with the number of the case it is about."""

    id: int
    at: datetime
    name: str
    did: str
    case: str | None
    reason: str | None
    details: str


@room.get("/entries")
@least(Role.SUPERVISOR)
def page() -> Response:
    """The trail, narrowed by what stands in the address; 400 where that cannot be read."""
    given = {name: value for name in FIELDS if (value := request.args.get(name, "").strip())}
    sought, faults = _sought(given)
    before = request.args.get("before", type=row_number)
    found: list[Shown] = []
    with here().database.read() as connection:
        names = operators.names(connection)
        if not faults:
            found = entries(connection, sought, desk_zone(here().lines), before=before, limit=PAGE + 1)
    more = len(found) > PAGE
    shown = render_template(
        "entries.html",
        found=found[:PAGE],
        before=found[PAGE - 1].id if more else None,
        given=given,
        faults=faults,
        names=sorted(names.items(), key=lambda each: each[1]),
        kinds=sorted(entry_words.KINDS.items(), key=lambda each: each[1]),
        later=before is not None,
        here=url_for("trail.page"),
    )
    return Response(shown, 400 if faults else 200)


def entries(
    connection: Connection, sought: Sought, zone: tzinfo, *, before: int | None = None, limit: int = PAGE
) -> list[Shown]:
    """The newest entries there are before a row id."""
    query = (
        select(desk_entries, cases.c.number)
        .outerjoin(cases, cases.c.id == desk_entries.c.case_id)
        .order_by(desk_entries.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(desk_entries.c.id < min(max(before, 0), 2**62))
    if sought.operator is not None:
        query = query.where(desk_entries.c.operator_id == sought.operator)
    if sought.kind is not None:
        query = query.where(desk_entries.c.kind == sought.kind)
    if sought.case:
        query = query.where(cases.c.number == sought.case)
    if sought.since is not None:
        query = query.where(desk_entries.c.at >= datetime.combine(sought.since, time_of_day.min, zone))
    if sought.until is not None:
        after = datetime.combine(sought.until + timedelta(days=1), time_of_day.min, zone)
        query = query.where(desk_entries.c.at < after)
    return [
        Shown(
            row.id,
            row.at,
            row.name,
            entry_words.kind(row.kind),
            row.number,
            row.reason,
            entry_words.detail(json.loads(row.details or "{}")),
        )
        for row in connection.execute(query)
    ]


def _sought(given: dict[str, str]) -> tuple[Sought, dict[str, str]]:
    """What is looked for, and by field what about it cannot be read."""
    faults: dict[str, str] = {}
    operator = given.get("operator", "")
    if operator and not (operator.isdecimal() and len(operator) < 19):
        faults["operator"] = _("There is no such operator.")
    kind = given.get("kind")
    if kind and kind not in set(Kind):
        faults["kind"] = _("There is no such deed.")
    number = ""
    try:
        number = digits_of(given.get("case", ""))
    except BadInput:
        faults["case"] = _("A case number has ten digits.")
    days: list[date | None] = []
    for name in ("since", "until"):
        day = day_of(given.get(name, ""))
        if day is None and given.get(name):
            faults[name] = _("Write the day as 2026-11-24.")
        days.append(day)
    if faults:
        return Sought(), faults
    return Sought(int(operator) if operator else None, Kind(kind) if kind else None, number, *days), faults
