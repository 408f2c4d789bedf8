"""What a product key still allows: three counters, moved only by conditional updates.

The rule it keeps: `pending` and `posted` together never pass `granted`. The update asks for room, a CHECK stands behind
it, and the counters are always the sums of the key's entries (`recount` tells where they are not).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    Table,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from keys.database import metadata
from keys.entries import OF_A_PRODUCT, entries

# This is the hot row of the ledger: nothing refers to it and it refers to nothing, since a foreign key in either
# direction would make every activation of one key queue for a second lock.
allowances = Table(
    "allowances",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("granted", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("posted", Integer, nullable=False),
    CheckConstraint("granted >= 0", name="granted"),
    CheckConstraint("pending >= 0", name="pending"),
    CheckConstraint("posted >= 0", name="posted"),
    CheckConstraint("pending + posted <= granted", name="room"),
)


@dataclass(frozen=True, slots=True)
class Balance:
    """How many activations a key was granted, has pending, has posted."""

    granted: int
    pending: int
    posted: int

    @property
    def available(self) -> int:
        """How many are left to take."""
        return self.granted - self.pending - self.posted


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A key whose counters are not the sums of its entries."""

    key_id: int
    counted: Balance
    summed: Balance


_c = allowances.c
_KEY = bindparam("the_key", type_=BigInteger)
_PENDING = bindparam("more_pending", type_=Integer)
_POSTED = bindparam("more_posted", type_=Integer)

_OPEN = insert(allowances)
_GRANT = (
    update(allowances).where(_c.key_id == _KEY).values(granted=_c.granted + bindparam("more_granted", type_=Integer))
)
# No row where there is no room for what is to be taken; for nothing there always is.
TAKE = (
    update(allowances)
    .where(_c.key_id == _KEY, _c.pending + _c.posted + _PENDING + _POSTED <= _c.granted)
    .values(pending=_c.pending + _PENDING, posted=_c.posted + _POSTED)
    .returning(_c.granted, _c.pending, _c.posted)
)
MOVE = update(allowances).where(_c.key_id == _KEY).values(pending=_c.pending + _PENDING, posted=_c.posted + _POSTED)
_MOVE_AND_TELL = MOVE.returning(_c.granted, _c.pending, _c.posted)
_FRESH = bindparam("fresh", type_=Integer)
_HELD = bindparam("held", type_=Integer)
_SPEND = (
    update(allowances).where(_c.key_id == _KEY).values(pending=_c.pending - _HELD, posted=_c.posted + _FRESH + _HELD)
)
_LOCKED = (
    select(_c.key_id, _c.granted - _c.pending - _c.posted)
    .where(_c.key_id.in_(bindparam("the_keys", expanding=True, type_=BigInteger)))
    .order_by(_c.key_id)
    .with_for_update()
)
_BALANCE = select(_c.granted, _c.pending, _c.posted).where(_c.key_id == _KEY)


def open_allowances(connection: Connection, key_ids: Sequence[int], granted: int) -> None:
    """Open the counters of new keys; their grant entries are the caller's to append."""
    zeros = {"granted": granted, "pending": 0, "posted": 0}
    connection.execute(_OPEN, [{"key_id": key_id, **zeros} for key_id in key_ids])


def grow(connection: Connection, key_id: int, more: int) -> None:
    """Allow `more` activations, or less of what is left; the entry is the caller's to append."""
    connection.execute(_GRANT, {"the_key": key_id, "more_granted": more})


def move(connection: Connection, key_id: int, *, pending: int, posted: int = 0) -> Balance:
    """Move counters that are held already: a hold that is posted is (-1, +1), one given back (-1, 0)."""
    moved = {"the_key": key_id, "more_pending": pending, "more_posted": posted}
    return Balance(*connection.execute(_MOVE_AND_TELL, moved).one())


def locked_room(connection: Connection, key_ids: Sequence[int]) -> dict[int, int]:
    """How many each of these keys has left: so it stays, for others, until the commit."""
    return {row[0]: row[1] for row in connection.execute(_LOCKED, {"the_keys": key_ids})}


def spend(connection: Connection, key_id: int, *, fresh: int, held: int) -> None:
    """Spend `fresh` new ones, no more than `locked_room` said, and `held` that were held."""
    connection.execute(_SPEND, {"the_key": key_id, "fresh": fresh, "held": held})


def balance(connection: Connection, key_id: int) -> Balance:
    """The counters of a key. Raises NoResultFound for an id that is no key's."""
    return Balance(*connection.execute(_BALANCE, {"the_key": key_id}).one())


_COUNTED = ("granted", "pending", "posted")


def recount(connection: Connection) -> tuple[Mismatch, ...]:
    """Every key whose counters are not the sums of its entries, or that has only the one or the other, by id."""
    sums = (
        select(
            entries.c.key_id,
            *(func.coalesce(func.sum(entries.c[name]), 0).label(name) for name in _COUNTED),
        )
        .group_by(entries.c.key_id)
        .subquery()
    )
    zero = literal(0)
    summed = [func.coalesce(sums.c[name], zero) for name in _COUNTED]
    wrong = (
        select(_c.key_id, _c.granted, _c.pending, _c.posted, *summed)
        .outerjoin(sums, sums.c.key_id == _c.key_id)
        .where(or_(_c.granted != summed[0], _c.pending != summed[1], _c.posted != summed[2]))
    )
    lost = (
        select(sums.c.key_id, zero, zero, zero, sums.c.granted, sums.c.pending, sums.c.posted)
        .outerjoin(allowances, sums.c.key_id == _c.key_id)
        .where(_c.key_id.is_(None), or_(sums.c.key_id != OF_A_PRODUCT, *(sums.c[name] != 0 for name in _COUNTED)))
    )
    found = [
        Mismatch(row[0], Balance(*map(int, row[1:4])), Balance(*map(int, row[4:7])))
        for query in (wrong, lost)
        for row in connection.execute(query)
    ]
    return tuple(sorted(found, key=lambda mismatch: mismatch.key_id))
