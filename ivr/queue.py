"""The queue: cases that wait for a person, in the order they came, and how long each will wait.

Rule: a case is in the queue once, whatever calls and texts bring it, and keeps its place until a person has ended it.
Who came first is told by the numbers of the rows, which the database gives: the clocks of two nodes may be a minute
apart, and nobody overtakes by that. Nothing here commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    case,
    func,
    insert,
    select,
    text,
    update,
)

from ivr.operators import Presence, operators
from keys.database import Instant, RowNumber, insert_into, metadata
from keys.dialects import rows_where


class HandoffState(StrEnum):
    """Where a handoff stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DECIDED = "decided"
    """The line has not taken the decision up yet."""
    DONE = "done"


class Decision(StrEnum):
    """What an operator decided, for the line to take up."""

    BACK = "back"
    """Go on with the case as it stands: its groups were corrected, or it is the caller's turn again."""
    ISSUED = "issued"
    """The activation is posted: read it to the caller."""
    REFUSED = "refused"
    """`decided_reason` is what the caller hears."""
    TALK = "talk"
    """The caller is to be joined with the operator."""


_OPEN = text("finished_at IS NULL")
handoffs = Table(
    "handoffs",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("sid", String(64), nullable=False, index=True),
    Column("line", String(32), nullable=False),
    Column("caller", String(32)),
    Column("reason", String(32), nullable=False),
    Column("state", String(12), nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("left_at", Instant),
    Column("claimed_by", BigInteger, ForeignKey("operators.id")),
    Column("claimed_at", Instant),
    Column("answered_at", Instant),
    Column("seen_at", Instant),
    Column("decision", String(12)),
    Column("decided_reason", String(32)),
    Column("decided_at", Instant),
    Column("finished_at", Instant, index=True),
    Column("disposition", String(24)),
    Column("on_hold_at", Instant),
    Index("ix_handoffs_open_case", "case_id", unique=True, info=rows_where(_OPEN)),
    Index("ix_handoffs_state_entered_at", "state", "entered_at"),
    Index("ix_handoffs_case_id", "case_id"),
)
desk_events = Table(
    "desk_events",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("handoff_id", BigInteger),
    Column("case_id", BigInteger),
    Column("at", Instant, nullable=False),
)
"""What changed for whoever looks at the desk; a row a change, read by the live stream and forgotten soon after."""

USUAL_HANDLING = timedelta(minutes=4)
"""How long a person takes for a case, until there are cases to tell by."""
_LAST = 20


@dataclass(frozen=True, slots=True)
class Handoff:
    """One case's stay in the queue. `sid` is the call or text that brought it, `left_at` when that caller hung up.

    `on_hold_at` is since when the caller hears music in a talk, because an operator wishes so.
    """

    id: int
    case_id: int
    channel: str
    sid: str
    line: str
    caller: str | None
    reason: str
    state: HandoffState
    entered_at: datetime
    left_at: datetime | None
    on_hold_at: datetime | None
    claimed_by: int | None
    claimed_at: datetime | None
    answered_at: datetime | None
    seen_at: datetime | None
    decision: Decision | None
    decided_reason: str | None
    decided_at: datetime | None
    finished_at: datetime | None
    disposition: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one waits: `number` from 1; `minutes` an honest guess, None while nobody is at the desk."""

    number: int
    minutes: int | None


def enter(
    connection: Connection,
    case_id: int,
    *,
    channel: str,
    sid: str,
    line: str,
    caller: str | None,
    reason: str,
    now: datetime,
) -> Handoff:
    """Put a case into the queue. One that is there keeps its place and operator, and is now this call's or text's."""
    facts = {"channel": channel, "sid": sid, "line": line, "caller": caller, "reason": reason, "left_at": None}
    row = connection.execute(
        insert_into(connection, handoffs)
        .values(case_id=case_id, state=HandoffState.WAITING, entered_at=now, **facts)
        .on_conflict_do_update(index_elements=["case_id"], index_where=_OPEN, set_=facts)
        .returning(handoffs)
    ).one()
    note(connection, "entered", now, row.id, case_id)
    return handoff_of(row)


def nobody_waits(connection: Connection, handoff_id: int, now: datetime) -> None:
    """Say that whoever a handoff is about does not wait on the other side: a program, which will ask again."""
    connection.execute(update(handoffs).where(handoffs.c.id == handoff_id).values(left_at=now))


def place(connection: Connection, handoff: Handoff) -> Place:
    """How many wait before this one, and for about how long it will."""
    before = connection.execute(
        select(func.count())
        .select_from(handoffs)
        .where(handoffs.c.state == HandoffState.WAITING, handoffs.c.id < handoff.id)
    ).scalar_one()
    present = connection.execute(
        select(func.count())
        .select_from(operators)
        .where(operators.c.presence.in_([Presence.AVAILABLE, Presence.WRAPPING_UP]), operators.c.disabled_at.is_(None))
    ).scalar_one()
    if not present:
        return Place(before + 1, None)
    wait = _handling(connection) * (before + 1) / present
    return Place(before + 1, max(1, round(wait.total_seconds() / 60)))


def _handling(connection: Connection) -> timedelta:
    """How long the last cases took from claim to end, on average."""
    rows = connection.execute(
        select(handoffs.c.claimed_at, handoffs.c.finished_at)
        .where(handoffs.c.finished_at.is_not(None), handoffs.c.claimed_at.is_not(None))
        .order_by(handoffs.c.finished_at.desc())
        .limit(_LAST)
    ).all()
    if not rows:
        return USUAL_HANDLING
    return sum((row.finished_at - row.claimed_at for row in rows), timedelta()) / len(rows)


def read(connection: Connection, handoff_id: int) -> Handoff | None:
    """One handoff as it stands."""
    row = connection.execute(select(handoffs).where(handoffs.c.id == handoff_id)).one_or_none()
    return None if row is None else handoff_of(row)


def of_case(connection: Connection, case_id: int) -> Handoff | None:
    """The case's stay in the queue that has not ended."""
    row = connection.execute(
        select(handoffs).where(handoffs.c.case_id == case_id, handoffs.c.finished_at.is_(None))
    ).one_or_none()
    return None if row is None else handoff_of(row)


def waiting(connection: Connection) -> int:
    """How many cases nobody has taken yet."""
    waits = handoffs.c.state == HandoffState.WAITING
    return int(connection.execute(select(func.count()).select_from(handoffs).where(waits)).scalar_one())


def unfinished(connection: Connection) -> list[Handoff]:
    """Every handoff that has not ended, the longest wait first."""
    rows = connection.execute(select(handoffs).where(handoffs.c.finished_at.is_(None)).order_by(handoffs.c.id))
    return [handoff_of(row) for row in rows]


def leave(connection: Connection, sid: str, now: datetime) -> bool:
    """The caller hung up, or wants to be called back instead: nobody waits on that call, and the case stays.

    A decision that the call has not heard yet is its operator's to make again: nobody is there to hear it.
    """
    row = connection.execute(
        update(handoffs)
        .where(handoffs.c.sid == sid, handoffs.c.finished_at.is_(None), handoffs.c.left_at.is_(None))
        .values(
            left_at=now,
            on_hold_at=None,
            state=case((handoffs.c.state == HandoffState.DECIDED, HandoffState.CLAIMED), else_=handoffs.c.state),
        )
        .returning(handoffs.c.id, handoffs.c.case_id)
    ).one_or_none()
    if row is not None:
        note(connection, "left", now, row.id, row.case_id)
    return row is not None


def put_on_hold(connection: Connection, handoff_id: int, now: datetime, *, on: bool) -> bool:
    """The caller of a talk is to hear music, or to be heard again. False where it is so already, or nobody is there."""
    as_it_was = handoffs.c.on_hold_at.is_(None) if on else handoffs.c.on_hold_at.is_not(None)
    there = (handoffs.c.id == handoff_id) & handoffs.c.left_at.is_(None) & handoffs.c.finished_at.is_(None)
    row = connection.execute(
        update(handoffs)
        .where(there, as_it_was)
        .values(on_hold_at=now if on else None)
        .returning(handoffs.c.id, handoffs.c.case_id)
    ).one_or_none()
    if row is not None:
        note(connection, "on_hold" if on else "off_hold", now, row.id, row.case_id)
    return row is not None


def note(
    connection: Connection, kind: str, now: datetime, handoff_id: int | None = None, case_id: int | None = None
) -> None:
    """Tell whoever looks at the desk that something changed."""
    connection.execute(insert(desk_events).values(kind=kind, handoff_id=handoff_id, case_id=case_id, at=now))


def handoff_of(row: Any) -> Handoff:
    """A row of `handoffs` as a record."""
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    facts["state"] = HandoffState(row.state)
    facts["decision"] = None if row.decision is None else Decision(row.decision)
    return Handoff(**facts)
