"""Ringing: the calls that are due are taken one by one, at the pace of all processes, and placed by the provider.

Rule: no network call happens inside a transaction, and a ring that was taken is never placed again, whatever becomes of
the process that took it: where the provider's answer is lost, only the call's own news tells of it, and after a while
it is given up.
"""

from __future__ import annotations

import secrets as randomness
import threading
from datetime import datetime, timedelta

import structlog

from ivr import dialled, ring_ends, rings
from ivr.callers import unseal
from ivr.rings import Ring, RingKind, RingOutcome, RingState
from keys.unavailable import DatabaseUnavailable
from webhooks.door import Exchange
from webhooks.outgoing import Accepted, Dialler, Later, OutgoingCall, Rejected
from webhooks.twiml import RETRIES

LEASE = timedelta(seconds=40)
"""For news of a call whose answer never came: longer than placing (13 seconds) and the telephone's ringing (25)."""
GIVE_UP = timedelta(seconds=60)
"""Whoever wished for the call waits for it: after so long without a way to place it they are told."""
RETRY = timedelta(seconds=3)
IDLE_SECONDS = 0.5
SWEEP_EVERY = 10

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
    answer = _bring_back(exchange, dialler, ring) if ring.kind is RingKind.RETURN else _place(exchange, dialler, ring)
    _record(exchange, ring, answer)
    return True


def sweep(exchange: Exchange) -> int:
    """End every ring that nothing will be heard of any more."""
    with exchange.database.read() as connection:
        if not dialled.lost(connection, exchange.now()):
            return 0
    with exchange.database.begin() as connection:
        found = [lost for ring in dialled.lost(connection, exchange.now()) if (lost := rings.lock(connection, ring.id))]
        for ring in found:
            if ring.kind is RingKind.RETURN:  # asked for once more it does no harm, and nobody stays alone
                dialled.postponed(connection, ring, exchange.now(), exchange.now())
                continue
            accepted = ring.state is RingState.ACCEPTED
            outcome = ring_ends.come_to(ring) if accepted else RingOutcome.UNKNOWN
            ring_ends.end(connection, ring, outcome, exchange.now())
    _log.warning("rings_lost", count=len(found))
    return len(found)


def run(exchange: Exchange, dialler: Dialler, stop: threading.Event) -> None:
    """Place what is due, and end what was lost, until `stop` is set."""
    by = f"ringing-{randomness.token_hex(8)}"
    rounds = 0
    while not stop.wait(IDLE_SECONDS):
        try:
            ring_one(exchange, dialler, by)
            if rounds % SWEEP_EVERY == 0:
                sweep(exchange)
        except DatabaseUnavailable as unavailable:
            _log.warning("ringing_postponed", cause=unavailable.cause.value)
        except Exception:  # noqa: BLE001 - the ringing must outlive whatever it meets
            _log.exception("ringing_failed")
        rounds += 1


def start(exchange: Exchange, dialler: Dialler) -> threading.Event:
    """Run in a thread of its own until the process ends; set the event to stop it earlier."""
    stop = threading.Event()
    threading.Thread(target=run, args=(exchange, dialler, stop), name="ringing", daemon=True).start()
    return stop


def _place(exchange: Exchange, dialler: Dialler, ring: Ring) -> Accepted | Rejected | Later:
    if ring.number_sealed is None:
        return Rejected(0)
    public = exchange.wording.public_url
    call = OutgoingCall(
        ring.line,
        unseal(ring.number_sealed, exchange.secrets.number_key),
        f"{public}/voice/desk/leg/{ring.id}{RETRIES}",
        f"{public}/voice/desk/status/{ring.id}{RETRIES}",
    )
    return dialler.place(call)


def _bring_back(exchange: Exchange, dialler: Dialler, ring: Ring) -> Accepted | Rejected | Later | None:
    """Let a caller who is alone in a room take their next turn; None where nobody is."""
    with exchange.database.begin() as connection:
        alone = ring_ends.left_alone(connection, ring)
    if alone is None:
        return None
    sid, turn = alone
    return dialler.redirect(sid, f"{exchange.wording.public_url}/voice/turn/{turn}{RETRIES}")


def _record(exchange: Exchange, ring: Ring, answer: Accepted | Rejected | Later | None) -> None:
    now = exchange.now()
    match answer:
        case Accepted(sid) if ring.kind is not RingKind.RETURN:
            with exchange.database.begin() as connection:
                rings.known(connection, ring, sid, now)
        case Accepted() | None:
            _end(exchange, ring, RingOutcome.GONE, now)
        case Rejected(error):
            _log.warning("ring_refused", ring=ring.id, error=error)
            _end(exchange, ring, RingOutcome.FAILED, now, error)
        case Later(cause, doubtful=True):
            _log.warning("ring_in_doubt", ring=ring.id, cause=cause)  # its news tells, or the sweep
        case Later(cause) if now - ring.asked_at > GIVE_UP:
            _log.warning("ring_given_up", ring=ring.id, cause=cause)
            _end(exchange, ring, RingOutcome.FAILED, now)
        case Later(cause):
            _log.warning("ring_postponed", ring=ring.id, cause=cause)
            with exchange.database.begin() as connection:
                dialled.postponed(connection, ring, now + RETRY * ring.attempts, now)


def _end(exchange: Exchange, ring: Ring, outcome: RingOutcome, now: datetime, error: int | None = None) -> None:
    with exchange.database.begin() as connection:
        ring_ends.end(connection, ring, outcome, now, error=error)
