"""How the line stands at one moment: what waits, how long, and what went wrong, for whoever watches over it.

Rule: it only reads, nothing but counts and ages, and each by an index over what is unfinished, or in a table that only
grows by what people do, so that it costs the same in a ledger of ten million; what needs a look at every key is told
apart, and to be asked for seldom. What the schema does not fit, as in the midst of an upgrade, is missing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from ivr.call_backs import call_backs
from ivr.grant_requests import GrantState, grant_requests
from ivr.operators import Presence, operators
from ivr.outbox import TextState, outbox
from ivr.queue import HandoffState, handoffs
from keys.alarms import alarms
from keys.allowance import allowances
from keys.reservations import State, reservations
from keys.seals import tail
from keys.unavailable import cause_of

LATELY = timedelta(days=1)
LEAST_TO_RUN_LOW = 10
"""A key for fewer is used up by its use, and no news."""
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Waits:
    """How many wait, and for how many seconds the one that has waited longest; 0 where none does."""

    many: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be read, since the schema does not fit; `why` is the database's own sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Allowances:
    """Of keys granted at least `LEAST_TO_RUN_LOW`: how many have a tenth or less left, and how many of them nothing."""

    low: int
    used_up: int


Measured = Waits | int | Mapping[str, int]
"""What waits, how many there are, or how many there are of each."""


def read(connection: Connection, now: datetime) -> dict[str, Measured | Missing]:
    """How the line stands, in one read of the caller's transaction: each of `MEASURES` by its name."""
    return {name: fitting(connection, look, now) for name, look in MEASURES.items()}


def read_allowances(connection: Connection) -> Allowances:
    """Look at every key's counters: a tenth of a second in a ledger of a million keys, so not at every look."""
    left = allowances.c.granted - allowances.c.pending - allowances.c.posted
    low = select(func.count(), func.count().filter(left == 0)).where(
        allowances.c.granted >= LEAST_TO_RUN_LOW, left * 10 <= allowances.c.granted
    )
    many, none = connection.execute(low).one()
    return Allowances(many, none)


def fitting(connection: Connection, look: Callable[..., Found], *given: object) -> Found | Missing:
    """What `look` reads, with what is `given`; Missing where the schema does not fit its statement.

    The transaction goes on. Raises what the driver raises for want of the database.
    """
    try:
        with connection.begin_nested():  # after an error PostgreSQL reads on behind a savepoint alone
            return look(connection, *given)
    except DBAPIError as error:
        if cause_of(error) is not None:
            raise
        return Missing(str(error.orig).partition("\n")[0])


_Look = Callable[[Connection, datetime], Measured]


def _waits(since: Any, which: Any) -> _Look:
    asked = select(func.count(), func.min(since)).where(which)

    def look(connection: Connection, now: datetime) -> Waits:
        many, oldest = connection.execute(asked, _moments(now)).one()
        return Waits(many, _age(oldest, now))

    return look


def _many(*which: Any) -> _Look:
    asked = select(func.count()).where(*which)

    def look(connection: Connection, now: datetime) -> int:
        many: int = connection.execute(asked, _moments(now)).scalar_one()
        return many

    return look


def _by(column: Any, which: Any, known: Any = ()) -> _Look:
    """How many there are of each; 0 for those of `known` of which there is none."""
    asked = select(column, func.count()).where(which).group_by(column)

    def look(connection: Connection, now: datetime) -> dict[str, int]:
        rows = connection.execute(asked, _moments(now))
        return {**dict.fromkeys((str(each) for each in known), 0), **{str(row[0]): row[1] for row in rows}}

    return look


def _unsealed(connection: Connection, now: datetime) -> Waits:
    left = tail(connection)
    return Waits(left.many, _age(left.oldest, now))


def _moments(now: datetime) -> dict[str, datetime]:
    return {"now": now, "lately": now - LATELY}


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


_DUE = outbox.c.due_at <= bindparam("now")
_LATELY = outbox.c.due_at > bindparam("lately")
MEASURES: Mapping[str, _Look] = {
    "cases": _waits(handoffs.c.entered_at, handoffs.c.state == HandoffState.WAITING),
    "claimed": _many(handoffs.c.state.in_([HandoffState.CLAIMED, HandoffState.DECIDED])),
    "operators": _by(operators.c.presence, operators.c.disabled_at.is_(None), Presence),
    "call_backs": _waits(call_backs.c.due_at, call_backs.c.done_at.is_(None)),
    "grants": _waits(grant_requests.c.asked_at, grant_requests.c.state == GrantState.ASKED),
    "texts": _waits(outbox.c.due_at, (outbox.c.state == TextState.QUEUED) & _DUE),
    "texts_on_their_way": _many(outbox.c.state == TextState.SENDING),
    "failed_texts": _many(outbox.c.state.in_([TextState.FAILED, TextState.UNDELIVERED]), _LATELY),
    "unsent_texts": _by(outbox.c.reason, (outbox.c.state == TextState.REFUSED) & _LATELY),
    "holds": _waits(reservations.c.expires_at, reservations.c.state == State.PENDING),
    "unsealed": _unsealed,
    "alarms": _by(alarms.c.kind, alarms.c.seen_at.is_(None)),
}
"""What is measured: `cases` wait for an operator and `claimed` are with one; `operators` are enabled ones by presence;
`call_backs` are promised, their seconds count from when the first was due; `texts` are due, and `failed_texts` and
`unsent_texts` (by our reason) are of the last day; `holds` are taken and not spent, their seconds count from when the
oldest ran out; `unsealed` are entries; `alarms` are unseen ones by kind."""
