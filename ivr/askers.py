"""Who asked for a bigger allowance in a call or by text, and how they are told the answer.

Rule: a request stays for ever, since what was given followed from it; who asked for it is kept here, apart, and
forgotten like everything that names a caller. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    String,
    Table,
    Text,
    func,
    insert,
    or_,
    select,
    update,
)

from ivr.grant_requests import GrantState, grant_requests
from keys.database import Instant, metadata

WINDOW = timedelta(hours=24)
MOST_OF_CALLER = 3
"""Requests that one number may make within the window."""
MOST_OF_KEY = 5
"""Requests for one key, all callers together: so many a person can look at, and a withheld caller is nobody."""

grant_askers = Table(
    "grant_askers",
    metadata,
    Column("request_id", BigInteger, ForeignKey("grant_requests.id"), primary_key=True, autoincrement=False),
    Column("caller", String(32), nullable=False, index=True),
    Column("number_sealed", Text, nullable=False),
    Column("line", String(32), nullable=False),
    Column("sid", String(64), nullable=False),
    Column("told_by", String(12), nullable=False),
    Column("words", Text, nullable=False),
    Column("asked_at", Instant, nullable=False, index=True),
    Column("told_at", Instant),
)


class ToldBy(StrEnum):
    """How the answer reaches whoever asked."""

    TEXT = "text"
    CALL_BACK = "call_back"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked: the pseudonym and the sealed number that the answer goes to, on which line, in which call or text.

    `words` is what a texter gave as the reason, "" in a call; `told_at` is when the answer was written.
    """

    caller: str
    number_sealed: str = field(repr=False)
    line: str
    sid: str
    told_by: ToldBy
    words: str = ""
    told_at: datetime | None = None


def note(connection: Connection, request_id: int, asker: Asker, now: datetime) -> None:
    """Write down who asked."""
    connection.execute(
        insert(grant_askers).values(
            request_id=request_id,
            caller=asker.caller,
            number_sealed=asker.number_sealed,
            line=asker.line,
            sid=asker.sid,
            told_by=asker.told_by,
            words=asker.words,
            asked_at=now,
        )
    )


def waits(connection: Connection, key_id: int, case_id: int, caller: str | None) -> bool:
    """Whether this caller, or this case, waits for an answer about a key already."""
    theirs = grant_requests.c.case_id == case_id
    if caller is not None:
        theirs = or_(theirs, grant_askers.c.caller == caller)
    query = (
        select(grant_requests.c.id)
        .join(grant_askers, grant_askers.c.request_id == grant_requests.c.id)
        .where(grant_requests.c.key_id == key_id, grant_requests.c.state == GrantState.ASKED, theirs)
    )
    return connection.execute(query.limit(1)).first() is not None


def too_many(connection: Connection, key_id: int, caller: str | None, now: datetime) -> bool:
    """Whether this caller, or callers for this key, have asked as often as may be within the window."""
    lately = grant_askers.c.asked_at > now - WINDOW
    of_key = (
        select(func.count())
        .select_from(grant_askers.join(grant_requests, grant_requests.c.id == grant_askers.c.request_id))
        .where(lately, grant_requests.c.key_id == key_id)
    )
    if connection.execute(of_key).scalar_one() >= MOST_OF_KEY:
        return True
    of_caller = select(func.count()).select_from(grant_askers).where(lately, grant_askers.c.caller == caller)
    return caller is not None and bool(connection.execute(of_caller).scalar_one() >= MOST_OF_CALLER)


def of(connection: Connection, request_ids: Iterable[int]) -> dict[int, Asker]:
    """Who asked for each of these; what nobody asked for in a call or text, or was forgotten, is left out."""
    rows = connection.execute(select(grant_askers).where(grant_askers.c.request_id.in_(sorted(request_ids))))
    return {
        row.request_id: Asker(
            row.caller, row.number_sealed, row.line, row.sid, ToldBy(row.told_by), row.words, row.told_at
        )
        for row in rows
    }


def words(connection: Connection, request_ids: Iterable[int]) -> dict[int, str]:
    """What texters gave as their reasons, in their own words, by request."""
    return {number: asker.words for number, asker in of(connection, request_ids).items() if asker.words}


def told(connection: Connection, request_id: int, now: datetime) -> None:
    """The answer is on its way."""
    connection.execute(update(grant_askers).where(grant_askers.c.request_id == request_id).values(told_at=now))
