"""The ledger as one would explain it at a table: a key, its installations, and what is written down of them.

Each installation of a key is free, held, posted, or dead. What is held or posted takes one from the allowance, unless
its machine was there before and has a free one left. A machine comes again so often in a period and no oftener; a
licence host's key has few hosts. Everything that happens is a line of the journal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.entries import Kind
from keys.refusals import Refusal
from keys.reservations import Basis

PERIOD = timedelta(days=7)
FREE, MOST = 1, 2
"""A machine comes again once for nothing, and twice in all, within a period."""
HOSTS, TIMES = 1, 2
"""A licence host's key has one host, which is activated twice."""


@dataclass
class Stay:
    """A reservation that is held, by whom and until when; `made` says when, for its period."""

    reservation: int
    basis: Basis
    holder: str
    until: datetime | None
    made: datetime


@dataclass
class Again:
    """What a machine did again since its period began."""

    since: datetime
    counted: int = 0
    free: int = 0


class Account:
    """One key. `hardware` says which machine each installation is on; `is_host` whether those are licence hosts."""

    def __init__(self, granted, hardware, *, is_host):
        self.granted, self.hardware, self.is_host = granted, hardware, is_host
        self.blocked = False
        self.held = {}
        self.posted = {}
        self.dead = {}
        self.gone = set()
        self.again = {}
        self.journal = [(Kind.GRANT, None, granted, 0, 0, None)]

    @property
    def standing(self):
        return {**self.held, **self.posted}

    def taken(self, stays):
        return sum(stay.basis.takes for stay in stays.values())

    def room(self):
        return self.granted - self.taken(self.standing)

    def on(self, machine, stays):
        return sum(self.hardware[number] == machine for number in stays)

    def never(self, number):
        """Why an installation gets nothing, whether it was here before or not."""
        if self.blocked:
            return Refusal.KEY_BLOCKED
        return Refusal.IID_RETURNED if number in self.dead else None

    def weigh(self, number, now):
        """The basis of a new activation, or why there is none."""
        machine = self.hardware[number]
        basis = self._basis(machine, now)
        if not isinstance(basis, Basis):
            return basis
        if basis.takes and not self.room():
            return Refusal.ALLOWANCE_EXHAUSTED
        if self.is_host:
            times = self.on(machine, self.standing)
            hosts = {self.hardware[other] for other in self.standing}
            if times >= TIMES:
                return Refusal.HOST_REACTIVATIONS_EXHAUSTED
            if not times and len(hosts) >= HOSTS:
                return Refusal.HOSTS_EXHAUSTED
        return basis

    def _basis(self, machine, now):
        if not self.on(machine, self.posted):
            return Basis.FIRST
        if self.is_host:
            return Basis.REACTIVATION
        done = self.again.get(machine)
        if done is None or now >= done.since + PERIOD:
            return Basis.FREE
        if done.counted >= MOST:
            return Refusal.TOO_MANY_REACTIVATIONS
        return Basis.FREE if done.free < FREE else Basis.REACTIVATION

    def make(self, number, reservation, holder, until, now):
        """Hold a free installation until then; None posts it at once."""
        stay = Stay(reservation, self._basis(self.hardware[number], now), holder, until, now)
        if stay.basis.again:
            done = self.again.setdefault(self.hardware[number], Again(now))
            if now >= done.since + PERIOD:
                done.since, done.counted, done.free = now, 0, 0
            stay.made = max(now, done.since)  # by a clock that is behind it counts in the period all the same
            done.counted += 1
            done.free += stay.basis is Basis.FREE
        self.held[number] = stay
        self._write(Kind.RESERVE, stay, pending=1)
        if until is None:
            self.post(number, holder)

    def post(self, number, holder):
        stay = self.held.pop(number)
        stay.holder = holder
        self.posted[number] = stay
        self._write(Kind.POST, stay, pending=-1, posted=1)

    def lapse(self, numbers, kind):
        """What was held is given back; several at once are written down in the order in which they were made."""
        for number in sorted(numbers, key=lambda number: self.held[number].reservation):
            stay = self.held.pop(number)
            self.gone.add(stay.reservation)
            done = self.again.get(self.hardware[number])
            if stay.basis.again and done.since <= stay.made:
                done.counted -= 1
                done.free -= stay.basis is Basis.FREE
            self._write(kind, stay, pending=-1)

    def come_back(self, number):
        """A posted one is released; its installation is dead."""
        stay = self.dead[number] = self.posted.pop(number)
        takes = stay.basis.takes
        self.journal.append((Kind.RETURN, stay.reservation, 0, 0, -takes, None))

    def say(self, kind, granted=0):
        """What a person does to the key itself."""
        self.granted += granted
        self.journal.append((kind, None, granted, 0, 0, None))

    def _write(self, kind, stay, pending=0, posted=0):
        takes = stay.basis.takes
        self.journal.append((kind, stay.reservation, 0, pending * takes, posted * takes, stay.holder))
