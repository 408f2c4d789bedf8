"""What was done at the desk, by whom and why: one entry each, never changed.

Rule: whatever an operator does to a case, a key, a caller or another operator is an entry in the same transaction, and
so is showing what is otherwise hidden.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, Text, insert, select

from keys.append_only import guard
from keys.database import Instant, RowNumber, metadata

desk_entries = Table(
    "desk_entries",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("operator_id", BigInteger),
    Column("name", String(64), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("case_id", BigInteger),
    Column("handoff_id", BigInteger),
    Column("key_id", BigInteger),
    Column("reason", Text),
    Column("details", Text),
    Index("ix_desk_entries_case_id_id", "case_id", "id"),
    Index("ix_desk_entries_operator_id_at", "operator_id", "at"),
)
guard(desk_entries)


class Kind(StrEnum):
    """What was done."""

    LOGGED_IN = "logged_in"
    LOGIN_FAILED = "login_failed"
    LOGGED_OUT = "logged_out"
    LOGIN_REVOKED = "login_revoked"
    CLAIMED = "claimed"
    TAKEN_UP = "taken_up"
    """Put into the queue by an operator, though its caller does not wait."""
    RELEASED = "released"
    TRANSFERRED = "transferred"
    RETURNED = "returned"
    """Given back to the queue because its operator fell silent."""
    GROUPS_SET = "groups_set"
    HANDED_BACK = "handed_back"
    ISSUED = "issued"
    LET_THROUGH = "let_through"
    """An activation that was held for a look is held no more."""
    REFUSED = "refused"
    TEXTED = "texted"
    CALLED_BACK = "called_back"
    TALKED = "talked"
    HELD = "held"
    """The caller of a talk was put on hold, or taken back."""
    BROUGHT_IN = "brought_in"
    """A colleague's telephone was rung, to join a talk."""
    NOTED = "noted"
    CLOSED = "closed"
    GRANTED = "granted"
    GRANT_ASKED = "grant_asked"
    GRANT_DECIDED = "grant_decided"
    KEY_UNBLOCKED = "key_unblocked"
    MACHINE_LIFTED = "machine_lifted"
    """A machine that was activated again too often may be once more."""
    SHOWN = "shown"
    """A whole confirmation ID, product key or telephone number was shown."""
    EXPORTED = "exported"
    NOTICE = "notice"
    CALLER_BLOCKED = "caller_blocked"
    CALLER_UNBLOCKED = "caller_unblocked"
    OPERATOR_CHANGED = "operator_changed"
    ALARM_SEEN = "alarm_seen"
    GUESSES_PARDONED = "guesses_pardoned"
    """Wrong tries of a caller, a block of numbers or a token count no more: they need not wait."""
    TOKEN_ISSUED = "token_issued"  # noqa: S105 - the name of a deed
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of a deed
    CALLER_EXPORTED = "caller_exported"
    CALLER_ERASED = "caller_erased"


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """One thing done. `operator_id` is None for the line itself; `name` is who it was called then."""

    at: datetime
    name: str
    kind: Kind
    operator_id: int | None = None
    case_id: int | None = None
    handoff_id: int | None = None
    key_id: int | None = None
    reason: str | None = None
    details: Mapping[str, Any] | None = None


def append(connection: Connection, entry: DeskEntry) -> None:
    """Write one entry down. No detail may be a secret, a whole ID or a telephone number."""
    connection.execute(
        insert(desk_entries).values(
            at=entry.at,
            operator_id=entry.operator_id,
            name=entry.name,
            kind=entry.kind,
            case_id=entry.case_id,
            handoff_id=entry.handoff_id,
            key_id=entry.key_id,
            reason=entry.reason,
            details=None if entry.details is None else json.dumps(dict(entry.details), ensure_ascii=False),
        )
    )


def of_case(connection: Connection, case_id: int) -> list[DeskEntry]:
    """All entries about one case, the oldest first."""
    rows = connection.execute(select(desk_entries).where(desk_entries.c.case_id == case_id).order_by(desk_entries.c.id))
    return [_read(row) for row in rows]


def _read(row: Any) -> DeskEntry:
    return DeskEntry(
        row.at,
        row.name,
        Kind(row.kind),
        row.operator_id,
        row.case_id,
        row.handoff_id,
        row.key_id,
        row.reason,
        None if row.details is None else json.loads(row.details),
    )
