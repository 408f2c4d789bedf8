"""The delivery of texts: claimed from the outbox, posted to the provider, and the answer recorded.

Rule: no network call happens inside a transaction, and none before it is written down that it will. So a process that
is killed at any point leaves a row that says whether the provider may have the text: if so, the provider is asked
before the text is posted again.
"""

from __future__ import annotations

import secrets as randomness
import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from ivr import sending
from ivr.callers import unseal
from ivr.lines import Line
from ivr.outbox import NoText, read_words
from ivr.sending import Claimed
from ivr.text_limits import count_segments
from ivr.textable import country_of
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics, text_body
from webhooks.beats import Beats
from webhooks.door import Exchange
from webhooks.outgoing import Accepted, Carrier, Later, Outgoing, Rejected
from webhooks.segments import segments
from webhooks.twiml import RETRIES

LEASE = timedelta(seconds=60)
"""A claim's time: more than asking and posting can take together (13 seconds each)."""
GIVE_UP = timedelta(hours=24)
"""An answer that comes a day late helps nobody."""
LONGEST_WAIT = 15 * 60
LONGEST_ASKED_WAIT = 60 * 60
"""Seconds: of our own back-off, and of what a provider may ask for."""
DOUBTFUL_WAIT = 20
"""Seconds before the provider is asked about a text whose answer never came: it may still be working on it."""
SKEW = timedelta(minutes=15)
"""The provider's clock may be so much behind ours: generous, since an earlier text with the same words has its row."""
IDLE_SECONDS = 1.0
DUTY = "delivery"

_log = structlog.get_logger(__name__)


def deliver_one(exchange: Exchange, carrier: Carrier, by: str, *, lease: timedelta = LEASE) -> bool:
    """Deliver the text that is due longest; false where none is due. Raises DatabaseUnavailable."""
    with exchange.database.read() as connection:
        if not sending.any_due(connection, exchange.now()):
            return False
    with exchange.database.begin() as connection:
        claimed = sending.claim(connection, by, exchange.now(), lease)
    if claimed is None:
        return False
    try:
        _deliver(exchange, carrier, claimed)
    except DatabaseUnavailable:
        raise  # the claim runs out, and the text is due again
    except Exception as error:  # noqa: BLE001 - a text we cannot even put together must not keep the others back
        _log.error("text_failed", text=claimed.id, exc_info=error)
        _put_off(exchange, claimed, Later("fault", doubtful=True))
    return True


def run(exchange: Exchange, carrier: Carrier, stop: threading.Event, beats: Beats | None = None) -> None:
    """Deliver what is due, then wait for more, until `stop` is set."""
    beats = beats or Beats()
    beats.expect(DUTY)
    by = f"delivery-{randomness.token_hex(8)}"
    while not stop.is_set():
        exchange.texts_due.clear()
        try:
            while not stop.is_set() and deliver_one(exchange, carrier, by):
                beats.done(DUTY)
            beats.done(DUTY)
        except DatabaseUnavailable as unavailable:
            beats.put_off(DUTY)
            metrics.no_database("delivery", unavailable)
            _log.warning("delivery_postponed", cause=unavailable.cause.value)
            stop.wait(IDLE_SECONDS)
        except Exception:  # noqa: BLE001 - the delivery must outlive whatever it meets
            beats.failed(DUTY)
            _log.exception("delivery_failed")
            stop.wait(IDLE_SECONDS)
        exchange.texts_due.wait(IDLE_SECONDS)


def start(exchange: Exchange, carrier: Carrier, beats: Beats | None = None) -> threading.Event:
    """Run in a thread of its own until the process ends; set the event to stop it earlier."""
    stop = threading.Event()
    threading.Thread(target=run, args=(exchange, carrier, stop, beats), name="delivery", daemon=True).start()
    return stop


def _deliver(exchange: Exchange, carrier: Carrier, claimed: Claimed) -> None:
    line = next((line for line in exchange.lines.all if line.number == claimed.line), None)
    if line is None or line.text_sender is None:
        _log.error("text_without_sender", text=claimed.id)
        with exchange.database.begin() as connection:
            sending.refused(connection, claimed, NoText.NO_SENDER, exchange.now())
        return
    text = _outgoing(exchange, line, line.text_sender, claimed)
    if claimed.posted_at is not None:
        looked = _look(exchange, carrier, text, claimed.posted_at)
        if looked is not None:
            _record(exchange, claimed, looked)
            return
    if exchange.now() - claimed.written_at > GIVE_UP:
        _give_up(exchange, claimed)
        return
    with exchange.database.begin() as connection:
        may = sending.posting(connection, claimed, exchange.now())
        if may and claimed.posted_at is None:
            _count_segments(exchange, connection, text)
    if may:
        _record(exchange, claimed, carrier.send(text))


def _count_segments(exchange: Exchange, connection: Connection, text: Outgoing) -> None:
    """What a text costs beyond the one that was counted when it was written."""
    more = segments(text.body).count - 1
    country = country_of(text.recipient)
    if more > 0 and country is not None:
        pepper = exchange.secrets.pepper
        count_segments(connection, text.recipient, country, more, pepper=pepper, now=exchange.now())


def _outgoing(exchange: Exchange, line: Line, sender: str, claimed: Claimed) -> Outgoing:
    words = read_words(claimed.words)
    catalogues = exchange.wording.catalogues
    names = text_body.asked(catalogues[line.locale], words, catalogues)
    with exchange.database.read() as connection:
        facts = text_body.read_facts(connection, exchange.secrets, line, claimed.case_id, names)
    return Outgoing(
        claimed.id,
        sender,
        unseal(claimed.caller.sealed, exchange.secrets.number_key),
        text_body.body(catalogues[line.locale], words, facts, catalogues),
        f"{exchange.wording.public_url}/sms/status?text={claimed.id}{RETRIES}",
    )


def _look(exchange: Exchange, carrier: Carrier, text: Outgoing, posted_at: datetime) -> Accepted | Later | None:
    """Whether the provider has the text from an earlier attempt; a text it has for another row is not that one."""
    found = carrier.find(text, posted_at - SKEW)
    if isinstance(found, Later):
        return Later(found.cause, found.after, doubtful=True, ours=found.ours)
    with exchange.database.read() as connection:
        new = next((sid for sid in found if not sending.is_ours(connection, sid)), None)
    return None if new is None else Accepted(new)


def _record(exchange: Exchange, claimed: Claimed, outcome: Accepted | Rejected | Later) -> None:
    match outcome:
        case Accepted(sid):
            with exchange.database.begin() as connection:
                sending.accepted(connection, claimed, sid, exchange.now())
        case Rejected(error):
            # The number itself would be struck out of the log; it stands in the row.
            _log.warning("text_rejected", text=claimed.id)
            with exchange.database.begin() as connection:
                sending.failed(connection, claimed, error, exchange.now())
        case Later():
            _put_off(exchange, claimed, outcome)


def _put_off(exchange: Exchange, claimed: Claimed, later: Later) -> None:
    now = exchange.now()
    due_at = now + timedelta(seconds=_wait(exchange, claimed.attempts, later))
    if due_at - claimed.written_at > GIVE_UP:
        _give_up(exchange, claimed)
        return
    level = _log.critical if later.ours else _log.warning
    level("text_postponed", text=claimed.id, cause=later.cause, attempts=claimed.attempts)
    with exchange.database.begin() as connection:
        sending.postponed(connection, claimed, due_at, now, surely_unsent=not later.doubtful)


def _give_up(exchange: Exchange, claimed: Claimed) -> None:
    _log.error("text_given_up", text=claimed.id, attempts=claimed.attempts)
    with exchange.database.begin() as connection:
        sending.failed(connection, claimed, None, exchange.now())


def _wait(exchange: Exchange, attempts: int, later: Later) -> float:
    """Seconds: 1, 2, 4 and so on, up to half as much again by chance, so that many do not come back at once."""
    base = float(min(2 ** min(attempts - 1, 20), LONGEST_WAIT))
    if later.doubtful:
        base = max(base, DOUBTFUL_WAIT)
    return max(base * (1 + exchange.below(500) / 1000), min(later.after or 0, LONGEST_ASKED_WAIT))
