"""Logins: where each operator is logged in, and until when.

Rule: a login is kept only as the digest of its token. It is over when its time is, when no page of it has been heard
from for a while, when it was revoked, and when its operator was disabled.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, delete, insert, select, update

from ivr.operators import Operator, Presence, operator_of, operators
from keys.database import Instant, RowNumber, metadata

logins = Table(
    "logins",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("token_digest", String(64), nullable=False, unique=True),
    Column("operator_id", BigInteger, ForeignKey("operators.id"), nullable=False, index=True),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("address", String(64), nullable=False),
    Column("browser", String(200), nullable=False),
)

IDLE = timedelta(minutes=30)
"""How long a login may be silent; an open page says something every half minute."""
LIFETIME = timedelta(hours=12)
"""How long a login lasts, whatever it does: a shift and a bit."""
PRESENT = timedelta(minutes=3)
"""How long an operator counts as present after the last that was heard from a page of theirs."""
KEPT = timedelta(days=30)
"""How long a login that is over can still be looked up."""


@dataclass(frozen=True, slots=True)
class Login:
    """One place where an operator is logged in; `address` and `browser` are what it was opened from."""

    id: int
    operator: Operator
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    browser: str


def digest_of(token: str) -> str:
    """What is kept of a token: SHA-256 in hex. A token is random, so that it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_login(
    connection: Connection, operator_id: int, token: str, *, address: str, browser: str, now: datetime
) -> None:
    """Log an operator in, and forget their wrong tries. `token` is what their browser keeps."""
    connection.execute(update(operators).where(operators.c.id == operator_id).values(failures=0, locked_until=None))
    connection.execute(
        insert(logins).values(
            token_digest=digest_of(token),
            operator_id=operator_id,
            opened_at=now,
            seen_at=now,
            expires_at=now + LIFETIME,
            address=address[:64],
            browser=browser[:200],
        )
    )


def find(connection: Connection, token: str, now: datetime) -> Login | None:
    """The login of a token; None where there is none, or it is over."""
    row = connection.execute(_JOINED.where(logins.c.token_digest == digest_of(token), *_live(now))).one_or_none()
    return None if row is None else _read(row)


def live(connection: Connection, now: datetime, operator_id: int | None = None) -> list[Login]:
    """Every login that is not over, of one operator or of all, the newest first."""
    whose = [] if operator_id is None else [logins.c.operator_id == operator_id]
    rows = connection.execute(
        _JOINED.where(*_live(now), *whose).order_by(logins.c.opened_at.desc(), logins.c.id.desc())
    )
    return [_read(row) for row in rows]


def live_ids(connection: Connection, now: datetime) -> set[int]:
    """The ids of all logins that are not over."""
    joined = select(logins.c.id).join(operators, operators.c.id == logins.c.operator_id)
    return set(connection.scalars(joined.where(*_live(now))))


def touch(connection: Connection, login_id: int, now: datetime) -> None:
    """A page of this login was heard from."""
    connection.execute(update(logins).where(logins.c.id == login_id).values(seen_at=now))


def revoke(connection: Connection, login_id: int, now: datetime) -> int | None:
    """End a login; gives the id of its operator, or None where it was over."""
    return connection.execute(
        update(logins)
        .where(logins.c.id == login_id, logins.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(logins.c.operator_id)
    ).scalar_one_or_none()


def revoke_all(connection: Connection, operator_id: int, now: datetime) -> int:
    """End every login of an operator; gives how many."""
    rows = connection.execute(
        update(logins)
        .where(logins.c.operator_id == operator_id, logins.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(logins.c.id)
    ).all()
    return len(rows)


def send_off_silent(connection: Connection, now: datetime) -> list[int]:
    """Set everybody to off of whom no page was heard from lately: nobody may wait for a person who is not there."""
    heard = select(logins.c.operator_id).where(*_in_use(now), logins.c.seen_at > now - PRESENT)
    rows = connection.execute(
        update(operators)
        .where(operators.c.presence != Presence.OFF, operators.c.id.not_in(heard))
        .values(presence=Presence.OFF, presence_at=now)
        .returning(operators.c.id)
    ).all()
    return [row.id for row in rows]


def forget(connection: Connection, now: datetime) -> None:
    """Take away the logins that have long been over."""
    connection.execute(delete(logins).where(logins.c.expires_at < now - KEPT))


_JOINED = select(
    operators,
    logins.c.id.label("login_id"),
    logins.c.opened_at,
    logins.c.seen_at,
    logins.c.expires_at,
    logins.c.address,
    logins.c.browser,
).join(operators, operators.c.id == logins.c.operator_id)


def _in_use(now: datetime) -> tuple[Any, ...]:
    return (logins.c.revoked_at.is_(None), logins.c.expires_at > now)


def _live(now: datetime) -> tuple[Any, ...]:
    return (*_in_use(now), logins.c.seen_at > now - IDLE, operators.c.disabled_at.is_(None))


def _read(row: Any) -> Login:
    return Login(row.login_id, operator_of(row), row.opened_at, row.seen_at, row.expires_at, row.address, row.browser)
