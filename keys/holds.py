"""What becomes of activations that are held and not spent: given back, run out, or kept for a person who decides.

The rule it keeps: a hang-up voids only what its own call holds, and whatever is given back is given back once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from keys import ledger_statements as statements
from keys.allowance import move
from keys.confirmation_id import SHARE_SCHEME
from keys.entries import Entry, Kind, append
from keys.hosts import give_hosts_back
from keys.reactivation import uncount
from keys.reservations import Basis


def void_held(connection: Connection, holder: str, *, now: datetime, reason: str) -> int:
    """Give back everything that `holder` still holds, and tell how much that was."""
    rows = connection.execute(statements.VOID, {"the_holder": holder}).all()
    return _give_back(connection, rows, Kind.VOID, reason, now)


def expire(connection: Connection, *, now: datetime, limit: int = 500) -> int:
    """Give back at most `limit` holds whose time has run out, oldest first, and tell how many."""
    rows = connection.execute(statements.EXPIRE, {"now": now, "most": limit}).all()
    return _give_back(connection, rows, Kind.EXPIRE, "time ran out", now)


def extend(connection: Connection, reservation_id: int, until: datetime) -> bool:
    """Hold until `until` what is held; False if it is not held any more."""
    row = connection.execute(statements.EXTEND, {"the_id": reservation_id, "until": until}).one_or_none()
    return row is not None


def void_key(connection: Connection, key_id: int, *, now: datetime, reason: str) -> int:
    """Give back everything that anybody holds of a key, and tell how much that was."""
    rows = connection.execute(statements.VOID_KEY, {"the_key": key_id}).all()
    return _give_back(connection, rows, Kind.VOID, reason, now)


def _give_back(connection: Connection, rows: Sequence[Any], kind: Kind, reason: str, now: datetime) -> int:
    # Counters in the order of their keys: two sweeps that met in opposite order would wait for each other for ever.
    taken = Counter({row.key_id: 0 for row in rows})
    for row in rows:
        taken[row.key_id] += Basis(row.basis).takes
    for key_id, count in sorted(taken.items()):
        move(connection, key_id, pending=-count)
    give_hosts_back(connection, ((row.key_id, row.fingerprint) for row in rows if row.scheme == SHARE_SCHEME))
    for row in sorted(rows, key=lambda row: (row.key_id, row.fingerprint)):
        uncount(connection, row)
    ordered = sorted(rows, key=lambda row: int(row.id))
    append(connection, *(_given_back(row, kind, reason, now) for row in ordered))
    return len(rows)


def _given_back(row: Any, kind: Kind, reason: str, now: datetime) -> Entry:
    pending = -Basis(row.basis).takes
    return Entry(now, kind, row.key_id, row.id, pending=pending, reason=reason, channel=row.channel, holder=row.holder)
