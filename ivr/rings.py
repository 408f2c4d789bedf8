"""Rings: calls that we place ourselves, and what we ask of calls that are under way. Each is a wish, and then a fact.

Rule: a telephone is dialled once at most. A ring is written by whoever wants it, taken by one delivery, and from then
on only news of it is believed: better no call than two, since a person can press the button again. What is asked of a
call under way says how it is to be, not what to do, so that asking twice does no harm. Nothing here commits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    func,
    or_,
    select,
    text,
    update,
)

from keys.database import Instant, RowNumber, insert_into, metadata
from keys.dialects import rows_where


class RingKind(StrEnum):
    """Whose telephone, and what for."""

    TALK = "talk"
    """The operator's, to talk to a caller who waits in a call."""
    CALL_BACK = "call_back"
    """The operator's, before a caller is called back."""
    CALLER = "caller"
    """The caller's, while the operator is on the telephone already."""
    JOIN = "join"
    """A colleague's of the operator, to join a talk that is under way."""
    RETURN = "return"
    """Nobody's: a caller who was left alone is brought back to the line."""
    SOONER = "sooner"
    """Nobody's: a caller who waits takes the next turn at once, for an operator has decided."""
    ROOM = "room"
    """Nobody's: the people of a talk are to be as the rows say, on hold or not, and whose leaving ends it."""


OPERATORS = (RingKind.TALK, RingKind.CALL_BACK, RingKind.JOIN)
"""Those that ring an operator."""
TELEPHONES = (*OPERATORS, RingKind.CALLER)
"""Those that ring anybody; of the others one of a kind is under way for a handoff, and no telephone rings."""


class RingState(StrEnum):
    """How far a ring has come."""

    DUE = "due"
    PLACING = "placing"
    """A delivery has it, and the provider may have it."""
    RINGING = "ringing"
    ANSWERED = "answered"
    """Somebody, or something, has picked up."""
    ACCEPTED = "accepted"
    """A person has pressed the key."""
    ENDED = "ended"


class RingOutcome(StrEnum):
    """What came of it."""

    TALKED = "talked"
    GONE = "gone"
    """A person took the call, but nobody could be joined with them."""
    NO_KEY = "no_key"
    """It was picked up and no key was pressed: a voicemail, or somebody who would not."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    """It could not be placed, or what we had to say could not be had."""
    UNKNOWN = "unknown"
    """Whether it rang was never told."""
    DONE = "done"
    """What was asked of a call under way was done, or there was nothing to do."""


LIVE = (RingState.DUE, RingState.PLACING, RingState.RINGING, RingState.ANSWERED, RingState.ACCEPTED)
_OF_TELEPHONES = text(
    "kind IN ('talk', 'call_back', 'join', 'caller') AND state IN ('due', 'placing', 'ringing', 'answered', 'accepted')"
)
_OF_HANDOFFS = text("kind IN ('return', 'sooner', 'room') AND state IN ('due', 'placing')")
rings = Table(
    "rings",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("handoff_id", BigInteger, ForeignKey("handoffs.id"), nullable=False, index=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("operator_id", BigInteger, ForeignKey("operators.id"), nullable=False),
    Column("line", String(32), nullable=False),
    Column("number_sealed", Text),
    Column("state", String(12), nullable=False),
    Column("outcome", String(12)),
    Column("error", Integer),
    Column("sid", String(64), unique=True),
    Column("attempts", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("posted_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("browser", Boolean, nullable=False, server_default=false()),
    Index("ix_rings_live", "operator_id", "kind", unique=True, info=rows_where(_OF_TELEPHONES)),
    Index("ix_rings_under_way", "handoff_id", "kind", unique=True, info=rows_where(_OF_HANDOFFS)),
    Index("ix_rings_state_due_at", "state", "due_at"),
)


@dataclass(frozen=True, slots=True)
class Ring:
    """One call of ours. `number_sealed` is whom it rings, `line` the number it comes from, `sid` once it is known.

    `browser`: it rings the operator's page at the desk; the number is then for when nobody takes it there, if at all.
    """

    id: int
    kind: RingKind
    handoff_id: int
    case_id: int
    operator_id: int
    line: str
    number_sealed: str | None = field(repr=False)
    state: RingState
    outcome: RingOutcome | None
    error: int | None
    sid: str | None
    attempts: int
    asked_at: datetime
    posted_at: datetime | None
    browser: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ring to be placed; see `Ring`."""

    kind: RingKind
    handoff_id: int
    case_id: int
    operator_id: int
    line: str
    number_sealed: str | None = field(repr=False)
    browser: bool = False


def ask(connection: Connection, wanted: Wanted, due_at: datetime, now: datetime) -> int | None:
    """Write a ring, and give its row id. None where this operator has one of the kind under way.

    What is asked of a call under way is asked anew where it was asked already: see `asked_anew`.
    """
    written = insert_into(connection, rings).values(
        kind=wanted.kind,
        handoff_id=wanted.handoff_id,
        case_id=wanted.case_id,
        operator_id=wanted.operator_id,
        line=wanted.line,
        number_sealed=wanted.number_sealed,
        browser=wanted.browser,
        state=RingState.DUE,
        attempts=0,
        asked_at=now,
        due_at=due_at,
        changed_at=now,
    )
    if wanted.kind in TELEPHONES:
        once = written.on_conflict_do_nothing(index_elements=["operator_id", "kind"], index_where=_OF_TELEPHONES)
    else:
        once = written.on_conflict_do_update(
            index_elements=["handoff_id", "kind"], index_where=_OF_HANDOFFS, set_={"asked_at": now}
        )
    row = connection.execute(once.returning(rings.c.id)).one_or_none()
    return None if row is None else int(row.id)


def asked_anew(ring: Ring) -> bool:
    """Whether it was asked for once more while a delivery had it: what the delivery found may be out of date."""
    return ring.posted_at is not None and ring.asked_at > ring.posted_at


def read(connection: Connection, ring_id: int) -> Ring | None:
    """One ring as it stands."""
    row = connection.execute(select(rings).where(rings.c.id == ring_id)).one_or_none()
    return None if row is None else ring_of(row)


def of_handoff(connection: Connection, handoff_id: int) -> list[Ring]:
    """All rings of a handoff, the newest first."""
    rows = connection.execute(select(rings).where(rings.c.handoff_id == handoff_id).order_by(rings.c.id.desc()))
    return [ring_of(row) for row in rows]


def lock(connection: Connection, ring_id: int) -> Ring | None:
    """One ring, its row locked until the commit."""
    row = connection.execute(select(rings).where(rings.c.id == ring_id).with_for_update()).one_or_none()
    return None if row is None else ring_of(row)


def answered(connection: Connection, ring: Ring, sid: str, now: datetime) -> bool:
    """It was picked up. False where it is not that call, or is over."""
    if ring.sid not in {None, sid}:
        return False
    before = (RingState.PLACING, RingState.RINGING, RingState.ANSWERED)
    return move(connection, ring.id, before, state=RingState.ANSWERED, sid=sid, changed_at=now)


def accepted(connection: Connection, ring: Ring, now: datetime) -> bool:
    """A person has pressed the key. False where it was not picked up, or was accepted before."""
    return move(connection, ring.id, (RingState.ANSWERED,), state=RingState.ACCEPTED, changed_at=now)


def talking(connection: Connection, ring: Ring, now: datetime) -> bool:
    """Whoever accepted is being joined with the other."""
    return move(connection, ring.id, (RingState.ACCEPTED,), outcome=RingOutcome.TALKED, changed_at=now)


def known(connection: Connection, ring: Ring, sid: str, now: datetime) -> None:
    """The provider has the call, as `sid`. What the call itself has told meanwhile stands."""
    mine = (rings.c.id == ring.id) & or_(rings.c.sid.is_(None), rings.c.sid == sid)
    connection.execute(update(rings).where(mine).values(sid=sid))
    move(connection, ring.id, (RingState.PLACING,), state=RingState.RINGING, changed_at=now)


def ended(
    connection: Connection, ring: Ring, outcome: RingOutcome, now: datetime, *, sid: str | None, error: int | None
) -> bool:
    """It is over, and `outcome` what came of it; `error` is the provider's number. False where it was over before."""
    facts = {"state": RingState.ENDED, "outcome": outcome, "error": error, "changed_at": now}
    return move(connection, ring.id, LIVE, **facts, **({} if sid is None else {"sid": sid}))


def tries(connection: Connection, handoff_id: int) -> int:
    """How often the caller of a handoff was rung."""
    counted = (rings.c.handoff_id == handoff_id) & (rings.c.kind == RingKind.CALLER) & rings.c.posted_at.is_not(None)
    return int(connection.execute(select(func.count()).select_from(rings).where(counted)).scalar_one())


def under_way(connection: Connection, operator_id: int) -> bool:
    """Whether a telephone of this operator's rings, or is on a call of ours."""
    theirs = (rings.c.operator_id == operator_id) & rings.c.kind.in_(OPERATORS)
    return connection.execute(select(rings.c.id).where(theirs, rings.c.state.in_(LIVE)).limit(1)).first() is not None


def move(connection: Connection, ring_id: int, before: tuple[RingState, ...], **facts: Any) -> bool:
    """Bring a ring from one of these states on, or not at all."""
    moved = update(rings).where(rings.c.id == ring_id, rings.c.state.in_(before)).values(**facts).returning(rings.c.id)
    return connection.execute(moved).first() is not None


def ring_of(row: Any) -> Ring:
    """A row of `rings` as a record."""
    outcome = None if row.outcome is None else RingOutcome(row.outcome)
    kind, state = RingKind(row.kind), RingState(row.state)
    return Ring(
        row.id, kind, row.handoff_id, row.case_id, row.operator_id, row.line, row.number_sealed, state, outcome,
        row.error, row.sid, row.attempts, row.asked_at, row.posted_at, row.browser,
    )  # fmt: skip
