"""From a posted reservation to its certificate.

The rule it keeps: what a certificate states is read from the ledger, in the transaction that spent the activation or
later, so that it is the same at every replay; the confirmation ID in it is made after the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from keys.certificate import Certificate
from keys.confirmation_id import last_day
from keys.issue import product_keys
from keys.products import products
from keys.reservations import Reservation, reservations

_earlier = reservations.alias("earlier")
_r = reservations.c
_PARTICULARS = (
    select(
        _r.id,
        _r.product,
        products.c.name,
        product_keys.c.last_five,
        _r.posted_at,
        select(func.count())
        .where(
            _earlier.c.key_id == _r.key_id,
            _earlier.c.fingerprint == _r.fingerprint,
            _earlier.c.id < _r.id,
            text("earlier.state IN ('posted', 'returned')"),
        )
        .scalar_subquery()
        .label("reactivation"),
    )
    .join(product_keys, product_keys.c.id == _r.key_id)
    .join(products, products.c.number == _r.product)
)


@dataclass(frozen=True, slots=True)
class Particulars:
    """What belongs to a posted reservation and does not stand in it: names, when, and what came before it."""

    product: int
    product_name: str
    last_five: str
    posted_at: datetime
    reactivation: int


def particulars(connection: Connection, reservation_ids: Sequence[int]) -> dict[int, Particulars]:
    """The particulars of posted reservations, by their ids."""
    rows = connection.execute(_PARTICULARS.where(_r.id.in_(reservation_ids)))
    return {row[0]: Particulars(*row[1:]) for row in rows}


def certificate_of(reservation: Reservation, known: Particulars, confirmation_id: Sequence[str]) -> Certificate:
    """What the line states of an activation."""
    return Certificate(
        product=known.product,
        product_name=known.product_name,
        last_five=known.last_five,
        installation=reservation.iid_digest.hex(),
        confirmation_id=tuple(confirmation_id),
        valid_until=month_text(reservation.valid_until),
        reactivation=known.reactivation,
        made_at=known.posted_at,
    )


def month_text(valid_until: int) -> str | None:
    """The last month that an activation is good for, as YYYY-MM; None for ever.

    >>> month_text(0) is None, month_text(14)
    (True, '2027-03')
    """
    day = last_day(valid_until)
    return None if day is None else f"{day:%Y-%m}"
