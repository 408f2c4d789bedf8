"""Reviews: activations that a person looks at before anything is spent.

Rule: a score alone holds nothing; the line's own setting says from how many points on a person looks first. What a
person has let through is let through for that installation in that case, and for no other.

Nothing here commits. `ivr.second_look` asks for whoever comes in a case, `ivr.online_reviews` for programs; where one
says yes, `Refusal.HELD_FOR_REVIEW` is the answer, and the case waits for a person as for any refusal that a person may
lift.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)

from ivr.signs import Score, read
from keys.database import Instant, RowNumber, insert_into, metadata
from keys.installation_id import InstallationID, digest
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
    Column("points", Integer, nullable=False),
    UniqueConstraint("case_id", "iid_digest"),
)


@dataclass(frozen=True, slots=True)
class Review:
    """One installation of a case that was held: for what, and who has let it through, if anybody has."""

    score: Score
    held_at: datetime
    let_through_by: str | None


def is_due(connection: Connection, iid: InstallationID, score: Score, held_at: int | None) -> bool:
    """Whether a score is so high that a person is to look, and something is still to be spent."""
    return held_at is not None and score.points >= held_at and not _is_posted(connection, iid)


def held(
    connection: Connection, case_id: int, iid: InstallationID, score: Score, held_at: int | None, now: datetime
) -> bool:
    """Whether a person is to look first: the score is `held_at` at least, and nobody has let it through yet.

    What was activated before is given again without being asked, for nothing more is spent by that.
    """
    if not is_due(connection, iid, score, held_at):
        return False
    facts = {"points": score.points, "signs": score.written, "held_at": now}
    row = connection.execute(
        insert_into(connection, reviews)
        .values(case_id=case_id, iid_digest=digest(iid), **facts)
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


def let_all_through(connection: Connection, case_id: int, by: str, now: datetime) -> list[Review]:
    """A person has looked at a case of many installations: all that are held in it by now are held no more."""
    rows = connection.execute(
        update(reviews)
        .where(reviews.c.case_id == case_id, reviews.c.let_through_at.is_(None))
        .values(let_through_at=now, let_through_by=by)
        .returning(reviews)
    )
    return [_read(row) for row in rows]


def many(connection: Connection, case_id: int) -> int:
    """How many installations of a case wait for a look."""
    waiting = reviews.c.let_through_at.is_(None) & (reviews.c.case_id == case_id)
    return int(connection.execute(select(func.count()).select_from(reviews).where(waiting)).scalar_one())


def of_case(connection: Connection, case_id: int, iid: InstallationID) -> Review | None:
    """The review of an installation in a case, if it was ever held."""
    row = connection.execute(select(reviews).where(_of(case_id, iid))).one_or_none()
    return None if row is None else _read(row)


def _of(case_id: int, iid: InstallationID) -> Any:
    return (reviews.c.case_id == case_id) & (reviews.c.iid_digest == digest(iid))


def _read(row: Any) -> Review:
    return Review(read(row.points, row.signs), row.held_at, row.let_through_by)


def _is_posted(connection: Connection, iid: InstallationID) -> bool:
    # The index is partial, and SQLite takes one only where its condition stands there word for word.
    standing = select(reservations.c.state).where(reservations.c.iid_digest == digest(iid), STANDING)
    return connection.execute(standing).scalar() == State.POSTED
