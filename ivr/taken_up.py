"""Putting a case into the queue though its caller does not wait: found by its number, or by a search.

Rule: it comes in as its last call or text left it. Nobody waits on the telephone for it, so what is decided is texted,
or the caller is called back; a call that asks for a person afterwards comes to whoever has the case by then.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from ivr import queue
from ivr.calls import calls
from ivr.cases import cases
from ivr.queue import Handoff, handoffs
from ivr.threads import threads

TAKEN_UP = "TAKEN_UP"
"""The reason of such a stay in the queue."""


def take_up(connection: Connection, case_id: int, now: datetime) -> Handoff:
    """The case's stay in the queue: a new one, or the one that it has already, as it stands."""
    # The line locks the case before it lets it in: whoever comes second finds the stay of the first.
    row = connection.execute(select(cases).where(cases.c.id == case_id).with_for_update(key_share=True)).one()
    there = queue.of_case(connection, case_id)
    if there is not None:
        return there
    channel, sid = _last_heard(connection, case_id)
    facts = {"channel": channel, "sid": sid, "line": row.line, "caller": row.caller, "reason": TAKEN_UP}
    handoff = queue.enter(connection, case_id, **facts, now=now)
    if channel != "text":
        connection.execute(update(handoffs).where(handoffs.c.id == handoff.id).values(left_at=now))
    found = queue.read(connection, handoff.id)
    assert found is not None  # it was just put in
    return found


def _last_heard(connection: Connection, case_id: int) -> tuple[str, str]:
    """By which channel the case was heard of last, and by which call; a thread of texts has no id that matters here."""
    called = connection.execute(
        select(calls.c.sid, calls.c.replied_at)
        .where(calls.c.case_id == case_id)
        .order_by(calls.c.replied_at.desc())
        .limit(1)
    ).one_or_none()
    texted = connection.execute(
        select(threads.c.changed_at).where(threads.c.case_id == case_id).order_by(threads.c.changed_at.desc()).limit(1)
    ).scalar()
    nobody = f"case-{case_id}"
    if called is None:
        return ("phone" if texted is None else "text"), nobody
    return ("text", nobody) if texted is not None and texted > called.replied_at else ("phone", called.sid)
