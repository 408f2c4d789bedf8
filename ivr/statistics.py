"""Statistics without persons: what was activated, and what came of the rest, as counts a day and published by week.

Rule: they are counted beside the calls, never in one. Activations and returns are counted from the entries of the
ledger, by whatever door; refusals and replays from what calls and texts asked for. Days are UTC, weeks those of ISO
8601, and only a week that is over for a day is published: nobody learns by looking twice what one caller did. A day
counted twice comes to the same, so any node may count.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Date, Integer, String, Table, func, select

from ivr import suppression
from ivr.cases import cases
from ivr.sightings import sightings
from ivr.suppression import Line
from keys.database import insert_into, metadata
from keys.entries import Kind, entries
from keys.halving import first_since
from keys.reservations import reservations

UNKNOWN = "unknown"
"""The region of a withheld number, and of a door that knows none."""
ACTIVATED, RETURNED, AGAIN = "activated", "returned", "again"
WEEKS = 13
CATCH_UP = timedelta(days=30)
_OUTCOMES = {Kind.POST.value: ACTIVATED, Kind.RETURN.value: RETURNED}
_WITH_A_CASE = {"phone", "text", "operator"}
_AT_A_TIME = 2000
_LATE = timedelta(hours=1)
"""How far the times of entries may be out of the order of their ids."""

activation_counts = Table(
    "activation_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("product", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(16), primary_key=True),
    Column("region", String(8), primary_key=True),
    Column("outcome", String(32), primary_key=True),
    Column("count", Integer, nullable=False),
)


Read = Callable[[], AbstractContextManager[Connection]]


class Cell(NamedTuple):
    """What is counted together; `region` is the country of the caller's number, or UNKNOWN."""

    product: int
    channel: str
    region: str
    outcome: str


def days_to_count(connection: Connection, now: datetime) -> list[date]:
    """The days that may have to be counted, the oldest first: from the day before the last that was, to today."""
    today = now.astimezone(UTC).date()
    last: date | None = connection.execute(select(func.max(activation_counts.c.day))).scalar()
    first = today - CATCH_UP if last is None else max(last - timedelta(days=1), today - CATCH_UP)
    return [first + timedelta(days=ahead) for ahead in range((today - first).days + 1)]


def count(read: Read, day: date) -> Counter[Cell]:
    """Count one day anew. `read` is `Database.read`: a long day is read piece by piece, each in a moment."""
    begins = datetime.combine(day, time.min, UTC)
    counted = Counter(_activations(read, begins, begins + timedelta(days=1)))
    seen = sightings.c
    with read() as connection:
        rows = connection.execute(
            select(seen.product, seen.channel, func.coalesce(seen.country, UNKNOWN), seen.outcome, func.count())
            .where(seen.at >= begins, seen.at < begins + timedelta(days=1), seen.outcome != ACTIVATED)
            .group_by(seen.product, seen.channel, seen.country, seen.outcome)
        ).all()
    for *cell, many in rows:
        counted[Cell(*cell)] += many
    return counted


def keep(connection: Connection, day: date, counted: Mapping[Cell, int]) -> None:
    """Keep the counts of a day; what a slower node counted before is overwritten at the next count."""
    rows = [{"day": day, **cell._asdict(), "count": many} for cell, many in sorted(counted.items())]
    if rows:
        new = insert_into(connection, activation_counts)
        key = ["day", "product", "channel", "region", "outcome"]
        connection.execute(new.on_conflict_do_update(index_elements=key, set_={"count": new.excluded.count}), rows)


def _activations(read: Read, begins: datetime, ends: datetime) -> Iterable[Cell]:
    """Every activation and return in a span of time, by the entries of the ledger."""
    with read() as connection:
        at, last = (first_since(connection, entries, "at", when) for when in (begins - _LATE, ends + _LATE))
    while at < last:
        with read() as connection:
            yield from _some(connection, at, min(at + _AT_A_TIME, last), begins, ends)
        at += _AT_A_TIME


def _some(connection: Connection, first: int, last: int, begins: datetime, ends: datetime) -> list[Cell]:
    """Those of the entries from id `first` to before `last`."""
    rows = connection.execute(
        select(entries.c.kind, reservations.c.product, entries.c.channel, reservations.c.case_id)
        .join(reservations, reservations.c.id == entries.c.reservation_id)
        .where(entries.c.id >= first, entries.c.id < last)
        .where(entries.c.kind.in_(list(_OUTCOMES)), entries.c.at >= begins, entries.c.at < ends)
    ).all()
    # Other doors have cases of their own, or none.
    of = [row.case_id if row.channel in _WITH_A_CASE and (row.case_id or "").isdecimal() else None for row in rows]
    known = select(cases.c.id, cases.c.country).where(cases.c.id.in_({int(case_id) for case_id in of if case_id}))
    countries = {str(row.id): row.country for row in connection.execute(known)}
    return [
        Cell(row.product, row.channel or UNKNOWN, countries.get(case_id or "") or UNKNOWN, _OUTCOMES[row.kind])
        for row, case_id in zip(rows, of, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class By:
    """Counts by one thing, week by week; the names in order, the largest first. `total` only where it is shown."""

    name: str
    names: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What may be shown to anybody: activations by product, channel and region, and every outcome, by week.

    `weeks` are the Mondays of the weeks, the oldest first; each `By` has a line for each of them.
    """

    weeks: tuple[date, ...]
    by: tuple[By, ...]


def publish(connection: Connection, secret: bytes, now: datetime, *, weeks: int = WEEKS) -> Published:
    """The last `weeks` weeks that are over. `secret` decides which counts are hidden beside the small ones."""
    monday = _monday((now.astimezone(UTC) - timedelta(days=1)).date())
    mondays = tuple(monday - timedelta(weeks=back) for back in range(weeks, 0, -1))
    table = activation_counts.c
    rows = connection.execute(
        select(table.day, table.product, table.channel, table.region, table.outcome, table.count.label("many")).where(
            table.day >= mondays[0], table.day < monday
        )
    ).all()
    parts: tuple[tuple[str, Callable[[Any], str]], ...] = (
        ("product", lambda row: str(row.product)),
        ("channel", lambda row: str(row.channel)),
        ("region", lambda row: str(row.region)),
    )
    activated = [row for row in rows if row.outcome == ACTIVATED]
    by = [_by(name, activated, mondays, of, secret) for name, of in parts]
    return Published(mondays, (*by, _by("outcome", rows, mondays, lambda row: str(row.outcome), None)))


def _by(name: str, rows: Sequence[Any], mondays: Sequence[date], of: Callable[[Any], str], secret: bytes | None) -> By:
    whole: Counter[str] = Counter()
    weekly: dict[date, Counter[str]] = {monday: Counter() for monday in mondays}
    for row in rows:
        whole[of(row)] += row.many
        weekly[_monday(row.day)][of(row)] += row.many
    # In the order of the alphabet: an order by size would tell of what is hidden.
    names = tuple(sorted(whole))
    lines = []
    for monday in mondays:
        counts = {each: weekly[monday][each] for each in names}
        if secret is None:
            lines.append(suppression.alone(counts))
        else:
            lines.append(suppression.publish(counts, _picker(secret, f"{name}/{monday}")))
    return By(name, names, tuple(lines))


def _picker(secret: bytes, what: str) -> Callable[[Sequence[str]], str]:
    """Always the same choice for the same line, which nobody without the secret can foretell."""

    def pick(names: Sequence[str]) -> str:
        drawn = hmac.digest(secret, f"statistics {what}".encode(), "sha256")
        return sorted(names)[int.from_bytes(drawn, "big") % len(names)]

    return pick


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
