"""Any order of reserve, post, hang-up, sweep and a second channel, against a model small enough to be believed.

The model knows, for each installation, whether it is free, held (by whom, until when) or posted. Whatever order is
tried: answers and counters are the model's, nothing is told that was not posted, nothing is posted twice.
"""

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from keys import ledger
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.database import Database
from keys.entries import Kind, of_key
from keys.issue import Order, block, issue, unblock
from keys.ledger import Activated, Claim, ConfirmationError, Posting, Refused, Replay, Reserved, State
from keys.products import Product
from keys.refusals import Refusal
from tests.conftest import NOW

GRANTED = 2
HOLD = timedelta(minutes=10)
INSTALLATIONS = st.integers(0, 3)
HOLDERS = st.sampled_from(["call-1", "call-2", "text-1"])


class Ledger(RuleBasedStateMachine):
    """What may happen, one transaction each; `free` installations are not in `held` nor in `posted`."""

    template: Path
    secrets: object
    installation: object

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="touchtone-ledger-"))
        file = self.folder / "ledger.db"
        shutil.copy(self.template, file)
        self.database = Database(f"sqlite:///{file}")
        agreement = Agreement("A", "O", "volume", NOW.date())
        with self.database.begin() as connection:
            load(connection, Catalogue((Organisation("O"),), (agreement,), (Product(1, "P", 1, 8),)))
            self.key = issue(connection, self.secrets, Order(1, "A", GRANTED), now=NOW, actor="tester").key
        self.iids = [type(self).installation(1, self.key.serial, nonce=nonce) for nonce in range(4)]
        self.now = NOW
        self.blocked = False
        self.held = {}  # installation: (holder, until, reservation)
        self.posted = {}  # installation: reservation
        self.gone = set()  # reservations that were given back

    def teardown(self):
        self.database.close()
        shutil.rmtree(self.folder)

    def room(self):
        return GRANTED - len(self.held) - len(self.posted)

    def claim(self, number, holder):
        return Claim(self.iids[number], 2, "text" if holder.startswith("text") else "phone", holder, None)

    @rule(number=INSTALLATIONS, holder=HOLDERS)
    def reserve(self, number, holder):
        with self.database.begin() as connection:
            done = ledger.reserve(connection, self.claim(number, holder), now=self.now, hold_for=HOLD)
        until = self.now + HOLD
        if self.blocked:
            assert done == Refused(Refusal.KEY_BLOCKED)
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

    @rule(number=INSTALLATIONS, holder=HOLDERS)
    def post_what_is_held(self, number, holder):
        known = self.held.get(number, (None, None, self.posted.get(number)))[2]
        if known is None:
            return
        with self.database.begin() as connection:
            done = ledger.post(connection, known, holder=holder, now=self.now)
        if number in self.posted:
            assert done is Posting.ALREADY_POSTED
        elif self.held[number][0] == holder:
            assert done is Posting.POSTED
            self.posted[number] = self.held.pop(number)[2]
        else:
            assert done is Posting.GONE

    @rule(number=INSTALLATIONS, holder=HOLDERS)
    def reserve_and_post(self, number, holder):
        with self.database.begin() as connection:
            done = ledger.reserve_and_post(connection, self.claim(number, holder), now=self.now)
        if self.blocked:
            assert done == Refused(Refusal.KEY_BLOCKED)
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

    @rule(holder=HOLDERS)
    def hang_up(self, holder):
        mine = [number for number, (who, _, _) in self.held.items() if who == holder]
        with self.database.begin() as connection:
            assert ledger.void_held(connection, holder, now=self.now, reason="hang-up") == len(mine)
        for number in mine:
            self.gone.add(self.held.pop(number)[2])

    @rule(limit=st.integers(1, 3))
    def sweep(self, limit):
        due = sorted((until, number) for number, (_, until, _) in self.held.items() if until <= self.now)
        with self.database.begin() as connection:
            swept = ledger.expire(connection, now=self.now, limit=limit)
            assert swept == min(limit, len(due))
            for _, number in due:
                reservation = self.held[number][2]
                if ledger.find(connection, reservation).state is State.EXPIRED:
                    self.gone.add(self.held.pop(number)[2])

    @rule(number=INSTALLATIONS, minutes=st.integers(0, 60))
    def wait_for_a_person(self, number, minutes):
        if number not in self.held:
            return
        holder, _, reservation = self.held[number]
        until = self.now + timedelta(minutes=minutes)
        with self.database.begin() as connection:
            assert ledger.extend(connection, reservation, until)
        self.held[number] = (holder, until, reservation)

    @rule(minutes=st.integers(1, 30))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule()
    def block_or_open_the_key(self):
        act = unblock if self.blocked else block
        with self.database.begin() as connection:
            assert act(connection, self.key, now=self.now, actor="tester", reason="test")
        self.blocked = not self.blocked

    @invariant()
    def the_counters_are_the_model_s_and_the_sums_of_the_entries(self):
        with self.database.read() as connection:
            balance = ledger.balance(connection, self.key.id)
            assert balance == ledger.Balance(GRANTED, len(self.held), len(self.posted))
            assert ledger.recount(connection) == ()

    @invariant()
    def nothing_is_told_unposted_and_nothing_is_posted_twice(self):
        with self.database.read() as connection:
            entries = of_key(connection, self.key.id, limit=10_000)
            posts = Counter(entry["reservation_id"] for entry in entries if entry["kind"] == Kind.POST)
            assert posts == dict.fromkeys(self.posted.values(), 1)
            for number, reservation in self.posted.items():
                assert len(ledger.confirmation(connection, reservation, self.iids[number], self.secrets)) == 8
            for number, (_, _, reservation) in self.held.items():
                with pytest.raises(ConfirmationError):
                    ledger.confirmation(connection, reservation, self.iids[number], self.secrets)
            for reservation in self.gone:
                assert ledger.find(connection, reservation).state in {State.VOIDED, State.EXPIRED}


def test_every_order_of_events_keeps_to_the_model(sqlite_template, secrets, installation):
    Ledger.template = sqlite_template
    Ledger.secrets = secrets
    Ledger.installation = staticmethod(installation)
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
