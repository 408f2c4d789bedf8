"""Browser telephones: whose page is ready to take calls, and what is rung for an operator.

Rule: a page says every half minute that it is there. One that has fallen silent is not rung: then the operator's own
telephone is, which asks for a key, so that nobody's voicemail takes a caller. Nothing here commits.

>>> identity_of(7), address_of(7)
('operator-7', 'client:operator-7')
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Table, delete, select

from ivr.operators import Operator
from keys.database import Instant, insert_into, metadata

SILENT = timedelta(seconds=75)
"""After so long without a word the page is gone."""
_CLIENT = "client:"

browser_phones = Table(
    "browser_phones",
    metadata,
    Column("operator_id", BigInteger, ForeignKey("operators.id"), primary_key=True, autoincrement=False),
    Column("heard_at", Instant, nullable=False),
)


def identity_of(operator_id: int) -> str:
    """What an operator's browser is called at the provider; it says nothing about anybody."""
    return f"operator-{operator_id}"


def address_of(operator_id: int) -> str:
    """What is rung to ring an operator's browser."""
    return f"{_CLIENT}{identity_of(operator_id)}"


def heard(connection: Connection, operator_id: int, now: datetime) -> None:
    """The page is there, and registered with the provider."""
    connection.execute(
        insert_into(connection, browser_phones)
        .values(operator_id=operator_id, heard_at=now)
        .on_conflict_do_update(index_elements=["operator_id"], set_={"heard_at": now})
    )


def gone(connection: Connection, operator_id: int) -> None:
    """The page says that it takes no more calls."""
    connection.execute(delete(browser_phones).where(browser_phones.c.operator_id == operator_id))


def is_there(connection: Connection, operator_id: int, now: datetime) -> bool:
    """Whether the page can be rung."""
    mine = (browser_phones.c.operator_id == operator_id) & (browser_phones.c.heard_at > now - SILENT)
    return connection.execute(select(browser_phones.c.operator_id).where(mine)).first() is not None


def can_be_rung(connection: Connection, operator: Operator, now: datetime) -> bool:
    """Whether there is anything to ring for an operator."""
    return operator.phone_sealed is not None or is_there(connection, operator.id, now)
