"""How often somebody may come within a minute, counted in the database, so that any number of nodes agree.

Rule: a window is one row, and whoever comes counts in it by one conditional statement; who finds it full changes
nothing, and is told when the next one begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, String, Table, case, delete, select

from keys.database import Instant, insert_into, metadata

WINDOW = timedelta(minutes=1)
KEPT = timedelta(days=1)
"""How long the window of somebody who does not come again is kept."""

rate_windows = Table(
    "rate_windows",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("used", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """How somebody stands: `left` of `limit` until `ends`, and whether they may come this time."""

    limit: int
    left: int
    ends: datetime
    allowed: bool

    def seconds(self, now: datetime) -> int:
        """Whole seconds until the next window, at least one."""
        return max(1, math.ceil((self.ends - now).total_seconds()))


def take(connection: Connection, who: str, limit: int, now: datetime) -> Rate:
    """Count one more of `who`, if that is within the limit."""
    table = rate_windows.c
    over = table.opened_at <= now - WINDOW
    row = connection.execute(
        insert_into(connection, rate_windows)
        .values(who=who, opened_at=now, used=1)
        .on_conflict_do_update(
            index_elements=[table.who],
            set_={"used": case((over, 1), else_=table.used + 1), "opened_at": case((over, now), else_=table.opened_at)},
            where=over | (table.used < limit),
        )
        .returning(table.opened_at, table.used)
    ).one_or_none()
    if row is None:
        return look(connection, who, limit, now)
    return Rate(limit, limit - row.used, row.opened_at + WINDOW, allowed=True)


def look(connection: Connection, who: str, limit: int, now: datetime) -> Rate:
    """How `who` stands, without counting; `allowed` tells whether one more would be."""
    row = connection.execute(
        select(rate_windows).where(rate_windows.c.who == who, rate_windows.c.opened_at > now - WINDOW)
    ).one_or_none()
    if row is None:
        return Rate(limit, limit, now + WINDOW, allowed=True)
    left = max(0, limit - row.used)
    return Rate(limit, left, row.opened_at + WINDOW, allowed=left > 0)


def forget(connection: Connection, now: datetime) -> None:
    """Take away the windows of those who did not come again."""
    connection.execute(delete(rate_windows).where(rate_windows.c.opened_at < now - KEPT))
