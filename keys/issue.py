"""Issuing product keys, one or thousands: each whole once, as it is made, and never again.

The rule it keeps: serials are counted up in the product's row, so two at once queue there and none is ever given twice;
a key, its counters and its first entry stand or fall together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from keys import product_key
from keys.allowance import Balance, balance, grow, open_allowances
from keys.catalog import agreement_is_active, agreements, joined
from keys.entries import Entry, Kind, append
from keys.formats import FORMATS
from keys.hosts import open_hosts
from keys.issued import IssuedKey, KeyStatus, Wanted, listed, may_be_for, product_keys, show
from keys.product_key import KeyType
from keys.products import is_retired, products
from keys.secrets_file import Secrets

__all__ = [
    "IssueError",
    "IssueFault",
    "Issued",
    "IssuedKey",
    "KeyStatus",
    "Order",
    "Wanted",
    "block",
    "expire",
    "grant",
    "issue",
    "issue_many",
    "listed",
    "product_keys",
    "show",
    "unblock",
]

MOST_GRANTED = 1_000_000_000


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
class Issued:
    """A new key: its row and, this once, the whole of it."""

    key: IssuedKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be issued: `granted` activations, 0 for a type that is never activated here; no channels means all.

    A retail key is granted no more than its product's `retail_machines`.

    A `test` key spends nothing, so it is granted nothing. From the day `expires` on a key activates nothing anew.
    """

    product: int
    agreement: str
    granted: int
    type: KeyType = KeyType.MAK
    channels: tuple[str, ...] = ()
    test: bool = False
    expires: date | None = None


def issue(
    connection: Connection, secrets: Secrets, order: Order, *, now: datetime, actor: str, reason: str = ""
) -> Issued:
    """Issue a key and grant its allowance. Raises IssueError."""
    return issue_many(connection, secrets, order, 1, now=now, actor=actor, reason=reason)[0]


def issue_many(
    connection: Connection, secrets: Secrets, order: Order, count: int, *, now: datetime, actor: str, reason: str = ""
) -> list[Issued]:
    """Issue `count` keys alike, each with its own allowance, in the order of their serials. Raises IssueError."""
    agreement_id = _check(connection, secrets, order, now)
    entry = Entry(now, Kind.GRANT, 0, granted=order.granted, actor=actor, reason=reason)
    return made(connection, secrets, order, agreement_id, count, entry)


def made(
    connection: Connection, secrets: Secrets, order: Order, agreement_id: int, count: int, entry: Entry
) -> list[Issued]:
    """Make keys that may be made, with `entry` as the first of each. Raises IssueError where no serial is left."""
    row = connection.execute(
        update(products)
        .where(products.c.number == order.product)
        .values(next_serial=products.c.next_serial + count)
        .returning(
            products.c.next_serial - count, products.c.format, products.c.kms_hosts, products.c.kms_reactivations
        )
    ).one()
    first, fmt = row[0], FORMATS[row.format]
    if first + count > 1 << fmt.serial_bits:
        raise IssueError(IssueFault.SERIALS_EXHAUSTED)
    issuing_key = secrets.products[order.product].issuing_key
    texts = [
        product_key.encode(product_key.make(order.type, order.product, serial, issuing_key))
        for serial in range(first, first + count)
    ]
    rows = [_row(order, agreement_id, first + place, text, entry.at) for place, text in enumerate(texts)]
    # The ids come back with their serials: which row got which is not left to the order.
    back = insert(product_keys).returning(product_keys.c.serial, product_keys.c.id)
    ids: dict[int, int] = {row.serial: row.id for row in connection.execute(back, rows)}
    key_ids = [ids[serial] for serial in range(first, first + count)]
    open_allowances(connection, key_ids, order.granted)
    if order.type is KeyType.KMS_HOST:
        for key_id in key_ids:
            open_hosts(connection, key_id, row.kms_hosts, row.kms_reactivations)
    append(connection, *(replace(entry, key_id=key_id) for key_id in key_ids))
    return [
        Issued(_issued(order, serial, ids[serial], text, entry.at), text)
        for serial, text in zip(range(first, first + count), texts, strict=True)
    ]


def _row(order: Order, agreement_id: int, serial: int, text: str, now: datetime) -> Mapping[str, Any]:
    return {
        "product": order.product,
        "serial": serial,
        "type": int(order.type),
        "agreement_id": agreement_id,
        "last_five": product_key.last_five(text),
        "status": KeyStatus.ACTIVE.value,
        "channels": joined(order.channels),
        "created_at": now,
        "test": order.test,
        "expires": order.expires,
    }


def _issued(order: Order, serial: int, key_id: int, text: str, now: datetime) -> IssuedKey:
    return IssuedKey(
        key_id,
        order.product,
        serial,
        order.type,
        order.agreement,
        product_key.last_five(text),
        KeyStatus.ACTIVE,
        joined(order.channels),
        now,
        Balance(order.granted, 0, 0),
        order.test,
        order.expires,
    )


def _check(connection: Connection, secrets: Secrets, order: Order, now: datetime) -> int:
    """The id of the agreement under which the order may be carried out. Raises IssueError."""
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
    highest = _highest(product, order)
    if not 0 <= order.granted <= highest:
        raise IssueError(IssueFault.GRANT_OUT_OF_RANGE, highest)
    return int(agreement.id)


def _highest(product: Any, order: Order) -> int:
    """The most that a key may be granted at issue."""
    if order.test:
        return 0
    most = FORMATS[product.format].activations_per_key or MOST_GRANTED
    return min(most, product.retail_machines) if order.type is KeyType.RETAIL else most


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
    entry = Entry(now, Kind.BLOCK, key.id, actor=actor, reason=reason)
    return turn(connection, key, KeyStatus.ACTIVE, KeyStatus.BLOCKED, entry)


def unblock(connection: Connection, key: IssuedKey, *, now: datetime, actor: str, reason: str) -> bool:
    """Open a blocked key again. False if it was not blocked."""
    entry = Entry(now, Kind.UNBLOCK, key.id, actor=actor, reason=reason)
    return turn(connection, key, KeyStatus.BLOCKED, KeyStatus.ACTIVE, entry)


def expire(
    connection: Connection, key: IssuedKey, day: date | None, *, now: datetime, actor: str, reason: str = ""
) -> None:
    """Let a key expire on a day, or never (None): from that day on it activates nothing anew, and replays as before."""
    connection.execute(update(product_keys).where(product_keys.c.id == key.id).values(expires=day))
    details = {"expires": day.isoformat() if day else None}
    append(connection, Entry(now, Kind.EXPIRE, key.id, actor=actor, reason=reason, details=details))


def turn(connection: Connection, key: IssuedKey, before: KeyStatus, after: KeyStatus, entry: Entry) -> bool:
    """Turn a key's status, and append the entry that says so; False, and nothing done, if it was not `before`."""
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
