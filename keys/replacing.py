"""Replacing a key that leaked: its successor inherits what is left, and the old one is closed.

The rule it keeps: nothing is given twice and nothing is lost. What the old key gives up is what its successor is
granted, in one transaction, with an entry on each that names the other.
"""

from datetime import datetime

from sqlalchemy import Connection, select, update

from keys.allowance import grow, locked_room
from keys.catalog import CHANNELS
from keys.entries import Entry, Kind, append
from keys.holds import void_key
from keys.hosts import host_balance, limit_hosts
from keys.issue import Issued, Order, made, turn
from keys.issued import IssuedKey, KeyStatus, product_keys, show
from keys.secrets_file import Secrets


def replace(
    connection: Connection, secrets: Secrets, key: IssuedKey, *, now: datetime, actor: str, reason: str
) -> Issued | None:
    """Issue a successor of `key`, like it in everything, and block `key`. None if it was replaced before.

    What is held of it at this moment is given back first, and so inherited: a call that holds one hears that the key is
    blocked. A KMS host key hands its limits on and none of its hosts: each is activated anew, under the new key. Raises
    IssueError where the product has no serial left.
    """
    row = connection.execute(
        select(product_keys).where(product_keys.c.id == key.id).with_for_update(key_share=True)
    ).one()
    if row.successor is not None:
        return None
    void_key(connection, key.id, now=now, reason="key replaced")
    left = locked_room(connection, [key.id])[key.id]
    channels = tuple(name for name in CHANNELS if key.channels and name in key.channels.split())
    order = Order(key.product, key.agreement, left, key.type, channels, key.test, key.expires)
    details = {"replaces": key.serial}
    first = Entry(now, Kind.REPLACE, 0, granted=left, actor=actor, reason=reason, details=details)
    issued = made(connection, secrets, order, row.agreement_id, 1, first)[0]
    limits = host_balance(connection, key.id)
    if limits is not None:
        most = (limits.most_hosts, limits.most_activations - 1)
        limit_hosts(connection, issued.key.id, *most, now=now, actor=actor, reason=reason)
    grow(connection, key.id, -left)
    connection.execute(update(product_keys).where(product_keys.c.id == key.id).values(successor=issued.key.id))
    given = {"successor": issued.key.serial}
    append(connection, Entry(now, Kind.REPLACE, key.id, granted=-left, actor=actor, reason=reason, details=given))
    blocked = Entry(now, Kind.BLOCK, key.id, actor=actor, reason=reason)
    turn(connection, key, KeyStatus.ACTIVE, KeyStatus.BLOCKED, blocked)
    fresh = show(connection, issued.key.product, issued.key.serial)
    assert fresh is not None
    return Issued(fresh, issued.text)
