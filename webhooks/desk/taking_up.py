"""A case that is not in the queue: opened by its number, taken up by who opened it, or put into the queue for others.

Rule: a view begins one transaction; that a case was taken up is an entry, with the reason where one is given.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, url_for

from ivr import claims, desk_entries
from ivr import taken_up as stays
from ivr.desk_entries import DeskEntry, Kind
from keys.errors import BadInput
from keys.groups import digits_of
from webhooks.desk import case_facts, deed_words
from webhooks.desk.guards import case_url, done, enhanced, here, say, who
from webhooks.desk.handling import NotDone, written
from webhooks.page_texts import gettext as _

room = Blueprint("taking_up", __name__, url_prefix="/desk")

MINE, FOR_ALL = "mine", "for_all"


@room.get("/cases/by-number")
def open_by_number() -> Response:
    """Go to the case whose number was typed, in any spelling; back to the queue where there is none."""
    try:
        number = digits_of(request.args.get("number", ""))
    except BadInput:
        number = ""
    with here().database.read() as connection:
        found, _handoff = case_facts.of_number(connection, number)
    if found is None:
        say(_("There is no case of that number. It has ten digits, and begins with 9."), problem=True)
        return done(url_for("queue_page.page"))
    return done(url_for("case_page.by_number", number=number))


@room.post("/cases/by-number/<number>/take-up")
def take_up(number: str) -> Response:
    """Put a case into the queue, and take it at once where it is to be one's own."""
    how, at = request.form.get("how", ""), here().now()
    if how not in {MINE, FOR_ALL}:
        abort(400)
    why = written(request.form.get("reason", ""))
    if isinstance(why, NotDone):
        say(deed_words.not_done(why), problem=True)
        return Response(status=409) if enhanced() else done(url_for("case_page.by_number", number=number))
    with here().database.begin() as connection:
        case_id, _handoff = case_facts.of_number(connection, number)
        if case_id is None:
            abort(404)
        handoff = stays.take_up(connection, case_id, at)
        mine = how == MINE and claims.claim(connection, handoff.id, who().id, at)
        entry = DeskEntry(at, who().name, Kind.TAKEN_UP, who().id, case_id, handoff.id, reason=why)
        desk_entries.append(connection, entry)
    if mine:
        say(_("The case is yours."))
    elif how == MINE and handoff.claimed_by != who().id:
        say(_("The case was in the queue already, and somebody has it."), problem=True)
    else:
        say(_("The case is in the queue."))
    return done(case_url(handoff.id))
