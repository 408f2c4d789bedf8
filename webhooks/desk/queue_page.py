"""The queue: who waits, how long, why, and who has them; and the operator's own presence.

Rule: a claim is one POST and one conditional UPDATE; whoever was late hears who has the case. What everybody sees alike
is drawn once for everybody.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for

from ivr import claims, desk_entries, logins, operators, queue
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Presence
from ivr.queue import HandoffState, handoffs
from webhooks.desk import words
from webhooks.desk.board import Board
from webhooks.desk.guards import case_url, done, here, login, say, who
from webhooks.desk.sheets import Chosen, Sheets, chosen_of
from webhooks.page_texts import gettext as _
from webhooks.page_texts import language
from webhooks.row_numbers import row_number

room = Blueprint("queue_page", __name__, url_prefix="/desk")


@room.record_once
def _remember(setup: object) -> None:
    """Each app has its own sheets of the queue."""
    setup.app.extensions["queue"] = Sheets()  # type: ignore[attr-defined] # Flask's set-up state, which it does not name


@room.get("")
def front() -> Response:
    """The desk begins with its queue."""
    return redirect(url_for("queue_page.page"))  # type: ignore[return-value] # a Response all the same


@room.get("/queue")
def page() -> str:
    """The whole page."""
    return render_template("queue.html", lines=here().lines.all, chosen=_chosen(), drawn=board())


@room.get("/queue/board")
def board() -> str:
    """The part of it that changes, for a page whose stream is broken."""
    return _sheets().page(_board(), _chosen())


@room.get("/queue/count")
def count() -> str:
    """How many wait, for the header of every page."""
    return render_template("_count.html", count=_board().waiting)


@room.post("/claim")
def claim() -> Response:
    """Take a case; the answer is its page, or the queue with who was quicker."""
    handoff_id, at = request.form.get("handoff", type=row_number), here().now()
    if handoff_id is None:
        abort(400)
    with here().database.begin() as connection:
        won = claims.claim(connection, handoff_id, who().id, at)
        found = queue.read(connection, handoff_id)
        names = operators.names(connection)
        if won and found is not None:
            entry = DeskEntry(at, who().name, Kind.CLAIMED, who().id, found.case_id, handoff_id)
            desk_entries.append(connection, entry)
    if found is None:
        abort(404)
    if won or found.claimed_by == who().id:
        return done(case_url(handoff_id))
    has = names.get(found.claimed_by or 0)
    taken = _("%(who)s was quicker and has this case.", who=has) if has else _("This case is no longer in the queue.")
    say(taken, problem=True)
    return done(url_for("queue_page.page"))


@room.post("/presence")
def presence() -> Response:
    """Say whether one takes cases."""
    try:
        chosen = Presence(request.form.get("presence", ""))
    except ValueError:
        abort(400)
    _be(chosen)
    say(_("You are now: %(presence)s.", presence=words.PRESENCES[chosen]))
    return done(url_for("queue_page.page"), lambda: render_template("_presence.html", presence=chosen))


@room.post("/seen")
def seen() -> Response:
    """An open page says twice a minute that its operator is there: their cases stay theirs, and they stay present.

    Who was sent off meanwhile is away until they say that they are available: nobody may wait for them unknowing.
    """
    at = here().now()
    with here().database.begin() as connection:
        logins.touch(connection, login().id, at)
        mine = connection.execute(
            handoffs.select().where(handoffs.c.claimed_by == who().id, handoffs.c.state == HandoffState.CLAIMED)
        ).all()
        for row in mine:
            claims.see(connection, row.id, who().id, at)
    if who().presence != Presence.OFF:
        return Response(status=204)
    _be(Presence.AWAY)
    say(_("This page was not heard from for a while. You are set to Away."), problem=True)
    return Response(render_template("_presence.html", presence=Presence.AWAY))


def _be(chosen: Presence) -> None:
    with here().database.begin() as connection:
        if operators.set_presence(connection, who().id, chosen, here().now()):
            queue.note(connection, "presence", here().now())


def _sheets() -> Sheets:
    found: Sheets = current_app.extensions["queue"]
    return found


def _board() -> Board:
    with here().database.read() as connection:
        return _sheets().board(connection, here().lines, here().now())


def _chosen() -> Chosen:
    return chosen_of(request.args, here().lines, language().locale)
