"""A number keyed in a call to be texted at: who said yes to which, in which call.

Rule: one number a case, so that a call cannot be used to text strangers one after another.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, Text, select

from ivr.callers import Caller
from keys.database import Instant, insert_into, metadata

text_consents = Table(
    "text_consents",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("call_sid", String(64), nullable=False),
    Column("caller", String(32), nullable=False),
    Column("number_sealed", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
)


def give(connection: Connection, case_id: int, call_sid: str, recipient: Caller, now: datetime) -> bool:
    """Write a consent down. False where the case has one already, and it is another number's."""
    row = connection.execute(
        insert_into(connection, text_consents)
        .values(
            case_id=case_id,
            call_sid=call_sid,
            caller=recipient.pseudonym,
            number_sealed=recipient.sealed,
            given_at=now,
        )
        .on_conflict_do_nothing(index_elements=["case_id"])
        .returning(text_consents.c.case_id)
    ).first()
    if row is not None:
        return True
    standing = select(text_consents.c.caller).where(text_consents.c.case_id == case_id)
    return bool(connection.execute(standing).scalar_one() == recipient.pseudonym)


def is_given(connection: Connection, case_id: int) -> bool:
    """Whether a number was keyed for this case."""
    return (
        connection.execute(select(text_consents.c.case_id).where(text_consents.c.case_id == case_id)).first()
        is not None
    )
