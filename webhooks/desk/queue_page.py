"""The queue: who waits, how long, why, and who has them; and the operator's own presence.

Rule: a claim is one POST and one conditional UPDATE; whoever was late hears who has the case.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from ivr import claims, desk_entries, operators, queue
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Presence
from webhooks.desk import words
from webhooks.desk.guards import done, here, say, who

room = Blueprint("queue_page", __name__, url_prefix="/desk")


@room.get("")
def front() -> Response:
    """The desk begins with its queue."""
    return redirect(url_for("queue_page.page"))  # type: ignore[return-value] # a Response all the same


@room.get("/queue")
def page() -> str:
    """The whole page."""
    return render_template("queue.html", rows=_rows())


@room.get("/queue/board")
def board() -> str:
    """The part of it that changes."""
    return render_template("_board.html", rows=_rows())


def _rows() -> list[queue.Handoff]:
    with here().database.read() as connection:
        return queue.unfinished(connection)


@room.post("/claim")
def claim() -> Response:
    """Take a case; the answer is its page, or the queue with who was quicker."""
    handoff_id, at = request.form.get("handoff", type=int), here().now()
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
        return done(url_for("queue_page.page"))
    has = names.get(found.claimed_by or 0)
    say(f"{has} was quicker and has this case." if has else "This case is no longer in the queue.", problem=True)
    return done(url_for("queue_page.page"))


@room.post("/presence")
def presence() -> Response:
    """Say whether one takes cases."""
    try:
        chosen = Presence(request.form.get("presence", ""))
    except ValueError:
        abort(400)
    with here().database.begin() as connection:
        if operators.set_presence(connection, who().id, chosen, here().now()):
            queue.note(connection, "presence", here().now())
    say(f"You are now: {words.PRESENCES[chosen]}.")
    return done(url_for("queue_page.page"))
