"""Cases: one attempt to activate one installation, on any channel. A case holds the groups, a number and a state.

Rule: a case number is random, so that none can be guessed from another, and ends in a check digit, so that a slip in
keying it finds no stranger's case.

>>> pick_number(lambda below: 12345678)
'9123456785'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    case,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, NoResultFound

from ivr.signs import Score
from keys.checkdigit import calc
from keys.database import Instant, RowNumber, insert_into, metadata, trusts
from keys.direct import Statement
from keys.formats import CheckRule


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    WAITING = "waiting"
    """A person is needed; `reason` says why."""
    ACTIVATED = "activated"


cases = Table(
    "cases",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("number", String(10), nullable=False, unique=True),
    Column("state", String(12), nullable=False),
    Column("reason", String(32)),
    Column("format", Integer),
    Column("groups", String(80), nullable=False),
    Column("line", String(32), nullable=False),
    Column("caller", String(32)),
    Column("reservation_id", BigInteger),
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("country", String(2)),
    Column("points", Integer),
    Column("signs", Text),
    Column("locale", String(16)),
    Index("ix_cases_caller_opened_at", "caller", "opened_at"),
)

_GROUPS = bindparam("new_groups", type_=String)
_MAY_KEEP = or_(cases.c.state != CaseState.ACTIVATED, cases.c.groups == _GROUPS)
_KEEPING = (
    update(cases)
    .where(cases.c.id == bindparam("case_id"))
    .values(format=bindparam("new_format"), groups=_GROUPS, changed_at=bindparam("now"))
)
_KEEP = Statement(_KEEPING.where(_MAY_KEEP))
# Where the groups may not be kept they become NULL, which the column forbids: so the commit fails, though nobody asks.
_KEEP_FOR_GRANTED = Statement(_KEEPING.values(groups=case((_MAY_KEEP, _GROUPS), else_=null())))
_OUTSCORED = or_(cases.c.points.is_(None), cases.c.points <= bindparam("new_points"))
_ACTIVATING = (
    update(cases)
    .where(cases.c.id == bindparam("case_id"))
    .values(
        state=CaseState.ACTIVATED,
        reason=None,
        reservation_id=bindparam("new_reservation"),
        changed_at=bindparam("now"),
    )
)
_WITH_GROUPS = {"format": bindparam("new_format"), "groups": _GROUPS}
_WITH_SCORE = {
    "points": case((_OUTSCORED, bindparam("new_points")), else_=cases.c.points),
    "signs": case((_OUTSCORED, bindparam("new_signs")), else_=cases.c.signs),
}
_ACTIVATED = {
    (kept, scored): Statement(_ACTIVATING.values(**(_WITH_GROUPS if kept else {}), **(_WITH_SCORE if scored else {})))
    for kept in (False, True)
    for scored in (False, True)
}
_READ = (
    cases.c.id,
    cases.c.number,
    cases.c.state,
    cases.c.format,
    cases.c.groups,
    cases.c.reservation_id,
    cases.c.locale,
)
_READING = select(*_READ).where(cases.c.id == bindparam("case_id"))
_BY_ID, _LOCKED = Statement(_READING), Statement(_READING.with_for_update())
_BY_NUMBER = select(*_READ).where(cases.c.number == bindparam("wanted"))
_SCORED = Statement(
    update(cases)
    .where(cases.c.id == bindparam("case_id"), _OUTSCORED)
    .values(points=bindparam("new_points"), signs=bindparam("new_signs"))
)
_NUMBERS = 10**8
_PICKS = 8


@dataclass(frozen=True, slots=True)
class Case:
    """A case as far as the dialogue needs it; `groups` are by place, "" where one is missing.

    `locale` is the language it was spoken in (BCP 47), "" where none is known: of one that a program opened, say.
    """

    id: int
    number: str
    state: CaseState
    format: int | None
    groups: tuple[str, ...]
    reservation_id: int | None
    locale: str = ""

    def takes(self, groups: tuple[str, ...]) -> bool:
        """Whether these groups may be kept in it: not where it has its activation, and they are another's."""
        return self.state is not CaseState.ACTIVATED or self.groups == groups


@dataclass(frozen=True, slots=True)
class Kept:
    """Groups to keep in a case; `layout` is the number of their format."""

    layout: int | None
    groups: tuple[str, ...]


def pick_number(below: Callable[[int], int]) -> str:
    """A fresh case number: 9, eight random digits, a Verhoeff check digit. `below(n)` gives a random number under n."""
    digits = f"9{below(_NUMBERS):08d}"
    return digits + calc(CheckRule.VERHOEFF, 0, digits)


def open_case(  # noqa: PLR0913 - one argument a column
    connection: Connection,
    *,
    line: str,
    caller: str | None,
    layout: int | None,
    groups: tuple[str, ...],
    now: datetime,
    below: Callable[[int], int],
    country: str | None = None,
    locale: str | None = None,
) -> Case:
    """Open a case under a number that no other case has; `country` is that of the caller's number.

    `locale` is the language it is spoken in.
    """
    for _ in range(_PICKS):
        number = pick_number(below)
        row = connection.execute(
            insert_into(connection, cases)
            .values(
                number=number,
                state=CaseState.OPEN,
                format=layout,
                groups=_written(groups),
                line=line,
                caller=caller,
                country=country,
                locale=locale,
                opened_at=now,
                changed_at=now,
            )
            .on_conflict_do_nothing(index_elements=["number"])
            .returning(cases.c.id)
        ).first()
        if row is not None:
            return Case(row.id, number, CaseState.OPEN, layout, groups, None)
    raise IntegrityError("case numbers", None, RuntimeError())


def keep_groups(
    connection: Connection, case_id: int, layout: int | None, groups: tuple[str, ...], now: datetime
) -> bool:
    """Save the groups keyed so far; `layout` is the number of their format.

    False, and nothing saved, where the case has its activation and these are the groups of another installation. What
    trusts takes it for granted that they are not: a call or a thread leaves its case before it begins with another.
    """
    facts = {"case_id": case_id, "new_format": layout, "new_groups": _written(groups), "now": now}
    if trusts(connection):
        _KEEP_FOR_GRANTED.later(connection, facts)
        return True
    return _KEEP.count(connection, facts) == 1


def needs_person(connection: Connection, case_id: int, reason: str, now: datetime) -> None:
    """The case waits for a person; one that is activated stays so, with the reason noted."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(reason=reason, changed_at=now))
    connection.execute(
        update(cases).where(cases.c.id == case_id, cases.c.state == CaseState.OPEN).values(state=CaseState.WAITING)
    )


def activated(
    connection: Connection, case_id: int, reservation_id: int, now: datetime, score: Score, kept: Kept | None = None
) -> None:
    """The case has its activation: all that there is to write, in one statement.

    What speaks for a second look is kept as `scored` keeps it; `kept` are groups that a case which is locked `takes`.
    """
    facts: dict[str, Any] = {"case_id": case_id, "new_reservation": reservation_id, "now": now}
    if score.points:
        facts |= {"new_points": score.points, "new_signs": score.written}
    if kept is not None:
        facts |= {"new_format": kept.layout, "new_groups": _written(kept.groups)}
    _ACTIVATED[kept is not None, score.points > 0].later(connection, facts)


def scored(connection: Connection, case_id: int, score: Score) -> None:
    """Keep what speaks for a second look at the case, unless more was found before."""
    if score.points:
        facts = {"case_id": case_id, "new_points": score.points, "new_signs": score.written}
        _SCORED.later(connection, facts)


def find(connection: Connection, number: str) -> Case | None:
    """The case of a number."""
    row = connection.execute(_BY_NUMBER, {"wanted": number}).one_or_none()
    return None if row is None else _read(row)


def read(connection: Connection, case_id: int) -> Case:
    """The case of a row id, as it stands."""
    return _found(_BY_ID, connection, case_id)


def lock(connection: Connection, case_id: int) -> Case:
    """The case of a row id, its row locked until the commit."""
    return _found(_LOCKED, connection, case_id)


def _found(statement: Statement, connection: Connection, case_id: int) -> Case:
    row = statement.first(connection, {"case_id": case_id})
    if row is None:
        raise NoResultFound(case_id)
    return _read(row)


def speak(connection: Connection, case_id: int, locale: str) -> None:
    """The case goes on in another language."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(locale=locale))


def _read(row: Sequence[Any]) -> Case:
    row_id, number, state, layout, groups, reservation_id, locale = row
    return Case(
        row_id,
        number,
        CaseState(state),
        layout,
        tuple(groups.split(",")) if groups else (),
        reservation_id,
        locale or "",
    )


def _written(groups: tuple[str, ...]) -> str:
    return ",".join(groups)
