"""Grants of more activations: what one person gave alone, and what a second was asked for, at whichever door.

Rule: whoever asks never approves; the database itself forbids it. Within any 30 days nobody gives more than their own
limit, nor more than ten times that limit to one agreement, all givers together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Select,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from ivr.operators import names, operators
from ivr.tokens import named
from keys.catalog import agreements
from keys.database import Instant, RowNumber, metadata

WINDOW = timedelta(days=30)
AGREEMENT_TIMES = 10
"""An agreement may get so many times the giver's own limit within the window, whoever gives."""

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
    Column("asked_by", BigInteger, ForeignKey("operators.id")),
    Column("asked_at", Instant, nullable=False),
    Column("decided_by", BigInteger, ForeignKey("operators.id")),
    Column("decided_at", Instant),
    Column("token_id", BigInteger, ForeignKey("tokens.id")),
    Column("answer", Text),
    Column("channel", String(16)),
    CheckConstraint("asked_by IS NOT NULL OR token_id IS NOT NULL OR channel IS NOT NULL", name="somebody_asked"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="second_person"),
)


class GrantState(StrEnum):
    """Where a grant stands."""

    GRANTED = "granted"
    """Given by one person alone, within their limit."""
    ASKED = "asked"
    """A second person has to decide."""
    APPROVED = "approved"
    DECLINED = "declined"


_CALLERS = {"phone": "a caller, by telephone", "text": "a caller, by text"}
_GIVEN = (GrantState.GRANTED, GrantState.APPROVED)


@dataclass(frozen=True, slots=True)
class Grant:
    """So many activations for a key, given or asked for. `case_id` is the case it was about.

    It was asked by an operator (`asked_by`), with a token, or by a caller on a `channel`, phone or text; `answer` is
    what was said to a program.
    """

    id: int
    key_id: int
    case_id: int | None
    agreement: str
    amount: int
    reason: str
    state: GrantState
    asked_by: int | None
    asked_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    token_id: int | None = None
    answer: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be given: `amount` activations to a key of an agreement (its number), and why."""

    key_id: int
    agreement: str
    amount: int
    reason: str
    case_id: int | None = None


def room(connection: Connection, operator_id: int, limit: int, agreement: str, now: datetime) -> int:
    """How many activations this operator, with this limit, may give to an agreement just now."""
    since = now - WINDOW
    given = grant_requests.c.state.in_(_GIVEN)
    at = func.coalesce(grant_requests.c.decided_at, grant_requests.c.asked_at, type_=Instant())
    giver = func.coalesce(grant_requests.c.decided_by, grant_requests.c.asked_by)
    total = select(func.coalesce(func.sum(grant_requests.c.amount), 0)).where(given, at > since)
    own = connection.execute(total.where(giver == operator_id)).scalar_one()
    theirs = connection.execute(total.where(grant_requests.c.agreement == agreement)).scalar_one()
    return max(0, min(limit - int(own), limit * AGREEMENT_TIMES - int(theirs)))


def lock(connection: Connection, operator_id: int, agreement: str) -> int:
    """Let others who give to this agreement, or as this operator, wait for the commit. The operator's limit as it is.

    Without it two who give at once would each find the room that only one of them has.
    """
    connection.execute(select(agreements.c.id).where(agreements.c.number == agreement).with_for_update(key_share=True))
    own = select(operators.c.grant_limit).where(operators.c.id == operator_id).with_for_update(key_share=True)
    return int(connection.execute(own).scalar_one())


def write(connection: Connection, wish: Wish, state: GrantState, operator_id: int, now: datetime) -> int:
    """Write down what an operator gave alone (GRANTED), or asks a second person for (ASKED); its row id."""
    return _write(connection, wish, state, now, asked_by=operator_id)


def ask(connection: Connection, wish: Wish, token_id: int, now: datetime) -> int | None:
    """Write down what is asked for with a token; an operator decides. None where it waits for an answer already."""
    theirs = grant_requests.c.token_id == token_id, grant_requests.c.key_id == wish.key_id
    waits = select(grant_requests.c.id).where(*theirs, grant_requests.c.state == GrantState.ASKED).limit(1)
    if connection.execute(waits).one_or_none() is not None:
        return None
    return _write(connection, wish, GrantState.ASKED, now, token_id=token_id)


def ask_for_caller(connection: Connection, wish: Wish, channel: str, now: datetime) -> int:
    """Write down what a caller asks for on a channel, phone or text; its row id. Who it is stands in `ivr.askers`."""
    return _write(connection, wish, GrantState.ASKED, now, channel=channel)


def _write(connection: Connection, wish: Wish, state: GrantState, now: datetime, **asker: int | str) -> int:
    row = connection.execute(
        insert(grant_requests)
        .values(
            key_id=wish.key_id,
            case_id=wish.case_id,
            agreement=wish.agreement,
            amount=wish.amount,
            reason=wish.reason,
            state=state,
            asked_at=now,
            **asker,
        )
        .returning(grant_requests.c.id)
    ).one()
    return int(row.id)


def decide(
    connection: Connection,
    request_id: int,
    operator_id: int,
    state: GrantState,
    now: datetime,
    answer: str | None = None,
) -> bool:
    """A second person approves or declines. False where it was decided already, or they asked for it themselves."""
    row = connection.execute(
        update(grant_requests)
        .where(
            grant_requests.c.id == request_id,
            grant_requests.c.state == GrantState.ASKED,
            grant_requests.c.asked_by.is_distinct_from(operator_id),
        )
        .values(state=state, decided_by=operator_id, decided_at=now, answer=answer)
        .returning(grant_requests.c.id)
    ).one_or_none()
    return row is not None


def askers(connection: Connection, grants: Iterable[Grant]) -> dict[int, str]:
    """Who asked for each of these, by its id: an operator's name, a token's with its organisation, or a caller."""
    found = list(grants)
    people = names(connection) if any(each.asked_by is not None for each in found) else {}
    programs = named(connection, [each.token_id for each in found if each.token_id is not None])
    known = {each.id: programs.get(each.token_id or 0) or people.get(each.asked_by or 0) for each in found}
    return {each.id: known[each.id] or _CALLERS.get(each.channel or "", "somebody") for each in found}


def read(connection: Connection, request_id: int, *, locked: bool = False) -> Grant | None:
    """One grant as it stands; `locked`: its row until the commit."""
    query = select(grant_requests).where(grant_requests.c.id == request_id)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    return None if row is None else _read(row)


def waiting(connection: Connection, key_id: int | None = None) -> list[Grant]:
    """Everything that waits for a second person, of one key or of all, the oldest first."""
    query = select(grant_requests).where(grant_requests.c.state == GrantState.ASKED).order_by(grant_requests.c.id)
    if key_id is not None:
        query = query.where(grant_requests.c.key_id == key_id)
    return [_read(row) for row in connection.execute(query)]


def states_of(connection: Connection, case_ids: Select[tuple[int]]) -> dict[int, GrantState]:
    """Where the last grant about each of the selected cases stands; cases without one are left out."""
    rows = connection.execute(
        select(grant_requests.c.case_id, grant_requests.c.state)
        .where(grant_requests.c.case_id.in_(case_ids))
        .order_by(grant_requests.c.id)
    )
    return {row.case_id: GrantState(row.state) for row in rows}


def _read(row: Any) -> Grant:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Grant(**{**facts, "state": GrantState(row.state)})
