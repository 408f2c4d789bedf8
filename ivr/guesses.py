"""Wrong proofs, case numbers and agreements, by caller or by token: who guesses waits, longer each time.

Rule: only a caller is slowed, never a key locked: else anybody could lock a stranger's key. A withheld caller is
nobody and shares no throttle; the tries within one call bound it. A token is known by name and can be revoked, and
brings thousands of installations: more of its tries are free, and it waits like anybody once they are used up.

>>> delay_after(4) == timedelta(0), delay_after(5), delay_after(6)
(True, datetime.timedelta(seconds=900), datetime.timedelta(seconds=1800))
>>> delay_after(FREE_OF_TOKEN, FREE_OF_TOKEN) == timedelta(0), delay_after(FREE_OF_TOKEN + 1, FREE_OF_TOKEN)
(True, datetime.timedelta(seconds=900))
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, String, Table, bindparam, func, insert, select

from keys.database import Instant, RowNumber, metadata

WINDOW = timedelta(hours=24)
FREE_GUESSES = 4
"""Wrong tries in a window that cost nothing but the try."""
FREE_OF_TOKEN = 50
"""The same for a token."""
FIRST_DELAY = timedelta(minutes=15)
LONGEST_DELAY = timedelta(hours=8)


class GuessKind(StrEnum):
    """What was guessed at."""

    PROOF = "proof"
    CASE = "case"
    AGREEMENT = "agreement"
    """Of an agreement's number, where more was asked for."""
    FOREIGN = "foreign"
    """A sound proof of another organisation's key; whoever sent it hears what a wrong one hears."""
    RETURN = "return"
    """A return code that is not the installation's."""


guesses = Table(
    "guesses",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", String(12), nullable=False),
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


def of_token(token_id: int) -> str:
    """As whom a token is counted: no pseudonym of a caller reads like that."""
    return f"token {token_id}"


def delay_after(count: int, free: int = FREE_GUESSES) -> timedelta:
    """How long to wait after `count` wrong tries within the window: doubling from a quarter of an hour."""
    if count <= free:
        return timedelta(0)
    doubled: timedelta = FIRST_DELAY * 2 ** min(count - free - 1, 10)
    return min(doubled, LONGEST_DELAY)


def may_try(connection: Connection, caller: str | None, now: datetime) -> bool:
    """Whether this caller (a pseudonym, None for nobody) may try again yet."""
    return caller is None or budget(connection, caller, now).tries > 0


@dataclass(frozen=True, slots=True)
class Budget:
    """How many wrong tries somebody has before they have to wait, and until when they wait if it is none."""

    tries: int
    waits_until: datetime | None


def budget(connection: Connection, caller: str, now: datetime, free: int = FREE_GUESSES) -> Budget:
    """What is left of the wrong tries of a caller or a token of which `free` cost nothing."""
    count, last = connection.execute(_COUNTED, {"of": caller, "since": now - WINDOW}).one()
    if count <= free:
        return Budget(free - count + 1, None)
    until = last + delay_after(count, free)
    return Budget(1, None) if now >= until else Budget(0, until)


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
    named = (guesses.c.product == product, guesses.c.serial == serial, guesses.c.kind == GuessKind.PROOF)
    return connection.execute(select(func.count()).select_from(guesses).where(*named)).scalar_one()
