"""Idempotency keys: a request that is sent again under its key is the same request, and never another one.

Rule: a key belongs to the token that sent it and to one body; what was made under it is found again by it for a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, LargeBinary, Table, delete, select, update

from keys.database import Instant, insert_into, metadata

KEPT = timedelta(hours=24)
LONGEST_KEY = 255

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("token_id", BigInteger, ForeignKey("tokens.id"), primary_key=True),
    Column("key_digest", LargeBinary(32), primary_key=True),
    Column("body_digest", LargeBinary(32), nullable=False),
    Column("made", BigInteger),
    Column("at", Instant, nullable=False, index=True),
)


class OtherBody(ValueError):  # noqa: N818 - the name says what is wrong, as the caller of it will
    """The key was used with another body before."""


def begin(connection: Connection, token_id: int, key: str, body: bytes, now: datetime) -> int | None:
    """Note a key, or find it: the id of what was made under it before, if anything was. Raises OtherBody.

    `body` is everything that makes the request what it is: its path, and its bytes.
    """
    table = idempotency_keys.c
    named = (table.token_id == token_id, table.key_digest == sha256(key.encode()).digest())
    digest = sha256(body).digest()
    connection.execute(delete(idempotency_keys).where(*named, table.at < now - KEPT))
    row = {"token_id": token_id, "key_digest": sha256(key.encode()).digest(), "body_digest": digest, "at": now}
    connection.execute(insert_into(connection, idempotency_keys).values(row).on_conflict_do_nothing())
    found = connection.execute(select(table.body_digest, table.made).where(*named)).one()
    if bytes(found.body_digest) != digest:
        raise OtherBody
    return None if found.made is None else int(found.made)


def made(connection: Connection, token_id: int, key: str, number: int) -> None:
    """What this request made has the id `number`."""
    table = idempotency_keys.c
    named = (table.token_id == token_id, table.key_digest == sha256(key.encode()).digest())
    connection.execute(update(idempotency_keys).where(*named).values(made=number))


def forget(connection: Connection, now: datetime) -> None:
    """Take away the keys that are older than a day."""
    connection.execute(delete(idempotency_keys).where(idempotency_keys.c.at < now - KEPT))
