"""How many licence hosts a KMS host key has activated, and how often each: counters of its own beside the allowance.

The rule it keeps: a key activates no more hosts than it may, and none of them more often; the updates ask for room and
a CHECK stands behind each. The counters are always the sums of the entries of each hardware (`recount_hosts` tells
where they are not). A host is known by its fingerprint, as every machine is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Insert,
    Integer,
    Table,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from keys.database import metadata
from keys.dialects import insert_as
from keys.entries import Entry, Kind, append, entries
from keys.refusals import Refusal
from keys.reservations import reservations

host_keys = Table(
    "host_keys",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("most_hosts", Integer, nullable=False),
    Column("most_activations", Integer, nullable=False),
    Column("hosts", Integer, nullable=False),
    CheckConstraint("hosts >= 0", name="hosts"),
    CheckConstraint("hosts <= most_hosts", name="room"),
)

# Each host carries its key's limit, so that a CHECK of its own row can hold it.
hosts = Table(
    "hosts",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", BigInteger, primary_key=True, autoincrement=False),
    Column("activations", Integer, nullable=False),
    Column("most_activations", Integer, nullable=False),
    CheckConstraint("activations >= 0", name="activations"),
    CheckConstraint("activations <= most_activations", name="room"),
)


@dataclass(frozen=True, slots=True)
class HostBalance:
    """How many hosts a key may activate and has, and how often each may be activated and the most used one was."""

    most_hosts: int
    hosts: int
    most_activations: int
    activations: int


@dataclass(frozen=True, slots=True)
class HostMismatch:
    """A key whose host counters are not what its entries say."""

    key_id: int


_k, _h = host_keys.c, hosts.c
_KEY = bindparam("the_key", type_=BigInteger)
_FINGERPRINT = bindparam("the_fingerprint", type_=BigInteger)
_MORE = bindparam("more", type_=Integer)
_NEW = select(_KEY, _FINGERPRINT, 1, _k.most_activations).where(_k.key_id == _KEY)
_COLUMNS = ["key_id", "fingerprint", "activations", "most_activations"]


@cache
def _take(dialect: str) -> Insert:
    """One statement that activates a host once more, or for the first time, where its limit allows."""
    made = insert_as(dialect, hosts).on_conflict_do_update(
        index_elements=["key_id", "fingerprint"],
        set_={"activations": _h.activations + 1},
        where=_h.activations < _h.most_activations,
    )
    return made.from_select(_COLUMNS, _NEW).returning(_h.activations)


_ONE_MORE = (
    update(host_keys).where(_k.key_id == _KEY, _k.hosts < _k.most_hosts).values(hosts=_k.hosts + 1).returning(_k.hosts)
)
_BACK = (
    update(hosts)
    .where(_h.key_id == _KEY, _h.fingerprint == _FINGERPRINT)
    .values(activations=_h.activations - _MORE)
    .returning(_h.activations)
)
_FEWER = update(host_keys).where(_k.key_id == _KEY).values(hosts=_k.hosts - _MORE)


def open_hosts(connection: Connection, key_id: int, most_hosts: int, most_reactivations: int) -> None:
    """Open the counters of a new KMS host key."""
    row = {"key_id": key_id, "most_hosts": most_hosts, "most_activations": 1 + most_reactivations, "hosts": 0}
    connection.execute(insert(host_keys), row)


def limit_hosts(
    connection: Connection,
    key_id: int,
    most_hosts: int,
    most_reactivations: int,
    *,
    now: datetime,
    actor: str,
    reason: str,
) -> bool:
    """Set how many hosts a key may activate and how often each again; False where more have been already."""
    used = host_balance(connection, key_id)
    if used is None or used.hosts > most_hosts or used.activations > 1 + most_reactivations:
        return False
    limits = {"most_activations": 1 + most_reactivations}
    connection.execute(update(hosts).where(_h.key_id == key_id).values(**limits))
    connection.execute(update(host_keys).where(_k.key_id == key_id).values(most_hosts=most_hosts, **limits))
    details = {"most_hosts": most_hosts, "most_reactivations": most_reactivations}
    append(connection, Entry(now, Kind.GRANT, key_id, actor=actor, reason=reason, details=details))
    return True


def take_host(connection: Connection, key_id: int, fingerprint: int) -> Refusal | None:
    """Count one activation of a host, or say which limit is reached. Stands or falls with its savepoint."""
    wanted = {"the_key": key_id, "the_fingerprint": fingerprint}
    row = connection.execute(_take(connection.dialect.name), wanted).one_or_none()
    if row is None:
        return Refusal.HOST_REACTIVATIONS_EXHAUSTED
    if row.activations == 1 and connection.execute(_ONE_MORE, {"the_key": key_id}).one_or_none() is None:
        return Refusal.HOSTS_EXHAUSTED
    return None


def give_hosts_back(connection: Connection, given: Iterable[tuple[int, int]]) -> None:
    """Take activations off again that came to nothing or came back, each as key and fingerprint.

    After the key's allowance, hosts before keys, and each in order, as `keys.ledger` takes them: two that meet never
    wait for each other for ever.
    """
    idle: Counter[int] = Counter()
    for (key_id, fingerprint), number in sorted(Counter(given).items()):
        facts = {"the_key": key_id, "the_fingerprint": fingerprint, "more": number}
        idle[key_id] += connection.execute(_BACK, facts).scalar_one() == 0
    for key_id, number in sorted(idle.items()):
        connection.execute(_FEWER, {"the_key": key_id, "more": number})


def host_balance(connection: Connection, key_id: int) -> HostBalance | None:
    """The counters of a KMS host key; None for a key of another type."""
    return host_balances(connection, (key_id,)).get(key_id)


def host_balances(connection: Connection, key_ids: Iterable[int]) -> Mapping[int, HostBalance]:
    """The counters of those of the keys that are KMS host keys."""
    rows = connection.execute(
        select(_k.key_id, _k.most_hosts, _k.hosts, _k.most_activations, func.coalesce(func.max(_h.activations), 0))
        .outerjoin(hosts, _h.key_id == _k.key_id)
        .where(_k.key_id.in_(list(key_ids)))
        .group_by(_k.key_id, _k.most_hosts, _k.hosts, _k.most_activations)
    )
    return {row[0]: HostBalance(*row[1:]) for row in rows}


def recount_hosts(connection: Connection) -> tuple[HostMismatch, ...]:
    """Every KMS host key whose counters are not what its entries come to, by id."""
    summed = (
        select(
            reservations.c.key_id,
            reservations.c.fingerprint,
            func.sum(entries.c.pending + entries.c.posted).label("activations"),
        )
        .join(reservations, reservations.c.id == entries.c.reservation_id)
        .where(entries.c.key_id.in_(select(_k.key_id)))
        .group_by(reservations.c.key_id, reservations.c.fingerprint)
        .subquery()
    )
    same = and_(_h.key_id == summed.c.key_id, _h.fingerprint == summed.c.fingerprint)
    miscounted = (
        select(_h.key_id).outerjoin(summed, same).where(_h.activations != func.coalesce(summed.c.activations, 0))
    )
    lost = select(summed.c.key_id).outerjoin(hosts, same).where(_h.key_id.is_(None), summed.c.activations > 0)
    live = select(_h.key_id, func.count().label("hosts")).where(_h.activations > 0).group_by(_h.key_id).subquery()
    wrong = (
        select(_k.key_id).outerjoin(live, live.c.key_id == _k.key_id).where(_k.hosts != func.coalesce(live.c.hosts, 0))
    )
    other = select(_h.key_id).join(host_keys, _k.key_id == _h.key_id).where(_h.most_activations != _k.most_activations)
    found = {row[0] for query in (miscounted, lost, wrong, other) for row in connection.execute(query)}
    return tuple(HostMismatch(key_id) for key_id in sorted(found))
