"""Rows by the thousand, made inside the database: keys, reservations and entries for a ledger to be measured on.

Rule: the rows are such as the line would have written, with random digests and spread over the keys, so that an index
has as much to hold as it would in earnest. They are nobody's: no proof stands behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from random import getrandbits
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
)

from keys import catalog
from keys.allowance import allowances
from keys.catalog_loading import load
from keys.database import Database
from keys.entries import Kind, entries
from keys.formats import FORMATS
from keys.installation_id import InstallationID
from keys.issue import KeyStatus, product_keys
from keys.migrations.running import upgrade
from keys.product_key import KeyType
from keys.products import Product
from keys.reservations import State, reservations

PRODUCT = 1
STANDARD = FORMATS[1]
GRANTED = 1_000_000_000
"""To each key: so much that none is ever used up."""
LATER = 25
"""One row of so many comes after the indexes were built: about four for each of their pages."""
LONG_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC)


def open_ledger(database: Database) -> None:
    """The schema, one product and one agreement, and no key yet."""
    upgrade(database.engine)
    product = Product(PRODUCT, "Bench", STANDARD.number, 8)
    agreement = catalog.Agreement("A-1", "Anybody", "volume", date(2026, 1, 1))
    with database.begin() as connection:
        load(connection, catalog.Catalogue((catalog.Organisation("Anybody"),), (agreement,), (product,)))


def add_keys(connection: Connection, count: int) -> None:
    """Keys 1 to `count` of an empty ledger, with the serials 1 to `count`, none of whose allowance is used."""
    n = series(count)
    number = cast(n, BigInteger)
    key: dict[str, ColumnElement[Any]] = {
        "product": literal(PRODUCT),
        "serial": number,
        "type": literal(int(KeyType.MAK)),
        "agreement_id": literal(1),
        "last_five": literal("BENCH"),
        "status": literal(KeyStatus.ACTIVE.value),
        "created_at": literal(LONG_AGO, product_keys.c.created_at.type),
    }
    put(connection, product_keys, key)
    zero = literal(0)
    counters = {"key_id": number, "granted": literal(GRANTED), "pending": zero, "posted": zero}
    put(connection, allowances, counters)
    put(connection, entries, _entry(Kind.GRANT, number, granted=GRANTED, actor="bench"))


def add_activations(connection: Connection, count: int, keys: int) -> None:
    """The first `count` posted reservations of a ledger, with their entries.

    Every second one is of key 1, the others are spread over `keys`. The last few come once the indexes are built: an
    index that is built at one go is full to the last byte, and every row that comes next would split a page of it. In a
    ledger that has grown a page has room.
    """
    if not count:
        return
    last = count // LATER
    with _without_indexes(connection, reservations, entries):
        _add_posted(connection, 1, count - last, keys)
    if last:
        _add_posted(connection, count - last + 1, count, keys)
    posted = select(reservations.c.key_id, func.count().label("many")).group_by(reservations.c.key_id).subquery()
    counters = allowances.update().where(allowances.c.key_id == posted.c.key_id)
    connection.execute(counters.values(posted=posted.c.many))


def _add_posted(connection: Connection, first: int, last: int, keys: int) -> None:
    """The reservations with these numbers, and the two entries of each."""
    n = series(last, first)
    number = cast(n, BigInteger)
    key = _spread(n, keys)
    when = literal(LONG_AGO, reservations.c.created_at.type)
    row: dict[str, ColumnElement[Any]] = {
        "iid_digest": _digest(connection, n),
        "key_id": key,
        "product": literal(PRODUCT),
        "fingerprint": number * 4_096 + 17,
        "nonce": n % 65_536,
        "state": literal(State.POSTED.value),
        "scheme": literal(1),
        "valid_until": literal(0),
        "generation": literal(1),
        "blocks": literal(8),
        "holder": literal("bench"),
        "channel": literal("phone"),
        "created_at": when,
        "posted_at": when,
    }
    held: dict[str, ColumnElement[Any]] = {
        "reservation_id": number,
        "channel": literal("phone"),
        "holder": literal("bench"),
    }
    put(connection, reservations, row)
    put(connection, entries, _entry(Kind.RESERVE, key, pending=1) | held)
    put(connection, entries, _entry(Kind.POST, key, pending=-1, posted=1) | held)


@contextmanager
def _without_indexes(connection: Connection, *tables: Table) -> Iterator[None]:
    """Take the indexes off, and build each once at the end: row by row, ten million take hours on SQLite."""
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda index: str(index.name))]
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def anybodys_id(serial: int) -> InstallationID:
    """A standard ID of a key, of a machine never seen before; its proof is nobody's."""
    # No secrets: each number of those would be a call into the system, for which the interpreter is let go.
    parts = tuple(getrandbits(STANDARD.fingerprint_field_bits) for _ in range(STANDARD.fingerprint_fields))
    nonce, proof = getrandbits(STANDARD.nonce_bits), getrandbits(STANDARD.proof_bits)
    return InstallationID(STANDARD.number, PRODUCT, serial, parts, nonce, proof)


def series(last: int, first: int = 1) -> ColumnElement[int]:
    """The numbers from `first` to `last`, as the column `n` of a statement of its own."""
    begun = select(literal(first, Integer).label("n")).cte("series", recursive=True)
    whole = begun.union_all(select(begun.c.n + 1).where(begun.c.n < last))
    column: ColumnElement[int] = whole.c.n
    return column


def put(connection: Connection, table: Table, row: Mapping[str, ColumnElement[Any]]) -> None:
    """Insert what `row` gives for each number of its series, column by column."""
    chosen: Select[Any] = select(*row.values())
    connection.execute(insert(table).from_select(list(row), chosen))


def settle(database: Database) -> None:
    """What the server does by itself once a table has grown: on PostgreSQL, count its rows anew."""
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _spread(n: ColumnElement[int], keys: int) -> ColumnElement[Any]:
    """Key 1 for odd numbers, and for the others one after another."""
    return literal(1, BigInteger) + (cast(n, BigInteger) // 2 % keys) * ((n + 1) % 2)


def _entry(kind: Kind, key: ColumnElement[Any], **moved: Any) -> dict[str, ColumnElement[Any]]:
    counters = {name: literal(moved.get(name, 0)) for name in ("granted", "pending", "posted")}
    return {
        "at": literal(LONG_AGO, entries.c.at.type),
        "kind": literal(kind.value),
        "key_id": key,
        "actor": literal(moved.get("actor", "line")),
        "reason": literal(""),
        "details": literal("{}"),
        **counters,
    }


def _digest(connection: Connection, n: ColumnElement[int]) -> ColumnElement[Any]:
    """32 random-looking bytes for each number."""
    if connection.dialect.name == "sqlite":
        return func.randomblob(32, type_=LargeBinary)
    return func.sha256(func.decode(func.md5(cast(n, Text)), literal_column("'hex'")), type_=LargeBinary)
