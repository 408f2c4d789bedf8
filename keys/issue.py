"""Product keys: issued once, shown whole once, opened and closed by name.

The rule it keeps: the database holds no secret of any key. It knows the product, the serial and the last five signs;
the secret is derived again, each time, from the product's issuing key.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)

from keys import product_key
from keys.allowance import Balance, allowances, balance, grow, open_allowance
from keys.catalog import agreement_is_active, agreements, joined
from keys.database import Instant, RowNumber, metadata
from keys.entries import Entry, Kind, append
from keys.formats import FORMATS
from keys.hosts import open_hosts
from keys.product_key import KeyType
from keys.products import Licensing, is_retired, one_of, products
from keys.secrets_file import Secrets

MOST_GRANTED = 1_000_000_000


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
    one_of("status", KeyStatus),
    CheckConstraint("type BETWEEN 1 AND 4", name="type"),
    UniqueConstraint("product", "serial"),
    Index("ix_product_keys_agreement_id", "agreement_id", "product", "serial"),
    # An id given twice would inherit the entries of a key that was deleted.
    sqlite_autoincrement=True,
)


class IssueFault(StrEnum):
    """Why no key was issued, or no more granted."""

    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    PRODUCT_RETIRED = "PRODUCT_RETIRED"
    LICENSING_NOT_ALLOWED = "LICENSING_NOT_ALLOWED"
    AGREEMENT_UNKNOWN = "AGREEMENT_UNKNOWN"
    AGREEMENT_INACTIVE = "AGREEMENT_INACTIVE"
    ISSUING_KEY_MISSING = "ISSUING_KEY_MISSING"
    GRANT_OUT_OF_RANGE = "GRANT_OUT_OF_RANGE"
    SERIALS_EXHAUSTED = "SERIALS_EXHAUSTED"


class IssueError(ValueError):
    """No key was issued, or no more granted: `fault`, and the largest grant there is room for if that is the matter."""

    def __init__(self, fault: IssueFault, highest: int | None = None) -> None:
        super().__init__(fault.value, highest)
        self.fault = fault
        self.highest = highest


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """What the database knows of a key; `balance` is as it was when read."""

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


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key: its row and, this once, the whole of it."""

    key: IssuedKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be issued: `granted` activations, 0 for a type that is never activated here; no channels means all."""

    product: int
    agreement: str
    granted: int
    type: KeyType = KeyType.MAK
    channels: tuple[str, ...] = ()


_NEXT_SERIAL = (
    update(products)
    .values(next_serial=products.c.next_serial + 1)
    .returning(products.c.next_serial - 1, products.c.format, products.c.kms_hosts, products.c.kms_reactivations)
)
_SHOW = (
    select(product_keys, agreements.c.number, allowances.c.granted, allowances.c.pending, allowances.c.posted)
    .join(agreements, agreements.c.id == product_keys.c.agreement_id)
    .join(allowances, allowances.c.key_id == product_keys.c.id)
    .order_by(product_keys.c.product, product_keys.c.serial)
)


def issue(
    connection: Connection, secrets: Secrets, order: Order, *, now: datetime, actor: str, reason: str = ""
) -> Issued:
    """Issue a key and grant its allowance. Raises IssueError.

    Serials are counted up in the product's row: two at once queue there, and none is ever given again.
    """
    agreement_id = _check(connection, secrets, order, now)
    row = connection.execute(_NEXT_SERIAL.where(products.c.number == order.product)).one()
    serial, fmt = row[0], FORMATS[row.format]
    if serial >= 1 << fmt.serial_bits:
        raise IssueError(IssueFault.SERIALS_EXHAUSTED)
    text = product_key.encode(
        product_key.make(order.type, order.product, serial, secrets.products[order.product].issuing_key)
    )
    values = {
        "product": order.product,
        "serial": serial,
        "type": int(order.type),
        "agreement_id": agreement_id,
        "last_five": product_key.last_five(text),
        "status": KeyStatus.ACTIVE.value,
        "channels": joined(order.channels),
        "created_at": now,
    }
    key_id = connection.execute(insert(product_keys).values(values).returning(product_keys.c.id)).scalar_one()
    open_allowance(connection, key_id, order.granted)
    if order.type is KeyType.KMS_HOST:
        open_hosts(connection, key_id, row.kms_hosts, row.kms_reactivations)
    append(connection, Entry(now, Kind.GRANT, key_id, granted=order.granted, actor=actor, reason=reason))
    found = show(connection, order.product, serial)
    assert found is not None
    return Issued(found, text)


def _check(connection: Connection, secrets: Secrets, order: Order, now: datetime) -> int:
    product = connection.execute(select(products).where(products.c.number == order.product)).one_or_none()
    if product is None:
        raise IssueError(IssueFault.PRODUCT_UNKNOWN)
    if is_retired(product.status, product.retires, now.date()):
        raise IssueError(IssueFault.PRODUCT_RETIRED)
    agreement = connection.execute(select(agreements).where(agreements.c.number == order.agreement)).one_or_none()
    if agreement is None:
        raise IssueError(IssueFault.AGREEMENT_UNKNOWN)
    if not agreement_is_active(agreement.status, agreement.starts, agreement.ends, now.date()):
        raise IssueError(IssueFault.AGREEMENT_INACTIVE)
    if not may_be_for(order.type, product.licensing, agreement.licensing):
        raise IssueError(IssueFault.LICENSING_NOT_ALLOWED)
    if order.product not in secrets.products:
        raise IssueError(IssueFault.ISSUING_KEY_MISSING)
    highest = FORMATS[product.format].activations_per_key or MOST_GRANTED
    if not 0 <= order.granted <= highest:
        raise IssueError(IssueFault.GRANT_OUT_OF_RANGE, highest)
    return int(agreement.id)


def may_be_for(kind: KeyType, licensing: str, agreed: str) -> bool:
    """Tell whether a key of this type may activate copies of this licensing class, under an agreement that says so.

    `agreed` are the agreement's classes as they are stored: they open retail and preinstalled copies to its volume
    keys. A retail key is for retail and preinstalled copies alone, whatever is agreed.
    """
    return licensing != Licensing.VOLUME if kind is KeyType.RETAIL else licensing in agreed.split()


def show(connection: Connection, product: int, serial: int) -> IssuedKey | None:
    """The key with this serial of this product, or None."""
    query = _SHOW.where(product_keys.c.product == product, product_keys.c.serial == serial)
    row = connection.execute(query).one_or_none()
    return None if row is None else _issued(row)


def listed(connection: Connection, product: int | None = None) -> list[IssuedKey]:
    """All keys, or one product's, by product and serial."""
    query = _SHOW if product is None else _SHOW.where(product_keys.c.product == product)
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
    )


def grant(connection: Connection, key: IssuedKey, more: int, *, now: datetime, actor: str, reason: str = "") -> Balance:
    """Grant `more` activations to a key. Raises IssueError for less than one, or more than the format allows."""
    fmt = connection.execute(select(products.c.format).where(products.c.number == key.product)).scalar_one()
    highest = FORMATS[fmt].activations_per_key or MOST_GRANTED
    if more < 1:
        raise IssueError(IssueFault.GRANT_OUT_OF_RANGE, highest)
    grow(connection, key.id, more)
    after = balance(connection, key.id)
    if after.granted > highest:
        raise IssueError(IssueFault.GRANT_OUT_OF_RANGE, highest - (after.granted - more))
    append(connection, Entry(now, Kind.GRANT, key.id, granted=more, actor=actor, reason=reason))
    return after


def block(connection: Connection, key: IssuedKey, *, now: datetime, actor: str, reason: str) -> bool:
    """Block a key: from now on not even a replay is answered. False if it was not active."""
    return _turn(
        connection, key, KeyStatus.ACTIVE, KeyStatus.BLOCKED, Entry(now, Kind.BLOCK, key.id, actor=actor, reason=reason)
    )


def unblock(connection: Connection, key: IssuedKey, *, now: datetime, actor: str, reason: str) -> bool:
    """Open a blocked key again. False if it was not blocked."""
    return _turn(
        connection,
        key,
        KeyStatus.BLOCKED,
        KeyStatus.ACTIVE,
        Entry(now, Kind.UNBLOCK, key.id, actor=actor, reason=reason),
    )


def _turn(connection: Connection, key: IssuedKey, before: KeyStatus, after: KeyStatus, entry: Entry) -> bool:
    turned = connection.execute(
        update(product_keys)
        .where(product_keys.c.id == key.id, product_keys.c.status == before)
        .values(status=after)
        .returning(product_keys.c.id)
    ).one_or_none()
    if turned is None:
        return False
    append(connection, entry)
    return True
