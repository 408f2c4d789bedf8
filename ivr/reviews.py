"""Reviews: activations that a person looks at before anything is spent.

Rule: `signs_of` is the one question, and asks only; what follows from its answer is the line's own setting. What a
person has let through is let through for that installation in that case, and for no other.

Nothing here commits. How a channel asks: `held` before it reserves, with what it knows in `Asked`; where it says yes,
`Refusal.HELD_FOR_REVIEW` is the answer, and the case waits for a person as for any refusal that a person may lift.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)

from ivr import guesses
from ivr.cases import cases
from ivr.signs import MANY_REACTIVATIONS, SEVERAL_CASES, SEVERAL_GUESSES, Sign
from keys.database import Instant, RowNumber, insert_into, metadata
from keys.installation_id import InstallationID, digest, fingerprint_number
from keys.issue import product_keys
from keys.reservations import STANDING, State, reservations

reviews = Table(
    "reviews",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("iid_digest", LargeBinary(32), nullable=False),
    Column("signs", Text, nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("let_through_at", Instant),
    Column("let_through_by", String(64)),
    UniqueConstraint("case_id", "iid_digest"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One activation that is asked for, of an installation whose proof is right.

    `caller` is the pseudonym of who asks (None for a withheld number), `channel` and `sid` the way it came.
    """

    case_id: int
    iid: InstallationID
    caller: str | None
    channel: str
    sid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """One installation of a case that was held: for which signs, and who has let it through, if anybody has."""

    signs: tuple[Sign, ...]
    held_at: datetime
    let_through_by: str | None


def signs_of(connection: Connection, asked: Asked) -> tuple[Sign, ...]:
    """Every sign that speaks for a second look at this activation, in the order of `Sign`; none for most.

    Changes nothing, and is asked once a turn at most, and only on a line that holds for some sign. Another sign is a
    member of `Sign` and a question here, by an index: a caller waits for the answer.
    """
    questions = {
        Sign.REACTIVATIONS: _reactivations(connection, asked) >= MANY_REACTIVATIONS,
        Sign.CASES: _cases(connection, asked) >= SEVERAL_CASES,
        Sign.GUESSES: guesses.naming(connection, asked.iid.product, asked.iid.serial) >= SEVERAL_GUESSES,
    }
    return tuple(sign for sign in Sign if questions[sign])


def held(connection: Connection, asked: Asked, held_for: tuple[Sign, ...]) -> bool:
    """Whether a person is to look first: for one of `held_for`, and nobody has let it through yet.

    What was activated before is given again without being asked, for nothing more is spent by that.
    """
    if not held_for or _is_posted(connection, asked.iid):
        return False
    found = [sign for sign in signs_of(connection, asked) if sign in held_for]
    if not found:
        return False
    facts = {"signs": ",".join(found), "held_at": asked.at}
    row = connection.execute(
        insert_into(connection, reviews)
        .values(case_id=asked.case_id, iid_digest=digest(asked.iid), **facts)
        .on_conflict_do_update(index_elements=["case_id", "iid_digest"], set_=facts)
        .returning(reviews.c.let_through_at)
    ).one()
    return row.let_through_at is None


def let_through(connection: Connection, case_id: int, iid: InstallationID, by: str, now: datetime) -> Review | None:
    """A person has looked: this installation is held no more in this case. None where it is not held."""
    row = connection.execute(
        update(reviews)
        .where(_of(case_id, iid), reviews.c.let_through_at.is_(None))
        .values(let_through_at=now, let_through_by=by)
        .returning(reviews)
    ).one_or_none()
    return None if row is None else _read(row)


def of_case(connection: Connection, case_id: int, iid: InstallationID) -> Review | None:
    """The review of an installation in a case, if it was ever held."""
    row = connection.execute(select(reviews).where(_of(case_id, iid))).one_or_none()
    return None if row is None else _read(row)


def _of(case_id: int, iid: InstallationID) -> Any:
    return (reviews.c.case_id == case_id) & (reviews.c.iid_digest == digest(iid))


def _read(row: Any) -> Review:
    return Review(tuple(Sign(sign) for sign in row.signs.split(",")), row.held_at, row.let_through_by)


def _is_posted(connection: Connection, iid: InstallationID) -> bool:
    # The index is partial, and SQLite takes one only where its condition stands there word for word.
    standing = select(reservations.c.state).where(reservations.c.iid_digest == digest(iid), STANDING)
    return connection.execute(standing).scalar() == State.POSTED


def _reactivations(connection: Connection, asked: Asked) -> int:
    """How often this machine was activated with this key."""
    key = select(product_keys.c.id).where(
        product_keys.c.product == asked.iid.product, product_keys.c.serial == asked.iid.serial
    )
    same = (
        (reservations.c.key_id == key.scalar_subquery())
        & (reservations.c.fingerprint == fingerprint_number(asked.iid))
        & text("state = 'posted'")
    )
    return int(connection.execute(select(func.count()).select_from(reservations).where(same)).scalar_one())


def _cases(connection: Connection, asked: Asked) -> int:
    """How many cases this caller opened within a day; none by a withheld number, which is nobody."""
    if asked.caller is None:
        return 0
    theirs = (cases.c.caller == asked.caller) & (cases.c.opened_at > asked.at - timedelta(hours=24))
    return int(connection.execute(select(func.count()).select_from(cases).where(theirs)).scalar_one())
