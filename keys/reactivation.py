"""How an activation counts: the first of a machine, the same machine again, a renewal, a test.

The rule it keeps: the same hardware under the same key is one machine, by an exact match of its fingerprint. What it
may do within a period is counted in a row of its own, by conditional updates with a CHECK behind them, and that row is
always the sum of the machine's reservations (`recount` tells where it is not).

Only what happens again is counted: a machine that is activated once has no row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from keys.columns import for_each_dialect
from keys.confirmation_id import last_day
from keys.database import Instant, insert_into, metadata
from keys.entries import Entry, Kind, append
from keys.installation_id import InstallationID, fingerprint_number
from keys.issued import IssuedKey
from keys.product_key import KeyType
from keys.products import Product
from keys.refusals import Refusal
from keys.reservations import STANDING, Basis, State, reservations

MOST_LIFTED: Final = 100
"""How many reactivations a person may allow a machine at a time."""
NO_END: Final = 1000
"""What `latest` says of an activation that is good for ever: more than any month's number."""

# No foreign keys, as everywhere in the ledger.
reactivations = Table(
    "reactivations",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("most", Integer),
    Column("free", Integer, nullable=False),
    Column("most_free", Integer, nullable=False),
    Column("lifted", Integer, nullable=False),
    # The end that the last renewal gave: the same month is not renewed to twice.
    Column("renewed_until", Integer, nullable=False),
    CheckConstraint("free >= 0 AND free <= most_free", name="free"),
    CheckConstraint("counted >= 0 AND counted <= most + lifted", name="counted"),
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a product allows one machine within a `period`: so many `free` ones and `most` in all (None: no bound)."""

    free: int
    most: int | None
    period: timedelta

    @classmethod
    def of(cls, seen: Any) -> "Bounds":
        """The bounds in a look at a key; a licence host's are counted in `keys.hosts`, so none are set here."""
        if seen.type == KeyType.KMS_HOST:
            return cls(0, None, timedelta(days=seen.period_days))
        return cls(seen.free_reactivations, seen.most_reactivations, timedelta(days=seen.period_days))


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine has done in its period: `counted` reactivations, `free` ones of them, `lifted` beyond the most."""

    since: datetime
    counted: int = 0
    free: int = 0
    lifted: int = 0
    renewed_until: int = 0

    def in_period(self, bounds: Bounds, now: datetime) -> "Machine":
        """The machine as it counts now: from nothing where its period is over."""
        if now < self.since + bounds.period:
            return self
        return Machine(now, renewed_until=self.renewed_until)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a machine stands: `counted` reactivations of `most` within a period that `ends` then."""

    counted: int
    most: int
    ends: datetime

    @property
    def reached(self) -> bool:
        """Whether it is not activated again before its period ends, unless a person allows it."""
        return self.counted >= self.most


def weigh(seen: Any, latest: int | None, machine: Machine | None, now: datetime) -> Basis | Refusal:
    """How a new activation of a machine counts, or TOO_MANY_REACTIVATIONS.

    `seen` is a look at the key, `latest` the last month that the machine's standing activations are good for (None: it
    has none, NO_END: for ever), `machine` its row, if it has one.
    """
    if seen.type == KeyType.KMS_HOST:
        return Basis.FIRST if latest is None else Basis.REACTIVATION
    if seen.test:
        return Basis.TEST
    if latest is None:
        return Basis.FIRST
    # A renewal that is only held is not among the standing ones yet, and is not to be had a second time.
    if seen.term_months and _in_last_month(max(latest, machine.renewed_until if machine else 0), now):
        return Basis.RENEWAL
    bounds = Bounds.of(seen)
    done = Machine(now) if machine is None else machine.in_period(bounds, now)
    if bounds.most is not None and done.counted >= bounds.most + done.lifted:
        return Refusal.TOO_MANY_REACTIVATIONS
    return Basis.FREE if done.free < bounds.free else Basis.REACTIVATION


def after(machine: Machine | None, basis: Basis, seen: Any, valid_until: int, now: datetime) -> Machine:
    """The machine as it counts once an activation on this basis is made."""
    done = Machine(now) if machine is None else machine.in_period(Bounds.of(seen), now)
    if basis is Basis.RENEWAL:
        return replace(done, renewed_until=valid_until)
    return replace(done, counted=done.counted + 1, free=done.free + (basis is Basis.FREE))


def _in_last_month(latest: int, now: datetime) -> bool:
    end = last_day(latest) if latest < NO_END else None
    return end is not None and end.replace(day=1) <= now.date()


_c = reactivations.c
_ROW = and_(
    _c.key_id == bindparam("the_key", type_=BigInteger),
    _c.fingerprint == bindparam("the_fingerprint", type_=BigInteger),
)
_NOW = bindparam("now", type_=Instant)
_MOST = bindparam("new_most", type_=Integer)
_FREE = bindparam("new_free", type_=Integer)
_UNTIL = bindparam("until", type_=Integer)
_THEN = bindparam("then", type_=Instant)

_SEEN = for_each_dialect(
    lambda among: select(_c.fingerprint, _c.since, _c.counted, _c.free, _c.lifted, _c.renewed_until).where(
        _c.key_id == bindparam("the_key", type_=BigInteger), among(_c.fingerprint, "the_fingerprints")
    )
)
_BEGIN_ANEW = update(reactivations).where(_ROW, _c.since <= _THEN).values(since=_NOW, counted=0, free=0, lifted=0)
_COUNT = (
    update(reactivations)
    .where(_ROW, or_(_MOST.is_(None), _c.counted < _MOST + _c.lifted))
    .values(counted=_c.counted + 1, most=_MOST)
    .returning(_c.since)
)
_COUNT_FREE = _COUNT.where(_c.free < _FREE).values(free=_c.free + 1, most_free=_FREE)
_RENEW = update(reactivations).where(_ROW, _c.renewed_until < _UNTIL).values(renewed_until=_UNTIL).returning(_UNTIL)
# Another node's clock may have begun the period ahead of ours. What counts in it is made in it: if it were the period
# that moved, a hold of the one before might come to lie in it, and be given back out of the wrong one.
_IN_ITS_PERIOD = (
    update(reservations)
    .where(reservations.c.iid_digest == bindparam("the_digest", type_=LargeBinary), STANDING)
    .values(created_at=bindparam("since", type_=Instant))
)
_UNCOUNT = (
    update(reactivations)
    .where(_ROW, _c.since <= _THEN)
    .values(counted=_c.counted - 1, free=_c.free - bindparam("less_free", type_=Integer))
)
_UNRENEW = update(reactivations).where(_ROW, _c.renewed_until == _UNTIL).values(renewed_until=0)
_LIFT = (
    update(reactivations)
    .where(_ROW, _c.since > _THEN, _c.counted >= _MOST + _c.lifted)
    .values(lifted=_c.lifted + bindparam("more", type_=Integer), most=_MOST)
    .returning(_c.lifted)
)


def machines(connection: Connection, key_id: int, fingerprints: Iterable[int]) -> dict[int, Machine]:
    """What these machines have done under a key, by fingerprint; whoever has no row has done nothing again."""
    wanted = {"the_key": key_id, "the_fingerprints": sorted(fingerprints)}
    return {row[0]: Machine(*row[1:]) for row in connection.execute(_SEEN[connection.dialect.name], wanted)}


def count_row(connection: Connection, row: Mapping[str, Any], basis: Basis, seen: Any, now: datetime) -> bool:
    """Count the reservation in `row`, made again on this basis; False, and nothing counted, where there is no room.

    `seen` is the look at its key, which holds the bounds. The reservation is there; it was made when its period began,
    where that is after `now`.
    """
    bounds = Bounds.of(seen)
    facts = _opened(connection, row["key_id"], row["fingerprint"], now)
    if basis is Basis.RENEWAL:
        return connection.execute(_RENEW, facts | {"until": row["valid_until"]}).one_or_none() is not None
    connection.execute(_BEGIN_ANEW, facts | {"then": now - bounds.period, "now": now})
    facts |= {"new_most": bounds.most}
    counted, more = (_COUNT_FREE, {"new_free": bounds.free}) if basis is Basis.FREE else (_COUNT, {})
    since = connection.execute(counted, facts | more).scalar_one_or_none()
    if since is not None and since > now:
        connection.execute(_IN_ITS_PERIOD, {"the_digest": row["iid_digest"], "since": since})
    return since is not None


def uncount(connection: Connection, given_back: Any) -> None:
    """Take back the count of a reservation that was held and is given back; `given_back` is its row."""
    facts = {"the_key": given_back.key_id, "the_fingerprint": given_back.fingerprint}
    if given_back.basis == Basis.RENEWAL:
        connection.execute(_UNRENEW, facts | {"until": given_back.valid_until})
    elif given_back.basis in (Basis.FREE, Basis.REACTIVATION):
        less = int(given_back.basis == Basis.FREE)
        connection.execute(_UNCOUNT, facts | {"then": given_back.created_at, "less_free": less})


def standing(
    connection: Connection, key: IssuedKey, product: Product, iid: InstallationID, now: datetime
) -> Standing | None:
    """Where the machine of an ID stands; None where nothing bounds it, or it has not been activated again yet."""
    machine = machines(connection, key.id, [fingerprint_number(iid)]).get(fingerprint_number(iid))
    bounds = _bounds(key, product)
    if machine is None or bounds is None or bounds.most is None:
        return None
    done = machine.in_period(bounds, now)
    return Standing(done.counted, bounds.most + done.lifted, done.since + bounds.period) if done.counted else None


def lift(
    connection: Connection,
    key: IssuedKey,
    product: Product,
    iid: InstallationID,
    more: int,
    *,
    now: datetime,
    actor: str,
    reason: str,
) -> bool:
    """Allow the machine of an ID `more` reactivations beyond its product's bound, for as long as its period lasts.

    False, and nothing done, where it has not come to the bound: of two who allow it at once, one does. `more` is from 1
    to MOST_LIFTED.
    """
    bounds = _bounds(key, product)
    if bounds is None or bounds.most is None:
        return False
    facts = {"the_key": key.id, "the_fingerprint": fingerprint_number(iid), "then": now - bounds.period}
    if connection.execute(_LIFT, facts | {"new_most": bounds.most, "more": more}).one_or_none() is None:
        return False
    details = {"reactivations": more}
    append(connection, Entry(now, Kind.GRANT, key.id, actor=actor, reason=reason, details=details))
    return True


def _bounds(key: IssuedKey, product: Product) -> Bounds | None:
    """What bounds a machine of a key; None for a test key's, and for a licence host, which is counted elsewhere."""
    if key.type is KeyType.KMS_HOST or key.test:
        return None
    return Bounds(product.free_reactivations, product.most_reactivations, timedelta(days=product.period_days))


def _opened(connection: Connection, key_id: int, fingerprint: int, now: datetime) -> dict[str, Any]:
    """The name of a machine's row, which is there from now on."""
    row = {"key_id": key_id, "fingerprint": fingerprint, "since": now}
    row |= dict.fromkeys(("counted", "free", "most_free", "lifted", "renewed_until"), 0)
    connection.execute(insert_into(connection, reactivations).on_conflict_do_nothing(), row)
    return {"the_key": key_id, "the_fingerprint": fingerprint}


def recount(connection: Connection) -> tuple[int, ...]:
    """The ids of the keys with a machine whose counters are not the sums of its reservations."""
    r = reservations.c
    again = and_(
        r.basis.in_((Basis.FREE, Basis.REACTIVATION)), r.state.in_((State.PENDING, State.POSTED, State.RETURNED))
    )
    same = and_(r.key_id == _c.key_id, r.fingerprint == _c.fingerprint)
    of_period = and_(again, r.created_at >= _c.since)
    free = case((r.basis == Basis.FREE, 1), else_=0)
    wrong = (
        select(_c.key_id)
        .outerjoin(reservations, and_(same, of_period))
        .group_by(_c.key_id, _c.fingerprint, _c.counted, _c.free)
        .having(or_(func.count(r.id) != _c.counted, func.sum(free) != _c.free))
    )
    lost = select(r.key_id).outerjoin(reactivations, same).where(again, _c.key_id.is_(None))
    return tuple(sorted({row[0] for query in (wrong, lost) for row in connection.execute(query)}))
