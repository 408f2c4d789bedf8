"""Who does not want to be texted. Twilio answers STOP and its kin itself; we write it down, and send nothing.

Rule: an opt-out is for the line it was sent to, as it is for Twilio, and stands until the same number says START.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, select, update

from ivr.callers import Caller
from keys.database import Instant, insert_into, metadata

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("line", String(32), primary_key=True),
    Column("caller", String(32), primary_key=True),
    Column("number_sealed", Text, nullable=False),
    Column("stopped_at", Instant, nullable=False),
    Column("lifted_at", Instant),
)


def stop(connection: Connection, line: str, caller: Caller, now: datetime) -> None:
    """Write down that this caller wants no texts from this line (its number, E.164)."""
    rows = [
        {"line": line, "caller": name, "number_sealed": caller.sealed, "stopped_at": now, "lifted_at": None}
        for name in caller.known_as
    ]
    insert = insert_into(connection, opt_outs).values(rows)
    # A second STOP changes nothing; one after a START counts from now.
    renewed = insert.on_conflict_do_update(
        index_elements=["line", "caller"],
        set_={"stopped_at": now, "lifted_at": None},
        where=opt_outs.c.lifted_at.is_not(None),
    )
    connection.execute(renewed)


def lift(connection: Connection, line: str, known_as: Sequence[str], now: datetime) -> None:
    """Let a caller, by every pseudonym, be texted again."""
    connection.execute(
        update(opt_outs)
        .where(opt_outs.c.line == line, opt_outs.c.caller.in_(known_as), opt_outs.c.lifted_at.is_(None))
        .values(lifted_at=now)
    )


def is_out(connection: Connection, line: str, known_as: Sequence[str]) -> bool:
    """Whether nothing may be sent from this line to the caller with these pseudonyms."""
    standing = select(opt_outs.c.line).where(
        opt_outs.c.line == line, opt_outs.c.caller.in_(known_as), opt_outs.c.lifted_at.is_(None)
    )
    return connection.execute(standing).first() is not None
