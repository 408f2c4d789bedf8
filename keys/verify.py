"""Proving the ledger: what was edited, taken away, cut off or forged, and where.

The rule it keeps: it only reads, it trusts nothing in the database that the ledger key does not vouch for, and it says
plainly how much of the tail is not sealed yet and so not proven.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, case, func, or_, select, union_all

from keys import append_only, reactivation, returning
from keys.allowance import recount
from keys.entries import Kind, entries
from keys.hosts import recount_hosts
from keys.reservations import State, reservations
from keys.seals import NO_SEAL, OF_ITS_ENTRY, TERMS, Root, mac_of, root_message, seals, terms
from keys.secrets_file import Secrets


class Damage(StrEnum):
    """What is wrong with the ledger."""

    EDITED = "edited"  #: an entry, or the reservation it holds, is not what was sealed
    MISSING = "missing"  #: a sealed entry is gone
    SEAL_MISSING = "seal_missing"  #: a seal inside the chain is gone
    FORGED_SEAL = "forged_seal"  #: a seal was not made with the ledger key
    CUT_OFF = "cut_off"  #: the chain ends before a point that was signed
    REWRITTEN = "rewritten"  #: the chain passes a signed point with another seal
    BAD_ROOT = "bad_root"  #: a line of the file of roots is no root that this line signed
    MISCOUNTED = "miscounted"  #: a key's counters are not the sums of its entries
    UNVOUCHED = "unvouched"  #: a reservation is not what its entries say, or has none
    HOSTS_MISCOUNTED = "hosts_miscounted"  #: a host key's counters of hosts are not what its entries come to
    UNGUARDED = "unguarded"  #: a table that must be append-only is not


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: what does not apply is None. `line` is one of the file of roots."""

    damage: Damage
    position: int | None = None
    entry_id: int | None = None
    line: int | None = None
    key_id: int | None = None
    reservation_id: int | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: how many entries are sealed, how many are not yet, the roots compared, and every problem."""

    sealed: int
    unsealed: int
    roots: int
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


_LINKS = (
    select(seals.c.position, seals.c.entry_id, seals.c.mac, entries, *TERMS)
    .outerjoin(entries, entries.c.id == seals.c.entry_id)
    .outerjoin(reservations, OF_ITS_ENTRY)
    .order_by(seals.c.position)
)
_UNSEALED = (
    select(func.count())
    .select_from(entries)
    .outerjoin(seals, seals.c.entry_id == entries.c.id)
    .where(seals.c.entry_id.is_(None))
)
# By how far each kind of entry brings a reservation.
_FURTHER = (
    (Kind.RESERVE, State.PENDING),
    (Kind.EXPIRE, State.EXPIRED),
    (Kind.VOID, State.VOIDED),
    (Kind.POST, State.POSTED),
    (Kind.RETURN, State.RETURNED),
)
_SAID = (
    select(
        entries.c.reservation_id,
        func.max(case({kind: far for far, (kind, _) in enumerate(_FURTHER)}, value=entries.c.kind)).label("far"),
        func.min(entries.c.key_id).label("key_id"),
    )
    .where(entries.c.reservation_id.is_not(None))
    .group_by(entries.c.reservation_id)
    .subquery()
)
_IS = case({state: far for far, (_, state) in enumerate(_FURTHER)}, value=reservations.c.state)
_UNVOUCHED = union_all(
    select(reservations.c.id)
    .outerjoin(_SAID, _SAID.c.reservation_id == reservations.c.id)
    .where(or_(_SAID.c.far.is_(None), _SAID.c.far != _IS, _SAID.c.key_id != reservations.c.key_id)),
    select(_SAID.c.reservation_id)
    .outerjoin(reservations, _SAID.c.reservation_id == reservations.c.id)
    .where(reservations.c.id.is_(None)),
)


def verify(connection: Connection, secrets: Secrets, roots_path: Path | None = None) -> Report:
    """Check every seal, every root in the file (if one is given and there), every counter and every guard."""
    roots, bad_lines = read_roots(roots_path, secrets) if roots_path is not None and roots_path.exists() else ([], [])
    chain = _Chain(secrets.ledger_key, {root.position: root for root in roots})
    links = connection.execute(_LINKS, execution_options={"yield_per": 1000})
    for link in links:
        chain.follow(link)
    chain.end()
    problems = [*chain.problems, *(Problem(Damage.BAD_ROOT, line=number) for number in bad_lines)]
    miscounted = {mismatch.key_id for mismatch in recount(connection)} | set(reactivation.recount(connection))
    miscounted |= set(returning.recount(connection))
    problems += [Problem(Damage.MISCOUNTED, key_id=key_id) for key_id in sorted(miscounted)]
    unvouched = sorted(connection.execute(_UNVOUCHED).scalars())
    problems += [Problem(Damage.UNVOUCHED, reservation_id=reservation) for reservation in unvouched]
    problems += [Problem(Damage.HOSTS_MISCOUNTED, key_id=mismatch.key_id) for mismatch in recount_hosts(connection)]
    problems += [Problem(Damage.UNGUARDED, table=name) for name in append_only.missing(connection)]
    unsealed = connection.execute(_UNSEALED).scalar_one()
    return Report(chain.sealed, unsealed, len(roots), tuple(problems))


class _Chain:
    """Follows the seals one by one. A wrong one is put down to its entry or to itself when the next one is seen."""

    def __init__(self, ledger_key: bytes, roots: dict[int, Root]) -> None:
        self.problems: list[Problem] = []
        self.sealed = 0
        self._key = ledger_key
        self._roots = roots
        self._position = 0
        # What the next seal may rest on: what is stored, and what should have been stored, where they differ.
        self._stored: bytes | None = NO_SEAL
        self._due: tuple[bytes, ...] = ()
        self._doubtful: Problem | None = None

    def follow(self, link: Any) -> None:
        self.sealed += 1
        if link.position != self._position + 1:
            self._settle_doubt(Damage.EDITED)
            self.problems.append(Problem(Damage.SEAL_MISSING, position=self._position + 1))
            self._stored, self._due = None, ()
        self._position = link.position
        mac = bytes(link.mac)
        root = self._roots.pop(link.position, None)
        if root is not None and root.mac != mac:
            self.problems.append(Problem(Damage.REWRITTEN, link.position, link.entry_id))
        if link.id is None:
            self._settle_doubt(Damage.EDITED)
            self.problems.append(Problem(Damage.MISSING, link.position, link.entry_id))
            self._stored, self._due = mac, ()
            return
        self._check(link, mac)

    def _check(self, link: Any, mac: bytes) -> None:
        if self._stored is None:
            # The seal before is gone: this one can be neither proven nor disproven, the next one can.
            self._stored, self._due = mac, ()
            return
        due = self._due_after(self._stored, link)
        if mac in due:
            self._settle_doubt(Damage.EDITED)
            self._stored, self._due = mac, ()
            return
        if any(mac in self._due_after(before, link) for before in self._due):
            # It rests on the seal that should have stood before: so that one was forged and its entry is whole.
            self._settle_doubt(Damage.FORGED_SEAL)
            self._stored, self._due = mac, ()
            return
        self._settle_doubt(Damage.EDITED)
        self._doubtful = Problem(Damage.EDITED, link.position, link.entry_id)
        self._stored, self._due = mac, due

    def _due_after(self, before: bytes, link: Any) -> tuple[bytes, ...]:
        """The seals that may stand there: with the reservation along and, from before that was done, without."""
        along = terms(link)
        sealed = mac_of(self._key, link.position, before, link, along)
        return (sealed, mac_of(self._key, link.position, before, link)) if along else (sealed,)

    def _settle_doubt(self, damage: Damage) -> None:
        if self._doubtful is not None:
            self.problems.append(Problem(damage, self._doubtful.position, self._doubtful.entry_id))
            self._doubtful = None

    def end(self) -> None:
        self._settle_doubt(Damage.EDITED)
        beyond = [position for position in self._roots if position > self._position]
        if beyond:
            self.problems.append(Problem(Damage.CUT_OFF, position=self._position + 1))


def read_roots(path: Path, secrets: Secrets) -> tuple[list[Root], list[int]]:
    """The roots in a file whose signatures hold, and the numbers of the lines that are none."""
    public = Ed25519PrivateKey.from_private_bytes(secrets.certificate_key).public_key()
    roots, bad = [], []
    for number, root in _lines(path, public):
        if root is None:
            bad.append(number)
        else:
            roots.append(root)
    return roots, bad


def _lines(path: Path, public: Ed25519PublicKey) -> Iterator[tuple[int, Root | None]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            facts = json.loads(line)
            root = Root(facts["position"], bytes.fromhex(facts["mac"]), datetime.fromisoformat(facts["at"]))
            public.verify(bytes.fromhex(facts["signature"]), root_message(root))
        except (ValueError, KeyError, TypeError, InvalidSignature):
            yield number, None
        else:
            yield number, root
