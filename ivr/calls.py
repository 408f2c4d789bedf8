"""Calls: where each is, what it was last told, and the number of the turn it may take next.

Rule: a turn is taken once. The number of the next turn stands in the row and in our action URL; whoever brings another
number (a retry, a turn out of order, a replay) hears the stored reply again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from ivr.callers import Caller
from ivr.states import Ended, State
from ivr.written import read_state, write
from keys.database import Instant, insert_into, metadata
from keys.direct import Statement

calls = Table(
    "calls",
    metadata,
    Column("sid", String(64), primary_key=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), index=True),
    Column("line", String(32), nullable=False),
    Column("caller", String(32)),
    Column("number_sealed", Text),
    Column("held_sealed", Text),
    Column("turn", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("spoken", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("replied_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(16)),
    Column("country", String(2)),
    Column("prefix", String(32)),
    # A switchboard has called thousands of times; only what ended lately is asked for.
    Index("ix_calls_caller_ended_at", "caller", "ended_at"),
    Index("ix_calls_started_at", "started_at"),
)

_WORKED_ON = (
    calls.c.line,
    calls.c.caller,
    calls.c.number_sealed,
    calls.c.country,
    calls.c.held_sealed,
    calls.c.case_id,
    calls.c.turn,
    calls.c.state,
    calls.c.spoken,
    calls.c.replied_at,
    calls.c.ended_at,
    calls.c.prefix,
)
# The row without its case: after a wait for the lock PostgreSQL reads this row anew, but a joined one as it was before.
_LOCKED = Statement(select(*_WORKED_ON).where(calls.c.sid == bindparam("call_sid")).with_for_update())
_TAKE_TURN = Statement(
    update(calls)
    .where(calls.c.sid == bindparam("call_sid"))
    .values(
        turn=bindparam("next_turn"),
        state=bindparam("new_state"),
        spoken=bindparam("new_spoken"),
        case_id=bindparam("new_case_id"),
        held_sealed=bindparam("new_held"),
        replied_at=bindparam("now"),
        ended_at=bindparam("new_ended_at"),
        outcome=bindparam("new_outcome"),
    )
)


@dataclass(slots=True)
class Call:
    """One call as the turn works on it: read and locked at its start, saved at its end.

    `turn` is the number the next action must bring; `caller` is None for a withheld number; `held` is the sealed number
    that a withheld caller keyed.
    """

    sid: str
    line: str
    caller: Caller | None
    turn: int
    state: State
    spoken: str
    replied_at: datetime
    case_id: int | None
    held: str | None
    ended_at: datetime | None


def lock(connection: Connection, sid: str) -> Call | None:
    """The call, its row locked until the commit; None if we have never heard of it."""
    row = _LOCKED.first(connection, {"call_sid": sid})
    if row is None:
        return None
    line, caller, sealed, country, held, case_id, turn, state, spoken, replied_at, ended_at, prefix = row
    return Call(
        sid=sid,
        line=line,
        caller=Caller(caller, sealed, country, prefix=prefix) if caller is not None else None,
        turn=turn,
        state=read_state(state),
        spoken=spoken,
        replied_at=replied_at,
        case_id=case_id,
        held=held,
        ended_at=ended_at,
    )


def begin(connection: Connection, call: Call) -> bool:
    """Write a new call; False if a concurrent request for the same call was first."""
    row = connection.execute(
        insert_into(connection, calls)
        .values(
            sid=call.sid,
            line=call.line,
            case_id=call.case_id,
            caller=call.caller.pseudonym if call.caller else None,
            number_sealed=call.caller.sealed if call.caller else None,
            country=call.caller.country if call.caller else None,
            prefix=call.caller.prefix if call.caller else None,
            turn=call.turn,
            state=write(call.state),
            spoken=call.spoken,
            started_at=call.replied_at,
            replied_at=call.replied_at,
            ended_at=call.replied_at if isinstance(call.state, Ended) else None,
            outcome=call.state.outcome if isinstance(call.state, Ended) else None,
        )
        .on_conflict_do_nothing(index_elements=["sid"])
        .returning(calls.c.turn)
    ).first()
    return row is not None


def save(connection: Connection, call: Call) -> None:
    """Write a locked call back after its turn."""
    ended = isinstance(call.state, Ended)
    _TAKE_TURN.later(
        connection,
        {
            "call_sid": call.sid,
            "next_turn": call.turn,
            "new_state": write(call.state),
            "new_spoken": call.spoken,
            "new_case_id": call.case_id,
            "new_held": call.held,
            "now": call.replied_at,
            "new_ended_at": call.replied_at if ended else None,
            "new_outcome": call.state.outcome if isinstance(call.state, Ended) else None,
        },
    )
