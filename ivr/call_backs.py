"""Promised call-backs: who wants to be called, why, and until when we said we would.

Rule: one wish a call. It is written in the turn that promises it, or drained from the spool, and both may happen. A
promise is kept by itself once the caller was talked to or has the activation, whoever brought that about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    bindparam,
    or_,
    select,
    text,
    update,
)

from ivr.cases import CaseState, cases
from keys.database import Instant, RowNumber, insert_into, metadata
from keys.dialects import rows_where
from keys.direct import Statement

_OWED = text("done_at IS NULL")
call_backs = Table(
    "call_backs",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("call_sid", String(64), nullable=False, unique=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), index=True),
    Column("line", String(32), nullable=False),
    Column("number_sealed", Text, nullable=False),
    Column("wished_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("done_at", Instant),
    Column("done_by", String(64)),
    Index("ix_call_backs_owed", "due_at", info=rows_where(_OWED)),
)


_KEEP = Statement(
    update(call_backs)
    .where(call_backs.c.case_id == bindparam("of_case"), call_backs.c.done_at.is_(None))
    .values(done_at=bindparam("now"), done_by=bindparam("whose"))
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish to be called back within `hours`, at a sealed number."""

    call_sid: str
    case_id: int | None
    line: str
    number_sealed: str
    wished_at: datetime
    hours: int


def note(connection: Connection, wish: Wish) -> None:
    """Write a wish down. A second one of the same call changes nothing."""
    connection.execute(
        insert_into(connection, call_backs)
        .values(
            call_sid=wish.call_sid,
            case_id=wish.case_id,
            line=wish.line,
            number_sealed=wish.number_sealed,
            wished_at=wish.wished_at,
            due_at=wish.wished_at + timedelta(hours=wish.hours),
        )
        .on_conflict_do_nothing(index_elements=["call_sid"])
    )


def waiting(connection: Connection) -> list[dict[str, Any]]:
    """Every case that waits for a person, and every call-back still owed, the earliest promise first."""
    owed = call_backs.c.done_at.is_(None)
    joined = cases.outerjoin(call_backs, (call_backs.c.case_id == cases.c.id) & owed)
    rows = connection.execute(
        select(cases, call_backs.c.due_at, call_backs.c.number_sealed, call_backs.c.call_sid)
        .select_from(joined)
        .where(or_(cases.c.state == CaseState.WAITING, call_backs.c.id.is_not(None)))
        .order_by(call_backs.c.due_at.is_(None), call_backs.c.due_at, cases.c.changed_at)
    ).mappings()
    orphans = connection.execute(
        select(call_backs).where(call_backs.c.case_id.is_(None), owed).order_by(call_backs.c.due_at)
    ).mappings()
    return [dict(row) for row in rows] + [dict(row) for row in orphans]


def keep(connection: Connection, case_id: int, *, by: str, now: datetime) -> None:
    """Every promise of a case is kept: its caller was talked to, or has the activation."""
    _KEEP.later(connection, {"of_case": case_id, "whose": by, "now": now})


def close(connection: Connection, named: str, *, by: str, now: datetime) -> bool:
    """Mark what is owed as done: the case of a number with its call-backs, or the call-back of a call's id.

    The case stays, and its caller may go on with it. False where nothing is owed under that name.
    """
    of_case = select(cases.c.id).where(cases.c.number == named)
    done = connection.execute(
        update(call_backs)
        .where(call_backs.c.done_at.is_(None), or_(call_backs.c.case_id.in_(of_case), call_backs.c.call_sid == named))
        .values(done_at=now, done_by=by)
        .returning(call_backs.c.id)
    ).all()
    closed = connection.execute(
        update(cases)
        .where(cases.c.number == named, cases.c.state == CaseState.WAITING)
        .values(state=CaseState.OPEN, changed_at=now)
        .returning(cases.c.id)
    ).all()
    return bool(done or closed)
