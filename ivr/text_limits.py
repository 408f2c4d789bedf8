"""How many texts a day may go out: to one number, to its neighbours, to one country, in all.

Rule: a text is counted in the transaction that writes it, against every limit or against none, so that neither a pump
of texts nor a loop with another machine costs more than the settings say. What it costs is known when it is sent: from
then on a text of several segments counts as many. Days are UTC's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, Date, Integer, String, Table

from ivr.callers import prefix_of, pseudonym
from ivr.lines import TextLimits
from keys.database import insert_into, metadata

text_counts = Table(
    "text_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("scope", String(8), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("texts", Integer, nullable=False),
)


class Scope(StrEnum):
    """What a limit is over."""

    NUMBER = "number"
    PREFIX = "prefix"
    COUNTRY = "country"
    DAY = "day"


def count(
    connection: Connection, number: str, country: str, limits: TextLimits, *, pepper: bytes, now: datetime
) -> Scope | None:
    """Count one text to `number` (E.164) of `country` (ISO 3166), or say which limit is reached and count nothing.

    The row of the whole day is taken first and kept until the commit: whoever else counts waits for it with nothing in
    hand, so no two can wait for each other. It is best taken late in a transaction, after what the turn needs besides.
    """
    most = {Scope.DAY: limits.day, Scope.COUNTRY: limits.country, Scope.PREFIX: limits.prefix}
    most[Scope.NUMBER] = limits.number
    day = now.astimezone(UTC).date()
    savepoint = connection.begin_nested()
    for scope, name in _names(number, country, pepper):
        if not _add(connection, day, scope, name, most[scope]):
            savepoint.rollback()
            return scope
    savepoint.commit()
    return None


def count_segments(
    connection: Connection, number: str, country: str, more: int, *, pepper: bytes, now: datetime
) -> None:
    """Count the segments of a text beyond its first, whatever the limits: it was let through; the next may not be."""
    day = now.astimezone(UTC).date()
    for scope, name in _names(number, country, pepper):
        connection.execute(
            insert_into(connection, text_counts)
            .values(day=day, scope=scope, name=name, texts=more)
            .on_conflict_do_update(index_elements=["day", "scope", "name"], set_={"texts": text_counts.c.texts + more})
        )


def _names(number: str, country: str, pepper: bytes) -> tuple[tuple[Scope, str], ...]:
    """What a text to a number is counted under, in the order in which the rows are taken."""
    return (
        (Scope.DAY, "all"),
        (Scope.COUNTRY, country),
        (Scope.PREFIX, prefix_of(number, pepper)),
        (Scope.NUMBER, pseudonym(number, pepper)),
    )


def _add(connection: Connection, day: date, scope: Scope, name: str, most: int) -> bool:
    if most < 1:
        return False
    insert = insert_into(connection, text_counts).values(day=day, scope=scope, name=name, texts=1)
    counted = insert.on_conflict_do_update(
        index_elements=["day", "scope", "name"],
        set_={"texts": text_counts.c.texts + 1},
        where=text_counts.c.texts < most,
    ).returning(text_counts.c.texts)
    return connection.execute(counted).first() is not None
