"""Operators: who may work at the desk, in which role, and where each is logged in.

Rule: a password is kept only as its hash, a login only as the digest of its token; nobody is deleted, only disabled.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, String, Table, Text

from keys.database import Instant, RowNumber, metadata


class Role(StrEnum):
    """What an operator may do: each role may do what those before it may."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


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
