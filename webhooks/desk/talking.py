"""A talk that is under way: the caller on hold and taken back, and a colleague brought in.

Rule: what is wished is written, and the line asks the provider for it once this transaction has been committed; only
whoever has the case, and is in the room with its caller, may wish.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ivr import browser_phones, desk_entries, operators, queue, rings, rooms
from ivr.desk_entries import DeskEntry, Kind
from ivr.operators import Operator, Presence
from ivr.queue import Handoff, HandoffState
from ivr.rings import RingKind, RingOutcome, Wanted
from webhooks.desk.call_words import CannotCall


def hold(connection: Connection, handoff: Handoff, operator: Operator, now: datetime, *, on: bool) -> CannotCall | None:
    """Let the caller of a talk hear music, or take them back. None where the provider is asked to."""
    why = why_not(connection, handoff, operator)
    if why is not None:
        return why
    if not queue.put_on_hold(connection, handoff.id, now, on=on):
        return CannotCall.SO_ALREADY
    rooms.arrange(connection, rooms.there(connection, handoff.id)[0], now)
    _enter(connection, handoff, operator, Kind.HELD, now, on_hold=on)
    return None


def bring_in(
    connection: Connection, handoff: Handoff, operator: Operator, colleague: Operator | None, now: datetime
) -> CannotCall | None:
    """Let a colleague's telephone ring, to join the talk; whoever of the two leaves first leaves it to the other."""
    why = why_not(connection, handoff, operator)
    if why is not None:
        return why
    if colleague is None:
        return CannotCall.NO_COLLEAGUE
    if not browser_phones.can_be_rung(connection, colleague, now):
        return CannotCall.COLLEAGUE_NO_PHONE
    if rings.under_way(connection, colleague.id):
        return CannotCall.RINGING if colleague.id == operator.id else CannotCall.COLLEAGUE_BUSY
    _enter(connection, handoff, operator, Kind.BROUGHT_IN, now, whom=colleague.name)
    return ring(connection, RingKind.JOIN, handoff, colleague, now)


def _enter(
    connection: Connection, handoff: Handoff, operator: Operator, kind: Kind, now: datetime, **details: object
) -> None:
    entry = DeskEntry(now, operator.name, kind, operator.id, handoff.case_id, handoff.id, details=details)
    desk_entries.append(connection, entry)


def why_not(connection: Connection, handoff: Handoff, operator: Operator) -> CannotCall | None:
    """Why this operator may not change the talk; None where they are in it."""
    if handoff.state is not HandoffState.CLAIMED or handoff.claimed_by != operator.id:
        return CannotCall.NOT_YOURS
    mine = any(
        ring.operator_id == operator.id and ring.outcome is RingOutcome.TALKED
        for ring in rooms.there(connection, handoff.id)
    )
    return None if mine and rooms.caller_is_in(connection, handoff) else CannotCall.NOT_TALKING


def colleagues(connection: Connection, operator: Operator, now: datetime) -> list[Operator]:
    """Who is at the desk and can be rung."""
    return [
        each
        for each in operators.listed(connection)
        if each.id != operator.id and each.disabled_at is None and each.presence is not Presence.OFF
        and browser_phones.can_be_rung(connection, each, now)
    ]  # fmt: skip


def ring(
    connection: Connection, kind: RingKind, handoff: Handoff, operator: Operator, now: datetime
) -> CannotCall | None:
    """Let an operator's browser ring about a handoff, where it is there, else their telephone. None where it will."""
    browser = browser_phones.is_there(connection, operator.id, now)
    wanted = Wanted(kind, handoff.id, handoff.case_id, operator.id, handoff.line, operator.phone_sealed, browser)
    if rings.ask(connection, wanted, now, now) is None:
        return CannotCall.RINGING
    queue.note(connection, "ring_wished", now, handoff.id, handoff.case_id)
    return None
