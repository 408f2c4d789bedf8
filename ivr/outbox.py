"""The outbox: every text we send, written in the transaction that decides it and delivered after its commit.

Rule: what is written here holds no digit of a confirmation ID; such digits are filled in when the text is delivered.
A text that may not be sent is written too, as refused, with the reason: there is one place to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Integer, String, Table, Text, func, select

from ivr import cases, opt_outs, text_limits
from ivr.actions import Say
from ivr.callers import known_as, pseudonym, seal
from ivr.lines import Line, TextLimits
from ivr.text_limits import Scope
from ivr.textable import country_of, takes_texts
from keys.database import Instant, RowNumber, insert_into, metadata
from keys.secrets_file import Secrets


class NoText(StrEnum):
    """Why a text was not sent by us."""

    NO_SENDER = "NO_SENDER"
    """The line sends no texts."""
    OPTED_OUT = "OPTED_OUT"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    NOT_TEXTABLE = "NOT_TEXTABLE"
    """The number is no mobile, as far as its country's plan tells."""
    LIMIT_NUMBER = "LIMIT_NUMBER"
    LIMIT_PREFIX = "LIMIT_PREFIX"
    LIMIT_COUNTRY = "LIMIT_COUNTRY"
    LIMIT_DAY = "LIMIT_DAY"


class TextState(StrEnum):
    """How far a text has come."""

    QUEUED = "queued"
    SENDING = "sending"
    """A delivery has claimed it."""
    ACCEPTED = "accepted"
    """The provider has it."""
    SENT = "sent"
    """The provider's carrier has it."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    REFUSED = "refused"
    """We did not send it; `reason` says why."""


RANKS = {
    TextState.QUEUED: 0,
    TextState.SENDING: 1,
    TextState.ACCEPTED: 2,
    TextState.SENT: 3,
    TextState.DELIVERED: 4,
    TextState.UNDELIVERED: 4,
    TextState.FAILED: 4,
    TextState.REFUSED: 4,
}
"""A text moves to a higher rank only, whatever order the news of it comes in; the first of the last rank stands."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("line", String(32), nullable=False),
    Column("caller", String(32), nullable=False),
    Column("number_sealed", Text, nullable=False),
    Column("case_id", BigInteger, ForeignKey("cases.id"), index=True),
    Column("words", Text, nullable=False),
    Column("answers", String(64), unique=True),
    Column("call_sid", String(64), index=True),
    Column("state", String(12), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("reason", String(24)),
    Column("error", Integer),
    Column("sid", String(64), unique=True),
    Column("attempts", Integer, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("posted_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_caller_id", "caller", "id"),
)

_WORDS = msgspec.json.Decoder(tuple[Say, ...])


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to be sent: from which line, to which number (E.164), in which words.

    `case_id` is the case it is about, `answers` the MessageSid it answers, `call_sid` the call it was wished in.
    `doubtful`: the number did not just text us, so it must be one that can take a text at all. It is sent at `due_at`,
    or else at once. It is written in `locale`, or ("") in the language of its case.
    """

    line: Line
    number: str = field(repr=False)
    words: tuple[Say, ...]
    case_id: int | None = None
    answers: str | None = None
    call_sid: str | None = None
    doubtful: bool = False
    due_at: datetime | None = None
    locale: str = ""


def write(
    connection: Connection, secrets: Secrets, draft: Draft, limits: TextLimits, *, now: datetime
) -> NoText | None:
    """Write a text. Where it may not be sent, write that down with the reason, and return the reason.

    A second draft that answers the same text changes nothing, and returns what the first did. Counting makes others
    who write a text wait for this transaction's end (see `text_limits.count`), so a turn writes its texts last.
    """
    if draft.answers is not None and (first := _answered(connection, draft.answers)) is not None:
        return first.reason
    name = pseudonym(draft.number, secrets.pepper)
    savepoint = connection.begin_nested()
    reason = _refusal(connection, secrets, draft, limits, now)
    state = TextState.QUEUED if reason is None else TextState.REFUSED
    written = connection.execute(
        insert_into(connection, outbox)
        .values(
            line=draft.line.number,
            caller=name,
            number_sealed=seal(draft.number, secrets.number_key),
            case_id=draft.case_id,
            words=msgspec.json.encode(_in_its_language(connection, draft)).decode(),
            answers=draft.answers,
            call_sid=draft.call_sid,
            state=state,
            rank=RANKS[state],
            reason=reason,
            attempts=0,
            written_at=now,
            due_at=draft.due_at or now,
            changed_at=now,
        )
        .on_conflict_do_nothing(index_elements=["answers"])
        .returning(outbox.c.id)
    ).first()
    if written is not None:
        savepoint.commit()
        return reason
    # Another was answering the same text at this moment; what was counted here is taken back.
    savepoint.rollback()
    assert draft.answers is not None  # nothing else is unique
    first = _answered(connection, draft.answers)
    assert first is not None  # it was committed, or the insert would have gone on
    return first.reason


def fate(connection: Connection, call_sid: str) -> TextState | None:
    """What became of the last text that was wished in a call; None where none was."""
    state = connection.execute(
        select(outbox.c.state).where(outbox.c.call_sid == call_sid).order_by(outbox.c.id.desc()).limit(1)
    ).scalar()
    return None if state is None else TextState(state)


def last_of_cases(connection: Connection, case_ids: Iterable[int]) -> dict[int, str]:
    """What became of the last text of each of these cases: its state, with our reason or the provider's number."""
    last = select(func.max(outbox.c.id)).where(outbox.c.case_id.in_(list(case_ids))).group_by(outbox.c.case_id)
    rows = connection.execute(select(outbox).where(outbox.c.id.in_(last)))
    told = {row.case_id: (row.state, row.reason, row.error) for row in rows}
    return {case_id: " ".join(str(fact) for fact in facts if fact is not None) for case_id, facts in told.items()}


def _in_its_language(connection: Connection, draft: Draft) -> tuple[Say, ...]:
    """The words, each with its language; of one that is about no case, the line's own is known when it is sent."""
    locale = draft.locale or (cases.read(connection, draft.case_id).locale if draft.case_id is not None else "")
    return tuple(replace(word, locale=word.locale or locale) for word in draft.words)


def read_words(written: str) -> tuple[Say, ...]:
    """The words of a row again. Raises msgspec's ValidationError where they were not written here."""
    return _WORDS.decode(written)


@dataclass(frozen=True, slots=True)
class _First:
    reason: NoText | None


def _answered(connection: Connection, answers: str) -> _First | None:
    """What was done about the text of this MessageSid; None where nothing was."""
    row = connection.execute(select(outbox.c.state, outbox.c.reason).where(outbox.c.answers == answers)).one_or_none()
    return None if row is None else _First(None if row.reason is None else NoText(row.reason))


def _refusal(
    connection: Connection, secrets: Secrets, draft: Draft, limits: TextLimits, now: datetime
) -> NoText | None:
    """Why this text may not be sent; where it may, it is counted."""
    line = draft.line
    country = country_of(draft.number)
    if line.text_sender is None:
        return NoText.NO_SENDER
    if opt_outs.is_out(connection, line.number, known_as(draft.number, secrets.pepper, secrets.peppers_before)):
        return NoText.OPTED_OUT
    if country is None or country not in line.texts_go_to:
        return NoText.COUNTRY_NOT_ALLOWED
    if draft.doubtful and not takes_texts(draft.number, line.texts_go_to):
        return NoText.NOT_TEXTABLE
    reached = text_limits.count(connection, draft.number, country, limits, pepper=secrets.pepper, now=now)
    return None if reached is None else _LIMITS[reached]


_LIMITS = {
    Scope.NUMBER: NoText.LIMIT_NUMBER,
    Scope.PREFIX: NoText.LIMIT_PREFIX,
    Scope.COUNTRY: NoText.LIMIT_COUNTRY,
    Scope.DAY: NoText.LIMIT_DAY,
}
