"""What a supervisor tells every caller, and whom the line does not serve.

Rule: a notice is spoken while it is switched on, and both switching on and off are kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from keys.database import Instant, RowNumber, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("line", String(32)),
    Column("words", String(300), nullable=False),
    Column("switched_on_at", Instant, nullable=False),
    Column("switched_on_by", BigInteger, nullable=False),
    Column("switched_off_at", Instant),
    Column("switched_off_by", BigInteger),
)
blocked_callers = Table(
    "blocked_callers",
    metadata,
    Column("caller", String(32), primary_key=True),
    Column("number_sealed", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("blocked_at", Instant, nullable=False),
    Column("blocked_by", BigInteger, nullable=False),
    Column("until", Instant),
    Column("lifted_at", Instant),
)
