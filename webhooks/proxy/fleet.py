"""The machines this console looks after, and what each last reported.

One rule: a machine is known by its name and product. A report replaces the one before it; the installation it had
then, and its answer, are kept for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from keys.database import insert_into
from keys.device.machine import Status
from keys.device.paper import MachineReport
from webhooks.proxy.standing import standing
from webhooks.proxy.tables import installations, machines

ACTIVATED = "activated"


@dataclass(frozen=True, slots=True)
class Machine:
    """One product on one machine, with the answer to its installation ID so far."""

    id: int
    name: str
    product: int
    product_name: str | None
    last_five: str | None
    state: str
    installation_id: str | None
    host: str | None
    reported_at: datetime
    outcome: str | None
    code: str | None
    confirmation_id: str | None
    certificate: str | None

    @property
    def standing(self) -> str:
        """The word of `webhooks.proxy.standing`."""
        return standing(self.state)


_LISTED = (
    select(
        *(machines.c[name] for name in ("id", "name", "product", "product_name", "last_five", "state")),
        *(machines.c[name] for name in ("installation_id", "host", "reported_at")),
        *(installations.c[name] for name in ("outcome", "code", "confirmation_id", "certificate")),
    )
    .outerjoin(installations, installations.c.installation_id == machines.c.installation_id)
    .order_by(machines.c.name, machines.c.product)
)


def note(connection: Connection, report: MachineReport, *, source: str, host: str | None, now: datetime) -> bool:
    """Take a report in. True if this machine was not known; a host once known is kept where none is given."""
    known = connection.execute(
        select(machines.c.id, machines.c.host).where(
            machines.c.name == report.name, machines.c.product == report.product
        )
    ).first()
    facts = {
        "name": report.name,
        "product": report.product,
        "product_name": report.product_name,
        "last_five": report.last_five,
        "state": report.state,
        "installation_id": report.installation_id,
        "host": host or (known.host if known else None),
        "source": source,
        "reported_at": now,
    }
    if known is None:
        machine_id = connection.execute(machines.insert().values(facts).returning(machines.c.id)).scalar_one()
    else:
        machine_id = known.id
        connection.execute(update(machines).where(machines.c.id == machine_id).values(facts))
    if report.installation_id is not None:
        _note_installation(connection, report, machine_id, now)
    return known is None


def _note_installation(connection: Connection, report: MachineReport, machine_id: int, now: datetime) -> None:
    """Keep the installation; one that the machine has had confirmed otherwise (by telephone) is a saved pair too."""
    connection.execute(
        insert_into(connection, installations)
        .values(installation_id=report.installation_id, machine_id=machine_id)
        .on_conflict_do_nothing()
    )
    mine = installations.c.installation_id == report.installation_id
    connection.execute(
        update(installations)
        .where(mine, installations.c.machine_id.is_(None))
        .values(machine_id=machine_id, guest=None)
    )
    if report.state == Status.ACTIVATED and report.confirmation_id is not None:
        connection.execute(
            update(installations)
            .where(mine, installations.c.outcome.is_distinct_from(ACTIVATED))
            .values(outcome=ACTIVATED, code=None, confirmation_id=report.confirmation_id, answered_at=now)
        )


def listed(connection: Connection, *, standings: Sequence[str] = (), product: str | None = None) -> list[Machine]:
    """The machines in order of their names, all or those of some standings and one product (number or name)."""
    found = [Machine(*row) for row in connection.execute(_LISTED)]
    return [
        machine
        for machine in found
        if (not standings or machine.standing in standings)
        and (product is None or product in {str(machine.product), machine.product_name})
    ]


def forget(connection: Connection, names: Sequence[str]) -> int:
    """Take machines off the list; their pairs are kept. How many there were."""
    connection.execute(
        update(installations)
        .where(installations.c.machine_id.in_(select(machines.c.id).where(machines.c.name.in_(names))))
        .values(machine_id=None)
    )
    gone = connection.execute(delete(machines).where(machines.c.name.in_(names)).returning(machines.c.id))
    return len(gone.all())


def counts(connection: Connection) -> dict[str, int]:
    """How many machines there are in each standing."""
    numbers: dict[str, int] = {}
    for state, number in connection.execute(select(machines.c.state, func.count()).group_by(machines.c.state)):
        numbers[standing(state)] = numbers.get(standing(state), 0) + number
    return numbers
