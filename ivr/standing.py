"""How the line stands at one moment: what waits, how long, and what went wrong, for whoever watches over it.

Rule: it only reads, nothing but counts and ages, and each by an index over what is unfinished, or in a table that only
grows by what people do, so that it costs the same in a ledger of ten million; what needs a look at every key is told
apart, and to be asked for seldom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ivr.call_backs import call_backs
from ivr.grant_requests import GrantState, grant_requests
from ivr.operators import Presence, operators
from ivr.outbox import TextState, outbox
from ivr.queue import HandoffState, handoffs
from keys.alarms import alarms
from keys.allowance import allowances
from keys.reservations import State, reservations
from keys.seals import tail

LATELY = timedelta(days=1)
LEAST_TO_RUN_LOW = 10
"""A key for fewer is used up by its use, and no news."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How many wait, and for how many seconds the one that has waited longest; 0 where none does."""

    many: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One moment of a line.

    `cases` wait for an operator and `claimed` are with one; `holds` are taken and not spent, their seconds count from
    when the oldest ran out; `texts` are due, and `failed_texts` and `unsent_texts` (by our reason) are of the last day;
    `call_backs` are promised, their seconds count from when the first was due; `unsealed` are entries. `alarms` are
    unseen ones by kind, `operators` are enabled ones by presence.
    """

    cases: Waits
    claimed: int
    operators: Mapping[str, int]
    call_backs: Waits
    grants: Waits
    texts: Waits
    texts_on_their_way: int
    failed_texts: int
    unsent_texts: Mapping[str, int]
    holds: Waits
    unsealed: Waits
    alarms: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Allowances:
    """Of keys granted at least `LEAST_TO_RUN_LOW`: how many have a tenth or less left, and how many of them nothing."""

    low: int
    used_up: int


def read(connection: Connection, now: datetime) -> Standing:
    """How the line stands, in one read of the caller's transaction."""
    open_cases = {HandoffState.CLAIMED, HandoffState.DECIDED}
    due = (outbox.c.state == TextState.QUEUED) & (outbox.c.due_at <= now)
    lately = outbox.c.due_at > now - LATELY
    left = tail(connection)
    return Standing(
        cases=_waits(connection, handoffs.c.entered_at, handoffs.c.state == HandoffState.WAITING, now),
        claimed=_many(connection, select(func.count()).where(handoffs.c.state.in_(open_cases))),
        operators=_by(connection, operators.c.presence, operators.c.disabled_at.is_(None), Presence),
        call_backs=_waits(connection, call_backs.c.due_at, call_backs.c.done_at.is_(None), now),
        grants=_waits(connection, grant_requests.c.asked_at, grant_requests.c.state == GrantState.ASKED, now),
        texts=_waits(connection, outbox.c.due_at, due, now),
        texts_on_their_way=_many(connection, select(func.count()).where(outbox.c.state == TextState.SENDING)),
        failed_texts=_many(
            connection,
            select(func.count()).where(outbox.c.state.in_([TextState.FAILED, TextState.UNDELIVERED]), lately),
        ),
        unsent_texts=_by(connection, outbox.c.reason, (outbox.c.state == TextState.REFUSED) & lately),
        holds=_waits(connection, reservations.c.expires_at, reservations.c.state == State.PENDING, now),
        unsealed=Waits(left.many, _age(left.oldest, now)),
        alarms=_by(connection, alarms.c.kind, alarms.c.seen_at.is_(None)),
    )


def read_allowances(connection: Connection) -> Allowances:
    """Look at every key's counters: a tenth of a second in a ledger of a million keys, so not at every look."""
    left = allowances.c.granted - allowances.c.pending - allowances.c.posted
    low = select(func.count(), func.count().filter(left == 0)).where(
        allowances.c.granted >= LEAST_TO_RUN_LOW, left * 10 <= allowances.c.granted
    )
    many, none = connection.execute(low).one()
    return Allowances(many, none)


def _waits(connection: Connection, since: Any, which: Any, now: datetime) -> Waits:
    many, oldest = connection.execute(select(func.count(), func.min(since)).where(which)).one()
    return Waits(many, _age(oldest, now))


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _many(connection: Connection, counted: Select[Any]) -> int:
    many: int = connection.execute(counted).scalar_one()
    return many


def _by(connection: Connection, column: Any, which: Any, known: Any = ()) -> dict[str, int]:
    """How many there are of each; 0 for those of `known` of which there is none."""
    rows = connection.execute(select(column, func.count()).where(which).group_by(column))
    return {**dict.fromkeys((str(each) for each in known), 0), **{str(row[0]): row[1] for row in rows}}
