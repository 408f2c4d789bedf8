"""Two transactions in each other's way, step by step: the second waits for the first and then sees what it did.

On PostgreSQL only: SQLite lets one writer in at a time.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from keys import ledger, seals, verify
from keys.holds import void_held, void_key
from keys.installation_id import digest
from keys.ledger import Activated, Claim, Posting, Refused, Replay, Reserved, State
from keys.refusals import Refusal
from tests.conftest import NOW

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
HOLD = timedelta(minutes=15)
either_way = pytest.mark.parametrize("trusting", [False, True], ids=["careful", "trusting"])


def claim_of(iid, holder):
    return Claim(iid, 2, "phone", holder, None)


def interleaved(database, first, second, *, kept=True, meanwhile=None, trusting=False):
    """Run `first`, start `second` and let it run into the first one's locks, then end the first; both answers.

    `meanwhile` is what the first does yet while the second waits; a trusting second may take for granted what it sees.
    """

    def run_second():
        if trusting:
            return database.carry_out(second)
        with database.begin() as connection:
            return second(connection)

    with ThreadPoolExecutor(1) as pool:
        connection = database.engine.connect()
        begun = connection.begin()
        try:
            answer = first(connection)
            waiting = pool.submit(run_second)
            await_lock(database)
            assert not waiting.done()
            if meanwhile is not None:
                meanwhile(connection)
        finally:
            (begun.commit if kept else begun.rollback)()
            connection.close()
        return answer, waiting.result(timeout=10)


def await_lock(database):
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(500):
        with database.read() as connection:
            if connection.execute(query).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("the second never had to wait")


def reserve(iid, holder):
    return lambda connection: ledger.reserve(connection, claim_of(iid, holder), now=NOW, hold_for=HOLD)


def activate(iid, holder):
    return lambda connection: ledger.reserve_and_post(connection, claim_of(iid, holder), now=NOW)


def hold(database, iid, holder):
    with database.begin() as connection:
        return ledger.reserve(connection, claim_of(iid, holder), now=NOW, hold_for=HOLD).reservation_id


def balance(database, key):
    with database.read() as connection:
        assert ledger.recount(connection) == ()
        return ledger.balance(connection, key.id)


@either_way
def test_a_twin_that_comes_while_the_first_is_still_at_it_gets_the_first_one_s_reservation(
    database, issue_key, installation, trusting
):
    key = issue_key(granted=1).key
    iid = installation(1, key.serial)
    first, twin = interleaved(database, activate(iid, "call-1"), activate(iid, "call-1"), trusting=trusting)
    assert (first.replay, twin.replay) == (False, True)
    assert first.reservation.id == twin.reservation.id
    assert balance(database, key) == ledger.Balance(1, 0, 1)


@either_way
def test_a_twin_of_a_turn_that_failed_takes_its_place(database, issue_key, installation, trusting):
    key = issue_key(granted=1).key
    iid = installation(1, key.serial)
    _, twin = interleaved(database, activate(iid, "call-1"), activate(iid, "call-1"), kept=False, trusting=trusting)
    assert isinstance(twin, Activated)
    assert not twin.replay
    assert balance(database, key) == ledger.Balance(1, 0, 1)


@either_way
@pytest.mark.parametrize("wish", [reserve, activate])
def test_the_last_one_is_not_promised_twice(database, issue_key, installation, wish, trusting):
    key = issue_key(granted=1).key
    one, other = installation(1, key.serial, nonce=1), installation(1, key.serial, nonce=2)
    first, second = interleaved(database, activate(one, "call-1"), wish(other, "call-2"), trusting=trusting)
    assert isinstance(first, Activated)
    assert second == Refused(Refusal.ALLOWANCE_EXHAUSTED)
    assert balance(database, key) == ledger.Balance(1, 0, 1)


@either_way
def test_the_last_one_goes_to_the_second_if_the_first_lets_go(database, issue_key, installation, trusting):
    key = issue_key(granted=1).key
    one, other = installation(1, key.serial, nonce=1), installation(1, key.serial, nonce=2)
    wishes = activate(one, "call-1"), activate(other, "call-2")
    _, second = interleaved(database, *wishes, kept=False, trusting=trusting)
    assert isinstance(second, Activated)
    assert balance(database, key) == ledger.Balance(1, 0, 1)


@pytest.mark.parametrize("gone", ["hang-up", "sweep"])
@pytest.mark.parametrize("wish", [reserve, activate])
def test_a_hold_that_goes_while_it_is_being_taken_over_is_taken_anew(database, mak, installation, gone, wish):
    iid = installation(1, mak.key.serial)
    before = hold(database, iid, "call-1")

    def give_back(connection):
        if gone == "sweep":
            return ledger.expire(connection, now=NOW + HOLD)
        return ledger.void_held(connection, "call-1", now=NOW, reason="hang-up")

    given_back, done = interleaved(database, give_back, wish(iid, "text-1"))
    assert given_back == 1
    if wish is activate:
        assert done.reservation.id != before
        assert balance(database, mak.key) == ledger.Balance(10, 0, 1)
    else:
        assert isinstance(done, Reserved)
        assert done.reservation_id != before
        assert balance(database, mak.key) == ledger.Balance(10, 1, 0)


def test_a_hang_up_that_comes_while_the_answer_is_being_posted_gives_nothing_back(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = hold(database, iid, "call-1")
    posted, given_back = interleaved(
        database,
        lambda connection: ledger.post(connection, held, holder="call-1", now=NOW),
        lambda connection: ledger.void_held(connection, "call-1", now=NOW, reason="hang-up"),
    )
    assert (posted, given_back) == (Posting.POSTED, 0)
    assert balance(database, mak.key) == ledger.Balance(10, 0, 1)


def test_a_hold_taken_over_while_its_first_holder_hangs_up_stays(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = hold(database, iid, "call-1")
    over, given_back = interleaved(
        database,
        reserve(iid, "text-1"),
        lambda connection: ledger.void_held(connection, "call-1", now=NOW, reason="hang-up"),
    )
    assert (over, given_back) == (Replay(held, State.PENDING), 0)


def test_two_who_post_one_hold_post_it_once(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = hold(database, iid, "call-1")

    def post(connection):
        return ledger.post(connection, held, holder="call-1", now=NOW)

    assert interleaved(database, post, post) == (Posting.POSTED, Posting.ALREADY_POSTED)
    assert balance(database, mak.key) == ledger.Balance(10, 0, 1)


def test_a_sweep_passes_over_what_is_being_posted_at_this_moment(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = hold(database, iid, "call-1")
    with database.begin() as posting, database.begin() as sweeping:
        assert ledger.post(posting, held, holder="call-1", now=NOW + HOLD) is Posting.POSTED
        assert ledger.expire(sweeping, now=NOW + HOLD) == 0
    assert balance(database, mak.key) == ledger.Balance(10, 0, 1)


def test_two_passes_that_seal_at_once_make_one_chain(database, mak, secrets, installation):
    with database.begin() as connection:
        activate(installation(1, mak.key.serial), "call-1")(connection)

    def seal(connection):
        return seals.seal(connection, secrets.ledger_key, limit=2)

    assert interleaved(database, seal, seal) == (2, 1)
    with database.read() as connection:
        assert verify.verify(connection, secrets) == verify.Report(3, 0, 0, ())


@pytest.mark.parametrize("giving_back", ["a hang-up", "a key that is replaced"])
def test_what_is_given_back_is_locked_in_the_order_in_which_many_are_posted(
    database, issue_key, installation, giving_back
):
    """Whoever locked the last one first would wait for a batch that has the first, and the batch for it, for ever."""
    key = issue_key(granted=9).key
    iids = [installation(1, key.serial, nonce=nonce) for nonce in range(9)]
    ordered = sorted(iids, key=digest)
    holds = {iid: hold(database, iid, "call-1") for iid in reversed(ordered)}

    def locked(iid):
        taken = text("UPDATE reservations SET channel = 'proxy' WHERE id = :id")
        return lambda connection: connection.execute(taken, {"id": holds[iid]})

    def give_back(connection):
        if giving_back == "a hang-up":
            return void_held(connection, "call-1", now=NOW, reason="hung up")
        return void_key(connection, key.id, now=NOW, reason="key replaced")

    _, given_back = interleaved(database, locked(ordered[0]), give_back, meanwhile=locked(ordered[-1]))
    assert given_back == 9
    assert balance(database, key) == ledger.Balance(9, 0, 0)
