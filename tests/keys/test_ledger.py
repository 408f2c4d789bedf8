"""What a key gives, to whom, and what it refuses, one claim after another."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from keys import confirmation_id, ledger
from keys.derivation import key_secret
from keys.entries import Kind, of_key
from keys.issue import block
from keys.ledger import (
    Activated,
    ConfirmationError,
    ConfirmationFault,
    Posting,
    Refused,
    Replay,
    Reserved,
    State,
)
from keys.libpq import Wire
from keys.products import products
from keys.refusals import Refusal
from keys.reservations import reservations
from keys.secrets_file import ProductSecrets, Secrets
from tests.conftest import NOW
from tests.keys.claims import HOLD, activate, balance, claim_of, reserve


def kinds(database, key):
    with database.read() as connection:
        return [entry["kind"] for entry in of_key(connection, key.id)]


def change(database, statement):
    with database.begin() as connection:
        connection.execute(statement)


def test_the_entries_of_an_activation_name_who_came_for_it(database, mak, installation):
    activate(database, installation(1, mak.key.serial), actor="fleet console")
    held = installation(1, mak.key.serial, nonce=2)
    reserve(database, held)
    activate(database, held, actor="fleet console", holder="request-2")
    with database.read() as connection:
        named = [(entry["kind"], entry["actor"], entry["holder"]) for entry in of_key(connection, mak.key.id)]
    assert named == [
        ("grant", "tester", None),
        ("reserve", "fleet console", "call-1"),
        ("post", "fleet console", "call-1"),
        ("reserve", "line", "call-1"),
        ("post", "fleet console", "request-2"),
    ]


@pytest.mark.parametrize("product", [1, 3, 7])
def test_a_first_activation_takes_one_and_gives_a_confirmation_id_that_the_machine_accepts(
    database, issue_key, secrets, installation, product
):
    key = issue_key(product).key
    iid = installation(product, key.serial)
    assert ledger.identify(iid, secrets) == ledger.Genuine(2)
    with database.begin() as connection:
        done = ledger.reserve_and_post(connection, claim_of(iid), now=NOW)
        assert isinstance(done, Activated)
        assert not done.replay
        blocks = ledger.confirmation(connection, done.reservation.id, iid, secrets)
    held = secrets.products[product]
    confirmation_id.matches(
        " ".join(blocks),
        iid,
        verification_secret=held.verification[2],
        key_secret=key_secret(held.issuing_key, key.serial),
        blocks=len(blocks),
    )
    assert balance(database, key) == (0, 1, 9)
    assert kinds(database, key) == [Kind.GRANT, Kind.RESERVE, Kind.POST]


def test_a_first_activation_is_four_statements_and_on_postgresql_two_trips(database, mak, installation, monkeypatch):
    """One asks, and with the commit goes all that is written."""
    said, trips = [], []

    def counted(way):
        return lambda *facts, **named: trips.append(way) or way(*facts, **named)

    for name in ("end", "ask"):
        monkeypatch.setattr(Wire, name, counted(getattr(Wire, name)))
    event.listen(database.engine, "before_cursor_execute", lambda *facts: said.append(facts[2]))
    activate(database, installation(1, mak.key.serial))
    assert len(said) == 4
    assert len(trips) == {"postgresql": 2, "sqlite": 0}[database.dialect]


def test_the_same_installation_again_gets_the_same_answer_and_takes_nothing(database, mak, secrets, installation):
    iid = installation(1, mak.key.serial)
    first = activate(database, iid)
    again = activate(database, iid, now=NOW + timedelta(days=400), holder="call-2", channel="text")
    assert again.replay
    assert again.reservation.id == first.reservation.id
    assert ledger.confirmation_of(again.reservation, iid, secrets) == ledger.confirmation_of(
        first.reservation, iid, secrets
    )
    assert balance(database, mak.key) == (0, 1, 9)


def test_a_hold_is_posted_once_by_whoever_holds_it(database, mak, installation):
    held = reserve(database, installation(1, mak.key.serial))
    assert isinstance(held, Reserved)
    assert balance(database, mak.key) == (1, 0, 9)
    with database.begin() as connection:
        assert ledger.post(connection, held.reservation_id, holder="call-1", now=NOW) is Posting.POSTED
        assert ledger.post(connection, held.reservation_id, holder="call-1", now=NOW) is Posting.ALREADY_POSTED
    assert balance(database, mak.key) == (0, 1, 9)


def test_a_second_channel_takes_over_the_hold_and_the_first_one_s_hang_up_leaves_it(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = reserve(database, iid)
    over = reserve(database, iid, now=NOW + timedelta(minutes=5), holder="text-1", channel="text")
    assert over == Replay(held.reservation_id, State.PENDING)
    with database.begin() as connection:
        assert ledger.void_held(connection, "call-1", now=NOW, reason="hang-up") == 0
        assert ledger.expire(connection, now=NOW + HOLD) == 0
        assert ledger.post(connection, held.reservation_id, holder="call-1", now=NOW) is Posting.GONE
        assert ledger.post(connection, held.reservation_id, holder="text-1", now=NOW) is Posting.POSTED
    assert balance(database, mak.key) == (0, 1, 9)


def test_taking_over_never_shortens_a_hold(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = reserve(database, iid)
    with database.begin() as connection:
        assert ledger.extend(connection, held.reservation_id, NOW + timedelta(days=2))
    reserve(database, iid, holder="call-2")
    with database.begin() as connection:
        assert ledger.expire(connection, now=NOW + timedelta(days=1)) == 0
        assert ledger.expire(connection, now=NOW + timedelta(days=2)) == 1


def test_a_hang_up_gives_back_what_its_call_holds(database, mak, installation):
    held = reserve(database, installation(1, mak.key.serial))
    other = reserve(database, installation(1, mak.key.serial, nonce=2), holder="call-2")
    with database.begin() as connection:
        assert ledger.void_held(connection, "call-1", now=NOW, reason="hang-up") == 1
        assert ledger.void_held(connection, "call-1", now=NOW, reason="hang-up") == 0
        assert ledger.post(connection, held.reservation_id, holder="call-1", now=NOW) is Posting.GONE
        assert ledger.find(connection, other.reservation_id).state is State.PENDING
        assert not ledger.extend(connection, held.reservation_id, NOW + HOLD)
    assert balance(database, mak.key) == (1, 0, 9)
    assert kinds(database, mak.key)[-1] == Kind.VOID


def test_a_hang_up_after_the_posting_gives_nothing_back(database, mak, installation):
    activate(database, installation(1, mak.key.serial))
    with database.begin() as connection:
        assert ledger.void_held(connection, "call-1", now=NOW, reason="hang-up") == 0
    assert balance(database, mak.key) == (0, 1, 9)


def test_the_sweep_gives_back_oldest_first_and_no_more_than_it_was_asked(database, mak, installation):
    for number in range(5):
        reserve(database, installation(1, mak.key.serial, nonce=number), now=NOW + timedelta(minutes=number))
    with database.begin() as connection:
        assert ledger.expire(connection, now=NOW + HOLD + timedelta(minutes=3), limit=3) == 3
        left = connection.execute(select(reservations.c.nonce).where(reservations.c.state == "pending")).scalars()
        assert sorted(left) == [3, 4]
        assert ledger.expire(connection, now=NOW + HOLD + timedelta(minutes=3)) == 1
    assert balance(database, mak.key) == (1, 0, 9)


def test_what_ran_out_before_its_posting_is_taken_again_in_the_same_transaction(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = reserve(database, iid)
    with database.begin() as connection:
        ledger.expire(connection, now=NOW + HOLD)
    done = activate(database, iid, now=NOW + HOLD)
    assert isinstance(done, Activated)
    assert not done.replay
    assert done.reservation.id != held.reservation_id
    assert balance(database, mak.key) == (0, 1, 9)


def test_posting_at_once_spends_the_hold_that_is_there(database, mak, installation):
    iid = installation(1, mak.key.serial)
    held = reserve(database, iid)
    done = activate(database, iid, holder="call-2")
    assert done.reservation.id == held.reservation_id
    assert done.reservation.state is State.POSTED
    assert balance(database, mak.key) == (0, 1, 9)


def test_the_last_one_goes_to_one_and_the_next_is_told_that_none_is_left(database, issue_key, installation):
    key = issue_key(granted=1).key
    assert isinstance(activate(database, installation(1, key.serial)), Activated)
    late = activate(database, installation(1, key.serial, nonce=2), holder="call-2")
    assert late == Refused(Refusal.ALLOWANCE_EXHAUSTED)
    assert activate(database, installation(1, key.serial)).replay
    assert balance(database, key) == (0, 1, 0)


def test_a_claim_that_found_nothing_to_take_leaves_nothing_behind(database, issue_key, installation):
    key = issue_key(granted=0).key
    iid = installation(1, key.serial)
    for _ in range(2):
        assert activate(database, iid) == Refused(Refusal.ALLOWANCE_EXHAUSTED)
        assert reserve(database, iid) == Refused(Refusal.ALLOWANCE_EXHAUSTED)
    with database.read() as connection:
        assert connection.execute(select(reservations.c.id)).all() == []
    assert kinds(database, key) == [Kind.GRANT]


def test_the_same_hardware_with_a_new_nonce_is_a_reactivation_and_takes_one(database, mak, installation):
    activate(database, installation(1, mak.key.serial, nonce=1))
    again = activate(database, installation(1, mak.key.serial, nonce=2))
    other = activate(database, installation(1, mak.key.serial, nonce=3, fingerprint=(9,) * 8))
    assert again.reservation.reactivation
    assert not other.reservation.reactivation
    assert balance(database, mak.key) == (0, 3, 7)
    with database.read() as connection:
        reserves = [entry["details"] for entry in of_key(connection, mak.key.id) if entry["kind"] == Kind.RESERVE]
    assert reserves == ["{}", '{"basis": "reactivation"}', "{}"]


def test_a_replay_is_answered_from_its_reservation_and_not_from_today_s_catalogue(database, mak, secrets, installation):
    iid = installation(1, mak.key.serial)
    first = ledger.confirmation_of(activate(database, iid).reservation, iid, secrets)
    change(database, update(products).values(blocks=5, term_months=12))
    again = activate(database, iid)
    assert ledger.confirmation_of(again.reservation, iid, secrets) == first
    fresh = installation(1, mak.key.serial, nonce=2)
    assert len(ledger.confirmation_of(activate(database, fresh).reservation, fresh, secrets)) == 5


@pytest.mark.parametrize(
    ("term", "now", "last_day"),
    [
        (0, NOW, None),
        (1, NOW, date(2026, 12, 31)),
        (12, NOW, date(2027, 11, 30)),
        (2, datetime(2027, 12, 31, 23, 59, tzinfo=NOW.tzinfo), date(2028, 2, 29)),
    ],
)
def test_a_term_ends_with_its_last_month(database, mak, installation, term, now, last_day):
    change(database, update(products).values(term_months=term))
    done = activate(database, installation(1, mak.key.serial), now=now)
    assert confirmation_id.last_day(done.reservation.valid_until) == last_day


def test_no_confirmation_id_without_a_posted_reservation_of_this_installation(database, mak, secrets, installation):
    iid, other = installation(1, mak.key.serial), installation(1, mak.key.serial, nonce=2)
    held = reserve(database, iid)
    posted = activate(database, other)

    def fault(reservation_id, asked, known=secrets):
        with database.read() as connection, pytest.raises(ConfirmationError) as refused:
            ledger.confirmation(connection, reservation_id, asked, known)
        return refused.value.fault

    assert fault(held.reservation_id, iid) is ConfirmationFault.NOT_POSTED
    assert fault(posted.reservation.id, iid) is ConfirmationFault.OTHER_INSTALLATION
    assert fault(10_000, iid) is ConfirmationFault.UNKNOWN
    rotated = ProductSecrets(secrets.products[1].issuing_key, {3: bytes(32)})
    without = Secrets({1: rotated}, bytes(32), bytes(32), bytes(32), bytes(32))
    assert fault(posted.reservation.id, other, without) is ConfirmationFault.GENERATION_GONE


def test_a_key_blocked_while_a_person_decides_gives_nothing(database, mak, installation):
    iid = installation(1, mak.key.serial)
    reserve(database, iid)
    with database.begin() as connection:
        block(connection, mak.key, now=NOW, actor="Mara", reason="leaked")
        assert ledger.reserve_and_post(connection, claim_of(iid), now=NOW) == Refused(Refusal.KEY_BLOCKED)


def test_a_transaction_that_fails_keeps_neither_claim_nor_count(database, mak, installation):
    iid = installation(1, mak.key.serial)

    def a_turn_that_fails():
        with database.begin() as connection:
            ledger.reserve_and_post(connection, claim_of(iid), now=NOW)
            raise KeyError

    with pytest.raises(KeyError):
        a_turn_that_fails()
    assert balance(database, mak.key) == (0, 0, 10)
    assert not activate(database, iid).replay
