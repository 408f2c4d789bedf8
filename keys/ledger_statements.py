"""The statements of the ledger, built once.

The rule they keep: every change says in its WHERE what it counts on, and RETURNING says whether that held; a row count
is never asked (a driver may not know it). The states stand in the text, not in parameters, so that the partial indexes
are used.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    LargeBinary,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import (
    Sequence as RowNumbers,
)

from keys.allowance import allowances
from keys.catalog import agreements
from keys.columns import as_document, for_each_dialect, given_rows
from keys.database import Instant
from keys.dialects import insert_as
from keys.issued import product_keys
from keys.products import products
from keys.reactivation import NO_END
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
    product_keys.c.test,
    product_keys.c.expires,
    products.c.format,
    products.c.blocks.label("product_blocks"),
    products.c.term_months,
    products.c.status.label("product_status"),
    products.c.licensing.label("product_licensing"),
    products.c.retires,
    products.c.after_retirement,
    products.c.free_reactivations,
    products.c.most_reactivations,
    products.c.period_days,
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


def _latest(standing: Any) -> ColumnElement[int]:
    """The last month that any of these activations is good for: NO_END for ever, NULL where there is none."""
    return func.max(
        case((standing.c.valid_until == literal_column("0"), literal_column(str(NO_END))), else_=standing.c.valid_until)
    )


# One look sees key, product, agreement, the reservation that stands for the installation, and until when the same
# hardware is activated. The reservation's columns come first, as `keys.reservations.stored` wants them.
_earlier = reservations.alias("earlier")
LOOK = (
    select(
        *STORED,
        *KEY_FACTS,
        select(_latest(_earlier))
        .where(
            _earlier.c.key_id == product_keys.c.id,
            _earlier.c.fingerprint == bindparam("the_fingerprint", type_=BigInteger),
            text("earlier.state = 'posted'"),
        )
        .scalar_subquery()
        .label("latest"),
    )
    .select_from(
        _KEYS.outerjoin(reservations, (_r.iid_digest == bindparam("the_digest", type_=LargeBinary)) & _STANDING)
    )
    .where(
        product_keys.c.product == bindparam("the_product"),
        product_keys.c.serial == bindparam("the_serial", type_=BigInteger),
    )
)

_available = (allowances.c.granted - allowances.c.pending - allowances.c.posted).label("available")
# The same for who takes for granted that it will have the activation: what is left, and the number it will have.
LOOK_AHEAD = LOOK.add_columns(
    select(_available).where(allowances.c.key_id == product_keys.c.id).scalar_subquery().label("available"),
    RowNumbers("reservations_id_seq").next_value().label("number"),
)

_SEEN = [str(column.key) for column in LOOK_AHEAD.selected_columns]
Seen: Any = namedtuple("Seen", _SEEN, defaults=(None, None))  # type: ignore[misc] # LOOK's own
"""A row of LOOK or LOOK_AHEAD, its columns by name."""

# The same looks at many: the keys of one product with what they have left, what stands for each of many installations,
# and until when hardware of one key is activated.
MANY_KEYS = (
    select(
        *KEY_FACTS,
        product_keys.c.serial,
        _available,
    )
    .select_from(_KEYS.join(allowances, allowances.c.key_id == product_keys.c.id))
    .where(
        product_keys.c.product == bindparam("the_product"),
        product_keys.c.serial.in_(bindparam("the_serials", expanding=True, type_=BigInteger)),
    )
)
MANY_STANDING = for_each_dialect(lambda among: select(*STORED).where(among(_r.iid_digest, "the_digests"), _STANDING))
MANY_INSTALLED = for_each_dialect(
    lambda among: (
        select(_r.fingerprint, _latest(reservations).label("latest"))
        .where(
            _r.key_id == bindparam("the_key", type_=BigInteger),
            among(_r.fingerprint, "the_fingerprints"),
            text("reservations.state = 'posted'"),
        )
        .group_by(_r.fingerprint)
    )
)

# For claims that this very transaction made and has nothing left for.
TAKE_AWAY = delete(reservations).where(_r.id.in_(bindparam("the_ids", expanding=True, type_=BigInteger)))

PRODUCT_THERE = select(products.c.number).where(products.c.number == bindparam("the_product"))


@cache
def claim(dialect: str) -> Insert:
    """Claims an installation, in a row with the columns `STORED` where it is to be had."""
    made = insert_as(dialect, reservations)
    return made.on_conflict_do_nothing(index_elements=[_r.iid_digest], index_where=STANDING).returning(*STORED)


@cache
def _claim_document() -> Insert:
    """The same for many, on PostgreSQL: `given_rows`."""
    claimed = tuple(column.name for column in reservations.c if column.name != "id")
    return claim("postgresql").from_select(claimed, given_rows(reservations, claimed))


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
    .returning(_r.key_id, _r.channel, _r.basis)
)
EXTEND = update(reservations).where(_r.id == _ID, _PENDING).values(expires_at=_UNTIL).returning(_r.id)
RETURN = (
    update(reservations)
    .where(_r.id == _ID, text("reservations.state = 'posted'"))
    .values(state="returned")
    .returning(_r.fingerprint)
)

_GIVEN_BACK = tuple(
    _r[name]
    for name in ("id", "key_id", "channel", "holder", "scheme", "basis", "fingerprint", "created_at", "valid_until")
)


def _voided(whose: ColumnElement[bool], name: str) -> Any:
    """Give back what is held. Its rows are locked by digest, as those are that many post together; see `_due`."""
    held = select(_r.id).where(whose, _PENDING).order_by(_r.iid_digest).with_for_update().cte(name)
    return (
        update(reservations)
        .where(_r.id.in_(select(held.c.id)), _PENDING)
        .values(state="voided")
        .returning(*_GIVEN_BACK)
    )


VOID = _voided(_r.holder == bindparam("the_holder", type_=Text), "held")
VOID_KEY = _voided(_r.key_id == bindparam("the_key", type_=BigInteger), "held_of_key")
# Holds that are being posted at this moment are passed over: whoever posts one has it. It stands before the update,
# where PostgreSQL carries it out once; inside, a plan may ask it once a row and give back more than was asked for.
_due = (
    select(_r.id)
    .where(_PENDING, _r.expires_at <= bindparam("now", type_=Instant))
    .order_by(_r.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
EXPIRE = (
    update(reservations).where(_r.id.in_(select(_due.c.id)), _PENDING).values(state="expired").returning(*_GIVEN_BACK)
)


def claim_many(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Make many claims in the order given; a row with the columns `STORED` for each that was to be had."""
    if connection.dialect.name == "postgresql":
        return connection.execute(_claim_document(), as_document(rows)).all()
    return connection.execute(claim("sqlite"), [dict(row) for row in rows]).all()


def taken_over(claim: Claim, reservation_id: int) -> dict[str, Any]:
    """The facts with which a claim takes over what another holds for its installation."""
    new = {"new_holder": claim.holder, "new_case": claim.case_id, "new_channel": claim.channel}
    return {"the_id": reservation_id, **new}
