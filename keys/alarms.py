"""Alarms: what must be seen by a person soon, whatever the log is read for.

The rule it keeps: one kind about one product is one row until somebody has seen it, however often it comes, so that
nobody can bury an alarm under alarms. Nothing here commits.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, select, text, update

from keys.database import Instant, RowNumber, insert_into, metadata
from keys.dialects import rows_where


class AlarmKind(StrEnum):
    """What happened."""

    SERIAL_NEVER_ISSUED = "serial_never_issued"
    """A sound proof came on a serial that was never issued: somebody makes keys with the product's issuing key."""


_UNSEEN = text("seen_at IS NULL")
alarms = Table(
    "alarms",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("product", Integer, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("paged_at", Instant),
    Column("seen_at", Instant),
    Column("seen_by", Text),
    Index("uq_alarms_unseen", "kind", "product", unique=True, info=rows_where(_UNSEEN)),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: how often it came since `first_at`; `serial` and `channel` are those of the last time.

    `paged_at` is when whoever is on call was told, `seen_by` the name of who has seen it.
    """

    id: int
    kind: AlarmKind
    product: int
    serial: int
    channel: str
    times: int
    first_at: datetime
    last_at: datetime
    paged_at: datetime | None
    seen_at: datetime | None
    seen_by: str | None


def ring(connection: Connection, kind: AlarmKind, product: int, serial: int, channel: str, now: datetime) -> None:
    """Raise an alarm, or count it where one of its kind and product is not seen yet."""
    last = {"serial": serial, "channel": channel, "last_at": now}
    connection.execute(
        insert_into(connection, alarms)
        .values(kind=kind, product=product, times=1, first_at=now, **last)
        .on_conflict_do_update(
            index_elements=["kind", "product"], index_where=_UNSEEN, set_={**last, "times": alarms.c.times + 1}
        )
    )


def unseen(connection: Connection) -> list[Alarm]:
    """Every alarm that nobody has seen, the newest first."""
    return _read(connection, alarms.c.seen_at.is_(None))


def seen(connection: Connection, *, most: int = 50) -> list[Alarm]:
    """The last alarms that somebody has seen, the newest first."""
    return _read(connection, alarms.c.seen_at.is_not(None))[:most]


def unpaged(connection: Connection) -> list[Alarm]:
    """Every unseen alarm of which nobody on call was told."""
    return _read(connection, alarms.c.seen_at.is_(None) & alarms.c.paged_at.is_(None))


def paged(connection: Connection, alarm_id: int, now: datetime) -> bool:
    """Whoever is on call is told of it in this transaction; False where another has told them."""
    row = connection.execute(
        update(alarms).where(alarms.c.id == alarm_id, alarms.c.paged_at.is_(None)).values(paged_at=now)
        .returning(alarms.c.id)
    ).one_or_none()  # fmt: skip
    return row is not None


def see(connection: Connection, alarm_id: int, by: str, now: datetime) -> Alarm | None:
    """Somebody has seen it: the next of its kind is a new one. None where it was seen, or is not there."""
    row = connection.execute(
        update(alarms)
        .where(alarms.c.id == alarm_id, alarms.c.seen_at.is_(None))
        .values(seen_at=now, seen_by=by)
        .returning(alarms)
    ).one_or_none()
    return None if row is None else _alarm(row)


def _read(connection: Connection, wanted: Any) -> list[Alarm]:
    return [_alarm(row) for row in connection.execute(select(alarms).where(wanted).order_by(alarms.c.id.desc()))]


def _alarm(row: Any) -> Alarm:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Alarm(**{**facts, "kind": AlarmKind(row.kind)})
