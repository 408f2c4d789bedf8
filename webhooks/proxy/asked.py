"""Which installations are to be asked for, what came back, and which saved pair is a machine's own.

One rule: what has an answer is not asked for again, and a machine that looks like one re-imaged is held back, so that
no activation is spent on what a saved pair does for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from keys import confirmation_id
from keys.confirmation_id import last_day
from keys.device.hardware import resemblance
from keys.device.paper import SavedPair
from keys.errors import InvalidNumber
from keys.formats import FORMATS, GROUP_DIGITS
from keys.installation_id import InstallationID, decode
from webhooks.proxy.answers import Answer, Outcome
from webhooks.proxy.fleet import Machine, listed
from webhooks.proxy.standing import MAY_BE_ASKED
from webhooks.proxy.tables import installations, machines


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a request to the publisher's line: `reference` is an opaque number, given back."""

    reference: int
    installation_id: str


@dataclass(frozen=True, slots=True)
class Deposit:
    """A pair for a machine to keep. `renamed` is the name its earlier self had, where that was another."""

    machine: Machine
    pair: SavedPair
    renamed: str | None = None


def due(connection: Connection, today: date, *, anew: bool = False, again: bool = False) -> list[Line]:
    """The machines' installations that lack an answer, each once.

    `anew`: also those a saved pair would do for; `again`: also those that were refused.
    """
    held = set() if anew else {deposit.machine.id for deposit in reapplicable(connection, today)}
    open_ones = {None, Outcome.REFUSED, Outcome.MALFORMED} if again else {None}
    wanted = {
        machine.installation_id
        for machine in listed(connection)
        if machine.state in MAY_BE_ASKED and machine.outcome in open_ones and machine.id not in held
    }
    rows = connection.execute(
        select(installations.c.reference, installations.c.installation_id).order_by(installations.c.reference)
    )
    return [Line(*row) for row in rows if row.installation_id in wanted]


def due_among(connection: Connection, ids: Sequence[str]) -> list[Line]:
    """Those of the noted installations `ids` that lack an answer."""
    wanted = set(ids)
    rows = connection.execute(
        select(installations.c.reference, installations.c.installation_id)
        .where(installations.c.outcome.is_(None))
        .order_by(installations.c.reference)
    )
    return [Line(*row) for row in rows if row.installation_id in wanted]


def keep(connection: Connection, answers: Iterable[Answer], *, now: datetime) -> None:
    """Write answers down. One that activates is never replaced by one that does not."""
    rows = [
        {"this": answer.installation_id, **answer.to_facts(), "outcome": answer.outcome.value, "answered_at": now}
        for answer in answers
    ]
    for row in rows:
        del row["installation_id"]
    if rows:
        mine = installations.c.installation_id == bindparam("this")
        connection.execute(
            update(installations).where(mine, installations.c.outcome.is_distinct_from(Outcome.ACTIVATED)), rows
        )


def take_guests(connection: Connection, guest: str, ids: Sequence[str]) -> None:
    """Note the installations of an isolated room's request; those known already stay as they are."""
    known = set(connection.execute(select(installations.c.installation_id)).scalars())
    fresh = [{"installation_id": text, "guest": guest} for text in ids if text not in known]
    if fresh:
        connection.execute(installations.insert(), fresh)


def answered(connection: Connection, ids: Sequence[str]) -> list[Answer]:
    """The answers there are, in the order of `ids`."""
    wanted = set(ids)
    columns = (installations.c[name] for name in ("outcome", "code", "replay", "confirmation_id", "certificate"))
    found = {
        text: Answer(text, Outcome(outcome), code, bool(replay), cid, certificate)
        for text, outcome, code, replay, cid, certificate in connection.execute(
            select(installations.c.installation_id, *columns).where(installations.c.outcome.is_not(None))
        )
        if text in wanted
    }
    return [found[text] for text in ids if text in found]


def dismiss_guests(connection: Connection, guest: str) -> None:
    """Forget an isolated room's installations, once their answers have been handed out."""
    connection.execute(delete(installations).where(installations.c.guest == guest))


def applicable(connection: Connection) -> list[Deposit]:
    """The machines whose own answer is here and not yet deposited."""
    return [
        Deposit(machine, SavedPair(machine.installation_id, machine.confirmation_id, machine.certificate))
        for machine in listed(connection)
        if machine.state in MAY_BE_ASKED and machine.installation_id and machine.confirmation_id
    ]


def reapplicable(connection: Connection, today: date) -> list[Deposit]:
    """The machines that have installed anew on the hardware of a saved pair, the newest such pair each.

    A pair of the same machine counts if its fingerprint passes the vote, one of another only if it is all the same; one
    whose end has passed on `today` does not.
    """
    waiting = [
        machine
        for machine in listed(connection)
        if machine.state in MAY_BE_ASKED and machine.installation_id and machine.outcome is None
    ]
    if not waiting:
        return []
    by_machine, by_fingerprint = _pairs(connection, today)
    found = []
    for machine in waiting:
        assert machine.installation_id is not None  # as asked above
        iid = decode(machine.installation_id)
        kin = [pair for pair in by_machine.get(machine.id, ()) if _resembles(pair.iid, iid)]
        kin = kin or by_fingerprint.get(_hardware(iid), [])
        if kin:
            best = kin[-1]
            renamed = best.owner if best.owner != machine.name else None
            found.append(Deposit(machine, best.pair, renamed))
    return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A saved pair, the fields of its IID, and whose it was."""

    iid: InstallationID
    pair: SavedPair
    owner: str | None


_Hardware = tuple[int, int, int, tuple[int, ...]]


def _pairs(connection: Connection, today: date) -> tuple[dict[int, list[_Kept]], dict[_Hardware, list[_Kept]]]:
    """All saved pairs, the oldest first: by the machine they were made for, and by key and fingerprint."""
    by_machine: dict[int, list[_Kept]] = {}
    by_fingerprint: dict[_Hardware, list[_Kept]] = {}
    kept = installations.c
    rows = connection.execute(
        select(kept.installation_id, kept.confirmation_id, kept.certificate, kept.machine_id, machines.c.name)
        .outerjoin(machines, machines.c.id == kept.machine_id)
        .where(kept.outcome == Outcome.ACTIVATED, kept.guest.is_(None))
        .order_by(kept.answered_at, kept.reference)
    )
    for text, cid, certificate, machine_id, owner in rows:
        iid = decode(text)
        if _is_over(iid, cid, today):
            continue
        pair = _Kept(iid, SavedPair(text, cid, certificate), owner)
        by_machine.setdefault(machine_id, []).append(pair)
        by_fingerprint.setdefault(_hardware(iid), []).append(pair)
    return by_machine, by_fingerprint


def _is_over(iid: InstallationID, cid: str, today: date) -> bool:
    """Whether the last day of a confirmation ID has passed; what cannot be read is for the machine to judge."""
    try:
        end = last_day(confirmation_id.decode(cid, FORMATS[iid.format], len(cid) // GROUP_DIGITS).valid_until)
    except InvalidNumber:
        return False
    return end is not None and end < today


def _hardware(iid: InstallationID) -> _Hardware:
    return iid.format, iid.product, iid.serial, iid.fingerprint


def _resembles(saved: InstallationID, today: InstallationID) -> bool:
    if _hardware(saved)[:3] != _hardware(today)[:3]:
        return False  # the fields of two keys cannot be compared
    return resemblance(FORMATS[saved.format], saved.fingerprint, today.fingerprint).passed
