"""The outbox: every text we send, written in the transaction that decides it and delivered after its commit.

Rule: what is written here holds no digit of a confirmation ID; such digits are filled in when the text is delivered.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from keys.database import Instant, RowNumber, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("line", String(32), nullable=False),
    Column("caller", String(32), nullable=False),
    Column("number_sealed", Text, nullable=False),
    Column("case_id", BigInteger, ForeignKey("cases.id"), index=True),
    Column("words", Text, nullable=False),
    Column("answers", String(64), unique=True),
    Column("call_sid", String(64), index=True),
    Column("state", String(12), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("reason", String(24)),
    Column("error", Integer),
    Column("sid", String(64), unique=True),
    Column("attempts", Integer, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("posted_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_caller_id", "caller", "id"),
)
