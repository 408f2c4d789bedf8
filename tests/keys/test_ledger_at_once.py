"""Many callers at once, on both databases: never more than granted, never an answer twice for one."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from keys import ledger, seals, verify
from keys.database import Database
from keys.entries import Kind, of_key
from keys.issue import Order, Wanted, issue, listed
from keys.ledger import Activated, Claim, Refused, State
from keys.refusals import Refusal
from tests.conftest import NOW

CALLERS = 40


@pytest.fixture
def busy(database_url):
    """A database that is patient enough for forty callers on a small machine."""
    opened = Database(database_url, patience=60, connections=20)
    yield opened
    opened.close()


def sound(database, secrets):
    """Seal everything, from two sides at once, and prove it."""

    def pass_over():
        with database.begin() as connection:
            return seals.seal(connection, secrets.ledger_key, limit=50)

    with ThreadPoolExecutor(2) as pool:
        while any(pool.map(lambda _: pass_over(), range(2))):
            pass
    with database.read() as connection:
        return verify.verify(connection, secrets)


def test_forty_callers_each_twice_for_a_key_of_ten(busy, mak, secrets, installation):
    start = threading.Barrier(CALLERS)

    def call(number):
        iid = installation(1, mak.key.serial, nonce=number)
        claim = Claim(iid, 2, "phone", f"call-{number}", None)
        start.wait()
        return [busy.carry_out(lambda connection: activated(connection, claim)) for _ in range(2)]

    def activated(connection, claim):
        done = ledger.reserve_and_post(connection, claim, now=NOW)
        if isinstance(done, Activated):
            return ledger.confirmation(connection, done.reservation.id, claim.iid, secrets)
        return done

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(call, range(CALLERS)))
    assert all(first == second for first, second in answers)
    refused = [first for first, _ in answers if isinstance(first, Refused)]
    assert refused == [Refused(Refusal.ALLOWANCE_EXHAUSTED)] * 30
    told = [first for first, _ in answers if not isinstance(first, Refused)]
    assert len(set(told)) == 10
    report = sound(busy, secrets)
    assert report.sound
    assert (report.sealed, report.unsealed) == (21, 0)
    with busy.read() as connection:
        assert ledger.balance(connection, mak.key.id) == ledger.Balance(10, 0, 10)


def test_forty_deliveries_of_one_installation_take_one(busy, mak, installation):
    start = threading.Barrier(CALLERS)
    iid = installation(1, mak.key.serial)

    def call(number):
        start.wait()
        claim = Claim(iid, 2, "phone", f"call-{number}", None)
        return busy.carry_out(lambda connection: ledger.reserve_and_post(connection, claim, now=NOW))

    with ThreadPoolExecutor(CALLERS) as pool:
        done = list(pool.map(call, range(CALLERS)))
    assert len({one.reservation.id for one in done}) == 1
    assert Counter(one.replay for one in done) == {False: 1, True: CALLERS - 1}
    with busy.read() as connection:
        assert ledger.balance(connection, mak.key.id) == ledger.Balance(10, 0, 1)


def test_calls_hang_ups_sweeps_and_second_channels_at_once_keep_every_sum(busy, mak, secrets, installation):
    """Twelve threads do what they like with sixteen installations of a key of ten, half of them out of time.

    Some take for granted what they have seen, and some do not.
    """
    iids = [installation(1, mak.key.serial, nonce=nonce) for nonce in range(16)]
    told: list[tuple[int, int]] = []
    lock = threading.Lock()

    def wander(seed):
        dice = random.Random(seed)
        holder = f"holder-{seed % 8}"
        for step in range(25):
            now = NOW + timedelta(minutes=step * dice.randrange(3))
            number = dice.randrange(len(iids))
            claim = Claim(iids[number], 2, dice.choice(["phone", "text"]), holder, None)
            deed = wished(dice.randrange(5), claim, now)
            if dice.randrange(2):
                done = busy.carry_out(deed)
            else:
                with busy.begin() as connection:
                    done = deed(connection)
            if isinstance(done, Activated):
                with lock:
                    told.append((number, done.reservation.id))

    def wished(what, claim, now):
        match what:
            case 0 | 1:
                return lambda connection: ledger.reserve(connection, claim, now=now, hold_for=timedelta(minutes=5))
            case 2:
                return lambda connection: ledger.reserve_and_post(connection, claim, now=now)
            case 3:
                return lambda connection: ledger.void_held(connection, claim.holder, now=now, reason="hang-up")
            case _:
                return lambda connection: ledger.expire(connection, now=now, limit=3)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(wander, range(12)))
    assert told
    assert len({number for number, _ in told}) == len(set(told))  # one reservation an installation, ever
    report = sound(busy, secrets)
    assert report.sound
    with busy.read() as connection:
        posted = [
            entry["reservation_id"]
            for entry in of_key(connection, mak.key.id, limit=10_000)
            if entry["kind"] == Kind.POST
        ]
        assert len(posted) == len(set(posted))
        assert {reservation for _, reservation in told} == set(posted)
        assert all(ledger.find(connection, reservation).state is State.POSTED for reservation in posted)
        assert ledger.balance(connection, mak.key.id).posted == len(posted) <= 10


def test_keys_issued_at_once_get_serials_of_their_own(busy, catalogue, secrets):
    agreement = catalogue.agreements[0].number

    def one(_):
        with busy.begin() as connection:
            return issue(connection, secrets, Order(1, agreement, 5), now=NOW, actor="tester").key.serial

    with ThreadPoolExecutor(8) as pool:
        serials = sorted(pool.map(one, range(24)))
    assert serials == list(range(1, 25))
    with busy.read() as connection:
        assert len(listed(connection, Wanted(1))) == 24
