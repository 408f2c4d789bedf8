"""Handing a product to a trustee at the end of its life: what goes along, when it may, and the entry that says so.

The rule it keeps: nothing of a product is handed over unless its catalogue says that a trustee follows, and not before
it is retired unless the catalogue says that as well. Each time is an entry of the ledger: by whom, to whom, why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, or_, select

from keys.catalog import AgreementStatus, agreements
from keys.entries import OF_A_PRODUCT, Entry, Kind, append
from keys.escrow import Escrow
from keys.issued import KeyStatus, product_keys
from keys.product_key import KeyType
from keys.products import AfterRetirement, Product, ProductStatus, products
from keys.reservations import State, reservations
from keys.secrets_file import Secrets


class HandingFault(StrEnum):
    """Why nothing was handed over; a word that never changes its meaning."""

    NO_ESCROW = "NO_ESCROW"  #: the catalogue hands this product to no trustee
    NOT_RETIRED = "NOT_RETIRED"  #: it is not retired yet, and not to be handed over before
    ISSUING_KEY_MISSING = "ISSUING_KEY_MISSING"  #: the secrets file has nothing of it to hand over


@dataclass(frozen=True, slots=True)
class Handed:
    """Who hands a product to which trustee, why; `sealed_for` is how the file was sealed, `digest` its SHA-256."""

    actor: str
    trustee: str
    reason: str
    sealed_for: str
    digest: str


def gather(connection: Connection, secrets: Secrets, product: Product, *, now: datetime) -> Escrow | HandingFault:
    """All that a trustee needs of a product, as it stands now, or why it is not handed over."""
    if product.after_retirement is not AfterRetirement.ESCROW:
        return HandingFault.NO_ESCROW
    if product.status_on(now.date()) is not ProductStatus.RETIRED and not product.escrow_ahead:
        return HandingFault.NOT_RETIRED
    held = secrets.products.get(product.number)
    if held is None:
        return HandingFault.ISSUING_KEY_MISSING
    c, own = product_keys.c, product_keys.c.product == product.number
    keys = select(c.serial).where(own)
    closed = or_(c.status != KeyStatus.ACTIVE, agreements.c.status == AgreementStatus.SUSPENDED)
    no_use = or_(c.type == int(KeyType.KMS_CLIENT), c.test)
    ends = connection.execute(select(c.serial, c.expires).where(own, c.expires.is_not(None)))
    dead = select(reservations.c.iid_digest).where(
        reservations.c.product == product.number, reservations.c.state == State.RETURNED
    )
    return Escrow(
        product=product.number,
        name=product.name,
        format=product.format,
        blocks=product.blocks,
        term_months=product.term_months,
        issuing_key=held.issuing_key,
        verification=held.verification,
        serials=connection.execute(
            select(products.c.next_serial).where(products.c.number == product.number)
        ).scalar_one(),
        made=now.date(),
        hosts=frozenset(connection.execute(keys.where(c.type == int(KeyType.KMS_HOST))).scalars()),
        blocked=frozenset(
            connection.execute(keys.join(agreements, agreements.c.id == c.agreement_id).where(closed)).scalars()
        ),
        unused=frozenset(connection.execute(keys.where(no_use)).scalars()),
        expires={row.serial: row.expires for row in ends},
        returned=frozenset(map(bytes, connection.execute(dead).scalars())),
    )


def note(connection: Connection, held: Escrow, handed: Handed, *, now: datetime) -> None:
    """Write down that a product was handed over. A reason and a trustee are needed, else ValueError."""
    if not handed.reason.strip() or not handed.trustee.strip():
        raise ValueError(handed)
    details = {
        "product": held.product,
        "trustee": handed.trustee,
        "sealed_for": handed.sealed_for,
        "sha256": handed.digest,
        "generations": sorted(held.verification),
    }
    append(connection, Entry(now, Kind.ESCROW, OF_A_PRODUCT, actor=handed.actor, reason=handed.reason, details=details))
