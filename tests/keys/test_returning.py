"""Activations that come back: with the machine's proof, or by a person's word; bounded, written down, and once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from keys import derivation, ledger, return_code, returning
from keys.database import Database
from keys.entries import Kind, of_key
from keys.issue import block, show
from keys.ledger import Activated, Refused
from keys.products import products
from keys.refusals import Refusal
from keys.reservations import State
from keys.returning import By, GivenBack, ReturnFault, given_back
from tests.conftest import NOW
from tests.keys.claims import activate, balance, reserve

TOKEN = By("token Harbour office", channel="api", holder="request-7")
ANNA = By("Anna Berg", "stolen from the boat")


def allow(database, **policy):
    with database.begin() as connection:
        connection.execute(update(products).values(**policy))


@pytest.fixture
def code_of(secrets):
    """The code that the machine of an installation ID would show."""

    def code(iid):
        held = secrets.products[iid.product]
        secret = derivation.key_secret(held.issuing_key, iid.serial)
        return " ".join(return_code.issue(iid, verification_secret=held.verification[2], key_secret=secret))

    return code


@pytest.fixture
def give_back(database, secrets, code_of):
    def giving(iid, code=None, now=NOW, by=TOKEN):
        with database.begin() as connection:
            return returning.give_back(connection, secrets, iid, code or code_of(iid), by=by, now=now)

    return giving


@pytest.fixture
def release(database):
    def releasing(key, iid, now=NOW, by=ANNA):
        with database.begin() as connection:
            standing = returning.standing_of(connection, iid)
            return returning.release(connection, key, standing, by=by, now=now)

    return releasing


def entries_of(database, key, kind):
    with database.read() as connection:
        return [entry for entry in of_key(connection, key.id) if entry["kind"] == kind]


def test_what_is_returned_may_be_taken_again_and_its_installation_is_dead(database, mak, installation, give_back):
    allow(database, returns=1)
    iid = installation(1, mak.key.serial)
    done = activate(database, iid)
    back = give_back(iid)
    assert (back.reservation_id, back.counted, back.before) == (done.reservation.id, 1, False)
    assert back.key.balance == ledger.Balance(10, 0, 0)
    assert activate(database, iid) == Refused(Refusal.IID_RETURNED)
    assert isinstance(activate(database, installation(1, mak.key.serial, nonce=2)), Activated)
    entry = entries_of(database, mak.key, Kind.RETURN)[0]
    told = (entry["posted"], entry["actor"], entry["channel"], entry["holder"], entry["details"])
    assert told == (-1, "token Harbour office", "api", "request-7", '{"proof": true}')


def test_a_return_sent_again_is_answered_again_and_counts_once(database, mak, installation, give_back):
    allow(database, returns=1)
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    first, second = give_back(iid), give_back(iid)
    assert (first.before, second.before) == (False, True)
    assert first.reservation_id == second.reservation_id
    assert balance(database, mak.key) == (0, 0, 10)
    assert len(entries_of(database, mak.key, Kind.RETURN)) == 1


def test_returns_are_off_by_default_and_bounded_a_key_and_period(database, mak, installation, give_back):
    iids = [installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8) for nonce in range(4)]
    for iid in iids:
        activate(database, iid)
    assert give_back(iids[0]) is ReturnFault.RETURNS_OFF
    allow(database, returns=2, period_days=30)
    assert [isinstance(give_back(iid), GivenBack) for iid in iids[:2]] == [True, True]
    assert give_back(iids[2]) is ReturnFault.TOO_MANY_RETURNS
    assert isinstance(activate(database, iids[2]), Activated)  # it has lost nothing by asking
    later = NOW + timedelta(days=30)
    assert isinstance(give_back(iids[2], now=later), GivenBack)
    assert balance(database, mak.key) == (0, 1, 9)


def test_a_compact_product_has_no_returns_whatever_its_row_says(database, issue_key, installation, give_back):
    key = issue_key(3).key
    allow(database, returns=5)
    iid = installation(3, key.serial)
    activate(database, iid)
    assert give_back(iid) is ReturnFault.RETURNS_OFF


def test_a_code_is_believed_for_its_own_installation_alone(database, mak, installation, give_back, code_of):
    allow(database, returns=5)
    iid, other = (installation(1, mak.key.serial, nonce=nonce) for nonce in (1, 2))
    activate(database, iid)
    activate(database, other)
    assert give_back(iid, code_of(other)) is ReturnFault.RETURN_CODE_WRONG
    assert balance(database, mak.key) == (0, 2, 8)


@pytest.mark.parametrize("text", ["", "1234", "123456 123456", "abc", "12345678901234567"])
def test_what_is_no_code_is_said_by_block_and_changes_nothing(database, mak, installation, give_back, text):
    allow(database, returns=5)
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    with pytest.raises(return_code.InvalidReturnCode) as refused:
        give_back(iid, text or " ")
    assert refused.value.faults
    assert balance(database, mak.key) == (0, 1, 9)


def test_a_slip_in_a_code_is_found_at_its_block(mak, installation, code_of):
    code = code_of(installation(1, mak.key.serial)).replace(" ", "")
    for place, digit in enumerate(code):
        slipped = code[:place] + str((int(digit) + 1) % 10) + code[place + 1 :]
        assert [fault.group for fault in return_code.faults(slipped, 1)] == [place // 6 + 1]


def test_what_was_never_activated_or_is_only_held_cannot_come_back(database, mak, installation, give_back, release):
    allow(database, returns=5)
    fresh, held = (installation(1, mak.key.serial, nonce=nonce) for nonce in (1, 2))
    reserve(database, held)
    for iid in (fresh, held):
        assert give_back(iid) is ReturnFault.NOT_ACTIVATED
        assert release(mak.key, iid) is ReturnFault.NOT_ACTIVATED
    assert balance(database, mak.key) == (1, 0, 9)


def test_no_door_is_softer_for_a_return(database, mak, installation, give_back):
    allow(database, returns=5)
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    with database.begin() as connection:
        block(connection, mak.key, now=NOW, actor="tester", reason="leaked")
    assert give_back(iid) is ReturnFault.KEY_BLOCKED
    assert give_back(installation(1, 77_777)) is ReturnFault.KEY_UNKNOWN


def test_a_free_reactivation_gives_nothing_back_since_it_took_nothing(database, mak, installation, give_back):
    allow(database, returns=5, free_reactivations=1)
    iids = [installation(1, mak.key.serial, nonce=nonce) for nonce in (1, 2)]
    for iid in iids:
        activate(database, iid)
    assert give_back(iids[1]).counted == 0
    assert balance(database, mak.key) == (0, 1, 9)


def test_a_lost_machine_is_released_by_a_name_with_a_reason(database, mak, installation, release):
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    assert release(mak.key, iid).key.balance.available == 10
    assert release(mak.key, iid).before
    entry = entries_of(database, mak.key, Kind.RETURN)[0]
    assert (entry["actor"], entry["reason"], entry["details"]) == (
        "Anna Berg",
        "stolen from the boat",
        '{"released": true}',
    )
    assert activate(database, iid) == Refused(Refusal.IID_RETURNED)
    with pytest.raises(ValueError, match=" "):
        release(mak.key, iid, by=By("Anna Berg", " "))


def test_releases_are_bounded_apart_from_returns_and_may_be_off(database, mak, installation, release, give_back):
    allow(database, releases=1, returns=1)
    iids = [installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8) for nonce in range(1, 4)]
    for iid in iids:
        activate(database, iid)
    assert isinstance(release(mak.key, iids[0]), GivenBack)
    assert release(mak.key, iids[1]) is ReturnFault.TOO_MANY_RELEASES
    assert isinstance(give_back(iids[1]), GivenBack)
    allow(database, releases=0)
    assert release(mak.key, iids[2]) is ReturnFault.RELEASES_OFF


def test_a_key_releases_its_own_machines_only(database, mak, issue_key, installation, release):
    other = issue_key().key
    iid = installation(1, other.serial)
    activate(database, iid)
    assert release(mak.key, iid) is ReturnFault.NOT_ACTIVATED


@pytest.fixture
def busy(database_url):
    opened = Database(database_url, patience=60, connections=20)
    yield opened
    opened.close()


def test_twelve_at_once_return_as_many_as_are_allowed_and_each_once(busy, mak, secrets, installation, code_of):
    allow(busy, returns=3)
    iids = [installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8) for nonce in range(6)]
    for iid in iids:
        activate(busy, iid)
    start = threading.Barrier(12)

    def giving(number):
        iid = iids[number % 6]
        start.wait()
        with busy.begin() as connection:
            return returning.give_back(connection, secrets, iid, code_of(iid), by=TOKEN, now=NOW)

    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(giving, range(12)))
    fresh = [one for one in done if isinstance(one, GivenBack) and not one.before]
    assert len({one.reservation_id for one in fresh}) == len(fresh) == 3
    assert Counter(type(one) for one in done)[GivenBack] <= 6
    assert balance(busy, mak.key) == (0, 3, 7)
    with busy.read() as connection:
        assert returning.recount(connection) == ()
        assert show(connection, 1, mak.key.serial).balance.posted == 3
        states = Counter(returning.standing_of(connection, iid).state for iid in iids)
    assert states == {State.RETURNED: 3, State.POSTED: 3}


def test_the_database_itself_forbids_more_and_a_forged_count_is_found(database, mak, installation, release):
    allow(database, releases=1)
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    release(mak.key, iid)
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(update(given_back).values(releases=2))
    with database.begin() as connection:
        assert returning.recount(connection) == ()
        connection.execute(update(given_back).values(releases=0))
        assert returning.recount(connection) == (mak.key.id,)
