"""Sending: a text that is due is claimed for a while by one delivery, and what becomes of it is recorded.

Rule: a caller's texts leave in the order they were written, so that only the first unfinished one may be claimed; one
that is to be sent later stands back. A text moves to a higher rank only, whatever order its news comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, and_, case, exists, func, or_, select, update

from ivr import opt_outs
from ivr.callers import Caller
from ivr.outbox import RANKS, NoText, TextState, outbox

OPTED_OUT = 21610
"""Twilio's number for a text to somebody who said STOP (www.twilio.com/docs/api/errors/21610)."""
_UNFINISHED = (TextState.QUEUED, TextState.SENDING)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A text that delivery `by` may send until its claim runs out; `attempts` counts this claim as well.

    `words` are as they were written, for `outbox.read_words`: a row that cannot be read must keep no other from being
    claimed. `posted_at` is set where an earlier attempt may have reached the provider without our knowing, to the time
    of the first such attempt.
    """

    id: int
    line: str
    caller: Caller = field(repr=False)
    case_id: int | None
    words: str
    attempts: int
    written_at: datetime
    posted_at: datetime | None
    by: str


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether a claim may find something: a look that locks nothing."""
    return connection.execute(_first_due(now)).first() is not None


def claim(connection: Connection, by: str, now: datetime, lease: timedelta) -> Claimed | None:
    """Claim the text that has been due longest, None where none is due. `by` names one delivery among all processes.

    Of two deliveries that ask at once, each gets another text, or one gets none; neither waits for the other.
    """
    chosen = _first_due(now).with_for_update(skip_locked=True).scalar_subquery()
    row = connection.execute(
        update(outbox)
        .where(outbox.c.id == chosen)
        .values(
            state=TextState.SENDING,
            rank=RANKS[TextState.SENDING],
            claimed_by=by,
            claimed_until=now + lease,
            attempts=outbox.c.attempts + 1,
            changed_at=now,
        )
        .returning(outbox)
    ).one_or_none()
    return None if row is None else _read(row, by)


def posting(connection: Connection, claimed: Claimed, now: datetime) -> bool:
    """Note that the text is about to be posted; false where it must not be, or no longer by this claim.

    An opt-out since the text was written is met here, at the last moment: the text is refused.
    """
    if opt_outs.is_out(connection, claimed.line, claimed.caller.known_as):
        refused(connection, claimed, NoText.OPTED_OUT, now)
        return False
    noted = connection.execute(
        _own(claimed)
        .where(outbox.c.claimed_until > now)
        .values(posted_at=func.coalesce(outbox.c.posted_at, now, type_=outbox.c.posted_at.type), changed_at=now)
        .returning(outbox.c.id)
    )
    return noted.first() is not None


def accepted(connection: Connection, claimed: Claimed, sid: str, now: datetime) -> bool:
    """The provider has the text, as `sid`: true also for an answer that came after the claim ran out."""
    return _move(connection, claimed.id, TextState.ACCEPTED, now, sid=sid)


def failed(connection: Connection, claimed: Claimed, error: int | None, now: datetime) -> bool:
    """The provider will not take the text, for its reason `error`; or (None) it was tried for too long."""
    state = TextState.FAILED
    final = _own(claimed).values(state=state, rank=RANKS[state], error=error, changed_at=now).returning(outbox.c.id)
    if connection.execute(final).first() is None:
        return False
    if error == OPTED_OUT:
        opt_outs.stop(connection, claimed.line, claimed.caller, now)
    return True


def refused(connection: Connection, claimed: Claimed, reason: NoText, now: datetime) -> None:
    """We do not send it after all."""
    state = TextState.REFUSED
    connection.execute(_own(claimed).values(state=state, rank=RANKS[state], reason=reason, changed_at=now))


def postponed(
    connection: Connection, claimed: Claimed, due_at: datetime, now: datetime, *, surely_unsent: bool = False
) -> None:
    """Try again at `due_at`. `surely_unsent`: the provider has it from no attempt, so none need be looked for."""
    posted_at = {"posted_at": None} if surely_unsent else {}
    state = TextState.QUEUED
    connection.execute(
        _own(claimed).values(
            state=state,
            rank=RANKS[state],
            due_at=due_at,
            claimed_by=None,
            claimed_until=None,
            changed_at=now,
            **posted_at,
        )
    )


def is_ours(connection: Connection, sid: str) -> bool:
    """Whether a text of ours is known under this sid."""
    return connection.execute(select(outbox.c.id).where(outbox.c.sid == sid)).first() is not None


@dataclass(frozen=True, slots=True)
class News:
    """What the provider tells of a text: it has it as `sid`, sent it to `caller` (a pseudonym), and where it is now.

    `text` is the row that our own address named, None where it named none; `error` is the provider's number.
    """

    text: int | None
    sid: str
    caller: str | None
    state: TextState
    error: int | None


def note_status(connection: Connection, news: News, now: datetime) -> bool:
    """Record news of a text; false where it is no news, or of no text of ours.

    Where the provider's answer to our own request never reached us, the sid is learnt here.
    """
    known = outbox.c.sid == news.sid
    awaited = and_(
        outbox.c.id == news.text,
        outbox.c.caller == news.caller,
        outbox.c.sid.is_(None),
        outbox.c.posted_at.is_not(None),
    )
    row = connection.execute(
        select(outbox.c.id, outbox.c.line, outbox.c.caller, outbox.c.number_sealed)
        .where(or_(known, awaited))
        .order_by(case((known, 0), else_=1))
        .limit(1)
    ).one_or_none()
    if row is None:
        return False
    if news.error == OPTED_OUT:
        opt_outs.stop(connection, row.line, Caller(row.caller, row.number_sealed), now)
    return _move(connection, row.id, news.state, now, sid=news.sid, error=news.error)


def _move(
    connection: Connection, text: int, state: TextState, now: datetime, *, sid: str, error: int | None = None
) -> bool:
    """To a higher rank, or not at all."""
    moved = connection.execute(
        update(outbox)
        .where(outbox.c.id == text, outbox.c.rank < RANKS[state], or_(outbox.c.sid.is_(None), outbox.c.sid == sid))
        .values(state=state, rank=RANKS[state], sid=sid, error=error, changed_at=now)
        .returning(outbox.c.id)
    )
    return moved.first() is not None


def _first_due(now: datetime) -> Any:
    earlier = outbox.alias("earlier")
    first_of_its_caller = ~exists(
        select(earlier.c.id).where(
            earlier.c.line == outbox.c.line,
            earlier.c.caller == outbox.c.caller,
            earlier.c.id < outbox.c.id,
            earlier.c.state.in_(_UNFINISHED),
            # One that is for later, and was never tried, keeps nobody from being answered now.
            or_(earlier.c.attempts > 0, earlier.c.due_at <= now, _at_once(earlier)),
        )
    )
    ready = or_(
        and_(outbox.c.state == TextState.QUEUED, or_(outbox.c.due_at <= now, _at_once(outbox))),
        and_(outbox.c.state == TextState.SENDING, outbox.c.claimed_until <= now),
    )
    return select(outbox.c.id).where(ready, first_of_its_caller).order_by(outbox.c.due_at, outbox.c.id).limit(1)


def _at_once(texts: Any) -> Any:
    """Whether a text is to be sent at once and was not tried yet: due, though the clock of its writer was ahead."""
    return and_(texts.c.attempts == 0, texts.c.due_at <= texts.c.written_at)


def _own(claimed: Claimed) -> Update:
    """The row as long as it is this claim's: not claimed anew since, nor moved on by news of it."""
    return update(outbox).where(
        outbox.c.id == claimed.id,
        outbox.c.state == TextState.SENDING,
        outbox.c.claimed_by == claimed.by,
        outbox.c.attempts == claimed.attempts,
    )


def _read(row: Any, by: str) -> Claimed:
    return Claimed(
        id=row.id,
        line=row.line,
        caller=Caller(row.caller, row.number_sealed),
        case_id=row.case_id,
        words=row.words,
        attempts=row.attempts,
        written_at=row.written_at,
        posted_at=row.posted_at,
        by=by,
    )
