"""Who guesses just now: callers, blocks of neighbouring numbers and tokens, for whoever looks after the line.

Rule: nobody is named by their number, and a pardon is for what was tried up to then: who goes on waits again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Integer, Select, cast, func, null, select

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


def at_work(connection: Connection, now: datetime) -> tuple[list[Guessing], int]:
    """Who guesses: those who wait first, the longest wait before all others, then by their tries; how many more do."""
    found: list[Guessing] = []
    more = 0
    for query in (_alone(now), _together(now)):
        several = query.add_columns(func.count().over().label("all")).having(func.count() >= LEAST)
        rows = connection.execute(several.order_by(query.selected_columns.last_at.desc()).limit(MOST)).all()
        found += [_guessing(row, now) for row in rows]
        more += rows[0].all - len(rows) if rows else 0
    return sorted(found, key=lambda one: (-(one.waits_until or now).timestamp(), -one.tries, one.who)), more


def counted(connection: Connection, whose: Sequence[str], now: datetime) -> list[Guessing]:
    """What is counted against each of these (pseudonyms of callers and of prefixes, tokens), listed or not."""
    found = []
    for query in (_alone(now), _together(now)):
        rows = connection.execute(query.where(query.selected_columns.who.in_(whose)))
        found += [_guessing(row, now) for row in rows]
    return found


def pardon(connection: Connection, who: str, now: datetime) -> None:
    """What they tried up to now counts no more, whether they are a caller, a prefix or a token."""
    connection.execute(
        insert_into(connection, pardons)
        .values(who=who, pardoned_at=now)
        .on_conflict_do_update(index_elements=["who"], set_={"pardoned_at": now})
    )


def _alone(now: datetime) -> Select[Any]:
    """A row for each caller and each token that brought a wrong try."""
    return (
        select(
            guesses.c.caller.label("who"),
            func.count().label("tries"),
            null().label("numbers"),
            func.min(guesses.c.at).label("first_at"),
            func.max(guesses.c.at).label("last_at"),
        )
        .where(guesses.c.caller.is_not(None), guesses.c.at > now - WINDOW, standing(guesses.c.caller))
        .group_by(guesses.c.caller)
    )


def _together(now: datetime) -> Select[Any]:
    """A row for each prefix that numbers with a wrong try have, and how many numbers those are."""
    first, last = func.min(guesses.c.at).label("first"), func.max(guesses.c.at).label("last")
    each = (
        select(guesses.c.prefix, func.count().label("tries"), first, last)
        .where(guesses.c.prefix.is_not(None), guesses.c.at > now - WINDOW, standing(guesses.c.prefix))
        .group_by(guesses.c.prefix, guesses.c.caller)
        .subquery()
    )
    return select(
        each.c.prefix.label("who"),
        cast(func.sum(bounded(each.c.tries)), Integer).label("tries"),
        func.count().label("numbers"),
        func.min(each.c.first).label("first_at"),
        func.max(each.c.last).label("last_at"),
    ).group_by(each.c.prefix)


def _guessing(row: Any, now: datetime) -> Guessing:
    if row.numbers is not None:
        kind = GuesserKind.PREFIX
    else:
        kind = GuesserKind.CALLER if token_of(row.who) is None else GuesserKind.TOKEN
    wait = delay_after(row.tries, FREE[kind])
    waits_until = row.last_at + wait if wait and now < row.last_at + wait else None
    return Guessing(kind, row.who, row.tries, row.numbers or 1, row.first_at, row.last_at, waits_until)
