"""Everything that is kept about one caller: to hand it over, and to take it away.

Rule: a caller is found by the pseudonym alone, so nothing here tells who somebody is. What must stay stays without a
number: that they want no texts, or are blocked; and the ledger's entries, which name no caller. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Connection, Select, Table, delete, exists, or_, select, update

from ivr import forgetting
from ivr.askers import grant_askers
from ivr.call_backs import call_backs
from ivr.caller_locales import caller_locales
from ivr.callers import unseal
from ivr.calls import calls
from ivr.cases import cases
from ivr.consents import text_consents
from ivr.desk_entries import desk_entries
from ivr.guesses import guesses, pardons
from ivr.notices import blocked_callers
from ivr.opt_outs import opt_outs
from ivr.outbox import TextState, outbox
from ivr.queue import handoffs
from ivr.reviews import reviews
from ivr.rings import rings
from ivr.sightings import sightings
from ivr.text_limits import text_counts
from ivr.threads import texts, threads

NAMED = (
    cases, calls, handoffs, threads, outbox, text_consents, guesses, sightings, grant_askers, caller_locales, opt_outs,
    blocked_callers,
)  # fmt: skip
"""Tables with the pseudonym of a caller in a column of that name."""
NO_NUMBER = ""
"""What stands for a sealed number that was taken away."""
LIVES_FOR = timedelta(minutes=15)
"""After its last turn, for so long a call that has not ended is taken to live."""


class InUse(StrEnum):
    """Why a caller cannot be forgotten just now."""

    CALL_LIVES = "CALL_LIVES"
    CASE_WAITS = "CASE_WAITS"
    """An operator has it, or will: let it end first."""
    TEXT_UNSENT = "TEXT_UNSENT"


def _of(caller: str) -> dict[Table, Select[Any]]:
    """How the rows of one caller are found in each table that has any; rows of others' cases are not theirs."""
    theirs = select(cases.c.id).where(cases.c.caller == caller)
    their_calls = select(calls.c.sid).where(calls.c.caller == caller)
    found: dict[Table, Select[Any]] = {table: select(table).where(table.c.caller == caller) for table in NAMED}
    found[texts] = select(texts).where(texts.c.thread_id.in_(select(threads.c.id).where(threads.c.caller == caller)))
    found[text_counts] = select(text_counts).where(text_counts.c.name == caller)
    found[pardons] = select(pardons).where(pardons.c.who == caller)
    found[call_backs] = select(call_backs).where(
        or_(call_backs.c.case_id.in_(theirs), call_backs.c.call_sid.in_(their_calls))
    )
    for table in (rings, reviews, desk_entries):
        found[table] = select(table).where(table.c.case_id.in_(theirs))
    return found


def export(connection: Connection, caller: str, number_key: bytes) -> dict[str, list[dict[str, Any]]]:
    """All that is kept about a caller, table by table; sealed numbers are opened, and nothing else is left out."""
    found = {}
    for table, query in sorted(_of(caller).items(), key=lambda pair: pair[0].name):
        rows = [_opened(row, number_key) for row in connection.execute(query).mappings()]
        if rows:
            found[table.name] = rows
    return found


def in_use(connection: Connection, caller: str, now: datetime) -> InUse | None:
    """What still needs the caller; None where nothing does."""
    lately = calls.c.replied_at > now - LIVES_FOR
    live = select(calls.c.sid).where(calls.c.caller == caller, calls.c.ended_at.is_(None), lately)
    if connection.execute(live).first() is not None:
        return InUse.CALL_LIVES
    waiting = select(handoffs.c.id).where(handoffs.c.caller == caller, handoffs.c.finished_at.is_(None))
    if connection.execute(waiting).first() is not None:
        return InUse.CASE_WAITS
    unsent = select(outbox.c.id).where(
        outbox.c.caller == caller, outbox.c.state.in_([TextState.QUEUED, TextState.SENDING])
    )
    return InUse.TEXT_UNSENT if connection.execute(unsent).first() is not None else None


def erase(connection: Connection, caller: str) -> Mapping[str, int]:
    """Take away what names a caller, and tell how many rows of each table; promised call-backs go as well.

    An opt-out or a block that stands is kept as a pseudonym without a number. A case that others came to stays, without
    its caller.
    """
    before = {table.name: len(connection.execute(query).all()) for table, query in _of(caller).items()}
    ids = connection.execute(select(cases.c.id).where(cases.c.caller == caller).order_by(cases.c.id)).scalars().all()
    their_calls = select(calls.c.sid).where(calls.c.caller == caller)
    their_threads = select(threads.c.id).where(threads.c.caller == caller)
    connection.execute(
        delete(call_backs).where(or_(call_backs.c.case_id.in_(ids), call_backs.c.call_sid.in_(their_calls)))
    )
    connection.execute(delete(texts).where(texts.c.thread_id.in_(their_threads)))
    for table in (threads, outbox, text_consents, calls, guesses, sightings, grant_askers, caller_locales):
        connection.execute(delete(table).where(table.c.caller == caller))
    connection.execute(delete(text_counts).where(text_counts.c.name == caller))
    connection.execute(delete(pardons).where(pardons.c.who == caller))
    for kept in (opt_outs, blocked_callers):
        connection.execute(update(kept).where(kept.c.caller == caller).values(number_sealed=NO_NUMBER))
    shared = set(connection.execute(select(cases.c.id).where(cases.c.id.in_(ids), _shared())).scalars())
    forgetting.forget_cases(connection, [case_id for case_id in ids if case_id not in shared])
    connection.execute(update(cases).where(cases.c.id.in_(shared)).values(caller=None, country=None))
    connection.execute(update(rings).where(rings.c.case_id.in_(shared)).values(number_sealed=None))
    connection.execute(update(handoffs).where(handoffs.c.caller == caller).values(caller=None))
    stay = {opt_outs.name, blocked_callers.name, desk_entries.name}
    return {name: many for name, many in before.items() if many and name not in stay}


def _shared() -> Any:
    """Whether a case has calls, texts or threads of somebody else; the caller's own have gone."""
    return or_(*(exists().where(table.c.case_id == cases.c.id) for table in (calls, threads, outbox)))


def _opened(row: Mapping[Any, Any], number_key: bytes) -> dict[str, Any]:
    shown = {}
    for name, value in row.items():
        if name.endswith("_sealed"):
            shown[name.removesuffix("_sealed")] = _number(value, number_key)
        else:
            shown[name] = value.hex() if isinstance(value, bytes) else value
    return shown


def _number(sealed: str | None, number_key: bytes) -> str | None:
    if not sealed:
        return None
    try:
        return unseal(sealed, number_key)
    except InvalidToken:
        return "sealed with another key"
