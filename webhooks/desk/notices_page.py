"""Incident notices: what every caller hears first while something is wrong.

Rule: switching a notice on or off is an entry with its words, and is in force from the next call on.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request, url_for

from ivr import desk_entries, notices, operators, queue
from ivr.desk_entries import DeskEntry, Kind
from ivr.notices import LONGEST_NOTICE, UnspeakableWords, WordsFault
from ivr.operators import Role
from webhooks.desk.guards import done, here, least, say, who
from webhooks.page_texts import Words, later
from webhooks.page_texts import gettext as _

room = Blueprint("notices_page", __name__, url_prefix="/desk")

FAULTS = Words(
    {
        WordsFault.EMPTY: later("Write what callers are to hear."),
        WordsFault.TOO_LONG: later("Callers have to listen to all of it: %(most)s signs at most."),
        WordsFault.UNPRINTABLE: later("There is a sign in it that cannot be spoken."),
    }
)


@room.get("/notices")
@least(Role.SUPERVISOR)
def page() -> Response:
    """What is on, what was, and the form for another."""
    return _shown()


@room.post("/notices")
@least(Role.SUPERVISOR)
def switch_on() -> Response:
    """Have words spoken on one line or on all; 400 with the form where they cannot be."""
    words, line, at = request.form.get("words", ""), request.form.get("line", ""), here().now()
    if line and line not in _lines():
        abort(400)
    try:
        with here().database.begin() as connection:
            notices.switch_on(connection, line or None, words, who().id, at)
            details = {"switched": "on", "line": line or "all", "words": notices.spoken_words(words)}
            desk_entries.append(connection, DeskEntry(at, who().name, Kind.NOTICE, who().id, details=details))
            queue.note(connection, "notice", at)
    except UnspeakableWords as refused:
        return _shown(words, line, FAULTS.of(refused.fault, most=LONGEST_NOTICE))
    say(_("Callers hear it from the next call on."))
    return done(url_for("notices_page.page"))


@room.post("/notices/<int:notice_id>/off")
@least(Role.SUPERVISOR)
def switch_off(notice_id: int) -> Response:
    """Let a notice be spoken no more."""
    at = here().now()
    with here().database.begin() as connection:
        was = notices.switch_off(connection, notice_id, who().id, at)
        if was is not None:
            details = {"switched": "off", "line": was.line or "all", "words": was.words}
            desk_entries.append(connection, DeskEntry(at, who().name, Kind.NOTICE, who().id, details=details))
            queue.note(connection, "notice", at)
    if was is None:
        say(_("This notice is off already."), problem=True)
    else:
        say(_("Callers hear it no more."))
    return done(url_for("notices_page.page"))


def _lines() -> dict[str, str]:
    return {line.number: line.name for line in here().lines.all}


def _shown(words: str = "", line: str = "", fault: str = "") -> Response:
    with here().database.read() as connection:
        listed, names = notices.recent(connection), operators.names(connection)
    page = render_template(
        "notices.html",
        on=[notice for notice in listed if notice.switched_off_at is None],
        off=[notice for notice in listed if notice.switched_off_at is not None],
        names=names,
        lines=_lines(),
        typed=words,
        typed_line=line,
        fault=fault,
        most=LONGEST_NOTICE,
    )
    return Response(page, 400 if fault else 200)
