"""What may be activated: organisations, their agreements, and the publisher's products.

The rule it keeps: the catalogue says what is possible today and is never asked about yesterday; what an activation was
granted under is fixed in its reservation.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Integer,
    Table,
    Text,
    select,
)

from keys.database import RowNumber, metadata
from keys.device.build import ProductBuild
from keys.secrets_file import Secrets

CHANNELS = ("phone", "text", "api", "proxy", "operator")
"""Every way to reach the line. A product or key may name those it allows; none named means all."""


class AgreementStatus(StrEnum):
    """How an agreement stands, its dates apart."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class ProductStatus(StrEnum):
    """Whether a product is still activated anew."""

    ACTIVE = "active"
    RETIRED = "retired"


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A CHECK that a column holds one of an enum's words."""
    return CheckConstraint("{} IN ({})".format(column, ", ".join(f"'{word}'" for word in words)), name=column)


organisations = Table(
    "organisations",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

agreements = Table(
    "agreements",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("organisation_id", ForeignKey("organisations.id"), nullable=False),
    Column("programme", Text, nullable=False),
    Column("starts", Date, nullable=False),
    Column("ends", Date),
    Column("status", Text, nullable=False),
    one_of("status", AgreementStatus),
)

products = Table(
    "products",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("format", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("term_months", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("dockable", Boolean, nullable=False),
    Column("channels", Text),
    # The serial to give next: counted here, so that a serial is never given twice even if its key were deleted.
    Column("next_serial", Integer, nullable=False),
    one_of("status", ProductStatus),
    CheckConstraint("term_months >= 0", name="term_months"),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who holds agreements."""

    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Under what keys are issued, from `starts` to `ends` (both included; no end: until told otherwise)."""

    number: str
    organisation: str
    programme: str
    starts: date
    ends: date | None = None
    status: AgreementStatus = AgreementStatus.ACTIVE

    def is_active(self, day: date) -> bool:
        """Tell whether keys of it may be issued and activated on `day`."""
        return agreement_is_active(self.status, self.starts, self.ends, day)


@dataclass(frozen=True, slots=True)
class Product:
    """What is activated.

    `format` is the number of its IIDs' format, `blocks` the blocks of its CIDs, `term_months` how long a CID is good
    for (0: for ever), `channels` where it may be activated (empty: everywhere).
    """

    number: int
    name: str
    format: int
    blocks: int
    term_months: int = 0
    status: ProductStatus = ProductStatus.ACTIVE
    dockable: bool = False
    channels: tuple[str, ...] = ()


Item = Organisation | Agreement | Product


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A whole catalogue, as a file states it."""

    organisations: tuple[Organisation, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    products: tuple[Product, ...] = ()

    def items(self) -> tuple[Item, ...]:
        """Everything in it, in an order in which it can be stored."""
        return (*self.organisations, *self.agreements, *self.products)


def agreement_is_active(status: str, starts: date, ends: date | None, day: date) -> bool:
    """Tell whether an agreement with these facts is active on `day`."""
    return status == AgreementStatus.ACTIVE and starts <= day and (ends is None or day <= ends)


def joined(channels: tuple[str, ...]) -> str | None:
    """Channels as they are stored: in the order of CHANNELS, a space between, None for all of them."""
    return " ".join(name for name in CHANNELS if name in channels) or None


def allows(stored: str | None, channel: str) -> bool:
    """Tell whether stored channels allow this one."""
    return stored is None or channel in stored.split()


def current(connection: Connection) -> Catalogue:
    """The catalogue as the database holds it, each part in the order of its names or numbers."""
    organisation_rows = connection.execute(select(organisations.c.name).order_by(organisations.c.name))
    agreement_rows = connection.execute(
        select(agreements, organisations.c.name)
        .join(organisations, organisations.c.id == agreements.c.organisation_id)
        .order_by(agreements.c.number)
    )
    product_rows = connection.execute(select(products).order_by(products.c.number))
    return Catalogue(
        tuple(Organisation(row.name) for row in organisation_rows),
        tuple(
            Agreement(row.number, row.name, row.programme, row.starts, row.ends, AgreementStatus(row.status))
            for row in agreement_rows
        ),
        tuple(_product(row) for row in product_rows),
    )


def find_product(connection: Connection, named: str | int) -> Product | None:
    """The product of this number, or of this name."""
    text = str(named)
    where = products.c.number == int(text) if text.isdecimal() and len(text) < 6 else products.c.name == text
    row = connection.execute(select(products).where(where)).one_or_none()
    return None if row is None else _product(row)


def _product(row: Any) -> Product:
    return Product(
        row.number,
        row.name,
        row.format,
        row.blocks,
        row.term_months,
        ProductStatus(row.status),
        row.dockable,
        tuple(row.channels.split()) if row.channels else (),
    )


def product_build(product: Product, secrets: Secrets, *, line: str | None = None) -> ProductBuild:
    """What the publisher builds into the product: its newest verification secret first, never the issuing key.

    `line` is the telephone number to show. Raises KeyError where the secrets file does not know the product.
    """
    live = dict(secrets.products[product.number].verification)
    generation = max(live)
    return ProductBuild(
        product=product.number,
        name=product.name,
        format=product.format,
        generation=generation,
        verification_secret=live.pop(generation),
        blocks=product.blocks,
        dockable=product.dockable,
        line=line,
        earlier=live,
    )
