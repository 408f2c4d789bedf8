"""Ringing: the rings that are due are taken one by one; telephones are rung, and calls under way told what to do.

Rule: no network call happens inside a transaction, and a telephone that was taken is never rung again, whatever becomes
of the process that took it: where the provider's answer is lost, only the call's own news tells of it, and after a
while it is given up. Who is in a room is told once more where that is in doubt, for it says how things are to be; a
caller is told sooner of a decision once at most, for their next round tells them anyway.
"""

from __future__ import annotations

import secrets as randomness
import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from ivr import browser_phones, dialled, queue, ring_ends, rings, rooms
from ivr.callers import unseal
from ivr.rings import Ring, RingKind, RingOutcome, RingState
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics
from webhooks.beats import Beats
from webhooks.door import Exchange
from webhooks.outgoing import Accepted, Dialler, Later, OutgoingCall, Rejected, Room
from webhooks.twiml import HOLD_MUSIC, RETRIES

LEASE = timedelta(seconds=40)
"""For news of a call whose answer never came: longer than placing (13 seconds) and the telephone's ringing (25)."""
GIVE_UP = timedelta(seconds=60)
"""Whoever wished for the call waits for it: after so long without a way to place it they are told."""
RETRY = timedelta(seconds=3)
IDLE_SECONDS = 0.5
SWEEP_EVERY = 10
DUTY = "ringing"

_log = structlog.get_logger(__name__)


def ring_one(exchange: Exchange, dialler: Dialler, by: str) -> bool:
    """Place the call that is due longest; false where none is due or it is not yet time. Raises DatabaseUnavailable."""
    with exchange.database.read() as connection:
        if not dialled.any_due(connection, exchange.now()):
            return False
    with exchange.database.begin() as connection:
        ring = dialled.take(connection, by, exchange.now(), LEASE)
    if ring is None:
        return False
    match ring.kind:
        case RingKind.RETURN:
            _record_asked(exchange, ring, _go_on(exchange, dialler, ring, ring_ends.left_alone))
        case RingKind.SOONER:
            _end(exchange, ring, *_of_a_favour(_go_on(exchange, dialler, ring, _waits_for_news)))
        case RingKind.ROOM:
            _record_asked(exchange, ring, _arrange(exchange, dialler, ring))
        case _:
            _record(exchange, ring, _place(exchange, dialler, ring))
    return True


def sweep(exchange: Exchange) -> int:
    """End every ring that nothing will be heard of any more."""
    with exchange.database.read() as connection:
        if not dialled.lost(connection, exchange.now()):
            return 0
    with exchange.database.begin() as connection:
        found = [lost for ring in dialled.lost(connection, exchange.now()) if (lost := rings.lock(connection, ring.id))]
        for ring in found:
            if ring.kind in {RingKind.RETURN, RingKind.ROOM} and not _waited_too_long(exchange, ring):
                dialled.postponed(connection, ring, exchange.now(), exchange.now())
                continue
            accepted = ring.state is RingState.ACCEPTED
            outcome = ring_ends.come_to(ring) if accepted else RingOutcome.UNKNOWN
            ring_ends.end(connection, ring, outcome, exchange.now())
    _log.warning("rings_lost", count=len(found))
    return len(found)


def run(exchange: Exchange, dialler: Dialler, stop: threading.Event, beats: Beats | None = None) -> None:
    """Place what is due, and end what was lost, until `stop` is set."""
    beats = beats or Beats()
    beats.expect(DUTY)
    by = f"ringing-{randomness.token_hex(8)}"
    rounds = 0
    while not stop.wait(IDLE_SECONDS):
        try:
            ring_one(exchange, dialler, by)
            if rounds % SWEEP_EVERY == 0:
                sweep(exchange)
            beats.done(DUTY)
        except DatabaseUnavailable as unavailable:
            beats.put_off(DUTY)
            metrics.no_database("ringing", unavailable)
            _log.warning("ringing_postponed", cause=unavailable.cause.value)
        except Exception:  # noqa: BLE001 - the ringing must outlive whatever it meets
            beats.failed(DUTY)
            _log.exception("ringing_failed")
        rounds += 1


def start(exchange: Exchange, dialler: Dialler, beats: Beats | None = None) -> threading.Event:
    """Run in a thread of its own until the process ends; set the event to stop it earlier."""
    stop = threading.Event()
    threading.Thread(target=run, args=(exchange, dialler, stop, beats), name="ringing", daemon=True).start()
    return stop


def _place(exchange: Exchange, dialler: Dialler, ring: Ring) -> Accepted | Rejected | Later:
    if ring.browser:
        recipient = browser_phones.address_of(ring.operator_id)
    elif ring.number_sealed is not None:
        recipient = unseal(ring.number_sealed, exchange.secrets.number_key)
    else:  # the caller was erased meanwhile
        return Rejected(0)
    public = exchange.wording.public_url
    call = OutgoingCall(
        ring.line,
        recipient,
        f"{public}/voice/desk/leg/{ring.id}{RETRIES}",
        f"{public}/voice/desk/status/{ring.id}{RETRIES}",
    )
    return dialler.place(call)


def _go_on(
    exchange: Exchange, dialler: Dialler, ring: Ring, who: Callable[[Connection, Ring], tuple[str, int] | None]
) -> Accepted | Rejected | Later | None:
    """Let a live call take its next turn now; None where there is none that should.

    The turn's number stands in the address, so that it is taken once, whoever asks for it first: the provider, when the
    round is over, or we.
    """
    with exchange.database.begin() as connection:
        found = who(connection, ring)
    if found is None:
        return None
    sid, turn = found
    return dialler.redirect(sid, f"{exchange.wording.public_url}/voice/turn/{turn}{RETRIES}")


def _waits_for_news(connection: Connection, ring: Ring) -> tuple[str, int] | None:
    return rooms.waits_for_news(connection, ring.handoff_id)


def _arrange(exchange: Exchange, dialler: Dialler, ring: Ring) -> Accepted | Rejected | Later | None:
    """Bring the people of a room to what is written; None where there is no caller in it."""
    with exchange.database.begin() as connection:
        wanted = rooms.arrangement(connection, ring.handoff_id)
    if wanted is None:
        return None
    music = f"{exchange.wording.public_url}{HOLD_MUSIC}"
    return dialler.arrange(Room(wanted.room, music, ((wanted.caller, wanted.held),), wanted.legs))


def _of_a_favour(answer: Accepted | Rejected | Later | None) -> tuple[RingOutcome, int | None]:
    """What came of something that need not be done: it is not tried again."""
    match answer:
        case Accepted() | None:
            return RingOutcome.DONE, None
        case Rejected(error):
            return RingOutcome.FAILED, error
        case Later():
            return RingOutcome.FAILED, None


def _record_asked(exchange: Exchange, ring: Ring, answer: Accepted | Rejected | Later | None) -> None:
    """What came of something asked of a call under way; where that is in doubt, it is asked once more."""
    now = exchange.now()
    if isinstance(answer, Later) and not _waited_too_long(exchange, ring):
        _log.warning("ring_postponed", ring=ring.id, cause=answer.cause)
        with exchange.database.begin() as connection:
            dialled.postponed(connection, ring, now + RETRY * ring.attempts, now)
        return
    with exchange.database.begin() as connection:
        held = rings.lock(connection, ring.id)
        if held is not None and rings.asked_anew(held):
            dialled.postponed(connection, held, now, now)
            return
        outcome, error = _of_a_favour(answer)
        ring_ends.end(connection, ring, outcome, now, error=error)
        if outcome is RingOutcome.FAILED:
            _log.warning("ring_refused", ring=ring.id, error=error)
            if ring.kind is RingKind.ROOM:  # so that nobody is shown to be on hold who is not
                queue.put_on_hold(connection, ring.handoff_id, now, on=False)


def _record(exchange: Exchange, ring: Ring, answer: Accepted | Rejected | Later) -> None:
    """What came of ringing a telephone."""
    now = exchange.now()
    match answer:
        case Accepted(sid):
            with exchange.database.begin() as connection:
                rings.known(connection, ring, sid, now)
        case Rejected(error):
            _log.warning("ring_refused", ring=ring.id, error=error)
            _end(exchange, ring, RingOutcome.FAILED, error)
        case Later(cause, doubtful=True):
            _log.warning("ring_in_doubt", ring=ring.id, cause=cause)  # its news tells, or the sweep
        case Later(cause) if _waited_too_long(exchange, ring):
            _log.warning("ring_given_up", ring=ring.id, cause=cause)
            _end(exchange, ring, RingOutcome.FAILED)
        case Later(cause):
            _log.warning("ring_postponed", ring=ring.id, cause=cause)
            with exchange.database.begin() as connection:
                dialled.postponed(connection, ring, now + RETRY * ring.attempts, now)


def _waited_too_long(exchange: Exchange, ring: Ring) -> bool:
    """Whether it is given up; a caller who is alone in a room never is."""
    return ring.kind is not RingKind.RETURN and exchange.now() - ring.asked_at > GIVE_UP


def _end(exchange: Exchange, ring: Ring, outcome: RingOutcome, error: int | None = None) -> None:
    with exchange.database.begin() as connection:
        ring_ends.end(connection, ring, outcome, exchange.now(), error=error)
