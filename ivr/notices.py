r"""What a supervisor tells every caller, and whom the line does not serve.

Rule: a notice is spoken while it is switched on, and both switching on and off are kept. A line has one notice of its
own at most, and shares one with all the others: switching another on in the same place switches off the one before.

>>> spoken_words("  The north\n is down. ")
'The north is down.'
>>> try:
...     spoken_words("x" * 301)
... except UnspeakableWords as error:
...     error.fault, error.most
(<WordsFault.TOO_LONG: 'too_long'>, 300)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    String,
    Table,
    Text,
    bindparam,
    insert,
    or_,
    select,
    text,
    update,
)

from keys.database import Instant, RowNumber, insert_into, metadata
from keys.dialects import rows_where
from keys.errors import BadInput

LONGEST_NOTICE = 300
"""Signs; about twenty seconds of speech, which every caller hears before the first digit."""
_ON = text("switched_off_at IS NULL")

notices = Table(
    "notices",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("line", String(32)),
    Column("words", String(300), nullable=False),
    Column("switched_on_at", Instant, nullable=False),
    Column("switched_on_by", BigInteger, nullable=False),
    Column("switched_off_at", Instant),
    Column("switched_off_by", BigInteger),
    Index("ix_notices_on", "line", info=rows_where(_ON)),
)
blocked_callers = Table(
    "blocked_callers",
    metadata,
    Column("caller", String(32), primary_key=True),
    Column("number_sealed", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("blocked_at", Instant, nullable=False),
    Column("blocked_by", BigInteger, nullable=False),
    Column("until", Instant),
    Column("lifted_at", Instant),
)

# Not ordered: SQLite would then walk the whole table in that order, rather than the index of the few that are on.
_CURRENT = select(notices.c.id, notices.c.line, notices.c.words).where(
    notices.c.switched_off_at.is_(None), or_(notices.c.line == bindparam("of_line"), notices.c.line.is_(None))
)
_BLOCKED = select(blocked_callers.c.caller).where(
    blocked_callers.c.caller.in_(bindparam("of", expanding=True)),
    blocked_callers.c.lifted_at.is_(None),
    or_(blocked_callers.c.until.is_(None), blocked_callers.c.until > bindparam("now", type_=Instant())),
)


class WordsFault(StrEnum):
    """Why words cannot be a notice."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"
    """They hold a sign that cannot be spoken, nor stand in TwiML."""


class UnspeakableWords(BadInput):
    """Words that cannot be a notice: `fault` says why, `most` how many signs there may be."""

    def __init__(self, fault: WordsFault) -> None:
        super().__init__(fault)
        self.fault = fault
        self.most = LONGEST_NOTICE


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, on or off; `line` is a line's number, None for all lines. Who did it are operators' row ids."""

    id: int
    line: str | None
    words: str
    switched_on_at: datetime
    switched_on_by: int
    switched_off_at: datetime | None
    switched_off_by: int | None


@dataclass(frozen=True, slots=True)
class BlockedCaller:
    """One caller whom the line does not serve, by pseudonym; no `until`: until somebody lifts it."""

    caller: str
    number_sealed: str
    reason: str
    blocked_at: datetime
    blocked_by: int
    until: datetime | None


def spoken_words(given: str) -> str:
    """The words of a notice as they are kept: one space between words, none around. Raises UnspeakableWords."""
    words = " ".join(given.split())
    if not words:
        raise UnspeakableWords(WordsFault.EMPTY)
    if len(words) > LONGEST_NOTICE:
        raise UnspeakableWords(WordsFault.TOO_LONG)
    if not words.isprintable():
        raise UnspeakableWords(WordsFault.UNPRINTABLE)
    return words


def switch_on(connection: Connection, line: str | None, words: str, by: int, now: datetime) -> int:
    """Have the words spoken at the beginning of every call, on one line or on all; give the notice's row id.

    The notice that stood in this place is switched off. Raises UnspeakableWords.
    """
    words = spoken_words(words)
    place = notices.c.line.is_(None) if line is None else notices.c.line == line
    connection.execute(
        update(notices)
        .where(notices.c.switched_off_at.is_(None), place)
        .values(switched_off_at=now, switched_off_by=by)
    )
    new = insert(notices).values(line=line, words=words, switched_on_at=now, switched_on_by=by)
    made: int = connection.execute(new.returning(notices.c.id)).scalar_one()
    return made


def switch_off(connection: Connection, notice_id: int, by: int, now: datetime) -> Notice | None:
    """Let a notice be spoken no more, and give it as it was; None where it was off already."""
    row = connection.execute(
        update(notices)
        .where(notices.c.id == notice_id, notices.c.switched_off_at.is_(None))
        .values(switched_off_at=now, switched_off_by=by)
        .returning(notices)
    ).one_or_none()
    return None if row is None else Notice(*row)


def current(connection: Connection, line: str) -> str | None:
    """What a call on this line (its number) hears first: the line's own notice, then that of all lines; plain text.

    One statement. Where two were switched on in one place at the same moment, the newer is spoken.
    """
    said = {place: words for _, place, words in sorted(connection.execute(_CURRENT, {"of_line": line}))}
    return " ".join(said[place] for place in (line, None) if place in said) or None


def recent(connection: Connection, limit: int = 50) -> list[Notice]:
    """The newest notices, on and off: those that are on come first."""
    query = select(notices).order_by(notices.c.switched_off_at.is_not(None), notices.c.id.desc()).limit(limit)
    return [Notice(*row) for row in connection.execute(query)]


def block(
    connection: Connection,
    caller: str,
    number_sealed: str,
    reason: str,
    by: int,
    *,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Serve this caller (a pseudonym) no more, till `until`. A caller who is blocked already has the new terms."""
    terms = {
        "number_sealed": number_sealed,
        "reason": reason,
        "blocked_at": now,
        "blocked_by": by,
        "until": until,
        "lifted_at": None,
    }
    connection.execute(
        insert_into(connection, blocked_callers)
        .values(caller=caller, **terms)
        .on_conflict_do_update(index_elements=["caller"], set_=terms)
    )


def unblock(connection: Connection, caller: str, now: datetime) -> bool:
    """Serve this caller again. False where nobody is blocked under this pseudonym."""
    row = connection.execute(
        update(blocked_callers)
        .where(blocked_callers.c.caller == caller, blocked_callers.c.lifted_at.is_(None))
        .values(lifted_at=now)
        .returning(blocked_callers.c.caller)
    ).one_or_none()
    return row is not None


def is_blocked(connection: Connection, known_as: Sequence[str], now: datetime) -> bool:
    """Whether the caller with these pseudonyms (none for nobody, who is never blocked) is not served now."""
    return bool(known_as) and connection.execute(_BLOCKED, {"of": known_as, "now": now}).first() is not None


def blocked(connection: Connection, now: datetime) -> list[BlockedCaller]:
    """Everybody who is not served now, the newest first."""
    query = (
        select(blocked_callers)
        .where(
            blocked_callers.c.lifted_at.is_(None),
            or_(blocked_callers.c.until.is_(None), blocked_callers.c.until > now),
        )
        .order_by(blocked_callers.c.blocked_at.desc(), blocked_callers.c.caller)
    )
    return [BlockedCaller(*row[:6]) for row in connection.execute(query)]
