"""Who works at the desk, and in what role: what an administrator changes.

Rule: there is always an administrator: only one may change anybody, and nobody takes the role from themselves or
disables themselves. Where two do it to each other at the same moment the second is refused: the administrators' rows
are locked first, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update

from ivr import claims, logins, operators
from ivr.operators import Operator, Role, operator_of
from ivr.operators import operators as rows
from ivr.queue import HandoffState, handoffs

MOST_GRANT_LIMIT = 1_000_000


class StaffFault(StrEnum):
    """Why an operator was not changed."""

    NOT_ADMINISTRATOR = "not_administrator"
    """Whoever asks is no administrator, or no more."""
    UNKNOWN = "unknown"
    ONESELF = "oneself"
    """One's own role, and one's own place at the desk, are another administrator's to take."""
    GRANT_LIMIT = "grant_limit"
    """Not from 0 to MOST_GRANT_LIMIT."""
    NO_PHONE = "no_phone"
    """Whoever is on call needs a telephone."""
    AS_IT_WAS = "as_it_was"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an administrator sets: role, activations to be granted alone in 30 days, sealed phone, on call or not."""

    role: Role
    grant_limit: int
    phone_sealed: str | None
    on_call: bool


@dataclass(frozen=True, slots=True)
class Dismissal:
    """What disabling an operator ended: how many logins, and which handoffs went back to the queue."""

    logins: int
    returned: tuple[tuple[int, int], ...]
    """Handoff and case of each."""


def change(connection: Connection, operator_id: int, terms: Terms, by: int) -> Operator | StaffFault:
    """Set an operator's terms; gives the operator as they were before."""
    before = _open(connection, operator_id, by)
    if isinstance(before, StaffFault):
        return before
    if not 0 <= terms.grant_limit <= MOST_GRANT_LIMIT:
        return StaffFault.GRANT_LIMIT
    if terms.on_call and terms.phone_sealed is None:
        return StaffFault.NO_PHONE
    if terms.role is not before.role and operator_id == by:
        return StaffFault.ONESELF
    if terms == Terms(before.role, before.grant_limit, before.phone_sealed, before.on_call):
        return StaffFault.AS_IT_WAS
    connection.execute(
        update(rows)
        .where(rows.c.id == operator_id)
        .values(
            role=terms.role,
            grant_limit=terms.grant_limit,
            phone_sealed=terms.phone_sealed,
            on_call=terms.on_call,
        )
    )
    return before


def dismiss(connection: Connection, operator_id: int, by: int, now: datetime) -> Dismissal | StaffFault:
    """Disable an operator: every login of theirs ends, and whatever they have goes back to the queue."""
    before = _open(connection, operator_id, by)
    if isinstance(before, StaffFault):
        return before
    if operator_id == by:
        return StaffFault.ONESELF
    if not operators.disable(connection, operator_id, now):
        return StaffFault.AS_IT_WAS
    theirs = connection.execute(
        select(handoffs.c.id, handoffs.c.case_id)
        .where(handoffs.c.state == HandoffState.CLAIMED, handoffs.c.claimed_by == operator_id)
        .order_by(handoffs.c.id)
    ).all()
    returned = tuple((row.id, row.case_id) for row in theirs if claims.release(connection, row.id, operator_id, now))
    return Dismissal(logins.revoke_all(connection, operator_id, now), returned)


def let_back(connection: Connection, operator_id: int, by: int) -> Operator | StaffFault:
    """Let a disabled operator in again, in the role and with the password they had."""
    before = _open(connection, operator_id, by)
    if isinstance(before, StaffFault):
        return before
    if before.disabled_at is None:
        return StaffFault.AS_IT_WAS
    connection.execute(update(rows).where(rows.c.id == operator_id).values(disabled_at=None))
    return before


def log_out(connection: Connection, operator_id: int, by: int, now: datetime) -> int | StaffFault:
    """End every login of an operator, one's own among them; gives how many."""
    before = _open(connection, operator_id, by)
    return before if isinstance(before, StaffFault) else logins.revoke_all(connection, operator_id, now)


def read(connection: Connection, operator_id: int) -> Operator | None:
    """One operator, disabled or not."""
    row = connection.execute(select(rows).where(rows.c.id == operator_id)).one_or_none()
    return None if row is None else operator_of(row)


def _open(connection: Connection, operator_id: int, by: int) -> Operator | StaffFault:
    """The operator to be changed, as they are now that no other administrator can change anybody meanwhile."""
    administrators = connection.execute(
        select(rows.c.id)
        .where(rows.c.role == Role.ADMINISTRATOR, rows.c.disabled_at.is_(None))
        .order_by(rows.c.id)
        .with_for_update()
    ).scalars()
    if by not in set(administrators):
        return StaffFault.NOT_ADMINISTRATOR
    return read(connection, operator_id) or StaffFault.UNKNOWN
