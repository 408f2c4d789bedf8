"""Requests for a bigger allowance that one person alone may not grant.

Rule: whoever asks never approves; the database itself forbids it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, String, Table, Text

from keys.database import Instant, RowNumber, metadata

grant_requests = Table(
    "grant_requests",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("key_id", BigInteger, nullable=False),
    Column("case_id", BigInteger),
    Column("agreement", String(64), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("asked_by", BigInteger, ForeignKey("operators.id"), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_by", BigInteger, ForeignKey("operators.id")),
    Column("decided_at", Instant),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="second_person"),
)
