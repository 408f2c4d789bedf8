"""Bringing the catalogue in the database to what a file states.

The rule it keeps: loading adds and changes, it never takes away; the same file loaded again does nothing. What was
granted before is not touched: a reservation carries its own terms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from keys.catalog import Agreement, Catalogue, Item, Organisation, agreements, current, joined, named, organisations
from keys.products import Product, Suite, products, suite_members


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
    there = {(type(item), named(item)): item for item in current(connection).items()}
    found = []
    for item in catalogue.items():
        old = there.get((type(item), named(item)))
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


def _has_keys(connection: Connection, product: int) -> bool:
    given = connection.execute(select(products.c.next_serial).where(products.c.number == product)).scalar_one()
    return bool(given > 1)


def _store(connection: Connection, difference: Difference) -> None:
    match difference.item:
        case Organisation(name):
            connection.execute(insert(organisations).values(name=name))
        case Agreement() as agreement:
            _store_agreement(connection, agreement, added=difference.added)
        case Product() as product:
            _store_product(connection, product, added=difference.added)
        case Suite(product, members):
            connection.execute(delete(suite_members).where(suite_members.c.suite == product))
            connection.execute(insert(suite_members), [{"suite": product, "member": member} for member in members])


def _store_agreement(connection: Connection, agreement: Agreement, *, added: bool) -> None:
    values: dict[str, Any] = _facts(agreement)
    owner = select(organisations.c.id).where(organisations.c.name == values.pop("organisation"))
    values |= {"organisation_id": owner.scalar_subquery(), "licensing": " ".join(agreement.licensing)}
    if added:
        connection.execute(insert(agreements).values(**values))
    else:
        connection.execute(update(agreements).where(agreements.c.number == agreement.number).values(**values))


def _store_product(connection: Connection, product: Product, *, added: bool) -> None:
    values = _facts(product) | {"channels": joined(product.channels)}
    if added:
        connection.execute(insert(products).values(**values, next_serial=1))
    else:
        connection.execute(update(products).where(products.c.number == product.number).values(**values))


def _facts(item: Item) -> dict[str, Any]:
    return {part.name: getattr(item, part.name) for part in fields(item)}
