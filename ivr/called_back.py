"""Calling back: whom, how often, and at which hours.

Rule: nobody's telephone rings outside decent hours of their line's own time zone, nor more often than `MOST_TRIES`.

>>> from zoneinfo import ZoneInfo
>>> from ivr.hours import DeskHours
>>> from datetime import UTC
>>> desk = DeskHours(ZoneInfo("Europe/Berlin"), {}, frozenset())
>>> line = Line("+4930123456", "Example", "DE", "de-DE", 24, desk=desk)
>>> in_hours(line, datetime(2026, 11, 25, 7, 0, tzinfo=UTC)), in_hours(line, datetime(2026, 11, 25, 6, 59, tzinfo=UTC))
(True, False)
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection, select

from ivr.call_backs import call_backs
from ivr.calls import calls
from ivr.lines import Line
from ivr.queue import Handoff
from ivr.threads import threads

MOST_TRIES = 3
"""A person who did not pick up three times is not there, or does not want to."""
EARLIEST, LATEST = time(8), time(20)
"""By the wall clock of the line. Rules for unasked calls are wider in some places (8 to 21 in the United States, 47 CFR
64.1200(c)(1)), and a wished call may come at any hour; these are hours at which a ringing telephone wakes nobody."""


def in_hours(line: Line, now: datetime) -> bool:
    """Whether callers of this line may be rung just now; never where the line does not say its time zone."""
    return line.desk is not None and EARLIEST <= now.astimezone(line.desk.zone).time() < LATEST


def next_in_hours(line: Line, now: datetime) -> datetime:
    """The next moment, now at the soonest, at which callers of this line may be disturbed.

    It is now where the line does not say its time zone: then nobody knows better.

    >>> from zoneinfo import ZoneInfo
    >>> from ivr.hours import DeskHours
    >>> from datetime import UTC
    >>> desk = DeskHours(ZoneInfo("Europe/Berlin"), {}, frozenset())
    >>> line = Line("+4930123456", "Example", "DE", "de-DE", 24, desk=desk)
    >>> next_in_hours(line, datetime(2026, 11, 25, 22, 0, tzinfo=UTC)).isoformat()
    '2026-11-26T07:00:00+00:00'
    >>> next_in_hours(line, datetime(2026, 11, 25, 3, 0, tzinfo=UTC)).isoformat()
    '2026-11-25T07:00:00+00:00'
    """
    if line.desk is None or in_hours(line, now):
        return now
    here = now.astimezone(line.desk.zone)
    day = here.date() + timedelta(days=here.time() >= LATEST)
    return datetime.combine(day, EARLIEST, line.desk.zone).astimezone(UTC)


def number_of(connection: Connection, handoff: Handoff) -> str | None:
    """The sealed number of whoever a handoff is about: what they wished to be called at, else what they came from."""
    wished = (
        select(call_backs.c.number_sealed)
        .where(call_backs.c.case_id == handoff.case_id, call_backs.c.done_at.is_(None))
        .order_by(call_backs.c.id.desc())
        .limit(1)
    )
    called = select(calls.c.number_sealed).where(calls.c.sid == handoff.sid)
    texted = select(threads.c.number_sealed).where(threads.c.line == handoff.line, threads.c.caller == handoff.caller)
    for asked in (wished, called, texted):
        found: str | None = connection.execute(asked).scalar()
        if found is not None:
            return found
    return None
