"""Wrong proofs and wrong case numbers, by caller: who guesses waits, longer each time.

Rule: only a caller is slowed, never a key locked: else anybody could lock a stranger's key. A withheld caller is
nobody and shares no throttle; the tries within one call bound it.

>>> delay_after(4) == timedelta(0), delay_after(5), delay_after(6)
(True, datetime.timedelta(seconds=900), datetime.timedelta(seconds=1800))
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, bindparam, func, insert, select

from keys.database import Instant, RowNumber, metadata

WINDOW = timedelta(hours=24)
FREE_GUESSES = 4
"""Wrong tries in a window that cost nothing but the try."""
FIRST_DELAY = timedelta(minutes=15)
LONGEST_DELAY = timedelta(hours=8)


class GuessKind(StrEnum):
    """What was guessed at."""

    PROOF = "proof"
    CASE = "case"


guesses = Table(
    "guesses",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("caller", String(32)),
    Column("call_sid", String(64), nullable=False),
    Column("product", Integer),
    Column("serial", BigInteger),
    Column("at", Instant, nullable=False),
    Index("ix_guesses_caller_at", "caller", "at"),
    Index("ix_guesses_product_serial_at", "product", "serial", "at"),
)

_COUNTED = select(func.count(), func.max(guesses.c.at)).where(
    guesses.c.caller == bindparam("of"), guesses.c.at > bindparam("since")
)


def delay_after(count: int) -> timedelta:
    """How long to wait after `count` wrong tries within the window: doubling from a quarter of an hour."""
    if count <= FREE_GUESSES:
        return timedelta(0)
    doubled: timedelta = FIRST_DELAY * 2 ** min(count - FREE_GUESSES - 1, 10)
    return min(doubled, LONGEST_DELAY)


def may_try(connection: Connection, caller: str | None, now: datetime) -> bool:
    """Whether this caller (a pseudonym, None for nobody) may try again yet."""
    if caller is None:
        return True
    count, last = connection.execute(_COUNTED, {"of": caller, "since": now - WINDOW}).one()
    return bool(count <= FREE_GUESSES or now >= last + delay_after(count))


def note(
    connection: Connection,
    kind: GuessKind,
    *,
    caller: str | None,
    call_sid: str,
    now: datetime,
    product: int | None = None,
    serial: int | None = None,
) -> None:
    """Write down one wrong try; product and serial flag the key it named."""
    connection.execute(
        insert(guesses).values(kind=kind, caller=caller, call_sid=call_sid, product=product, serial=serial, at=now)
    )


def naming(connection: Connection, product: int, serial: int) -> int:
    """How many wrong proofs named this key, all callers together."""
    named = (guesses.c.product == product, guesses.c.serial == serial)
    return connection.execute(select(func.count()).select_from(guesses).where(*named)).scalar_one()
