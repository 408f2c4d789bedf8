"""When the desk of a line is open: hours of the week in the line's own time zone, and days off.

Rule: hours are the wall clock's, also on the days it is put forward or back.

>>> from datetime import UTC, datetime
>>> desk = DeskHours(ZoneInfo("America/New_York"), read_hours("mon-fri 09:00-17:00, sat 10:00-14:00"), frozenset())
>>> is_open(desk, datetime(2026, 11, 25, 14, 0, tzinfo=UTC)), is_open(desk, datetime(2026, 11, 25, 13, 59, tzinfo=UTC))
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = tuple[time, time]
_PART = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)")


class MalformedHours(ValueError):  # noqa: N818 - names what happened
    """Hours that cannot be read; the argument is the part at fault."""


@dataclass(frozen=True, slots=True)
class DeskHours:
    """`week` gives the spans of each weekday (0 is Monday) in `zone`; on `days_off` the desk is closed."""

    zone: ZoneInfo
    week: Mapping[int, tuple[Span, ...]]
    days_off: frozenset[date]


def read_hours(text: str) -> dict[int, tuple[Span, ...]]:
    """Read `mon-fri 09:00-17:00, sat 10:00-14:00`; a day may come twice. 24:00 is the end of a day.

    Raises MalformedHours.
    """
    week: dict[int, tuple[Span, ...]] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
            raise MalformedHours(part.strip())
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"] or match["first"])
        span = _time(match["opens"], part), _time(match["closes"], part)
        if span[0] >= span[1] or last < first:
            raise MalformedHours(part.strip())
        for day in range(first, last + 1):
            week[day] = (*week.get(day, ()), span)
    return week


def is_open(hours: DeskHours, now: datetime) -> bool:
    """Whether the desk is open at a moment (with its own time zone)."""
    here = now.astimezone(hours.zone)
    if here.date() in hours.days_off:
        return False
    return any(opens <= here.time() < closes for opens, closes in hours.week.get(here.weekday(), ()))


def _time(text: str, part: str) -> time:
    hour, minute = int(text[:2]), int(text[3:])
    if (hour, minute) == (24, 0):
        return time.max
    if hour > 23 or minute > 59:
        raise MalformedHours(part.strip())
    return time(hour, minute)
