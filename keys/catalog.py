"""Who may activate what: organisations, their agreements, and the publisher's products.

The rule it keeps: the catalogue says what is possible today and is never asked about yesterday; what an activation was
granted under is fixed in its reservation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import Column, Connection, Date, ForeignKey, Table, Text, select

from keys.database import RowNumber, metadata
from keys.device.build import ProductBuild
from keys.products import Licensing, Product, Suite, all_products, all_suites, one_of
from keys.secrets_file import Secrets

CHANNELS = ("phone", "text", "api", "proxy", "operator")
"""Every way to reach the line. A product or key may name those it allows; none named means all."""


class AgreementStatus(StrEnum):
    """How an agreement stands, its dates apart."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


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
    Column("licensing", Text, nullable=False, server_default="volume"),
    one_of("status", AgreementStatus),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who holds agreements."""

    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Under what keys are issued, from `starts` to `ends` (both included; no end: until told otherwise).

    `licensing` are the classes of copies that its volume keys activate: no retail and no preinstalled ones, unless the
    agreement says so.
    """

    number: str
    organisation: str
    programme: str
    starts: date
    ends: date | None = None
    status: AgreementStatus = AgreementStatus.ACTIVE
    licensing: tuple[Licensing, ...] = (Licensing.VOLUME,)

    def is_active(self, day: date) -> bool:
        """Tell whether keys of it may be issued and activated on `day`."""
        return agreement_is_active(self.status, self.starts, self.ends, day)


Item = Organisation | Agreement | Product | Suite


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A whole catalogue, as a file states it."""

    organisations: tuple[Organisation, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    products: tuple[Product, ...] = ()
    suites: tuple[Suite, ...] = ()

    def items(self) -> tuple[Item, ...]:
        """Everything in it, in an order in which it can be stored."""
        return (*self.organisations, *self.agreements, *self.products, *self.suites)


def named(item: Item) -> str | int:
    """What an item is known by: an organisation's name, an agreement's number, the number of a product or suite."""
    match item:
        case Organisation():
            return item.name
        case Suite():
            return item.product
        case _:
            return item.number


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
    return Catalogue(
        tuple(Organisation(row.name) for row in organisation_rows),
        tuple(
            Agreement(
                row.number,
                row.name,
                row.programme,
                row.starts,
                row.ends,
                AgreementStatus(row.status),
                tuple(map(Licensing, row.licensing.split())),
            )
            for row in agreement_rows
        ),
        all_products(connection),
        all_suites(connection),
    )


def product_build(
    product: Product, secrets: Secrets, *, line: str | None = None, suites: Iterable[Product] = ()
) -> ProductBuild:
    """What the publisher builds into the product: its newest verification secret first, never the issuing key.

    `line` is the telephone number to show, `suites` those that the product is sold in (`keys.products.suites_of`).
    Raises KeyError, with the number, where the secrets file does not know the product or a suite.
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
        returns=product.returns > 0,
        licensing=product.licensing.value,
        suites=tuple(product_build(suite, secrets) for suite in suites),
    )
