"""Work beside the calls: sealing entries, giving back holds, draining the spool, paging, counting, forgetting.

Rule: every node may do it and none must, since the database decides who does; what fails is tried again, and no call
ever waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from ivr import forgetting, idempotency, on_call, rates, statistics, waiting_room
from ivr.call_backs import Wish, note
from ivr.turn import hang_up
from keys import ledger, seals
from keys.database import Database
from keys.unavailable import DatabaseUnavailable
from webhooks import incoming_texts, metrics, recordings, spool
from webhooks.beats import Beats
from webhooks.door import Exchange

SEAL_SECONDS = 2.0
THOROUGH_SECONDS = 600.0
SWEEP_SECONDS = 15.0
DRAIN_SECONDS = 5.0
ON_CALL_SECONDS = 5.0
FORGET_SECONDS = 3600.0
COUNT_SECONDS = 900.0
FORGET_CALLERS_SECONDS = 60.0
MOST_STEPS = 20

_log = structlog.get_logger(__name__)


@dataclass
class _Duty:
    """One kind of work and when it is due again."""

    name: str
    work: Callable[[], object]
    every: float
    due: float = 0.0


def seal(exchange: Exchange, roots_file: Path, *, thorough: bool = False) -> int:
    """Seal what is not sealed yet and, where anything was, write the new root outside the database.

    A thorough pass writes the root in any case, should an earlier pass have failed to.
    """
    with exchange.database.begin() as connection:
        sealed = seals.seal(connection, exchange.secrets.ledger_key, thorough=thorough)
    if sealed or thorough:
        with exchange.database.read() as connection:
            seals.write_root(connection, exchange.secrets, roots_file, exchange.now())
    return sealed


def sweep(exchange: Exchange) -> int:
    """Give back the holds whose time has run out, and end the waiting calls that are over without our being told."""
    now = exchange.now()
    with exchange.database.begin() as connection:
        for call_sid in waiting_room.lost(connection, now):
            hang_up(connection, call_sid, now=now)
        return ledger.expire(connection, now=now)


def drain(exchange: Exchange) -> int:
    """Bring spooled wishes for a call-back into the database."""
    return spool.drain(exchange.spool_dir, lambda wishes: _note_all(exchange.database, wishes))


def page_on_call(exchange: Exchange) -> int:
    """Tell whoever is on call of an alarm, and of a case that waits while nobody is at the desk."""
    with exchange.database.read() as connection:
        if not on_call.any_unseen(connection):
            return 0
    with exchange.database.begin() as connection:
        told = (exchange.secrets, exchange.lines, exchange.limits, exchange.now())
        written = on_call.page_alarms(connection, *told) + on_call.page(connection, *told)
    exchange.texts_due.set()
    return written


def forget(exchange: Exchange) -> None:
    """Take away what programs' requests left behind for a day."""
    now = exchange.now()
    with exchange.database.begin() as connection:
        idempotency.forget(connection, now)
        rates.forget(connection, now)


def count(exchange: Exchange) -> int:
    """Count the activations of today, and of the days that may not be whole yet, for the statistics."""
    with exchange.database.read() as connection:
        days = statistics.days_to_count(connection, exchange.now())
    counted = {day: statistics.count(exchange.database.read, day) for day in days}
    with exchange.database.begin() as connection:
        for day, counts in counted.items():
            statistics.keep(connection, day, counts)
    return len(counted)


def forget_callers(exchange: Exchange) -> int:
    """Forget what names callers and has had its time: a few short steps, so that no turn waits for long."""
    before = exchange.now() - exchange.kept
    forgotten = 0
    for _ in range(MOST_STEPS):
        with exchange.database.begin() as connection:
            gone = forgetting.step(connection, before)
        if not gone:
            break
        forgotten += gone
    return forgotten


def _note_all(database: Database, wishes: list[Wish]) -> None:
    with database.begin() as connection:
        for wish in wishes:
            note(connection, wish)


def run(exchange: Exchange, roots_file: Path, stop: threading.Event, beats: Beats | None = None) -> None:
    """Do what is due until `stop` is set. Its own database would be a luxury: it uses the line's, between calls."""
    duties = [
        _Duty("sealing", lambda: seal(exchange, roots_file), SEAL_SECONDS),
        _Duty("sealing_thoroughly", lambda: seal(exchange, roots_file, thorough=True), THOROUGH_SECONDS),
        _Duty("sweeping", lambda: sweep(exchange), SWEEP_SECONDS),
        _Duty("draining", lambda: drain(exchange), DRAIN_SECONDS),
        _Duty("taking_kept_texts", lambda: incoming_texts.take_kept(exchange), DRAIN_SECONDS),
        _Duty("forgetting", lambda: forget(exchange), FORGET_SECONDS),
        _Duty("paging", lambda: page_on_call(exchange), ON_CALL_SECONDS),
        _Duty("counting", lambda: count(exchange), COUNT_SECONDS),
        _Duty("forgetting_callers", lambda: forget_callers(exchange), FORGET_CALLERS_SECONDS),
    ]
    if exchange.wording.shelf is not None:
        duties.append(_Duty("looking_at_recordings", exchange.wording.shelf.look, recordings.LOOK_SECONDS))
    beats = beats or Beats()
    beats.expect(*(duty.name for duty in duties if duty.every <= SWEEP_SECONDS))
    while not stop.wait(0.5):
        for duty in duties:
            if time.monotonic() >= duty.due:
                duty.due = time.monotonic() + duty.every
                _attempt(duty, beats)


def _attempt(duty: _Duty, beats: Beats) -> None:
    try:
        duty.work()
    except DatabaseUnavailable as unavailable:
        beats.put_off(duty.name)
        metrics.no_database("background", unavailable)
        _log.warning("background_postponed", duty=duty.name, cause=unavailable.cause.value)
    except Exception:  # noqa: BLE001 - one piece of work that fails must not end the others
        beats.failed(duty.name)
        _log.exception("background_failed", duty=duty.name)
    else:
        beats.done(duty.name)


def start(exchange: Exchange, roots_file: Path, beats: Beats | None = None) -> threading.Event:
    """Run in a thread of its own until the process ends; set the event to stop it earlier."""
    stop = threading.Event()
    threading.Thread(target=run, args=(exchange, roots_file, stop, beats), name="background", daemon=True).start()
    return stop
