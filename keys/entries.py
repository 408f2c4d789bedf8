"""The journal of the ledger: what was granted, held, spent and done, by whom and why.

The rule it keeps: entries are appended, never edited; a mistake is put right by a further entry. The counters of an
allowance are the sums of its entries.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Index, Integer, Table, Text, insert, select

from keys.append_only import guard
from keys.columns import as_document, given_rows
from keys.database import Instant, RowNumber, metadata
from keys.dialects import NEVER_AGAIN


class Kind(StrEnum):
    """What an entry records."""

    GRANT = "grant"  #: the allowance grew
    RESERVE = "reserve"  #: one was held for an installation
    POST = "post"  #: what was held is spent: its answer was given
    VOID = "void"  #: what was held was given back, its call being over
    EXPIRE = "expire"  #: what was held ran out
    RETURN = "return"  #: a spent one came back with its installation
    BLOCK = "block"  #: the key was blocked
    UNBLOCK = "unblock"  #: the key was opened again
    REPLACE = "replace"  #: the key was replaced by another
    ESCROW = "escrow"  #: the secrets of a whole product were handed to a trustee


OF_A_PRODUCT = 0
"""The `key_id` of an entry about a whole product, which its details name; no key has it."""


# No foreign keys: thousands of entries pointing at one hot key would queue for its row.
entries = Table(
    "entries",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key_id", BigInteger, nullable=False),
    Column("reservation_id", BigInteger),
    Column("granted", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("posted", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("channel", Text),
    Column("holder", Text),
    Column("details", Text, nullable=False),
    CheckConstraint("kind IN ({})".format(", ".join(f"'{kind}'" for kind in Kind)), name="kind"),
    Index(None, "key_id"),
    # Ids are never given twice, so a row cut off the end leaves its mark.
    info=NEVER_AGAIN,
)
guard(entries)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to append.

    `granted`, `pending` and `posted` are what it adds to the key's counters; `actor` is who did it (a person's name, or
    `line`), `reason` why; `channel` and `holder` where from; `details` further facts, plain JSON values, never digits
    of an installation or a key.
    """

    at: datetime
    kind: Kind
    key_id: int
    reservation_id: int | None = None
    granted: int = 0
    pending: int = 0
    posted: int = 0
    actor: str = "line"
    reason: str = ""
    channel: str | None = None
    holder: str | None = None
    details: Mapping[str, object] | None = None


_INSERT = insert(entries)
_COLUMNS = tuple(column.name for column in entries.c if column.name != "id")
_INSERT_DOCUMENT = insert(entries).from_select(_COLUMNS, given_rows(entries, _COLUMNS))
# From so many on it is worth while to make one document of them.
_MANY = 16


def append(connection: Connection, *new: Entry) -> None:
    """Append entries in the order given; several go to the database in one statement."""
    rows = [row_of(entry) for entry in new]
    if len(rows) >= _MANY and connection.dialect.name == "postgresql":
        connection.execute(_INSERT_DOCUMENT, as_document(rows))
    elif rows:
        connection.execute(_INSERT, rows)


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as a row of the table, which gives it its number."""
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "key_id": entry.key_id,
        "reservation_id": entry.reservation_id,
        "granted": entry.granted,
        "pending": entry.pending,
        "posted": entry.posted,
        "actor": entry.actor,
        "reason": entry.reason,
        "channel": entry.channel,
        "holder": entry.holder,
        "details": json.dumps(entry.details, sort_keys=True, ensure_ascii=False) if entry.details else "{}",
    }


def of_key(connection: Connection, key_id: int | None = None, *, limit: int = 1000) -> list[dict[str, object]]:
    """The newest `limit` entries, oldest first, of one key or of all; each as a mapping of the table's columns."""
    query = select(entries).order_by(entries.c.id.desc()).limit(limit)
    if key_id is not None:
        query = query.where(entries.c.key_id == key_id)
    return [dict(row) for row in reversed(connection.execute(query).mappings().all())]
