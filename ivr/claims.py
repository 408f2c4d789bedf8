"""Claims: which operator has a case of the queue, and what was decided about it.

Rule: a case has one operator at most, and a claim is one conditional UPDATE: whoever lost the race finds who won by
`queue.read`. Nothing here commits.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from ivr import rings
from ivr.queue import Decision, Handoff, HandoffState, handoff_of, handoffs, note
from ivr.rings import RingKind, Wanted


def claim(connection: Connection, handoff_id: int, operator_id: int, now: datetime) -> bool:
    """Take a waiting case. False where another was quicker, or it has ended; `read` tells who has it."""
    row = connection.execute(
        update(handoffs)
        .where(handoffs.c.id == handoff_id, handoffs.c.state == HandoffState.WAITING)
        .values(
            state=HandoffState.CLAIMED,
            claimed_by=operator_id,
            claimed_at=now,
            answered_at=func.coalesce(handoffs.c.answered_at, now),
            seen_at=now,
        )
        .returning(handoffs.c.case_id)
    ).one_or_none()
    return _changed(connection, row, "claimed", handoff_id, now)


def see(connection: Connection, handoff_id: int, operator_id: int, now: datetime) -> bool:
    """The operator who has the case is there: it is not given back for silence. False where it is no longer theirs."""
    row = connection.execute(
        update(handoffs).where(_theirs(handoff_id, operator_id)).values(seen_at=now).returning(handoffs.c.id)
    ).one_or_none()
    return row is not None


def release(connection: Connection, handoff_id: int, operator_id: int, now: datetime) -> bool:
    """Give a case back to the queue, at its old place. False where it is not this operator's."""
    row = connection.execute(
        update(handoffs)
        .where(_theirs(handoff_id, operator_id))
        .values(state=HandoffState.WAITING, claimed_by=None, claimed_at=None, seen_at=None)
        .returning(handoffs.c.case_id)
    ).one_or_none()
    return _changed(connection, row, "released", handoff_id, now)


def transfer(connection: Connection, handoff_id: int, operator_id: int, to: int, now: datetime) -> bool:
    """Hand a case to another operator. False where it is not this operator's."""
    row = connection.execute(
        update(handoffs)
        .where(_theirs(handoff_id, operator_id))
        .values(claimed_by=to, claimed_at=now, seen_at=now)
        .returning(handoffs.c.case_id)
    ).one_or_none()
    return _changed(connection, row, "transferred", handoff_id, now)


def return_silent(connection: Connection, now: datetime, silence: timedelta) -> list[Handoff]:
    """Give back every claimed case whose operator has not been seen for so long; tell which, as they were."""
    silent = (handoffs.c.state == HandoffState.CLAIMED) & (handoffs.c.seen_at < now - silence)
    before = [handoff_of(row) for row in connection.execute(select(handoffs).where(silent))]
    returned = []
    for handoff in before:
        row = connection.execute(
            update(handoffs)
            .where(handoffs.c.id == handoff.id, silent)
            .values(state=HandoffState.WAITING, claimed_by=None, claimed_at=None, seen_at=None)
            .returning(handoffs.c.case_id)
        ).one_or_none()
        if _changed(connection, row, "returned", handoff.id, now):
            returned.append(handoff)
    return returned


def decide(
    connection: Connection,
    handoff_id: int,
    operator_id: int,
    decision: Decision,
    *,
    reason: str | None = None,
    now: datetime,
) -> bool:
    """Decide a claimed case, for the line to take up at its next round. False where it is not this operator's.

    Where a caller waits in a call, the line is asked to let that round end at once.
    """
    row = connection.execute(
        update(handoffs)
        .where(_theirs(handoff_id, operator_id))
        .values(state=HandoffState.DECIDED, decision=decision, decided_reason=reason, decided_at=now)
        .returning(handoffs.c.case_id, handoffs.c.line, handoffs.c.sid, handoffs.c.left_at)
    ).one_or_none()
    if row is not None and row.left_at is None:
        sooner = Wanted(RingKind.SOONER, handoff_id, row.case_id, operator_id, row.line, None)
        rings.ask(connection, sooner, now, now)
    return _changed(connection, row, "decided", handoff_id, now)


def take_up_talk(connection: Connection, handoff_id: int, now: datetime) -> bool:
    """The caller joins the operator who decided to talk: the case is that operator's again, to decide afterwards."""
    row = connection.execute(
        update(handoffs)
        .where(
            handoffs.c.id == handoff_id,
            handoffs.c.state == HandoffState.DECIDED,
            handoffs.c.decision == Decision.TALK,
        )
        .values(state=HandoffState.CLAIMED, decision=None, decided_at=None, seen_at=now)
        .returning(handoffs.c.case_id)
    ).one_or_none()
    return _changed(connection, row, "talking", handoff_id, now)


def finish(connection: Connection, handoff_id: int, disposition: str, now: datetime) -> bool:
    """End the stay in the queue. False where it has ended."""
    row = connection.execute(
        update(handoffs)
        .where(handoffs.c.id == handoff_id, handoffs.c.finished_at.is_(None))
        .values(state=HandoffState.DONE, finished_at=now, disposition=disposition)
        .returning(handoffs.c.case_id)
    ).one_or_none()
    return _changed(connection, row, "finished", handoff_id, now)


def _theirs(handoff_id: int, operator_id: int) -> Any:
    return (
        (handoffs.c.id == handoff_id)
        & (handoffs.c.state == HandoffState.CLAIMED)
        & (handoffs.c.claimed_by == operator_id)
    )


def _changed(connection: Connection, row: Any, kind: str, handoff_id: int, now: datetime) -> bool:
    if row is None:
        return False
    note(connection, kind, now, handoff_id, row.case_id)
    return True
