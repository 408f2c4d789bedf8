"""Who guesses just now: callers, blocks of neighbouring numbers and tokens, for whoever looks after the line.

Rule: nobody is named by their number, and a pardon is for what was tried up to then: who goes on waits again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Integer, cast, func, select

from ivr.guesses import (
    FREE_GUESSES,
    FREE_OF_PREFIX,
    FREE_OF_TOKEN,
    WINDOW,
    bounded,
    delay_after,
    guesses,
    pardons,
    standing,
    token_of,
)
from keys.database import insert_into

LEAST = 2
"""Wrong tries from which on somebody is listed: once, anybody may be wrong."""
MOST = 100
"""Of callers and tokens, and of prefixes, those who tried last."""


class GuesserKind(StrEnum):
    """Who guesses."""

    CALLER = "caller"
    PREFIX = "prefix"
    """Several numbers that are alike but for the last three digits."""
    TOKEN = "token"  # noqa: S105 - a kind of guesser


FREE = {GuesserKind.CALLER: FREE_GUESSES, GuesserKind.PREFIX: FREE_OF_PREFIX, GuesserKind.TOKEN: FREE_OF_TOKEN}
"""Wrong tries a day that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Guessing:
    """One who guesses: `who` as it is counted, wrong `tries` from how many `numbers`, and until when they wait."""

    kind: GuesserKind
    who: str
    tries: int
    numbers: int
    first_at: datetime
    last_at: datetime
    waits_until: datetime | None

    @property
    def token(self) -> int | None:
        """The row id of the token, where it is one."""
        return token_of(self.who)


def at_work(connection: Connection, now: datetime) -> list[Guessing]:
    """Everybody who guesses: those who wait first, the longest wait before all others, then by their tries."""
    found = [*_alone(connection, now), *_together(connection, now)]
    return sorted(found, key=lambda one: (-(one.waits_until or now).timestamp(), -one.tries, one.who))


def pardon(connection: Connection, who: str, now: datetime) -> None:
    """What they tried up to now counts no more, whether they are a caller, a prefix or a token."""
    connection.execute(
        insert_into(connection, pardons)
        .values(who=who, pardoned_at=now)
        .on_conflict_do_update(index_elements=["who"], set_={"pardoned_at": now})
    )


def _alone(connection: Connection, now: datetime) -> Iterator[Guessing]:
    last = func.max(guesses.c.at)
    rows = connection.execute(
        select(guesses.c.caller, func.count(), func.min(guesses.c.at), last)
        .where(guesses.c.caller.is_not(None), guesses.c.at > now - WINDOW, standing(guesses.c.caller))
        .group_by(guesses.c.caller)
        .having(func.count() >= LEAST)
        .order_by(last.desc())
        .limit(MOST)
    )
    for who, tries, first_at, last_at in rows:
        kind = GuesserKind.CALLER if token_of(who) is None else GuesserKind.TOKEN
        yield _guessing(kind, who, tries, 1, first_at, last_at, now)


def _together(connection: Connection, now: datetime) -> Iterator[Guessing]:
    first, last = func.min(guesses.c.at).label("first"), func.max(guesses.c.at).label("last")
    each = (
        select(guesses.c.prefix, func.count().label("tries"), first, last)
        .where(guesses.c.prefix.is_not(None), guesses.c.at > now - WINDOW, standing(guesses.c.prefix))
        .group_by(guesses.c.prefix, guesses.c.caller)
        .subquery()
    )
    tries = cast(func.sum(bounded(each.c.tries)), Integer)
    rows = connection.execute(
        select(each.c.prefix, tries, func.count(), func.min(each.c.first), func.max(each.c.last))
        .group_by(each.c.prefix)
        .having(func.count() >= LEAST)
        .order_by(func.max(each.c.last).desc())
        .limit(MOST)
    )
    for who, counted, numbers, first_at, last_at in rows:
        yield _guessing(GuesserKind.PREFIX, who, counted, numbers, first_at, last_at, now)


def _guessing(
    kind: GuesserKind, who: str, tries: int, numbers: int, first_at: datetime, last_at: datetime, now: datetime
) -> Guessing:
    wait = delay_after(tries, FREE[kind])
    waits_until = last_at + wait if wait and now < last_at + wait else None
    return Guessing(kind, who, tries, numbers, first_at, last_at, waits_until)
