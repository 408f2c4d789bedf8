"""Any order of reserve, post, hang-up, sweep, batch, release and a second channel, against a model of the ledger.

Two keys: one for machines, five installations on two of them, and one for licence hosts, four on two. Whatever order is
tried: answers, counters and every entry are the model's, nothing is told that was not posted, nothing is posted twice.
"""

from contextlib import suppress
from datetime import date, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from keys import hosts, ledger, reactivation, returning
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.entries import Kind, of_key
from keys.issue import Order, block, grant, issue, unblock
from keys.ledger import Activated, Claim, ConfirmationError, Posting, Refused, Replay, Reserved, State
from keys.ledger_many import reserve_and_post_many
from keys.product_key import KeyType
from keys.products import Product
from keys.refusals import Refusal
from keys.reservations import STORED, reservations, stored
from keys.returning import By, GivenBack, ReturnFault
from tests.torture.ledger_model import FREE, HOSTS, MOST, PERIOD, TIMES, Account
from tests.torture.machines import DEAD, Machine

MACHINES = (
    (KeyType.MAK, 1, {0: "Anna's", 1: "Anna's", 2: "Anna's", 3: "Anna's", 4: "Ben's"}),
    (KeyType.KMS_HOST, 60, {5: "first host", 6: "first host", 7: "first host", 8: "second host"}),
)
"""The type of each key, what it was granted, and which hardware its installations are on."""
HARDWARE = ("Anna's", "Ben's", "first host", "second host")
HOLD = timedelta(minutes=10)
INSTALLATIONS = st.integers(0, 8)
NAMES = ("call-1", "call-2", "text-1")
HOLDERS = st.sampled_from(NAMES)


class LedgerMachine(Machine):
    """What may happen, one transaction each; `accounts` are the model, by the id of the key."""

    def __init__(self):
        super().__init__()
        agreement = Agreement("A", "O", "volume", date(2026, 1, 1))
        product = Product(
            1, "P", 1, 8, releases=100, free_reactivations=FREE, most_reactivations=MOST, period_days=PERIOD.days,
            kms_hosts=HOSTS, kms_reactivations=TIMES - 1,
        )  # fmt: skip
        self.accounts, self.keys, self.key_of, self.iids = {}, {}, {}, {}
        with self.watcher.begin() as connection:
            load(connection, Catalogue((Organisation("O"),), (agreement,), (product,)))
            for kind, granted, hardware in MACHINES:
                order = Order(1, "A", granted, kind)
                key = issue(connection, self.secrets, order, now=self.now, actor="tester").key
                self.keys[key.id] = key
                self.accounts[key.id] = Account(granted, hardware, is_host=kind is KeyType.KMS_HOST)
                for number, machine in hardware.items():
                    parts = (1 + HARDWARE.index(machine),) * 8
                    self.key_of[number] = key.id
                    self.iids[number] = type(self).installation(1, key.serial, nonce=number, fingerprint=parts)

    def of(self, number):
        return self.accounts[self.key_of[number]]

    def all(self, what):
        """All that is `held`, or `posted`, of whichever key: by installation."""
        return {number: stay for account in self.accounts.values() for number, stay in getattr(account, what).items()}

    def claim(self, number, holder):
        return Claim(self.iids[number], 2, "text" if holder.startswith("text") else "phone", holder, None)

    @initialize(first=st.integers(0, 4), second=st.integers(5, 8), waits=st.integers(0, 1))
    def two_are_held(self, first, second, waits):
        self.reserve(first, "call-1")
        self.now += timedelta(minutes=waits)
        self.reserve(second, "call-2")

    @rule(number=INSTALLATIONS, holder=HOLDERS, how=st.sampled_from(["reserve", "reserve", "reserve_and_post"]))
    def an_activation_is_asked_for(self, number, holder, how):
        getattr(self, how)(number, holder)

    def reserve(self, number, holder):
        done = self.do(
            lambda connection: ledger.reserve(connection, self.claim(number, holder), now=self.now, hold_for=HOLD)
        )
        if done is DEAD:
            return
        account, until = self.of(number), self.now + HOLD
        if account.never(number):
            assert done == Refused(account.never(number))
        elif number in account.posted:
            assert done == Replay(account.posted[number].reservation, State.POSTED)
        elif number in account.held:
            stay = account.held[number]
            assert done == Replay(stay.reservation, State.PENDING)
            stay.holder, stay.until = holder, max(stay.until, until)
        else:
            basis = account.weigh(number, self.now)
            if isinstance(basis, Refusal):
                assert done == Refused(basis)
            else:
                assert isinstance(done, Reserved)
                assert done.reactivation == basis.again
                account.make(number, done.reservation_id, holder, until, self.now)

    @precondition(lambda self: self.all("held") or self.all("posted"))
    @rule(n=st.integers(0, 8), own=st.booleans())
    def post_what_is_held(self, n, own):
        """By everybody who does not hold it, in vain, and then by whoever does; and what is posted already."""
        known = self.all("held") or self.all("posted")
        number = sorted(known)[n % len(known)]
        stay = known[number]
        for other in NAMES:
            if other != stay.holder:
                self.post(number, stay, other)
        if own:
            self.post(number, stay, stay.holder)

    def post(self, number, stay, holder):
        done = self.do(lambda connection: ledger.post(connection, stay.reservation, holder=holder, now=self.now))
        if done is DEAD:
            return
        if number in self.of(number).posted:
            assert done is Posting.ALREADY_POSTED
        elif stay.holder == holder:
            assert done is Posting.POSTED
            self.of(number).post(number, holder)
        else:
            assert done is Posting.GONE

    @precondition(lambda self: any(account.gone for account in self.accounts.values()))
    @rule(holder=HOLDERS, n=st.integers(0, 9))
    def what_was_given_back_is_posted_or_waited_for(self, holder, n):
        """Too late, both."""
        gone = sorted(set.union(*(account.gone for account in self.accounts.values())))
        late = gone[n % len(gone)]
        done = self.do(lambda connection: ledger.post(connection, late, holder=holder, now=self.now))
        assert done is DEAD or done is Posting.GONE
        done = self.do(lambda connection: ledger.extend(connection, late, self.now + HOLD))
        assert done is DEAD or done is False

    def reserve_and_post(self, number, holder):
        done = self.do(lambda connection: ledger.reserve_and_post(connection, self.claim(number, holder), now=self.now))
        if done is not DEAD:
            self.spent(number, holder, done)

    @rule(numbers=st.lists(INSTALLATIONS, min_size=1, max_size=6), holder=HOLDERS)
    def a_batch(self, numbers, holder):
        claims = [self.claim(number, holder) for number in numbers]
        done = self.do(lambda connection: reserve_and_post_many(connection, claims, now=self.now))
        if done is DEAD:
            return
        assert len(done) == len(numbers)
        for number, each in zip(numbers, done, strict=True):
            self.spent(number, holder, each)

    def spent(self, number, holder, done):
        """What an activation that is spent at once must have answered."""
        account = self.of(number)
        if account.never(number):
            assert done == Refused(account.never(number))
        elif number in account.standing:
            assert isinstance(done, Activated)
            assert done.reservation.id == account.standing[number].reservation
            assert done.replay == (number in account.posted)
            if number in account.held:
                account.post(number, holder)
        else:
            basis = account.weigh(number, self.now)
            if isinstance(basis, Refusal):
                assert done == Refused(basis)
            else:
                assert isinstance(done, Activated)
                assert (done.reservation.basis, done.replay) == (basis, False)
                account.make(number, done.reservation.id, holder, None, self.now)

    @rule(number=INSTALLATIONS)
    def release(self, number):
        """Its machine is lost; to say so twice, or of another, changes nothing."""
        by, key = By("tester", reason="lost"), self.keys[self.key_of[number]]

        def deed(connection):
            standing = returning.standing_of(connection, self.iids[number])
            return returning.release(connection, key, standing, by=by, now=self.now)

        done, account = self.do(deed), self.of(number)
        if done is DEAD:
            return
        if number in account.dead:
            assert isinstance(done, GivenBack)
            assert (done.reservation_id, done.before) == (account.dead[number].reservation, True)
        elif number in account.posted:
            assert isinstance(done, GivenBack)
            assert (done.reservation_id, done.before) == (account.posted[number].reservation, False)
            account.come_back(number)
        else:
            assert done is ReturnFault.NOT_ACTIVATED

    @rule(first=st.integers(0, 4), second=st.integers(5, 8))
    def two_holds_run_out_one_after_the_other(self, first, second):
        """And are swept one at a time."""
        for number in (first, second):
            self.reserve(number, "call-1")
            self.now += timedelta(minutes=1)
        self.sweep(1, waits=True)

    @precondition(lambda self: self.all("held"))
    @rule(n=st.integers(0, 8), holder=HOLDERS)
    def who_waits_for_a_person_comes_by_another_channel(self, n, holder):
        """What is held for longer than a hold is, is taken over."""
        held = self.all("held")
        self.wait_for_a_person(n, 60)
        self.reserve(sorted(held)[n % len(held)], holder)

    @rule(order=st.permutations(range(4)))
    def a_machine_comes_again_and_again(self, order):
        """Allowed by its key each time; and not by what bounds a machine."""
        for number in order:
            self.grant_more()
            self.reserve_and_post(number, "call-2")

    @rule(n=st.integers(0, 8), other=HOLDERS)
    def hang_up(self, n, other):
        """Mostly of a call that holds something."""
        holders = sorted({stay.holder for stay in self.all("held").values()} or {other})
        holder = holders[n % len(holders)]
        done = self.do(lambda connection: ledger.void_held(connection, holder, now=self.now, reason="hang-up"))
        if done is DEAD:
            return
        mine = [number for number, stay in self.all("held").items() if stay.holder == holder]
        assert done == len(mine)
        self.lapse(mine, Kind.VOID)

    def lapse(self, numbers, kind):
        for key_id, account in self.accounts.items():
            account.lapse([number for number in numbers if self.key_of[number] == key_id], kind)

    @rule(limit=st.sampled_from([1, 1, 3]), waits=st.booleans())
    def sweep(self, limit, waits):
        if waits:
            self.now += HOLD + timedelta(minutes=1)
        held = self.all("held")

        def deed(connection):
            swept = ledger.expire(connection, now=self.now, limit=limit)
            found = {number: ledger.find(connection, stay.reservation) for number, stay in held.items()}
            assert None not in found.values(), "held, and nowhere"
            return swept, [number for number, one in found.items() if one.state is State.EXPIRED]

        done = self.do(deed)
        if done is DEAD:
            return
        swept, lapsed = done
        due = sorted(stay.until for stay in held.values() if stay.until <= self.now)
        assert swept == len(lapsed)
        assert sorted(held[number].until for number in lapsed) == due[:limit], "the oldest first"
        self.lapse(lapsed, Kind.EXPIRE)

    @precondition(lambda self: self.all("held"))
    @rule(n=st.integers(0, 8), minutes=st.integers(0, 60))
    def wait_for_a_person(self, n, minutes):
        held = self.all("held")
        stay = held[sorted(held)[n % len(held)]]
        until = self.now + timedelta(minutes=minutes)
        done = self.do(lambda connection: ledger.extend(connection, stay.reservation, until))
        if done is not DEAD:
            assert done
            stay.until = until

    @rule(number=INSTALLATIONS, what=st.sampled_from(["grants", "blocks"]))
    def an_administrator(self, number, what):
        if what == "grants":
            self.grant_more()
        else:
            self.block_or_open_the_key(number)
            if self.of(number).blocked:  # mostly it is open: there is more to see
                self.reserve(number, "call-1")
                self.reserve_and_post(number, "call-1")
                self.block_or_open_the_key(number)

    def block_or_open_the_key(self, number):
        account, key = self.of(number), self.keys[self.key_of[number]]
        act, kind = (unblock, Kind.UNBLOCK) if account.blocked else (block, Kind.BLOCK)
        done = self.do(lambda connection: act(connection, key, now=self.now, actor="tester", reason="test"))
        if done is not DEAD:
            assert done
            account.blocked = not account.blocked
            account.say(kind)

    def grant_more(self):
        key = self.keys[self.key_of[0]]
        done = self.do(lambda connection: grant(connection, key, 1, now=self.now, actor="tester"))
        if done is not DEAD:
            self.of(0).say(Kind.GRANT, 1)

    @invariant()
    def the_counters_and_every_entry_are_the_model_s(self):
        told = ("kind", "reservation_id", "granted", "pending", "posted", "holder")
        with self.watcher.read() as connection:
            entries = of_key(connection, limit=10_000)
            balances = {key_id: ledger.balance(connection, key_id) for key_id in self.accounts}
        for key_id, account in self.accounts.items():
            held, posted = account.taken(account.held), account.taken(account.posted)
            assert balances[key_id] == ledger.Balance(account.granted, held, posted)
            journal = [entry for entry in entries if entry["key_id"] == key_id]
            assert [tuple(entry[name] for name in told) for entry in journal] == account.journal

    @invariant()
    def every_installation_stands_as_it_should_and_nothing_is_told_unposted(self):
        with self.watcher.read() as connection:
            rows = connection.execute(select(*STORED, reservations.c.expires_at)).all()
        found = {row.id: stored(row) for row in rows}
        until = {row.id: row.expires_at for row in rows}
        known = [stay.reservation for what in ("held", "posted", "dead") for stay in self.all(what).values()]
        assert found.keys() >= {*known, *(one for account in self.accounts.values() for one in account.gone)}, "nowhere"
        for number, stay in self.all("posted").items():
            assert len(ledger.confirmation_of(found.pop(stay.reservation), self.iids[number], self.secrets)) == 8
        for number, stay in self.all("held").items():
            assert (found[stay.reservation].holder, until[stay.reservation]) == (stay.holder, stay.until)
            with suppress(ConfirmationError):
                ledger.confirmation_of(found.pop(stay.reservation), self.iids[number], self.secrets)
                raise AssertionError("told, and not posted")
        for account in self.accounts.values():
            for reservation in account.gone:
                assert found.pop(reservation).state in {State.VOIDED, State.EXPIRED}
            for stay in account.dead.values():
                assert found.pop(stay.reservation).state is State.RETURNED
        assert found == {}

    def teardown(self):
        try:
            with self.watcher.read() as connection:
                assert ledger.recount(connection) == ()
                assert reactivation.recount(connection) == ()
                assert hosts.recount_hosts(connection) == ()
        finally:
            super().teardown()
