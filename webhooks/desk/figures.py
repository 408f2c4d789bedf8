"""The figures of a shift: who waits, who was answered in time, how it ended, and what was activated when.

Rule: each figure is one statement by an index, so that a page that is open all day costs the line nothing to speak of.
"Today" begins at midnight in the time zone of the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from ivr.call_backs import call_backs
from ivr.lines import Lines
from ivr.operators import Presence, operators
from ivr.outbox import TextState, outbox
from ivr.queue import HandoffState, handoffs
from ivr.taken_up import TAKEN_UP
from ivr.waiting_room import WENT_ON
from keys.reservations import State, reservations

HOURS = 24
_WEEK = timedelta(days=7)
_UNSENT = (TextState.QUEUED, TextState.SENDING)


@dataclass(frozen=True, slots=True)
class Answered:
    """How those who came today were answered: within the target, later (or not yet, and late), or not before they left.

    Who has waited for less than the target is in none of the three, nor are those who chose `another_way` while nobody
    had answered: a call-back, a text, or going on alone.
    """

    in_time: int
    late: int
    never: int
    another_way: int

    @property
    def share(self) -> int | None:
        """Per cent answered in time of all who count; None while nobody does."""
        whole = self.in_time + self.late + self.never
        return None if not whole else round(100 * self.in_time / whole)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many cases that came for one reason ended one way: since midnight, and in seven days."""

    reason: str
    disposition: str
    today: int
    week: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Activations from `begins` (in the desk's zone) for an hour."""

    begins: datetime
    activations: int


@dataclass(frozen=True, slots=True)
class AtTheDesk:
    """One operator who is there, since when so, and how many cases they have."""

    name: str
    presence: Presence
    since: datetime
    cases: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at one moment.

    `still_there` of those `waiting` have not hung up; `texts` are those of today by state, and all still to be sent.
    """

    at: datetime
    waiting: int
    still_there: int
    claimed: int
    longest: timedelta | None
    answered: Answered
    outcomes: tuple[Outcome, ...]
    hours: tuple[Hour, ...]
    texts: Mapping[TextState, int]
    owed: int
    overdue: int
    at_the_desk: tuple[AtTheDesk, ...]


def desk_zone(lines: Lines) -> tzinfo:
    """The time zone a desk counts its days in: that of the first line with opening hours, else UTC."""
    return next((line.desk.zone for line in lines.all if line.desk is not None), UTC)


def midnight(now: datetime, zone: tzinfo) -> datetime:
    """When the day of `now` began in a time zone."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def figures(connection: Connection, now: datetime, zone: tzinfo, target: timedelta) -> Figures:
    """Every figure, as of `now`; `target` is how soon a case should be answered."""
    today = midnight(now, zone)
    waiting, still_there, since, claimed = _queue(connection)
    owed, overdue = _call_backs(connection, now)
    return Figures(
        at=now.astimezone(zone),
        waiting=waiting,
        still_there=still_there,
        claimed=claimed,
        longest=None if since is None else now - since,
        answered=_answered(connection, today, now, target),
        outcomes=_outcomes(connection, today, now),
        hours=_hours(connection, now, zone),
        texts=_texts(connection, today),
        owed=owed,
        overdue=overdue,
        at_the_desk=_at_the_desk(connection),
    )


def _queue(connection: Connection) -> tuple[int, int, datetime | None, int]:
    waits = handoffs.c.state == HandoffState.WAITING
    row = connection.execute(
        select(
            func.count().filter(waits),
            func.count().filter(waits, handoffs.c.left_at.is_(None)),
            func.min(handoffs.c.entered_at).filter(waits),
            func.count().filter(handoffs.c.state == HandoffState.CLAIMED),
        )
        .select_from(handoffs)
        .where(handoffs.c.state.in_([HandoffState.WAITING, HandoffState.CLAIMED]))
    ).one()
    waiting, still_there, since, claimed = row
    return waiting, still_there, since, claimed


def _answered(connection: Connection, today: datetime, now: datetime, target: timedelta) -> Answered:
    in_time = late = never = another_way = 0
    rows = connection.execute(
        select(
            handoffs.c.entered_at,
            handoffs.c.answered_at,
            or_(handoffs.c.left_at.is_not(None), handoffs.c.finished_at.is_not(None)),
            _chose_another_way(),
        ).where(handoffs.c.state.in_(list(HandoffState)), handoffs.c.entered_at >= today, handoffs.c.reason != TAKEN_UP)
    )
    for entered_at, answered_at, is_gone, chose in rows:
        if chose:
            another_way += 1
        elif answered_at is None and is_gone:
            never += 1
        elif (answered_at or now) - entered_at > target:
            late += 1
        elif answered_at is not None:
            in_time += 1
    return Answered(in_time, late, never, another_way)


def _chose_another_way() -> ColumnElement[bool]:
    """Whether the caller has gone, for a call-back, a text or keying on, and nobody had answered by then."""
    unanswered = or_(handoffs.c.answered_at.is_(None), handoffs.c.answered_at > handoffs.c.left_at)
    wished = exists().where(call_backs.c.call_sid == handoffs.c.sid, call_backs.c.wished_at >= handoffs.c.entered_at)
    texted = exists().where(outbox.c.call_sid == handoffs.c.sid, outbox.c.written_at >= handoffs.c.entered_at)
    gone = and_(handoffs.c.left_at.is_not(None), or_(wished, texted))
    return and_(unanswered, or_(gone, handoffs.c.disposition == WENT_ON))


def _outcomes(connection: Connection, today: datetime, now: datetime) -> tuple[Outcome, ...]:
    week = func.count()
    rows = connection.execute(
        select(handoffs.c.reason, handoffs.c.disposition, func.count().filter(handoffs.c.finished_at >= today), week)
        .where(handoffs.c.finished_at > now - _WEEK)
        .group_by(handoffs.c.reason, handoffs.c.disposition)
        .order_by(week.desc(), handoffs.c.reason, handoffs.c.disposition)
    )
    return tuple(
        Outcome(reason, disposition or "", of_today, of_week) for reason, disposition, of_today, of_week in rows
    )


def _hours(connection: Connection, now: datetime, zone: tzinfo) -> tuple[Hour, ...]:
    """The last day by the hour, the hour under way being the last."""
    this_one = now.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    starts = [this_one - timedelta(hours=back) for back in reversed(range(HOURS))]
    at = reservations.c.posted_at
    counted = connection.execute(
        select(*(func.count().filter(and_(at >= start, at < start + timedelta(hours=1))) for start in starts)).where(
            reservations.c.state == State.POSTED, at >= starts[0]
        )
    ).one()
    return tuple(Hour(start.astimezone(zone), count) for start, count in zip(starts, counted, strict=True))


def _texts(connection: Connection, today: datetime) -> Mapping[TextState, int]:
    rows = connection.execute(
        select(outbox.c.state, func.count())
        .where(outbox.c.state.in_(list(TextState)), or_(outbox.c.state.in_(_UNSENT), outbox.c.due_at >= today))
        .group_by(outbox.c.state)
    )
    counted = {TextState(state): count for state, count in rows}
    return {state: counted.get(state, 0) for state in TextState}


def _call_backs(connection: Connection, now: datetime) -> tuple[int, int]:
    owed, overdue = connection.execute(
        select(func.count(), func.count().filter(call_backs.c.due_at < now)).where(call_backs.c.done_at.is_(None))
    ).one()
    return owed, overdue


def _at_the_desk(connection: Connection) -> tuple[AtTheDesk, ...]:
    theirs = and_(handoffs.c.claimed_by == operators.c.id, handoffs.c.state == HandoffState.CLAIMED)
    rows = connection.execute(
        select(operators.c.name, operators.c.presence, operators.c.presence_at, func.count(handoffs.c.id))
        .select_from(operators.outerjoin(handoffs, theirs))
        .where(operators.c.presence != Presence.OFF, operators.c.disabled_at.is_(None))
        .group_by(operators.c.id, operators.c.name, operators.c.presence, operators.c.presence_at)
        .order_by(operators.c.name)
    )
    return tuple(AtTheDesk(name, Presence(presence), since, cases) for name, presence, since, cases in rows)
