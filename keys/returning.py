"""Activations that come back: returned with the machine's own proof, or released, the machine being lost or dead.

The rule it keeps: one that comes back comes back once, its installation ID is dead, and what it took may be taken
again. Both ways are bounded a key and period in a row of its own, by a conditional update with a CHECK behind it. A
proof can be had by restoring a snapshot, so returns are off unless the product allows some; a release has no proof at
all, so a person answers for it by name and reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    Table,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from keys import return_code
from keys.allowance import move
from keys.answers import Refused
from keys.confirmation_id import SHARE_SCHEME
from keys.database import Instant, insert_into, metadata
from keys.derivation import key_secret
from keys.entries import Entry, Kind, append, entries
from keys.formats import FORMATS
from keys.hosts import give_hosts_back
from keys.installation_id import InstallationID, digest
from keys.issued import IssuedKey, KeyStatus, show
from keys.ledger import identify, unknown
from keys.ledger_statements import MANY_STANDING, RETURN
from keys.products import Product, find_product
from keys.reservations import Claim, Reservation, State, stored
from keys.secrets_file import Secrets

given_back = Table(
    "given_back",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False),
    Column("returns", Integer, nullable=False),
    Column("most_returns", Integer, nullable=False),
    Column("releases", Integer, nullable=False),
    Column("most_releases", Integer, nullable=False),
    CheckConstraint("returns >= 0 AND returns <= most_returns", name="returns"),
    CheckConstraint("releases >= 0 AND releases <= most_releases", name="releases"),
)


class ReturnFault(StrEnum):
    """Why nothing came back; like a refusal, a word that never changes its meaning."""

    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    PROOF_WRONG = "PROOF_WRONG"  #: the installation ID was not made with a key of ours
    KEY_UNKNOWN = "KEY_UNKNOWN"
    KEY_BLOCKED = "KEY_BLOCKED"
    RETURN_CODE_WRONG = "RETURN_CODE_WRONG"  #: not the code of this installation
    NOT_ACTIVATED = "NOT_ACTIVATED"  #: this installation has no activation to give back
    RETURNS_OFF = "RETURNS_OFF"  #: the product, or its format, has no returns
    TOO_MANY_RETURNS = "TOO_MANY_RETURNS"  #: as many as the product allows one key within a period
    RELEASES_OFF = "RELEASES_OFF"
    TOO_MANY_RELEASES = "TOO_MANY_RELEASES"


@dataclass(frozen=True, slots=True)
class By:
    """Who gives back, for the entry: a person's or token's name, why, and on which channel, if by one."""

    actor: str
    reason: str = ""
    channel: str | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What came back: its reservation, its key as it now stands, whether it had come back `before`.

    `counted` is how many the key has more to give for it: none where the activation had taken none.
    """

    reservation_id: int
    key: IssuedKey
    counted: int
    before: bool


def give_back(
    connection: Connection, secrets: Secrets, iid: InstallationID, code: str, *, by: By, now: datetime
) -> GivenBack | ReturnFault:
    """Return an activation with the code that its machine showed. Once done, asking again answers the same.

    Raises InvalidReturnCode for a text that is no code at all.
    """
    faults = return_code.faults(code, iid.format)
    if faults:
        raise return_code.InvalidReturnCode(faults)
    found = identify(iid, secrets)
    if isinstance(found, Refused):
        return ReturnFault(found.refusal.value)
    key, product = show(connection, iid.product, iid.serial), find_product(connection, iid.product)
    if key is None or product is None:
        claim = Claim(iid, found.generation, by.channel or "operator", by.holder or "", actor=by.actor)
        return ReturnFault(unknown(connection, claim, now).value)
    held = secrets.products[iid.product]
    proof = {
        "verification_secret": held.verification[found.generation],
        "key_secret": key_secret(held.issuing_key, iid.serial),
    }
    if not return_code.matches(code, iid, **proof):
        return ReturnFault.RETURN_CODE_WRONG
    if key.status is KeyStatus.BLOCKED:
        return ReturnFault.KEY_BLOCKED
    standing = standing_of(connection, iid)
    if standing is not None and standing.state is State.RETURNED:
        return GivenBack(standing.id, key, standing.basis.takes, before=True)
    if not product.returns or not FORMATS[product.format].returns:
        return ReturnFault.RETURNS_OFF
    back = _Back("returns", product.returns, ReturnFault.TOO_MANY_RETURNS, {"proof": True})
    return _come_back(connection, key, product, standing, back, by, now)


def release(
    connection: Connection, key: IssuedKey, standing: Reservation | None, *, by: By, now: datetime
) -> GivenBack | ReturnFault:
    """Release an activation of `key` whose machine is lost or dead.

    `standing` is what `standing_of` or `ledger.find` gave; `by` needs a reason, else ValueError. The machine,
    should it turn up, goes on as it is: no line reaches it.
    """
    if not by.reason.strip():
        raise ValueError(by.reason)
    product = find_product(connection, key.product)
    assert product is not None  # its key is there
    if standing is None or standing.key_id != key.id:
        return ReturnFault.NOT_ACTIVATED
    if standing.state is State.RETURNED:
        return GivenBack(standing.id, key, standing.basis.takes, before=True)
    if not product.releases:
        return ReturnFault.RELEASES_OFF
    back = _Back("releases", product.releases, ReturnFault.TOO_MANY_RELEASES, {"released": True})
    return _come_back(connection, key, product, standing, back, by, now)


def standing_of(connection: Connection, iid: InstallationID) -> Reservation | None:
    """The reservation that stands for an installation: pending, posted or returned."""
    row = connection.execute(MANY_STANDING[connection.dialect.name], {"the_digests": [digest(iid)]}).one_or_none()
    return None if row is None else stored(row)


@dataclass(frozen=True, slots=True)
class _Back:
    """A way to come back: its counter, how many it allows, what is said beyond them, and the mark in the entry."""

    counter: str
    most: int
    beyond: ReturnFault
    details: dict[str, object]


def _come_back(
    connection: Connection,
    key: IssuedKey,
    product: Product,
    standing: Reservation | None,
    back: _Back,
    by: By,
    now: datetime,
) -> GivenBack | ReturnFault:
    if standing is None or standing.state is not State.POSTED:
        return ReturnFault.NOT_ACTIVATED
    savepoint = connection.begin_nested()
    returned = connection.execute(RETURN, {"the_id": standing.id}).one_or_none()
    if returned is None:
        savepoint.rollback()  # it came back since we looked
        after = show(connection, key.product, key.serial)
        assert after is not None
        return GivenBack(standing.id, after, standing.basis.takes, before=True)
    if not _count(connection, key.id, back, timedelta(days=product.period_days), now):
        savepoint.rollback()
        return back.beyond
    takes = standing.basis.takes
    move(connection, key.id, pending=0, posted=-takes)
    if standing.scheme == SHARE_SCHEME:
        give_hosts_back(connection, ((key.id, returned.fingerprint),))
    savepoint.commit()
    who: dict[str, Any] = {"actor": by.actor, "reason": by.reason, "channel": by.channel, "holder": by.holder}
    append(connection, Entry(now, Kind.RETURN, key.id, standing.id, posted=-takes, details=back.details, **who))
    after = show(connection, key.product, key.serial)
    assert after is not None
    return GivenBack(standing.id, after, takes, before=False)


_c = given_back.c
_ROW = _c.key_id == bindparam("the_key", type_=BigInteger)
_NOW = bindparam("now", type_=Instant)
_BEGIN_ANEW = (
    update(given_back)
    .where(_ROW, _c.since <= bindparam("then", type_=Instant))
    .values(since=_NOW, returns=0, releases=0)
)


def _count(connection: Connection, key_id: int, back: _Back, period: timedelta, now: datetime) -> bool:
    """Count one more of a key's period; False, and nothing counted, where there were as many already."""
    row = {"key_id": key_id, "since": now} | dict.fromkeys(("returns", "most_returns", "releases", "most_releases"), 0)
    connection.execute(insert_into(connection, given_back).on_conflict_do_nothing(), row)
    connection.execute(_BEGIN_ANEW, {"the_key": key_id, "now": now, "then": now - period})
    counter = _c[back.counter]
    one_more = (
        update(given_back)
        .where(_ROW, counter < back.most)
        .values(
            {
                counter: counter + 1,
                _c[f"most_{back.counter}"]: back.most,
                # Whoever comes a moment late still counts within the period: it then began no later than they did.
                _c.since: case((_c.since > _NOW, _NOW), else_=_c.since),
            }
        )
        .returning(_c.key_id)
    )
    return connection.execute(one_more, {"the_key": key_id, "now": now}).one_or_none() is not None


def recount(connection: Connection) -> tuple[int, ...]:
    """The ids of the keys whose counters of what came back are not the sums of their entries."""
    released = entries.c.details.contains('"released"', autoescape=True)
    of_period = (entries.c.key_id == _c.key_id) & (entries.c.kind == Kind.RETURN) & (entries.c.at >= _c.since)
    found = func.coalesce(func.sum(case((entries.c.id.is_not(None) & ~released, 1), else_=0)), 0)
    let_go = func.coalesce(func.sum(case((released, 1), else_=0)), 0)
    query = (
        select(_c.key_id)
        .outerjoin(entries, of_period)
        .group_by(_c.key_id, _c.returns, _c.releases)
        .having(or_(found != _c.returns, let_go != _c.releases))
    )
    return tuple(sorted(row[0] for row in connection.execute(query)))
