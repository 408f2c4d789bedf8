"""Wrong proofs, case numbers and agreements, by caller, by prefix and by token: who guesses waits, longer each time.

Rule: only who guesses is slowed, never a key locked: else anybody could lock a stranger's key. A withheld caller is
nobody and shares no throttle; the tries within one call bound it. A token is known by name and can be revoked, and
brings thousands of installations: more of its tries are free, and it waits like anybody once they are used up. Numbers
of one prefix, alike but for the last three digits, wait together once several of them have guessed; one number alone
never brings that about, and an innocent neighbour is not refused but held for a person.

>>> delay_after(4) == timedelta(0), delay_after(5), delay_after(6)
(True, datetime.timedelta(seconds=900), datetime.timedelta(seconds=1800))
>>> delay_after(FREE_OF_TOKEN, FREE_OF_TOKEN) == timedelta(0), delay_after(FREE_OF_TOKEN + 1, FREE_OF_TOKEN)
(True, datetime.timedelta(seconds=900))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    case,
    cast,
    false,
    func,
    insert,
    select,
    true,
    union_all,
)

from keys.database import Instant, RowNumber, metadata
from keys.direct import Statement

WINDOW = timedelta(hours=24)
FREE_GUESSES = 4
"""Wrong tries in a window that cost nothing but the try."""
FREE_OF_TOKEN = 50
"""The same for a token."""
FREE_OF_PREFIX = 20
"""The same for a prefix."""
MOST_OF_ONE = FREE_GUESSES + 1
"""Tries of one number that count for its prefix: from then on it waits by itself, and its neighbours need not."""
FIRST_DELAY = timedelta(minutes=15)
LONGEST_DELAY = timedelta(hours=8)
_TOKEN = "token "  # noqa: S105 - how a token is counted
_Found = TypeVar("_Found")


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
    Column("prefix", String(32)),
    Index("ix_guesses_caller_at", "caller", "at"),
    Index("ix_guesses_prefix_at", "prefix", "at"),
    Index("ix_guesses_product_serial_at", "product", "serial", "at"),
)
pardons = Table(
    "pardons",
    metadata,
    Column("who", String(32), primary_key=True),
    Column("pardoned_at", Instant, nullable=False),
)
"""From when on the tries of a caller, a prefix or a token count anew, because a person said so."""


_OF, _NEAR, _SINCE = bindparam("of", type_=String), bindparam("near", type_=String), bindparam("since", type_=Instant)
_AT, _LAST = guesses.c.at, func.max(guesses.c.at)


def standing(column: Any) -> ColumnElement[bool]:
    """Whether a wrong try still stands against whom `column` names: a person has not pardoned it since."""
    return ~select(pardons.c.who).where(pardons.c.who == column, pardons.c.pardoned_at >= _AT).exists()


def bounded(tries: Any) -> Any:
    """Of the tries of one number, those that count for its prefix."""
    return case((tries > MOST_OF_ONE, MOST_OF_ONE), else_=tries)


_OWN = select(true().label("own"), func.count().label("tries"), _LAST.label("last")).where(
    guesses.c.caller == _OF, _AT > _SINCE, standing(guesses.c.caller)
)
_by_number = (
    select(func.count().label("tries"), _LAST.label("last"))
    .where(guesses.c.prefix == _NEAR, _AT > _SINCE, standing(guesses.c.prefix))
    .group_by(guesses.c.caller)
    .subquery()
)
_sum = cast(func.coalesce(func.sum(bounded(_by_number.c.tries)), 0), Integer)
_OF_PREFIX = select(false(), _sum, func.max(_by_number.c.last))
_OF_BOTH = Statement(union_all(_OWN, _OF_PREFIX))


def of_token(token_id: int) -> str:
    """As whom a token is counted: no pseudonym of a caller reads like that."""
    return f"{_TOKEN}{token_id}"


def token_of(who: str) -> int | None:
    """The row id of the token that is counted so; None for a caller."""
    return int(who.removeprefix(_TOKEN)) if who.startswith(_TOKEN) else None


def delay_after(count: int, free: int = FREE_GUESSES) -> timedelta:
    """How long to wait after `count` wrong tries within the window: doubling from a quarter of an hour."""
    if count <= free:
        return timedelta(0)
    doubled: timedelta = FIRST_DELAY * 2 ** min(count - free - 1, 10)
    return min(doubled, LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class Guesser:
    """Whoever brings a try: a pseudonym (None for nobody) and that of its prefix, in which call, text or request."""

    caller: str | None
    prefix: str | None
    call_sid: str


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why nobody may try yet: after how many wrong tries, until when; `own`, or else those of the neighbours."""

    own: bool
    tries: int
    until: datetime


def hindrance(connection: Connection, guesser: Guesser, now: datetime) -> Hindrance | None:
    """What keeps this caller from a try just now, their own tries before their neighbours'; one statement."""
    if guesser.caller is None:
        return None
    facts = {"of": guesser.caller, "near": guesser.prefix, "since": now - WINDOW}
    for own, tries, last in sorted(_OF_BOTH.all(connection, facts), key=lambda row: not row[0]):
        wait = delay_after(tries, FREE_GUESSES if own else FREE_OF_PREFIX)
        if wait and now < last + wait:
            return Hindrance(bool(own), tries, last + wait)
    return None


def tried(
    connection: Connection, kind: GuessKind, guesser: Guesser, find: Callable[[], _Found | None], now: datetime
) -> _Found | None:
    """What `find` gives, for whoever may try; nothing is a wrong try, and is nothing found for whoever may not.

    A try of somebody who waits already keeps no neighbour waiting; of who waits for neighbours it is not held against.
    """
    hindered = hindrance(connection, guesser, now)
    found = find() if hindered is None else None
    if found is None and (hindered is None or hindered.own):
        prefix = guesser.prefix if hindered is None else None
        note(connection, kind, caller=guesser.caller, prefix=prefix, call_sid=guesser.call_sid, now=now)
    return found


@dataclass(frozen=True, slots=True)
class Budget:
    """How many wrong tries somebody has before they have to wait, and until when they wait if it is none."""

    tries: int
    waits_until: datetime | None


def budget(connection: Connection, caller: str, now: datetime, free: int = FREE_GUESSES) -> Budget:
    """What is left of the wrong tries of a caller or a token of which `free` cost nothing."""
    _, count, last = connection.execute(_OWN, {"of": caller, "since": now - WINDOW}).one()
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
    prefix: str | None = None,
    product: int | None = None,
    serial: int | None = None,
) -> None:
    """Write down one wrong try; product and serial flag the key it named."""
    connection.execute(
        insert(guesses).values(
            kind=kind, caller=caller, prefix=prefix, call_sid=call_sid, product=product, serial=serial, at=now
        )
    )


def naming(connection: Connection, product: int, serial: int) -> int:
    """How many wrong proofs named this key, all callers together."""
    named = (guesses.c.product == product, guesses.c.serial == serial, guesses.c.kind == GuessKind.PROOF)
    return connection.execute(select(func.count()).select_from(guesses).where(*named)).scalar_one()
