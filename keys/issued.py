"""What the line knows of a product key that was issued.

The rule it keeps: the database holds no secret of any key. It knows the product, the serial and the last five signs;
the secret is derived again, each time, from the product's issuing key.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    select,
)

from keys.allowance import Balance, allowances
from keys.catalog import agreements, organisations
from keys.database import Instant, RowNumber, metadata
from keys.dialects import NEVER_AGAIN
from keys.product_key import KeyType
from keys.products import Licensing, one_of


class KeyStatus(StrEnum):
    """How a key stands."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    EXPIRED = "expired"


product_keys = Table(
    "product_keys",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("product", ForeignKey("products.number"), nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("type", Integer, nullable=False),
    Column("agreement_id", ForeignKey("agreements.id"), nullable=False),
    Column("last_five", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("channels", Text),
    Column("created_at", Instant, nullable=False),
    # A test key spends nothing and is never sold; what it activated is told apart everywhere.
    Column("test", Boolean, nullable=False, server_default=false()),
    Column("expires", Date),
    # The id of the key that took its place.
    Column("successor", BigInteger),
    one_of("status", KeyStatus),
    CheckConstraint("type BETWEEN 1 AND 4", name="type"),
    UniqueConstraint("product", "serial"),
    Index("ix_product_keys_agreement_id", "agreement_id", "product", "serial"),
    # An id given twice would inherit the entries of a key that was deleted.
    info=NEVER_AGAIN,
)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """What the database knows of a key; `balance` is as it was when read.

    From the day `expires` on it activates nothing anew. A `test` key spends nothing. `successor` is the serial of the
    key that took its place, if it was replaced.
    """

    id: int
    product: int
    serial: int
    type: KeyType
    agreement: str
    last_five: str
    status: KeyStatus
    channels: str | None
    created_at: datetime
    balance: Balance
    test: bool = False
    expires: date | None = None
    successor: int | None = None

    def status_on(self, day: date) -> KeyStatus:
        """The status on a day: a key expires by itself on the day it says."""
        return status_on(self.status, self.expires, day)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys to list: those of which everything that is said here holds."""

    product: int | None = None
    agreement: str | None = None
    organisation: str | None = None
    type: KeyType | None = None
    test: bool | None = None


def status_on(status: str, expires: date | None, day: date) -> KeyStatus:
    """The status on a day of a key with these facts; a block outlasts everything."""
    if status == KeyStatus.ACTIVE and expires is not None and expires <= day:
        return KeyStatus.EXPIRED
    return KeyStatus(status)


def may_be_for(kind: KeyType, licensing: str, agreed: str) -> bool:
    """Tell whether a key of this type may activate copies of this licensing class, under an agreement that says so.

    `agreed` are the agreement's classes as they are stored: they open retail and preinstalled copies to its volume
    keys. A retail key is for retail and preinstalled copies alone, whatever is agreed.
    """
    return licensing != Licensing.VOLUME if kind is KeyType.RETAIL else licensing in agreed.split()


_successors = product_keys.alias("successors")
_SHOW = (
    select(
        product_keys,
        agreements.c.number,
        allowances.c.granted,
        allowances.c.pending,
        allowances.c.posted,
        _successors.c.serial.label("successor_serial"),
    )
    .join(agreements, agreements.c.id == product_keys.c.agreement_id)
    .join(allowances, allowances.c.key_id == product_keys.c.id)
    .outerjoin(_successors, _successors.c.id == product_keys.c.successor)
    .order_by(product_keys.c.product, product_keys.c.serial)
)


def show(connection: Connection, product: int, serial: int) -> IssuedKey | None:
    """The key with this serial of this product, or None."""
    query = _SHOW.where(product_keys.c.product == product, product_keys.c.serial == serial)
    row = connection.execute(query).one_or_none()
    return None if row is None else _issued(row)


def listed(connection: Connection, wanted: Wanted | None = None) -> list[IssuedKey]:
    """The keys that are wanted (all of them, if nothing is said), by product and serial."""
    wanted = wanted or Wanted()
    c = product_keys.c
    query = _SHOW
    for column, value in ((c.product, wanted.product), (c.type, wanted.type), (c.test, wanted.test)):
        if value is not None:
            query = query.where(column == value)
    if wanted.agreement is not None:
        query = query.where(agreements.c.number == wanted.agreement)
    if wanted.organisation is not None:
        owner = select(organisations.c.id).where(organisations.c.name == wanted.organisation).scalar_subquery()
        query = query.where(agreements.c.organisation_id == owner)
    return [_issued(row) for row in connection.execute(query)]


def _issued(row: Any) -> IssuedKey:
    return IssuedKey(
        row.id,
        row.product,
        row.serial,
        KeyType(row.type),
        row.number,
        row.last_five,
        KeyStatus(row.status),
        row.channels,
        row.created_at,
        Balance(row.granted, row.pending, row.posted),
        row.test,
        row.expires,
        row.successor_serial,
    )
