"""How an organisation's machines are licensed: by multiple activation keys, and by licence hosts of their own.

The rule it keeps: it counts what this line knows, which is activations. What a licence host leases to on its own
network is known to that host alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from keys.allowance import allowances
from keys.catalog import agreements, organisations
from keys.hosts import HostBalance, host_balances
from keys.issue import KeyStatus, product_keys
from keys.product_key import KeyType
from keys.products import products


@dataclass(frozen=True, slots=True)
class HostKey:
    """One KMS host key: which it is, how it stands, and its counters."""

    product: int
    serial: int
    last_five: str
    family: str
    status: KeyStatus
    posted: int
    balance: HostBalance


@dataclass(frozen=True, slots=True)
class Mix:
    """One organisation: its MAKs and what was activated with them, and its host keys with theirs."""

    organisation: str
    maks: int
    mak_activations: int
    host_keys: tuple[HostKey, ...]

    @property
    def hosts(self) -> int:
        """Licence hosts that were activated."""
        return sum(key.balance.hosts for key in self.host_keys)

    @property
    def host_activations(self) -> int:
        """How often they were activated in all."""
        return sum(key.posted for key in self.host_keys)


def mixes(connection: Connection) -> tuple[Mix, ...]:
    """Every organisation that has a MAK or a KMS host key, by name."""
    rows = connection.execute(
        select(organisations.c.name, func.count(), func.sum(allowances.c.posted))
        .select_from(product_keys)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .join(organisations, organisations.c.id == agreements.c.organisation_id)
        .join(allowances, allowances.c.key_id == product_keys.c.id)
        .where(product_keys.c.type == int(KeyType.MAK))
        .group_by(organisations.c.name)
    )
    maks = {name: (int(keys), int(posted)) for name, keys, posted in rows}
    hosts: dict[str, list[HostKey]] = {}
    for name, key in _host_keys(connection):
        hosts.setdefault(name, []).append(key)
    return tuple(
        Mix(name, *maks.get(name, (0, 0)), tuple(hosts.get(name, ()))) for name in sorted(maks.keys() | hosts.keys())
    )


def _host_keys(connection: Connection) -> Iterable[tuple[str, HostKey]]:
    rows = connection.execute(
        select(organisations.c.name, product_keys, products.c.family, allowances.c.posted)
        .select_from(product_keys)
        .join(products, products.c.number == product_keys.c.product)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .join(organisations, organisations.c.id == agreements.c.organisation_id)
        .join(allowances, allowances.c.key_id == product_keys.c.id)
        .where(product_keys.c.type == int(KeyType.KMS_HOST))
        .order_by(product_keys.c.product, product_keys.c.serial)
    ).all()
    counted = host_balances(connection, [row.id for row in rows])
    for row in rows:
        yield (
            row.name,
            HostKey(
                row.product,
                row.serial,
                row.last_five,
                row.family,
                KeyStatus(row.status),
                row.posted,
                counted[row.id],
            ),
        )
