"""Which case a caller was cut off from.

Rule: exactly one, or none. Two unfinished cases of one number, or another call of it that still lives, may be two
people behind one switchboard; then the case number is the way back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from ivr.calls import calls
from ivr.cases import Case, CaseState, cases, read
from ivr.states import Outcome

WITHIN = timedelta(minutes=30)
"""How long after the hang-up a case is gone on with unasked."""

_LIVE = select(calls.c.sid).where(
    calls.c.caller == bindparam("of"), calls.c.ended_at.is_(None), calls.c.replied_at > bindparam("since")
)
_UNFINISHED = (
    select(cases.c.id)
    .join(calls, calls.c.case_id == cases.c.id)
    .where(
        calls.c.caller == bindparam("of"),
        calls.c.ended_at > bindparam("since"),
        calls.c.outcome == Outcome.HUNG_UP,
        cases.c.state != CaseState.ACTIVATED,
    )
    .distinct()
    .limit(2)
)


def dropped_case(connection: Connection, caller: str | None, now: datetime) -> Case | None:
    """The one unfinished case that a hang-up of this caller (a pseudonym) left within half an hour."""
    if caller is None:
        return None
    facts = {"of": caller, "since": now - WITHIN}
    unfinished = connection.execute(_UNFINISHED, facts).scalars().all()
    if len(unfinished) != 1 or connection.execute(_LIVE, facts).first() is not None:
        return None
    return read(connection, unfinished[0])
