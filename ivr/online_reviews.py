"""Activations of programs that a person looks at first: one case for a key and its organisation, however many machines.

Rule: what is held for a program is a case in the queue like any caller's. A yes is for all installations that are held
in it by then, and for none that comes later. No person is named by it: a program is its organisation's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Integer, Table, UniqueConstraint, select

from ivr import cases, queue, reviews
from ivr.lines import Line
from ivr.signs import Score
from keys.database import insert_into, metadata
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.refusals import Refusal

online_cases = Table(
    "online_cases",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("organisation_id", BigInteger, ForeignKey("organisations.id"), nullable=False),
    Column("product", Integer, nullable=False),
    Column("serial", BigInteger, nullable=False),
    UniqueConstraint("organisation_id", "product", "serial"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """Whose program asks, on which channel, with which request; `line` is the strictest, `below(n)` random under n."""

    organisation_id: int
    channel: str
    request_id: str
    line: Line
    below: Callable[[int], int]


def is_online(connection: Connection, case_id: int) -> bool:
    """Whether a case is of a program."""
    mine = select(online_cases.c.case_id).where(online_cases.c.case_id == case_id)
    return connection.execute(mine).first() is not None


def held(
    connection: Connection, program: Program, scored: Iterable[tuple[InstallationID, Score]], now: datetime
) -> set[InstallationID]:
    """Which of these installations, each with its score, a person is to look at first; their cases are in the queue."""
    waiting: set[InstallationID] = set()
    entered: set[int] = set()
    for iid, score in scored:
        if not reviews.is_due(connection, iid, score, program.line.held_at):
            continue
        case_id = _case_of(connection, program, iid, now)
        if not reviews.held(connection, case_id, iid, score, program.line.held_at, now):
            continue
        waiting.add(iid)
        cases.scored(connection, case_id, score)
        if case_id not in entered:
            entered.add(case_id)
            _into_the_queue(connection, program, case_id, now)
    return waiting


def _into_the_queue(connection: Connection, program: Program, case_id: int, now: datetime) -> None:
    reason = Refusal.HELD_FOR_REVIEW.value
    cases.needs_person(connection, case_id, reason, now)
    handoff = queue.enter(
        connection,
        case_id,
        channel=program.channel,
        sid=program.request_id,
        line=program.line.number,
        caller=None,
        reason=reason,
        now=now,
    )
    queue.nobody_waits(connection, handoff.id, now)


def _case_of(connection: Connection, program: Program, iid: InstallationID, now: datetime) -> int:
    """The case of a key and its organisation; a new one holds the first installation that was held."""
    known = _known(connection, program, iid)
    if known is not None:
        return known
    savepoint = connection.begin_nested()
    case = cases.open_case(
        connection,
        line=program.line.number,
        caller=None,
        layout=iid.format,
        groups=split(encode(iid)),
        now=now,
        below=program.below,
    )
    facts = {"organisation_id": program.organisation_id, "product": iid.product, "serial": iid.serial}
    row = connection.execute(
        insert_into(connection, online_cases)
        .values(case_id=case.id, **facts)
        .on_conflict_do_nothing(index_elements=list(facts))
        .returning(online_cases.c.case_id)
    ).first()
    if row is not None:
        savepoint.commit()
        return case.id
    savepoint.rollback()  # another request of theirs was quicker
    standing = _known(connection, program, iid)
    assert standing is not None  # it was committed, or the insert would have gone on
    return standing


def _known(connection: Connection, program: Program, iid: InstallationID) -> int | None:
    mine = (
        online_cases.c.organisation_id == program.organisation_id,
        online_cases.c.product == iid.product,
        online_cases.c.serial == iid.serial,
    )
    found: int | None = connection.execute(select(online_cases.c.case_id).where(*mine)).scalar()
    return found
