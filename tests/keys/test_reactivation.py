"""The same machine again: free so many times, counted, bounded, renewed; and test keys, which spend nothing."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from keys import ledger, reactivation
from keys.database import Database
from keys.entries import Kind, of_key
from keys.issue import Order, issue
from keys.ledger import Activated, Refused
from keys.ledger_many import reserve_and_post_many
from keys.products import find_product, products
from keys.reactivation import Machine, Standing, reactivations
from keys.refusals import Refusal
from keys.reservations import Basis
from tests.conftest import NOW
from tests.keys.claims import activate, balance, claim_of, reserve


def allow(database, **policy):
    with database.begin() as connection:
        connection.execute(update(products).values(**policy))


def again(database, installation, key, nonces, now=NOW):
    """The bases of one machine's activations, or why they were refused."""
    done = [activate(database, installation(1, key.serial, nonce=nonce), now=now) for nonce in nonces]
    return [one.refusal if isinstance(one, Refused) else one.reservation.basis for one in done]


def test_the_same_installation_again_is_free_and_answered_from_the_same_reservation(database, mak, installation):
    first, second = (activate(database, installation(1, mak.key.serial)) for _ in range(2))
    assert (second.replay, second.reservation) == (True, first.reservation)
    assert balance(database, mak.key) == (0, 1, 9)


def test_so_many_are_free_and_the_next_are_counted_until_there_were_enough(database, mak, installation):
    allow(database, free_reactivations=2, most_reactivations=3)
    assert again(database, installation, mak.key, range(6)) == [
        Basis.FIRST,
        Basis.FREE,
        Basis.FREE,
        Basis.REACTIVATION,
        Refusal.TOO_MANY_REACTIVATIONS,
        Refusal.TOO_MANY_REACTIVATIONS,
    ]
    assert balance(database, mak.key) == (0, 2, 8)


def test_another_machine_of_the_same_key_has_a_count_of_its_own(database, mak, installation):
    allow(database, free_reactivations=1, most_reactivations=1)
    assert again(database, installation, mak.key, range(3))[2] is Refusal.TOO_MANY_REACTIVATIONS
    other = [
        activate(database, installation(1, mak.key.serial, nonce=nonce, fingerprint=(9,) * 8)).reservation.basis
        for nonce in range(2)
    ]
    assert other == [Basis.FIRST, Basis.FREE]


def test_a_period_that_is_over_begins_anew(database, mak, installation):
    allow(database, free_reactivations=1, most_reactivations=1, period_days=30)
    assert again(database, installation, mak.key, [0, 1, 2])[1:] == [Basis.FREE, Refusal.TOO_MANY_REACTIVATIONS]
    eve = NOW + timedelta(days=30) - timedelta(seconds=1)
    assert again(database, installation, mak.key, [3], eve) == [Refusal.TOO_MANY_REACTIVATIONS]
    assert again(database, installation, mak.key, [4, 5], NOW + timedelta(days=30)) == [
        Basis.FREE,
        Refusal.TOO_MANY_REACTIVATIONS,
    ]


@pytest.mark.parametrize("many", [False, True], ids=["alone", "among many"])
def test_whose_clock_is_behind_where_a_period_begins_counts_in_it_and_brings_no_older_hold_along(
    database, mak, installation, many
):
    allow(database, free_reactivations=0, most_reactivations=2, period_days=30)
    again(database, installation, mak.key, [0, 1])
    eve, ahead = (NOW + timedelta(days=30, seconds=seconds) for seconds in (-1, 1))
    assert reserve(database, installation(1, mak.key.serial, nonce=2), eve, holder="call-2").reactivation
    assert again(database, installation, mak.key, [3], ahead) == [Basis.REACTIVATION]
    behind, late = eve - timedelta(seconds=1), installation(1, mak.key.serial, nonce=4)
    with database.begin() as connection:
        if many:
            (done,) = reserve_and_post_many(connection, [claim_of(late)], now=behind)
        else:
            done = ledger.reserve_and_post(connection, claim_of(late), now=behind)
        assert done.reservation.basis is Basis.REACTIVATION
        assert reactivation.recount(connection) == ()
        ledger.void_held(connection, "call-2", now=ahead, reason="hang-up")
        assert reactivation.recount(connection) == ()
    assert again(database, installation, mak.key, [5], ahead) == [Refusal.TOO_MANY_REACTIVATIONS]


def test_on_an_exhausted_key_a_free_one_is_still_given_and_a_counted_one_is_not(database, issue_key, installation):
    allow(database, free_reactivations=1)
    key = issue_key(granted=1).key
    assert again(database, installation, key, range(3)) == [Basis.FIRST, Basis.FREE, Refusal.ALLOWANCE_EXHAUSTED]


@pytest.fixture
def lift(database, mak, installation):
    """Anna allows the machine one reactivation more; whether she could."""

    def allowed(now=NOW):
        by = {"now": now, "actor": "Anna Berg", "reason": "a broken disk"}
        with database.begin() as connection:
            product, iid = find_product(connection, 1), installation(1, mak.key.serial)
            return reactivation.lift(connection, mak.key, product, iid, 1, **by)

    return allowed


def standing(database, key, iid, now=NOW):
    with database.read() as connection:
        return reactivation.standing(connection, key, find_product(connection, 1), iid, now)


def test_a_person_may_allow_a_machine_more_for_this_period(database, mak, installation, lift):
    allow(database, most_reactivations=1, period_days=30)
    iid = installation(1, mak.key.serial)
    assert again(database, installation, mak.key, [1, 2, 3])[2] is Refusal.TOO_MANY_REACTIVATIONS
    assert standing(database, mak.key, iid) == Standing(1, 1, NOW + timedelta(days=30))
    assert lift()
    assert standing(database, mak.key, iid) == Standing(1, 2, NOW + timedelta(days=30))
    assert again(database, installation, mak.key, [4, 5]) == [Basis.REACTIVATION, Refusal.TOO_MANY_REACTIVATIONS]
    with database.read() as connection:
        entry = [entry for entry in of_key(connection, mak.key.id) if entry["actor"] == "Anna Berg"]
    assert [(one["kind"], one["granted"], one["details"]) for one in entry] == [(Kind.GRANT, 0, '{"reactivations": 1}')]
    later = NOW + timedelta(days=31)
    assert standing(database, mak.key, iid, later) is None
    assert again(database, installation, mak.key, [6, 7], later)[1] is Refusal.TOO_MANY_REACTIVATIONS


def test_nobody_is_allowed_more_who_has_not_come_to_the_bound(database, mak, installation, lift):
    iid = installation(1, mak.key.serial)
    assert not lift(), "a machine that was never activated"
    again(database, installation, mak.key, [1, 2, 3])
    assert (standing(database, mak.key, iid), lift()) == (None, False), "a product without a bound"
    allow(database, most_reactivations=2, period_days=30)
    assert lift()
    assert not lift(), "of two who allow it at once, one does"
    assert not lift(NOW + timedelta(days=30)), "its period is over, and with it the bound"
    assert again(database, installation, mak.key, [4, 5]) == [Basis.REACTIVATION, Refusal.TOO_MANY_REACTIVATIONS]
    with database.read() as connection:
        assert reactivation.recount(connection) == ()


def test_of_many_who_allow_it_at_once_one_does(database, mak, installation, lift):
    allow(database, most_reactivations=1)
    again(database, installation, mak.key, [1, 2])
    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(lambda _: lift(), range(6))) == [False] * 5 + [True]
    assert again(database, installation, mak.key, [3, 4]) == [Basis.REACTIVATION, Refusal.TOO_MANY_REACTIVATIONS]


def test_a_hold_that_is_given_back_gives_back_its_count(database, mak, installation):
    allow(database, free_reactivations=1, most_reactivations=1)
    activate(database, installation(1, mak.key.serial))
    for nonce in (2, 3, 4):
        assert reserve(database, installation(1, mak.key.serial, nonce=nonce)).reactivation
        assert balance(database, mak.key) == (0, 1, 9)
        with database.begin() as connection:
            ledger.void_held(connection, "call-1", now=NOW, reason="hang-up")
            assert reactivation.recount(connection) == ()
    assert again(database, installation, mak.key, [5]) == [Basis.FREE]


DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_in_its_last_month_an_activation_is_renewed_for_nothing_once_a_term(database, issue_key, installation):
    allow(database, term_months=1)
    key = issue_key(granted=2).key
    assert again(database, installation, key, [1]) == [Basis.FIRST]  # in November, good to the end of December
    assert again(database, installation, key, [2]) == [Basis.REACTIVATION]  # too early
    assert again(database, installation, key, [3], DECEMBER) == [Basis.RENEWAL]
    assert again(database, installation, key, [4], DECEMBER) == [Refusal.ALLOWANCE_EXHAUSTED]  # and not twice
    assert again(database, installation, key, [5], DECEMBER + timedelta(days=400)) == [Basis.RENEWAL]
    assert balance(database, key) == (0, 2, 0)


def test_a_renewal_that_is_held_is_not_had_a_second_time(database, issue_key, installation):
    allow(database, term_months=1)
    key = issue_key(granted=2).key
    again(database, installation, key, [1])
    reserve(database, installation(1, key.serial, nonce=2), now=DECEMBER)
    assert again(database, installation, key, [3], DECEMBER) == [Basis.REACTIVATION]


def test_a_renewal_that_was_held_and_given_back_may_be_had_again(database, issue_key, installation):
    allow(database, term_months=1)
    key = issue_key(granted=1).key
    again(database, installation, key, [1])
    for nonce in (2, 3):
        assert reserve(database, installation(1, key.serial, nonce=nonce), now=DECEMBER).reservation_id
        with database.begin() as connection:
            ledger.void_held(connection, "call-1", now=DECEMBER, reason="hang-up")
    assert again(database, installation, key, [4], DECEMBER) == [Basis.RENEWAL]


@pytest.mark.usefixtures("catalogue")
def test_a_test_key_spends_nothing_and_what_it_activates_ends_with_next_month(database, secrets, installation):
    with database.begin() as connection:
        order = Order(1, "NS-1", 0, test=True)
        key = issue(connection, secrets, order, now=NOW, actor="tester").key
    done = [activate(database, installation(1, key.serial, nonce=nonce)) for nonce in range(3)]
    assert [one.reservation.basis for one in done] == [Basis.TEST] * 3
    assert {one.reservation.valid_until for one in done} == {11}  # December 2026
    assert balance(database, key) == (0, 0, 0)


@pytest.fixture
def busy(database_url):
    opened = Database(database_url, patience=60, connections=20)
    yield opened
    opened.close()


def test_of_twenty_at_once_on_one_machine_exactly_so_many_are_free_and_so_many_in_all(busy, issue_key, installation):
    allow(busy, free_reactivations=3, most_reactivations=8)
    key = issue_key(granted=20).key
    activate(busy, installation(1, key.serial, nonce=99))
    start = threading.Barrier(20)

    def call(number):
        iid = installation(1, key.serial, nonce=number)
        start.wait()
        if number % 2:
            return activate(busy, iid, holder=f"call-{number}")
        with busy.begin() as connection:
            return reserve_and_post_many(connection, [claim_of(iid)], now=NOW)[0]

    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(call, range(20)))
    made = Counter(one.reservation.basis if isinstance(one, Activated) else one.refusal for one in done)
    assert made == {Basis.FREE: 3, Basis.REACTIVATION: 5, Refusal.TOO_MANY_REACTIVATIONS: 12}
    assert balance(busy, key) == (0, 6, 14)
    with busy.read() as connection:
        assert reactivation.recount(connection) == ()


def test_the_database_itself_forbids_more_than_is_free_or_allowed(database, mak, installation):
    allow(database, free_reactivations=1, most_reactivations=2)
    again(database, installation, mak.key, range(3))
    for forbidden in ({"free": 2}, {"counted": 3}, {"counted": -1}):
        with pytest.raises(IntegrityError), database.begin() as connection:
            connection.execute(update(reactivations).values(**forbidden))


@pytest.mark.parametrize("forged", [{"counted": 0}, {"free": 0}])
def test_a_count_that_was_tampered_with_is_found(database, mak, installation, forged):
    allow(database, free_reactivations=1)
    again(database, installation, mak.key, range(3))
    with database.begin() as connection:
        assert reactivation.recount(connection) == ()
        connection.execute(update(reactivations).values(**forged))
        assert reactivation.recount(connection) == (mak.key.id,)


def test_a_row_that_was_taken_away_is_missed(database, mak, installation):
    again(database, installation, mak.key, range(2))
    with database.begin() as connection:
        connection.execute(reactivations.delete())
        assert reactivation.recount(connection) == (mak.key.id,)


def test_a_machine_counts_from_nothing_once_its_period_is_over():
    bounds = reactivation.Bounds(1, 2, timedelta(days=30))
    machine = Machine(NOW, counted=2, free=1, lifted=1, renewed_until=7)
    assert machine.in_period(bounds, NOW + timedelta(days=29)) == machine
    later = NOW + timedelta(days=30)
    assert machine.in_period(bounds, later) == Machine(later, renewed_until=7)
