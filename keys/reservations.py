"""Reservations: one activation each, held, then spent or given back.

The rule it keeps: at most one live or returned reservation stands for an installation ID, by a unique index, so that
whoever comes twice finds what is there instead of taking another.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, text

from keys.database import Instant, RowNumber, metadata
from keys.dialects import NEVER_AGAIN, rows_where
from keys.installation_id import InstallationID


class State(StrEnum):
    """Where a reservation stands."""

    PENDING = "pending"  #: held; counts against the allowance
    POSTED = "posted"  #: spent: its confirmation ID may be told
    VOIDED = "voided"  #: given back, its call being over
    EXPIRED = "expired"  #: given back, its time having run out
    RETURNED = "returned"  #: spent and brought back; its installation ID is dead


class Basis(StrEnum):
    """On what ground an activation was made, and so whether it took one from the allowance."""

    FIRST = "first"  #: the machine's first
    REACTIVATION = "reactivation"  #: the same machine again
    FREE = "free"  #: the same machine again, within what its product gives for nothing
    RENEWAL = "renewal"  #: the same machine again, since its term ends
    TEST = "test"  #: of a test key, which spends nothing

    @property
    def takes(self) -> int:
        """How many it takes from the allowance: one or none."""
        return int(self in (Basis.FIRST, Basis.REACTIVATION))

    @property
    def again(self) -> bool:
        """Whether the same key had activated the same hardware before."""
        return self in (Basis.REACTIVATION, Basis.FREE, Basis.RENEWAL)


# The index holds returned ones too: then not even a claim that raced a return can bring a dead IID to life.
STANDING = text("state IN ('pending', 'posted', 'returned')")

# No foreign keys: ten thousand reservations of one key would queue for its row.
reservations = Table(
    "reservations",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("iid_digest", LargeBinary(32), nullable=False),
    Column("key_id", BigInteger, nullable=False),
    Column("product", Integer, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("nonce", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("scheme", Integer, nullable=False),
    Column("valid_until", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("case_id", Text),
    Column("channel", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("posted_at", Instant),
    Column("basis", Text, nullable=False, server_default="first"),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in State)), name="state"),
    CheckConstraint("basis IN ({})".format(", ".join(f"'{basis}'" for basis in Basis)), name="basis"),
    CheckConstraint("state <> 'pending' OR expires_at IS NOT NULL", name="pending_expires"),
    CheckConstraint("state <> 'posted' OR posted_at IS NOT NULL", name="posted_when"),
    Index("uq_reservations_standing", "iid_digest", unique=True, info=rows_where(STANDING)),
    Index("ix_reservations_installed", "key_id", "fingerprint", "posted_at", info=rows_where("state = 'posted'")),
    Index("ix_reservations_held", "holder", info=rows_where("state = 'pending'")),
    Index("ix_reservations_due", "expires_at", info=rows_where("state = 'pending'")),
    Index("ix_reservations_posted_at", "posted_at", info=rows_where("state = 'posted'")),
    info=NEVER_AGAIN,
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a confirmation ID is made from: fixed when the reservation was made, whatever the catalogue says today."""

    id: int
    iid_digest: bytes
    key_id: int
    state: State
    scheme: int
    valid_until: int
    generation: int
    blocks: int
    holder: str
    basis: Basis = Basis.FIRST

    @property
    def reactivation(self) -> bool:
        """Whether the same key had activated the same hardware before."""
        return self.basis.again


@dataclass(frozen=True, slots=True)
class Claim:
    """A proven request for one activation.

    `generation` is that of the proof, `channel` one of `keys.catalog.CHANNELS`, `holder` who would hold it (a call's or
    a request's id), `case_id` the case it belongs to, if any, `actor` who stands in the entries (a token's name).
    """

    iid: InstallationID
    generation: int
    channel: str
    holder: str
    case_id: str | None = None
    actor: str = "line"


STORED = tuple(
    reservations.c[name]
    for name in (
        "id",
        "iid_digest",
        "key_id",
        "state",
        "scheme",
        "valid_until",
        "generation",
        "blocks",
        "holder",
        "basis",
    )
)


def stored(row: Any) -> Reservation:
    """The reservation in a row that begins with the columns `STORED`."""
    number, iid_digest, key_id, state, scheme, valid_until, generation, blocks, holder, basis = row[: len(STORED)]
    return Reservation(
        number,
        bytes(iid_digest),
        key_id,
        State(state),
        scheme,
        valid_until,
        generation,
        blocks,
        holder,
        Basis(basis),
    )


def claim_row(claim: Claim, iid_digest: bytes, fingerprint: int, *, key_id: int, now: datetime) -> dict[str, Any]:
    """What a new reservation has of the claim itself; state and terms are added by the ledger."""
    return {
        "iid_digest": iid_digest,
        "key_id": key_id,
        "product": claim.iid.product,
        "fingerprint": fingerprint,
        "nonce": claim.iid.nonce,
        "generation": claim.generation,
        "holder": claim.holder,
        "case_id": claim.case_id,
        "channel": claim.channel,
        "created_at": now,
    }
