"""What the publisher makes: products, the suites they are sold in, and what each allows in the life of an activation.

The rule it keeps: what a machine shows is its product's number, and nothing finer. So whatever decides about a copy
stands with its product: a retail edition is a product of its own, beside the volume edition of the same family.
"""

from dataclasses import dataclass, fields
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
    false,
    select,
    text,
)

from keys.database import metadata

FOREVER = 0
"""The `term_months` of an activation without an end."""


class ProductStatus(StrEnum):
    """Whether a product is still activated anew."""

    ACTIVE = "active"
    RETIRED = "retired"


class Licensing(StrEnum):
    """How copies of a product reach their users."""

    VOLUME = "volume"  #: under an agreement, many machines a key
    RETAIL = "retail"  #: over the counter, one key a copy
    PREINSTALLED = "preinstalled"  #: on the machine as it was bought


class AfterRetirement(StrEnum):
    """What becomes of a new activation once the product is retired; what was activated before is answered always."""

    REFUSE = "refuse"  #: refused
    APPROVE = "approve"  #: still given, whether or not its agreement has ended; counted as usual
    ESCROW = "escrow"  #: refused here, as the product is then a trustee's to activate


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A CHECK that a column holds one of an enum's words."""
    return CheckConstraint("{} IN ({})".format(column, ", ".join(f"'{word}'" for word in words)), name=column)


def _count(name: str, usual: int) -> Column[int]:
    """A column that holds a number of something, and what it usually is."""
    return Column(name, Integer, nullable=False, server_default=str(usual))


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
    Column("family", Text, nullable=False, server_default=text("''")),
    Column("edition", Text),
    Column("release", Text),
    Column("licensing", Text, nullable=False, server_default="volume"),
    Column("retires", Date),
    Column("after_retirement", Text, nullable=False, server_default="refuse"),
    _count("kms_threshold", 5),
    _count("kms_hosts", 6),
    _count("kms_reactivations", 9),
    _count("free_reactivations", 0),
    Column("most_reactivations", Integer),
    _count("returns", 0),
    _count("releases", 5),
    _count("period_days", 365),
    _count("retail_machines", 1),
    Column("escrow_ahead", Boolean, nullable=False, server_default=false()),
    one_of("status", ProductStatus),
    one_of("licensing", Licensing),
    one_of("after_retirement", AfterRetirement),
    CheckConstraint("term_months >= 0", name="term_months"),
)

suite_members = Table(
    "suite_members",
    metadata,
    Column("suite", ForeignKey("products.number"), primary_key=True),
    Column("member", ForeignKey("products.number"), primary_key=True),
    CheckConstraint("suite <> member", name="other"),
)


@dataclass(frozen=True, slots=True)
class Product:
    """What is activated.

    `format` is the number of its IIDs' format, `blocks` the blocks of its CIDs, `term_months` how long a CID is good
    for (0: for ever), `channels` where it may be activated (empty: everywhere). A KMS host key activates every volume
    edition of its `family` (the product's own name, if none is said). From the day `retires` on it is retired, and
    `after_retirement` says what then becomes of a new activation.

    A retail key activates `retail_machines`. With `escrow_ahead` a product of which `after_retirement` is escrow may be
    handed to a trustee before it is retired.

    A KMS host hands out leases from `kms_threshold` clients on; its key activates `kms_hosts` hosts, each again
    `kms_reactivations` times.

    Within `period_days`: one machine is activated again `free_reactivations` times for nothing and
    `most_reactivations` times in all (None: no bound), and of one key so many activations may come back, by the
    machine's own proof (`returns`) and, lost or dead, without one (`releases`).
    """

    number: int
    name: str
    format: int
    blocks: int
    term_months: int = FOREVER
    status: ProductStatus = ProductStatus.ACTIVE
    dockable: bool = False
    channels: tuple[str, ...] = ()
    family: str = ""
    edition: str | None = None
    release: str | None = None
    licensing: Licensing = Licensing.VOLUME
    retires: date | None = None
    after_retirement: AfterRetirement = AfterRetirement.REFUSE
    kms_threshold: int = 5
    kms_hosts: int = 6
    kms_reactivations: int = 9
    free_reactivations: int = 0
    most_reactivations: int | None = None
    returns: int = 0
    releases: int = 5
    period_days: int = 365
    retail_machines: int = 1
    escrow_ahead: bool = False

    def __post_init__(self) -> None:
        """Give a product without a family its own name for one."""
        if not self.family:
            object.__setattr__(self, "family", self.name)

    def status_on(self, day: date) -> ProductStatus:
        """The status on a day: a product retires by itself on the day it says."""
        return ProductStatus.RETIRED if is_retired(self.status, self.retires, day) else ProductStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Suite:
    """Products sold as one: a key of `product` (its number) activates every one of `members` on a machine.

    Key, installation and answer have the suite's number, one of each for a machine; every member's build knows the
    suite's secrets, and so takes that one activation for its own.
    """

    product: int
    members: tuple[int, ...]


_FIELDS = frozenset(part.name for part in fields(Product))


def is_retired(status: str, retires: date | None, day: date) -> bool:
    """Tell whether a product with these facts is retired on `day`."""
    return status == ProductStatus.RETIRED or (retires is not None and retires <= day)


def product_of(row: Any) -> Product:
    """The product in a row of the table."""
    facts = {name: value for name, value in row._asdict().items() if name in _FIELDS}
    facts |= {
        "status": ProductStatus(row.status),
        "licensing": Licensing(row.licensing),
        "after_retirement": AfterRetirement(row.after_retirement),
        "channels": tuple(row.channels.split()) if row.channels else (),
    }
    return Product(**facts)


def find_product(connection: Connection, named: str | int) -> Product | None:
    """The product of this number, or of this name."""
    said = str(named)
    where = products.c.number == int(said) if said.isdecimal() and len(said) < 6 else products.c.name == said
    row = connection.execute(select(products).where(where)).one_or_none()
    return None if row is None else product_of(row)


def suites_of(connection: Connection, number: int) -> tuple[Product, ...]:
    """The suites that a product is sold in, as the products whose keys they are, by number."""
    query = (
        select(products)
        .join(suite_members, suite_members.c.suite == products.c.number)
        .where(suite_members.c.member == number)
        .order_by(products.c.number)
    )
    return tuple(product_of(row) for row in connection.execute(query))


def all_products(connection: Connection) -> tuple[Product, ...]:
    """Every product, by number."""
    return tuple(product_of(row) for row in connection.execute(select(products).order_by(products.c.number)))


def all_suites(connection: Connection) -> tuple[Suite, ...]:
    """Every suite, by the number of its product; the members by theirs."""
    members: dict[int, list[int]] = {}
    query = select(suite_members).order_by(suite_members.c.suite, suite_members.c.member)
    for row in connection.execute(query):
        members.setdefault(row.suite, []).append(row.member)
    return tuple(Suite(suite, tuple(found)) for suite, found in members.items())
