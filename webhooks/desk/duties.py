"""Work beside the desk's pages: cases of silent operators go back, whoever has gone is off, old changes are forgotten.

Rule: any desk process may do it and none must, since each piece is a conditional UPDATE; what fails is tried again.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from sqlalchemy import delete

from ivr import claims, desk_entries, logins, operators, queue
from ivr.desk_entries import DeskEntry, Kind
from keys.unavailable import DatabaseUnavailable
from webhooks.desk.guards import Desk

DUTY = "looking_after_the_desk"
EVERY_SECONDS = 15.0
SILENCE = timedelta(minutes=3)
"""How long a claimed case waits for its operator, whose open page says every half minute that they are there."""
EVENTS_KEPT = timedelta(days=1)

_log = structlog.get_logger(__name__)


def look_after(desk: Desk) -> None:
    """One round of all duties."""
    at = desk.now()
    with desk.database.begin() as connection:
        names = operators.names(connection)
        for was in claims.return_silent(connection, at, SILENCE):
            had = {"had": names.get(was.claimed_by or 0, "")}
            entry = DeskEntry(at, "desk", Kind.RETURNED, None, was.case_id, was.id, details=had)
            desk_entries.append(connection, entry)
        if logins.send_off_silent(connection, at):
            queue.note(connection, "presence", at)
        connection.execute(delete(queue.desk_events).where(queue.desk_events.c.at < at - EVENTS_KEPT))
        logins.forget(connection, at)


def run(desk: Desk, stop: threading.Event) -> None:
    """Do a round every quarter of a minute until `stop` is set."""
    desk.beats.expect(DUTY)
    while not stop.wait(EVERY_SECONDS):
        try:
            look_after(desk)
            desk.beats.done(DUTY)
        except DatabaseUnavailable as unavailable:
            desk.beats.put_off(DUTY)
            _log.warning("desk_duties_postponed", cause=unavailable.cause.value)
        except Exception:  # noqa: BLE001 - a round that fails must not be the last
            desk.beats.failed(DUTY)
            _log.exception("desk_duties_failed")


def start(desk: Desk) -> threading.Event:
    """Run in a thread of its own until the process ends; set the event to stop it earlier."""
    stop = threading.Event()
    threading.Thread(target=run, args=(desk, stop), name="desk duties", daemon=True).start()
    return stop
