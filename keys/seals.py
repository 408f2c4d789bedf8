"""Seals: a chain over the entries that nobody without the ledger key can mend after a change.

The rule it keeps: every entry is sealed once, in one chain without gaps, shortly after it was made and never in the
transaction that made it (chained there, all activations would queue for the end of the chain). A root, the chain's
newest seal, is signed and appended now and then to a file outside the database, so that even a cut-off tail is missed.
"""

import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, and_, func, insert, select, update

from keys.append_only import guard
from keys.database import metadata
from keys.entries import Kind, entries
from keys.reservations import reservations
from keys.secrets_file import Secrets

seals = Table(
    "seals",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, nullable=False, unique=True),
    Column("mac", LargeBinary(32), nullable=False),
)
guard(seals)

# One row: whoever seals updates it first, so that two passes at once do not make two ends of the chain.
sealing = Table(
    "sealing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("passes", BigInteger, nullable=False),
)

NO_SEAL = bytes(32)
"""What stands in place of a seal before the first one."""

# A transaction that took its id early may commit late, behind entries that are sealed already. Ids this far behind
# the newest seal are looked through at every pass; a thorough pass looks through all.
_LOOK_BACK = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HEAD = select(seals.c.position, seals.c.entry_id, seals.c.mac).order_by(seals.c.position.desc()).limit(1)
_NEWEST_SEALED = select(seals.c.entry_id).order_by(seals.c.entry_id.desc()).limit(1)
_CLAIM = update(sealing).where(sealing.c.id == 1).values(passes=sealing.c.passes + 1).returning(sealing.c.passes)
# Of a reservation, what the entry that holds it is sealed with: whom it is for, and what it is answered with. None of
# it ever changes.
TERMS = tuple(
    reservations.c[name].label(f"its_{name}")
    for name in (
        "iid_digest",
        "key_id",
        "product",
        "fingerprint",
        "nonce",
        "scheme",
        "valid_until",
        "generation",
        "blocks",
    )
)
OF_ITS_ENTRY = and_(entries.c.kind == Kind.RESERVE, reservations.c.id == entries.c.reservation_id)
_UNSEALED = (
    select(entries, *TERMS)
    .outerjoin(seals, seals.c.entry_id == entries.c.id)
    .outerjoin(reservations, OF_ITS_ENTRY)
    .where(seals.c.entry_id.is_(None))
    .order_by(entries.c.id)
)
_TAIL = (
    select(func.count(), func.min(entries.c.at))
    .select_from(entries)
    .outerjoin(seals, seals.c.entry_id == entries.c.id)
    .where(seals.c.entry_id.is_(None))
)


@dataclass(frozen=True, slots=True)
class Root:
    """A point of the chain that was signed: the seal `mac` at `position`, written `at`."""

    position: int
    mac: bytes
    at: datetime


def canonical(entry: Any) -> bytes:
    """An entry's columns as the bytes that are sealed: a JSON list, instants as microseconds since 1970."""
    at = (entry.at - _EPOCH) // timedelta(microseconds=1)
    parts = [entry.id, at, entry.kind, entry.key_id, entry.reservation_id, entry.granted, entry.pending, entry.posted]
    parts += [entry.actor, entry.reason, entry.channel, entry.holder, entry.details]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


def terms(row: Any) -> bytes:
    """What is sealed along with an entry that holds a reservation, as a JSON list; nothing with any other."""
    if row.its_iid_digest is None:
        return b""
    digest, *others = (getattr(row, column.name) for column in TERMS)
    return json.dumps([bytes(digest).hex(), *others], separators=(",", ":")).encode()


def mac_of(ledger_key: bytes, position: int, previous: bytes, entry: Any, along: bytes = b"") -> bytes:
    """The seal of an entry: HMAC-SHA256 over a label, the position (8 bytes), the seal before it, and the entry.

    The label is another where something is sealed `along` with it.
    """
    label = b"touchtone seal 2" if along else b"touchtone seal 1"
    message = label + position.to_bytes(8, "big") + previous + canonical(entry) + along
    return hmac.digest(ledger_key, message, "sha256")


def seal(connection: Connection, ledger_key: bytes, *, limit: int = 1000, thorough: bool = False) -> int:
    """Seal at most `limit` unsealed entries, in the order of their ids, and tell how many.

    Passes may run at once on any number of nodes; they follow one another. A `thorough` one also finds an entry that
    was committed very late.
    """
    if not _unsealed(connection, 1, thorough):
        return 0
    connection.execute(_CLAIM).one()
    head = connection.execute(_HEAD).one_or_none()
    position, previous = (head.position, bytes(head.mac)) if head else (0, NO_SEAL)
    rows = []
    for entry in _unsealed(connection, limit, thorough):
        position += 1
        previous = mac_of(ledger_key, position, previous, entry, terms(entry))
        rows.append({"position": position, "entry_id": entry.id, "mac": previous})
    if rows:
        connection.execute(insert(seals), rows)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Tail:
    """How many entries are not sealed yet, and when the oldest of them was made; None where there is none."""

    many: int
    oldest: datetime | None


def tail(connection: Connection) -> Tail:
    """What a usual pass of sealing would find to do: told by a look at the end of the journal alone."""
    newest = connection.execute(_NEWEST_SEALED).scalar_one_or_none()
    counted = _TAIL if newest is None else _TAIL.where(entries.c.id > newest - _LOOK_BACK)
    return Tail(*connection.execute(counted).one())


def _unsealed(connection: Connection, limit: int, thorough: bool) -> Sequence[Any]:
    query = _UNSEALED.limit(limit)
    newest = None if thorough else connection.execute(_NEWEST_SEALED).scalar_one_or_none()
    if newest is not None:
        query = query.where(entries.c.id > newest - _LOOK_BACK)
    return connection.execute(query).all()


def write_root(connection: Connection, secrets: Secrets, path: Path, now: datetime) -> Root | None:
    """Append the chain's newest seal, signed, to the file at `path` as a JSON line; None where nothing is sealed.

    A root that stands there last already is not written again, and a line that a crash left torn is ended first.
    """
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        return None
    root = Root(head.position, bytes(head.mac), now.astimezone(UTC))
    signature = Ed25519PrivateKey.from_private_bytes(secrets.certificate_key).sign(root_message(root))
    line = {
        "position": root.position,
        "mac": root.mac.hex(),
        "at": root.at.isoformat(),
        "signature": signature.hex(),
    }
    written = path.read_bytes() if path.exists() else b""
    if _stands_last(written, root):
        return root
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(("\n" if written and not written.endswith(b"\n") else "") + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return root


def _stands_last(written: bytes, root: Root) -> bool:
    """Whether a file of roots ends, whole, with this one."""
    try:
        last = json.loads(written.splitlines()[-1])
        return written.endswith(b"\n") and (last["position"], last["mac"]) == (root.position, root.mac.hex())
    except (IndexError, KeyError, TypeError, ValueError):
        return False


def root_message(root: Root) -> bytes:
    """The bytes of a root that are signed with Ed25519."""
    return f"touchtone root 1|{root.position}|{root.mac.hex()}|{root.at.isoformat()}".encode("ascii")
