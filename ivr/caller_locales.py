"""The language that a caller has chosen, so that the next call greets and the next text answers in it.

Rule: only a choice is kept, never a guess; and of a withheld number nothing. Nothing here commits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, String, Table, select, update

from keys.database import Instant, insert_into, metadata

caller_locales = Table(
    "caller_locales",
    metadata,
    Column("caller", String(32), primary_key=True),
    Column("locale", String(16), nullable=False),
    Column("used_at", Instant, nullable=False),
    Index("ix_caller_locales_used_at", "used_at"),
)

_OFTEN = timedelta(days=1)
"""So often at most it is noted that a choice is still of use."""


def keep(connection: Connection, caller: str, locale: str, now: datetime) -> None:
    """Keep the language (BCP 47) that a caller, a pseudonym, has chosen; a choice before it is forgotten."""
    connection.execute(
        insert_into(connection, caller_locales)
        .values(caller=caller, locale=locale, used_at=now)
        .on_conflict_do_update(index_elements=["caller"], set_={"locale": locale, "used_at": now})
    )


def kept(connection: Connection, known_as: tuple[str, ...], now: datetime) -> str | None:
    """The language that a caller chose last, under whichever pseudonym; None where none was chosen."""
    rows = connection.execute(select(caller_locales).where(caller_locales.c.caller.in_(known_as))).all()
    if not rows:
        return None
    row = max(rows, key=lambda each: each.used_at)
    if row.used_at < now - _OFTEN:
        connection.execute(update(caller_locales).where(caller_locales.c.caller == row.caller).values(used_at=now))
    return str(row.locale)
