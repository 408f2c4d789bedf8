"""Any order of reserve, post, hang-up, sweep, batch, release and a second channel, against a model of the ledger.

The model knows, for each installation, whether it is free, held (by whom, until when), posted or dead. Whatever order
is tried: answers and counters are the model's, nothing is told that was not posted, nothing is posted twice.
"""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from keys import ledger, returning
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.entries import Kind, of_key
from keys.issue import Order, block, grant, issue, unblock
from keys.ledger import Activated, Claim, ConfirmationError, Posting, Refused, Replay, Reserved, State
from keys.ledger_many import reserve_and_post_many
from keys.products import Product
from keys.refusals import Refusal
from keys.returning import By, GivenBack, ReturnFault
from tests.torture.machines import DEAD, Machine

GRANTED = 2
HOLD = timedelta(minutes=10)
INSTALLATIONS = st.integers(0, 3)
HOLDERS = st.sampled_from(["call-1", "call-2", "text-1"])


class LedgerMachine(Machine):
    """What may happen, one transaction each; a `free` installation is in none of `held`, `posted` and `dead`."""

    def __init__(self):
        super().__init__()
        agreement = Agreement("A", "O", "volume", date(2026, 1, 1))
        product = Product(1, "P", 1, 8, releases=100)
        with self.watcher.begin() as connection:
            load(connection, Catalogue((Organisation("O"),), (agreement,), (product,)))
            self.key = issue(connection, self.secrets, Order(1, "A", GRANTED), now=self.now, actor="tester").key
        self.iids = [type(self).installation(1, self.key.serial, nonce=nonce) for nonce in range(4)]
        self.granted = GRANTED
        self.blocked = False
        self.held = {}  # installation: (holder, until, reservation)
        self.posted = {}  # installation: reservation
        self.dead = {}  # installation: reservation
        self.gone = set()  # reservations that were given back before they were posted

    def room(self):
        return self.granted - len(self.held) - len(self.posted)

    def claim(self, number, holder):
        return Claim(self.iids[number], 2, "text" if holder.startswith("text") else "phone", holder, None)

    def refusal_of(self, number):
        """Why an installation gets nothing before the ledger so much as looks at the allowance."""
        if self.blocked:
            return Refused(Refusal.KEY_BLOCKED)
        return Refused(Refusal.IID_RETURNED) if number in self.dead else None

    @rule(number=INSTALLATIONS, holder=HOLDERS, how=st.sampled_from(["reserve", "reserve_and_post"]))
    def an_activation_is_asked_for(self, number, holder, how):
        getattr(self, how)(number, holder)

    def reserve(self, number, holder):
        done = self.do(
            lambda connection: ledger.reserve(connection, self.claim(number, holder), now=self.now, hold_for=HOLD)
        )
        if done is DEAD:
            return
        until = self.now + HOLD
        if self.refusal_of(number):
            assert done == self.refusal_of(number)
        elif number in self.posted:
            assert done == Replay(self.posted[number], State.POSTED)
        elif number in self.held:
            _, before, reservation = self.held[number]
            assert done == Replay(reservation, State.PENDING)
            self.held[number] = (holder, max(before, until), reservation)
        elif not self.room():
            assert done == Refused(Refusal.ALLOWANCE_EXHAUSTED)
        else:
            assert isinstance(done, Reserved)
            assert done.reactivation == bool(self.posted)  # all of them share one hardware
            self.held[number] = (holder, until, done.reservation_id)

    @precondition(lambda self: self.held or self.posted)
    @rule(n=st.integers(0, 3), own=st.sampled_from([True, True, False]), holder=HOLDERS)
    def post_what_is_held(self, n, own, holder):
        """By whoever holds it, or by another; and what is posted already."""
        number = sorted({*self.held, *self.posted})[n % len({*self.held, *self.posted})]
        who, _, known = self.held.get(number, (holder, None, self.posted.get(number)))
        holder = who if own else holder
        done = self.do(lambda connection: ledger.post(connection, known, holder=holder, now=self.now))
        if done is DEAD:
            return
        if number in self.posted:
            assert done is Posting.ALREADY_POSTED
        elif self.held[number][0] == holder:
            assert done is Posting.POSTED
            self.posted[number] = self.held.pop(number)[2]
        else:
            assert done is Posting.GONE

    @precondition(lambda self: self.gone)
    @rule(holder=HOLDERS)
    def post_too_late(self, holder):
        for late in sorted(self.gone):
            done = self.do(lambda connection, late=late: ledger.post(connection, late, holder=holder, now=self.now))
            assert done is DEAD or done is Posting.GONE

    def reserve_and_post(self, number, holder):
        done = self.do(lambda connection: ledger.reserve_and_post(connection, self.claim(number, holder), now=self.now))
        if done is not DEAD:
            self.spent(number, done)

    @rule(numbers=st.lists(INSTALLATIONS, max_size=6), holder=HOLDERS)
    def a_batch(self, numbers, holder):
        claims = [self.claim(number, holder) for number in numbers]
        done = self.do(lambda connection: reserve_and_post_many(connection, claims, now=self.now))
        if done is DEAD:
            return
        assert len(done) == len(numbers)
        for number, each in zip(numbers, done, strict=True):
            self.spent(number, each)

    def spent(self, number, done):
        """What an activation that is spent at once must have answered."""
        if self.refusal_of(number):
            assert done == self.refusal_of(number)
        elif number in self.posted:
            assert (done.reservation.id, done.replay) == (self.posted[number], True)
        elif number in self.held:
            assert (done.reservation.id, done.replay) == (self.held[number][2], False)
            self.posted[number] = self.held.pop(number)[2]
        elif not self.room():
            assert done == Refused(Refusal.ALLOWANCE_EXHAUSTED)
        else:
            assert isinstance(done, Activated)
            self.posted[number] = done.reservation.id

    @rule(number=INSTALLATIONS)
    def release(self, number):
        """Its machine is lost; to say so twice, or of another, changes nothing."""
        by = By("tester", reason="lost")

        def deed(connection):
            standing = returning.standing_of(connection, self.iids[number])
            return returning.release(connection, self.key, standing, by=by, now=self.now)

        done = self.do(deed)
        if done is DEAD:
            return
        if number in self.dead:
            assert isinstance(done, GivenBack)
            assert (done.reservation_id, done.before) == (self.dead[number], True)
        elif number in self.posted:
            assert isinstance(done, GivenBack)
            assert (done.reservation_id, done.before) == (self.posted[number], False)
            self.dead[number] = self.posted.pop(number)
        else:
            assert done is ReturnFault.NOT_ACTIVATED

    @rule(holder=HOLDERS)
    def hang_up(self, holder):
        mine = [number for number, (who, _, _) in self.held.items() if who == holder]
        done = self.do(lambda connection: ledger.void_held(connection, holder, now=self.now, reason="hang-up"))
        if done is DEAD:
            return
        assert done == len(mine)
        for number in mine:
            self.gone.add(self.held.pop(number)[2])

    @rule(limit=st.integers(1, 3))
    def sweep(self, limit):
        due = sorted((until, number) for number, (_, until, _) in self.held.items() if until <= self.now)

        def deed(connection):
            swept = ledger.expire(connection, now=self.now, limit=limit)
            return swept, [ledger.find(connection, self.held[number][2]).state for _, number in due]

        done = self.do(deed)
        if done is DEAD:
            return
        swept, states = done
        assert swept == min(limit, len(due)) == states.count(State.EXPIRED)
        for (_, number), state in zip(due, states, strict=True):
            if state is State.EXPIRED:
                self.gone.add(self.held.pop(number)[2])

    @precondition(lambda self: self.held)
    @rule(n=st.integers(0, 3), minutes=st.integers(0, 60))
    def wait_for_a_person(self, n, minutes):
        number = sorted(self.held)[n % len(self.held)]
        holder, _, reservation = self.held[number]
        until = self.now + timedelta(minutes=minutes)
        done = self.do(lambda connection: ledger.extend(connection, reservation, until))
        if done is not DEAD:
            assert done
            self.held[number] = (holder, until, reservation)

    @rule(what=st.sampled_from(["grants", "blocks", "blocks"]))
    def an_administrator(self, what):
        if what == "grants":
            self.grant_more()
        else:
            self.block_or_open_the_key()
            if self.blocked:  # mostly it is open: there is more to see
                self.reserve(0, "call-1")
                self.block_or_open_the_key()

    def block_or_open_the_key(self):
        act = unblock if self.blocked else block
        done = self.do(lambda connection: act(connection, self.key, now=self.now, actor="tester", reason="test"))
        if done is not DEAD:
            assert done
            self.blocked = not self.blocked

    def grant_more(self):
        done = self.do(lambda connection: grant(connection, self.key, 1, now=self.now, actor="tester"))
        if done is not DEAD:
            self.granted += 1

    @invariant()
    def the_counters_are_the_model_s_and_the_sums_of_the_entries(self):
        with self.watcher.read() as connection:
            balance = ledger.balance(connection, self.key.id)
            assert balance == ledger.Balance(self.granted, len(self.held), len(self.posted))
            assert ledger.recount(connection) == ()

    @invariant()
    def nothing_is_told_unposted_and_nothing_is_posted_twice(self):
        with self.watcher.read() as connection:
            entries = of_key(connection, self.key.id, limit=10_000)
            posts = Counter(entry["reservation_id"] for entry in entries if entry["kind"] == Kind.POST)
            assert posts == dict.fromkeys((*self.posted.values(), *self.dead.values()), 1)
            for number, reservation in self.posted.items():
                assert len(ledger.confirmation(connection, reservation, self.iids[number], self.secrets)) == 8
            for number, (_, _, reservation) in self.held.items():
                with pytest.raises(ConfirmationError):
                    ledger.confirmation(connection, reservation, self.iids[number], self.secrets)
            for reservation in self.gone:
                assert ledger.find(connection, reservation).state in {State.VOIDED, State.EXPIRED}
