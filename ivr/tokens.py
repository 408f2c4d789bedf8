"""Tokens: with what an organisation's own programs knock, what each may do, and until when.

Rule: a token is shown once, when it is issued, and kept only as its digest; it sees its organisation's keys and nothing
else. A token is 256 random bits, so that a plain SHA-256 is enough: nobody can guess what a slow hash would protect,
and every request would pay for it.

>>> text_of(bytes(32))
'ttk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from keys.catalog import organisations
from keys.database import Instant, RowNumber, metadata

PREFIX = "ttk_"
"""What every token begins with, so that programs which look for lost secrets know one."""
TOKEN_BYTES = 32
LONGEST_NAME = 64


class Scope(StrEnum):
    """What a token may be used for."""

    ACTIVATE = "activate"
    READ = "read"
    REQUEST = "request"
    """Ask for a bigger allowance."""
    RETURN = "return"


tokens = Table(
    "tokens",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("organisation_id", BigInteger, ForeignKey("organisations.id"), nullable=False),
    # Never given twice: it stands in the entries as who did it.
    Column("name", String(LONGEST_NAME), nullable=False, unique=True),
    Column("token_digest", String(64), nullable=False, unique=True),
    Column("scopes", String(64), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("issued_by", String(64), nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", String(64)),
    Column("used_at", Instant),
)


class TokenExistsError(ValueError):
    """There is, or was, a token of that `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an organisation; `used_at` is exact to a minute."""

    id: int
    name: str
    organisation_id: int
    organisation: str
    scopes: frozenset[Scope]
    issued_at: datetime
    issued_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """How it stands: `active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is to be issued: to whom, by whom, for what, until when (None: until it is revoked)."""

    name: str
    organisation: str
    scopes: frozenset[Scope]
    issued_by: str
    expires_at: datetime | None = None


def text_of(raw: bytes) -> str:
    """A token as it is shown and sent, from its 32 random bytes."""
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> str:
    """What is kept of a token: SHA-256 in hex. A token is random, so that it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(connection: Connection, new: NewToken, text: str, now: datetime) -> bool:
    """Keep a new token; False where there is no such organisation. Raises TokenExistsError."""
    owner = connection.execute(
        select(organisations.c.id).where(organisations.c.name == new.organisation)
    ).scalar_one_or_none()
    if owner is None:
        return False
    row = {
        "organisation_id": owner,
        "name": new.name,
        "token_digest": digest_of(text),
        "scopes": _joined(new.scopes),
        "issued_at": now,
        "issued_by": new.issued_by[:64],
        "expires_at": new.expires_at,
    }
    savepoint = connection.begin_nested()
    try:
        connection.execute(insert(tokens).values(row))
    except IntegrityError as error:
        savepoint.rollback()
        raise TokenExistsError(new.name) from error
    savepoint.commit()
    return True


_SELECT = select(tokens, organisations.c.name.label("organisation")).join(
    organisations, organisations.c.id == tokens.c.organisation_id
)


def find(connection: Connection, text: str, now: datetime) -> Token | None:
    """The token of this text; None where there is none, or it is over."""
    live = tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    row = connection.execute(_SELECT.where(tokens.c.token_digest == digest_of(text), *live)).one_or_none()
    return None if row is None else _read(row)


def listed(connection: Connection, organisation: str | None = None) -> list[Token]:
    """Every token that was ever issued, of one organisation or of all, by name."""
    whose = [] if organisation is None else [organisations.c.name == organisation]
    return [_read(row) for row in connection.execute(_SELECT.where(*whose).order_by(tokens.c.name))]


def named(connection: Connection, token_ids: Iterable[int]) -> dict[int, str]:
    """Tokens by their ids, each with its organisation, as whoever works at the desk reads them."""
    rows = connection.execute(_SELECT.where(tokens.c.id.in_(sorted(set(token_ids)))))
    return {row.id: f"{row.organisation}: {row.name}" for row in rows}


def by_name(connection: Connection, name: str) -> int | None:
    """The row id of the token of this name, also of one that is over; None where there is none."""
    return connection.execute(select(tokens.c.id).where(tokens.c.name == name)).scalar()


def revoke(connection: Connection, name: str, *, by: str, now: datetime) -> bool | None:
    """End a token. False where it was ended before, None where there is none of that name."""
    row = connection.execute(
        update(tokens)
        .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=by[:64])
        .returning(tokens.c.id)
    ).one_or_none()
    if row is not None:
        return True
    return None if by_name(connection, name) is None else False


def touch(connection: Connection, token_id: int, now: datetime) -> None:
    """It was used just now."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now))


def _joined(scopes: Iterable[Scope]) -> str:
    return " ".join(scope for scope in Scope if scope in set(scopes))


def _read(row: Any) -> Token:
    return Token(
        row.id,
        row.name,
        row.organisation_id,
        row.organisation,
        frozenset(Scope(word) for word in row.scopes.split()),
        row.issued_at,
        row.issued_by,
        row.expires_at,
        row.revoked_at,
        row.revoked_by,
        row.used_at,
    )
