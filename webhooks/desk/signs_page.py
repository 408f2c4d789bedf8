"""Signs, for supervisors: alarms that somebody has to see, and the keys that something speaks against.

Rule: it blocks nothing and accuses nobody: it shows what the rules counted, with the rules beside it, and leads on to
the cases. That an alarm was seen is an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import Connection, select

from ivr import desk_entries, queue, sightings
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Role
from ivr.sightings import KeyToLookAt
from ivr.signs import RULES
from keys import alarms, issue
from keys.issue import IssuedKey
from keys.products import products
from webhooks.desk import guessing
from webhooks.desk.guards import done, here, least, say, who
from webhooks.page_texts import gettext as _

room = Blueprint("signs_page", __name__, url_prefix="/desk")

LOOKED_BACK = timedelta(days=7)
MOST = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One key of the list; `key` is None for a serial that was never issued."""

    seen: KeyToLookAt
    product: str
    key: IssuedKey | None


@room.get("/signs")
@least(Role.SUPERVISOR)
def page() -> str:
    """Alarms, the keys to look at, who guesses (`of` in the address: only these), and the rules."""
    return _shown()


@room.post("/signs")
@least(Role.SUPERVISOR)
def look_for() -> Response:
    """Go to what is counted against whose number or token was typed: no GET, or a number would be in the address."""
    typed = "".join(filter(str.isprintable, request.form.get("whose", ""))).strip()
    if not typed:
        return redirect(url_for("signs_page.page"), 303)  # type: ignore[return-value] # a Response all the same
    with here().database.read() as connection:
        found = guessing.named(connection, typed)
    if not found:
        fault = _("No token is called that, and it is no telephone number. Write one with the country's code: +49 ...")
        return Response(_shown({"whose": fault}), 400)
    where = url_for("signs_page.page", of=found, _anchor="guessing-title")
    return redirect(where, 303)  # type: ignore[return-value] # a Response all the same


def _shown(faults: Mapping[str, str] | None = None) -> str:
    with here().database.read() as connection:
        found = sightings.keys_to_look_at(connection, here().now() - LOOKED_BACK)
        return render_template(
            "signs.html",
            unseen=alarms.unseen(connection),
            seen=alarms.seen(connection),
            names=_names(connection),
            rows=_rows(connection, found[:MOST]),
            more=len(found) - MOST,
            days=LOOKED_BACK.days,
            guessing=guessing.shown(connection, request.args.getlist("of")),
            faults=faults or {},
            rules=RULES,
            lines=here().lines.all,
        )


@room.get("/alarms")
@least(Role.SUPERVISOR)
def part() -> str:
    """The band across every page while an alarm is unseen."""
    with here().database.read() as connection:
        return render_template("_alarms.html", unseen=alarms.unseen(connection), names=_names(connection))


@room.post("/alarms/<int:alarm_id>/seen")
@least(Role.SUPERVISOR)
def see(alarm_id: int) -> Response:
    """Say that somebody has seen an alarm and looks into it."""
    at = here().now()
    with here().database.begin() as connection:
        alarm = alarms.see(connection, alarm_id, who().name, at)
        if alarm is not None:
            details = {"alarm": alarm.kind, "product": alarm.product, "serial": alarm.serial, "times": alarm.times}
            desk_entries.append(connection, DeskEntry(at, who().name, Kind.ALARM_SEEN, who().id, details=details))
            queue.note(connection, "alarm", at)
    if alarm is None:
        say(_("This alarm was seen already."), problem=True)
    else:
        say(_("Noted that you have seen it. Another one of the same kind rings again."))
    return done(url_for("signs_page.page"))


def _names(connection: Connection) -> dict[int, str]:
    rows = connection.execute(select(products.c.number, products.c.name))
    return {row.number: row.name for row in rows}


def _rows(connection: Connection, found: Iterable[KeyToLookAt]) -> list[Row]:
    names = _names(connection)
    return [
        Row(each, names.get(each.product, str(each.product)), issue.show(connection, each.product, each.serial))
        for each in found
    ]
