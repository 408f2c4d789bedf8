"""To whom a product key belongs: to the organisation of the agreement it was issued under.

The rule it keeps: whoever asks for an organisation is shown its keys alone; another's is as if it were not there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, select, tuple_

from keys.allowance import Balance, allowances
from keys.catalog import agreements
from keys.issue import KeyStatus, product_keys
from keys.product_key import KeyType
from keys.products import products

Named = tuple[int, int]
"""A product key by its product's number and its serial."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key as its organisation may see it."""

    id: int
    product: int
    product_name: str
    serial: int
    last_five: str
    type: KeyType
    status: KeyStatus
    agreement: str
    balance: Balance


def among(table: Table, named: Iterable[Named]) -> ColumnElement[bool]:
    """The rows of these products and serials. SQLite finds no pair by index, so it is told each half as well."""
    product, serial = table.c.product, table.c.serial
    pairs = sorted(set(named))
    halves = product.in_({pair[0] for pair in pairs}), serial.in_({pair[1] for pair in pairs})
    return and_(*halves, tuple_(product, serial).in_(pairs))


def organisations_of(connection: Connection, named: Sequence[Named]) -> dict[Named, int]:
    """The organisation's row id of each of these keys; keys that were never issued are left out."""
    rows = connection.execute(
        select(product_keys.c.product, product_keys.c.serial, agreements.c.organisation_id)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .where(among(product_keys, named))
    )
    return {(product, serial): organisation_id for product, serial, organisation_id in rows}


def own_key(connection: Connection, organisation_id: int, named: Named) -> OwnKey | None:
    """One key of an organisation; None for another's, and for one that was never issued."""
    wanted = product_keys.c.product == named[0], product_keys.c.serial == named[1]
    row = connection.execute(_own(organisation_id).where(*wanted)).one_or_none()
    return None if row is None else _read(row)


def own_key_of(connection: Connection, organisation_id: int, key_id: int) -> OwnKey | None:
    """The same by the key's row id."""
    row = connection.execute(_own(organisation_id).where(product_keys.c.id == key_id)).one_or_none()
    return None if row is None else _read(row)


def own_keys(connection: Connection, organisation_id: int, *, after: Named | None, limit: int) -> list[OwnKey]:
    """At most `limit` keys of an organisation, by product and serial, from the one that follows `after`."""
    order = product_keys.c.product, product_keys.c.serial
    query = _own(organisation_id).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [_read(row) for row in connection.execute(query)]


def _own(organisation_id: int) -> Select[Any]:
    return (
        select(
            product_keys,
            products.c.name.label("product_name"),
            agreements.c.number.label("agreement"),
            allowances.c.granted,
            allowances.c.pending,
            allowances.c.posted,
        )
        .join(products, products.c.number == product_keys.c.product)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .join(allowances, allowances.c.key_id == product_keys.c.id)
        .where(agreements.c.organisation_id == organisation_id)
    )


def _read(row: Any) -> OwnKey:
    return OwnKey(
        row.id,
        row.product,
        row.product_name,
        row.serial,
        row.last_five,
        KeyType(row.type),
        KeyStatus(row.status),
        row.agreement,
        Balance(row.granted, row.pending, row.posted),
    )
