"""Threads: what one caller and one line text to each other, and the texts of it that were taken.

Rule: a text is taken once, by its MessageSid. A thread is locked while one of its texts is taken, so that two at once
are taken one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from ivr.callers import Caller
from keys.database import Instant, RowNumber, insert_into, metadata

threads = Table(
    "threads",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("line", String(32), nullable=False),
    Column("caller", String(32), nullable=False),
    Column("number_sealed", Text, nullable=False),
    Column("case_id", BigInteger, ForeignKey("cases.id"), index=True),
    Column("state", Text, nullable=False),
    Column("changed_at", Instant, nullable=False, index=True),
    UniqueConstraint("line", "caller"),
)
texts = Table(
    "texts",
    metadata,
    Column("sid", String(64), primary_key=True),
    Column("thread_id", BigInteger, ForeignKey("threads.id"), nullable=False, index=True),
    Column("received_at", Instant, nullable=False, index=True),
)

_LOCKED = (
    select(threads.c.id, threads.c.case_id, threads.c.state, threads.c.changed_at)
    .where(threads.c.line == bindparam("on_line"), threads.c.caller == bindparam("of"))
    .with_for_update()
)


@dataclass(slots=True)
class Thread:
    """One thread as a turn works on it: `state` is written by the text dialogue, "" where it is new.

    `locale` is the language that is answered in; it is kept of the caller, not of the thread.
    """

    id: int
    case_id: int | None
    state: str
    changed_at: datetime
    locale: str = ""


def lock(connection: Connection, line: str, caller: Caller, now: datetime) -> Thread:
    """The thread of a caller and a line (its number), begun if there is none, its row locked until the commit."""
    connection.execute(
        insert_into(connection, threads)
        .values(line=line, caller=caller.pseudonym, number_sealed=caller.sealed, state="", changed_at=now)
        .on_conflict_do_nothing(index_elements=["line", "caller"])
    )
    row = connection.execute(_LOCKED, {"on_line": line, "of": caller.pseudonym}).one()
    return Thread(row.id, row.case_id, row.state, row.changed_at)


def take(connection: Connection, thread: Thread, sid: str, now: datetime) -> bool:
    """Note that a text was taken. False where it was taken before: then nothing else may be done for it."""
    row = connection.execute(
        insert_into(connection, texts)
        .values(sid=sid, thread_id=thread.id, received_at=now)
        .on_conflict_do_nothing(index_elements=["sid"])
        .returning(texts.c.sid)
    ).first()
    return row is not None


def save(connection: Connection, thread: Thread) -> None:
    """Write a locked thread back after its turn."""
    connection.execute(
        update(threads)
        .where(threads.c.id == thread.id)
        .values(case_id=thread.case_id, state=thread.state, changed_at=thread.changed_at)
    )
