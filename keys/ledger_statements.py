"""The statements of the ledger, built once.

The rule they keep: every change says in its WHERE what it counts on, and RETURNING says whether that held; a row count
is never asked (a driver may not know it). The states stand in the text, not in parameters, so that the partial indexes
are used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    Text,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from keys.allowance import allowances
from keys.catalog import agreements
from keys.columns import as_columns, unnested
from keys.database import Instant
from keys.issue import product_keys
from keys.products import products
from keys.reservations import STANDING, STORED, Claim, reservations

_r = reservations.c
_PENDING = text("reservations.state = 'pending'")
_ID = bindparam("the_id", type_=BigInteger)

# What a decision needs to know of a key, its product and its agreement.
KEY_FACTS = (
    product_keys.c.id.label("the_key"),
    product_keys.c.status.label("key_status"),
    product_keys.c.type,
    product_keys.c.channels.label("key_channels"),
    products.c.format,
    products.c.blocks.label("product_blocks"),
    products.c.term_months,
    products.c.status.label("product_status"),
    products.c.licensing.label("product_licensing"),
    products.c.retires,
    products.c.after_retirement,
    products.c.channels.label("product_channels"),
    agreements.c.status.label("agreement_status"),
    agreements.c.licensing.label("agreement_licensing"),
    agreements.c.starts,
    agreements.c.ends,
)
_KEYS = product_keys.join(products, products.c.number == product_keys.c.product).join(
    agreements, agreements.c.id == product_keys.c.agreement_id
)
_STANDING = text("reservations.state IN ('pending', 'posted', 'returned')")

# One look sees key, product, agreement, the reservation that stands for the installation, and an earlier one of the
# same hardware. The reservation's columns come first, as `keys.reservations.stored` wants them.
_earlier = reservations.alias("earlier")
LOOK = (
    select(
        *STORED,
        *KEY_FACTS,
        exists()
        .where(
            _earlier.c.key_id == product_keys.c.id,
            _earlier.c.fingerprint == bindparam("the_fingerprint", type_=BigInteger),
            text("earlier.state = 'posted'"),
        )
        .label("reactivation"),
    )
    .select_from(
        _KEYS.outerjoin(reservations, (_r.iid_digest == bindparam("the_digest", type_=LargeBinary)) & _STANDING)
    )
    .where(
        product_keys.c.product == bindparam("the_product"),
        product_keys.c.serial == bindparam("the_serial", type_=BigInteger),
    )
)

# The same looks at many: the keys of one product with what they have left, what stands for each of many installations,
# and which hardware of one key is activated.
MANY_KEYS = (
    select(
        *KEY_FACTS,
        product_keys.c.serial,
        (allowances.c.granted - allowances.c.pending - allowances.c.posted).label("available"),
    )
    .select_from(_KEYS.join(allowances, allowances.c.key_id == product_keys.c.id))
    .where(
        product_keys.c.product == bindparam("the_product"),
        product_keys.c.serial.in_(bindparam("the_serials", expanding=True, type_=BigInteger)),
    )
)
MANY_STANDING = select(*STORED).where(
    _r.iid_digest.in_(bindparam("the_digests", expanding=True, type_=LargeBinary)), _STANDING
)
MANY_INSTALLED = select(_r.fingerprint).where(
    _r.key_id == bindparam("the_key", type_=BigInteger),
    _r.fingerprint.in_(bindparam("the_fingerprints", expanding=True, type_=BigInteger)),
    text("reservations.state = 'posted'"),
)

# For claims that this very transaction made and has nothing left for.
TAKE_AWAY = delete(reservations).where(_r.id.in_(bindparam("the_ids", expanding=True, type_=BigInteger)))

PRODUCT_THERE = select(products.c.number).where(products.c.number == bindparam("the_product"))

CLAIM = {
    "sqlite": sqlite.insert(reservations)
    .on_conflict_do_nothing(index_elements=[_r.iid_digest], index_where=STANDING)
    .returning(*STORED),
    "postgresql": postgresql.insert(reservations)
    .on_conflict_do_nothing(index_elements=[_r.iid_digest], index_where=STANDING)
    .returning(*STORED),
}

_CLAIMED = tuple(column.name for column in reservations.c if column.name != "id")
_CLAIM_COLUMNS = (
    postgresql.insert(reservations)
    .from_select(_CLAIMED, unnested(reservations, _CLAIMED))
    .on_conflict_do_nothing(index_elements=[_r.iid_digest], index_where=STANDING)
    .returning(*STORED)
)

_UNTIL = bindparam("until", type_=Instant)
_NEW = {
    "holder": bindparam("new_holder", type_=Text),
    "case_id": func.coalesce(bindparam("new_case", type_=Text), _r.case_id),
    "channel": bindparam("new_channel", type_=Text),
}
_POSTED = {"state": "posted", "posted_at": bindparam("now", type_=Instant), "expires_at": None}

TAKE_OVER = (
    update(reservations)
    .where(_r.id == _ID, _PENDING)
    .values(expires_at=case((_r.expires_at < _UNTIL, _UNTIL), else_=_r.expires_at), **_NEW)
    .returning(_r.id)
)
POST_ANY = update(reservations).where(_r.id == _ID, _PENDING).values(**_POSTED, **_NEW).returning(_r.id)
POST_HELD = (
    update(reservations)
    .where(_r.id == _ID, _PENDING, _r.holder == bindparam("the_holder", type_=Text))
    .values(**_POSTED)
    .returning(_r.key_id, _r.channel)
)
EXTEND = update(reservations).where(_r.id == _ID, _PENDING).values(expires_at=_UNTIL).returning(_r.id)

_GIVEN_BACK = (_r.id, _r.key_id, _r.channel, _r.holder, _r.scheme, _r.fingerprint)
VOID = (
    update(reservations)
    .where(_r.holder == bindparam("the_holder", type_=Text), _PENDING)
    .values(state="voided")
    .returning(*_GIVEN_BACK)
)
# Holds that are being posted at this moment are passed over: whoever posts one has it.
_due = (
    select(_r.id)
    .where(_PENDING, _r.expires_at <= bindparam("now", type_=Instant))
    .order_by(_r.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
EXPIRE = update(reservations).where(_r.id.in_(_due), _PENDING).values(state="expired").returning(*_GIVEN_BACK)


def claim_many(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Make many claims in the order given; a row with the columns `STORED` for each that was to be had."""
    if connection.dialect.name == "postgresql":
        return connection.execute(_CLAIM_COLUMNS, as_columns(rows, _CLAIMED)).all()
    return connection.execute(CLAIM["sqlite"], [dict(row) for row in rows]).all()


def taken_over(claim: Claim, reservation_id: int) -> dict[str, Any]:
    """The facts with which a claim takes over what another holds for its installation."""
    new = {"new_holder": claim.holder, "new_case": claim.case_id, "new_channel": claim.channel}
    return {"the_id": reservation_id, **new}
