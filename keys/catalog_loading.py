"""Bringing the catalogue in the database to what a file states.

The rule it keeps: loading adds and changes, it never takes away; the same file loaded again does nothing. What was
granted before is not touched: a reservation carries its own terms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from keys.catalog import (
    Agreement,
    Catalogue,
    Item,
    Organisation,
    Product,
    agreements,
    current,
    joined,
    organisations,
    products,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that loading would do: `added` item, or `changes` as field: (old, new)."""

    item: Item
    changes: Mapping[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def added(self) -> bool:
        """Whether the item is not in the database yet."""
        return not self.changes


class FormatFixedError(ValueError):
    """A product's format cannot change once keys are issued: `product` number, `format` in use."""

    def __init__(self, product: int, number: int) -> None:
        super().__init__(product, number)
        self.product = product
        self.format = number


def differences(connection: Connection, catalogue: Catalogue) -> tuple[Difference, ...]:
    """What `load` would do. Nothing is ever taken away: a product is retired, an agreement ended, by its status.

    Raises FormatFixedError.
    """
    there = {_name(item): item for item in current(connection).items()}
    found = []
    for item in catalogue.items():
        old = there.get(_name(item))
        if old is None:
            found.append(Difference(item))
            continue
        pairs = {part.name: (getattr(old, part.name), getattr(item, part.name)) for part in fields(item)}
        changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if "format" in changes and isinstance(old, Product) and _has_keys(connection, old.number):
            raise FormatFixedError(old.number, old.format)
        if changes:
            found.append(Difference(item, changes))
    return tuple(found)


def load(connection: Connection, catalogue: Catalogue) -> tuple[Difference, ...]:
    """Store what is new or different and tell what that was; loading the same again does nothing.

    Raises FormatFixedError.
    """
    found = differences(connection, catalogue)
    for difference in found:
        _store(connection, difference)
    return found


def _name(item: Item) -> tuple[type[Item], str | int]:
    return type(item), item.name if isinstance(item, Organisation) else item.number


def _has_keys(connection: Connection, product: int) -> bool:
    given = connection.execute(select(products.c.next_serial).where(products.c.number == product)).scalar_one()
    return bool(given > 1)


def _store(connection: Connection, difference: Difference) -> None:
    item = difference.item
    if isinstance(item, Organisation):
        connection.execute(insert(organisations).values(name=item.name))
        return
    values: dict[str, Any] = {part.name: getattr(item, part.name) for part in fields(item)}
    table: Table = products
    if isinstance(item, Agreement):
        table = agreements
        owner = select(organisations.c.id).where(organisations.c.name == values.pop("organisation")).scalar_subquery()
        values["organisation_id"] = owner
    else:
        values["channels"] = joined(item.channels)
    if difference.added:
        first = {} if table is agreements else {"next_serial": 1}
        connection.execute(insert(table).values(**values, **first))
    else:
        connection.execute(update(table).where(table.c.number == item.number).values(**values))
