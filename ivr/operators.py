"""Operators: who may work at the desk, in which role, and what each proves it with.

Rule: a password is kept only as its hash; nobody is deleted, only disabled.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from keys.database import Instant, RowNumber, metadata


class Role(StrEnum):
    """What an operator may do: each role may do what those before it may.

    >>> Role.SUPERVISOR.covers(Role.OPERATOR), Role.SUPERVISOR.covers(Role.ADMINISTRATOR)
    (True, False)
    """

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"

    def covers(self, other: Role) -> bool:
        """Whether this role may do all that `other` may."""
        ladder = list(Role)
        return ladder.index(self) >= ladder.index(other)


class Presence(StrEnum):
    """Whether an operator takes cases just now."""

    AVAILABLE = "available"
    AWAY = "away"
    WRAPPING_UP = "wrapping_up"
    OFF = "off"


operators = Table(
    "operators",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("totp_sealed", Text),
    Column("totp_used", BigInteger),
    Column("phone_sealed", Text),
    Column("on_call", Boolean, nullable=False),
    Column("grant_limit", Integer, nullable=False),
    Column("presence", String(12), nullable=False),
    Column("presence_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    CheckConstraint("grant_limit >= 0", name="grant_limit"),
)

_AT_DESK = (
    select(operators.c.name, operators.c.presence)
    .where(operators.c.disabled_at.is_(None), operators.c.presence != Presence.OFF)
    .order_by(operators.c.name)
)
FREE_FAILURES = 5
LONGEST_DELAY = timedelta(minutes=15)


class OperatorExistsError(ValueError):
    """There is an operator of that `name` already."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever works at the desk; `grant_limit` is how many activations they may grant by themselves in 30 days."""

    id: int
    name: str
    role: Role
    grant_limit: int
    presence: Presence
    presence_at: datetime
    on_call: bool
    phone_sealed: str | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AtDesk:
    """Somebody who is at the desk, as everybody there sees it."""

    name: str
    presence: Presence


@dataclass(frozen=True, slots=True)
class Proof:
    """What an operator proves who they are with, and how far wrong tries have locked the door."""

    operator: Operator
    password_hash: str
    totp_sealed: str | None
    totp_used: int | None
    failures: int
    locked_until: datetime | None


def delay_after(failures: int) -> timedelta:
    """How long the door stays shut after so many failures in a row: doubling from two seconds once five are used up.

    >>> [int(delay_after(count).total_seconds()) for count in (5, 6, 7, 15, 100)]
    [0, 2, 4, 900, 900]
    """
    if failures <= FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - FREE_FAILURES, 10)), LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class NewOperator:
    """Whom to add: telephone number and one-time secret sealed, `grant_limit` in activations in 30 days."""

    name: str
    role: Role
    password_hash: str = field(repr=False)
    grant_limit: int = 0
    phone_sealed: str | None = None
    totp_sealed: str | None = None
    on_call: bool = False


def add(connection: Connection, new: NewOperator, now: datetime) -> Operator:
    """Add an operator. Raises OperatorExistsError: a name is never given twice, not even a disabled one's."""
    try:
        with connection.begin_nested():
            row = connection.execute(
                insert(operators)
                .values(presence=Presence.OFF, presence_at=now, failures=0, created_at=now, **asdict(new))
                .returning(operators)
            ).one()
    except IntegrityError as error:
        raise OperatorExistsError(new.name) from error
    return operator_of(row)


def listed(connection: Connection) -> list[Operator]:
    """Every operator, the disabled ones too, by name."""
    return [operator_of(row) for row in connection.execute(select(operators).order_by(operators.c.name))]


def at_desk(connection: Connection) -> list[AtDesk]:
    """Everybody who is there, by name; no more is read of them than is shown to all."""
    return [AtDesk(name, Presence(presence)) for name, presence in connection.execute(_AT_DESK)]


def find(connection: Connection, name: str) -> Operator | None:
    """The operator of a name, disabled or not."""
    row = connection.execute(select(operators).where(operators.c.name == name)).one_or_none()
    return None if row is None else operator_of(row)


def names(connection: Connection) -> dict[int, str]:
    """Every operator's name by id."""
    return {row.id: row.name for row in connection.execute(select(operators.c.id, operators.c.name))}


def proof_of(connection: Connection, name: str) -> Proof | None:
    """What the operator of a name proves themselves with; None where there is none, or they are disabled."""
    row = connection.execute(
        select(operators).where(operators.c.name == name, operators.c.disabled_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    return Proof(operator_of(row), row.password_hash, row.totp_sealed, row.totp_used, row.failures, row.locked_until)


def note_failure(connection: Connection, operator_id: int, now: datetime) -> None:
    """One wrong try more: the door stays shut longer."""
    failures = connection.execute(
        update(operators)
        .where(operators.c.id == operator_id)
        .values(failures=operators.c.failures + 1)
        .returning(operators.c.failures)
    ).scalar_one()
    connection.execute(
        update(operators).where(operators.c.id == operator_id).values(locked_until=now + delay_after(failures))
    )


def use_totp(connection: Connection, operator_id: int, step: int) -> bool:
    """Use up a one-time code by its time step. False where it, or a later one, was used before."""
    row = connection.execute(
        update(operators)
        .where(operators.c.id == operator_id, or_(operators.c.totp_used.is_(None), operators.c.totp_used < step))
        .values(totp_used=step)
        .returning(operators.c.id)
    ).one_or_none()
    return row is not None


def set_password(connection: Connection, operator_id: int, password_hash: str) -> None:
    """Give an operator another password, and open the door that wrong tries had locked."""
    connection.execute(
        update(operators)
        .where(operators.c.id == operator_id)
        .values(password_hash=password_hash, failures=0, locked_until=None)
    )


def disable(connection: Connection, operator_id: int, now: datetime) -> bool:
    """Let an operator in no more: no login of theirs counts from now on. False where they were disabled already."""
    row = connection.execute(
        update(operators)
        .where(operators.c.id == operator_id, operators.c.disabled_at.is_(None))
        .values(disabled_at=now, presence=Presence.OFF, presence_at=now)
        .returning(operators.c.id)
    ).one_or_none()
    return row is not None


def set_presence(connection: Connection, operator_id: int, presence: Presence, now: datetime) -> bool:
    """Say whether an operator takes cases. False where that is what was said before."""
    row = connection.execute(
        update(operators)
        .where(operators.c.id == operator_id, operators.c.presence != presence)
        .values(presence=presence, presence_at=now)
        .returning(operators.c.id)
    ).one_or_none()
    return row is not None


def operator_of(row: Any) -> Operator:
    """A row that has the columns of `operators` as a record."""
    return Operator(
        row.id,
        row.name,
        Role(row.role),
        row.grant_limit,
        Presence(row.presence),
        row.presence_at,
        row.on_call,
        row.phone_sealed,
        row.disabled_at,
    )
