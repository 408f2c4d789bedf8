"""Keys by the batch, keys that end, and keys that are replaced: nothing given twice, nothing lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as but
from datetime import date, timedelta

import pytest

from keys import issue, ledger, product_key
from keys.database import Database
from keys.entries import Kind, of_key
from keys.issue import IssueError, IssueFault, KeyStatus, Order, Wanted
from keys.ledger import Activated, Refused
from keys.product_key import KeyType
from keys.refusals import Refusal
from keys.replacing import replace
from tests.conftest import NOW
from tests.keys.claims import HOLD, activate, balance, claim_of, reserve

ORDER = Order(1, "NS-1", 7)


def many(database, secrets, order, count):
    with database.begin() as connection:
        return issue.issue_many(connection, secrets, order, count, now=NOW, actor="tester", reason="batch")


@pytest.mark.usefixtures("catalogue")
def test_a_batch_of_keys_are_all_alike_and_all_different(database, secrets):
    batch = many(database, secrets, ORDER, 1_500)
    assert [one.key.serial for one in batch] == list(range(1, 1_501))
    assert len({one.text for one in batch}) == 1_500
    for one in batch[::499]:
        assert product_key.decode(one.text).serial == one.key.serial
        with database.read() as connection:
            assert issue.show(connection, 1, one.key.serial) == one.key
            entry = of_key(connection, one.key.id)
        assert [(each["kind"], each["granted"], each["reason"]) for each in entry] == [(Kind.GRANT, 7, "batch")]
    assert many(database, secrets, ORDER, 1)[0].key.serial == 1_501


@pytest.mark.usefixtures("catalogue")
def test_a_batch_that_does_not_fit_is_not_begun(database, secrets):
    for order, count, fault in (
        (but(ORDER, product=3, granted=1), 1 << 22, IssueFault.SERIALS_EXHAUSTED),
        (but(ORDER, test=True), 1, IssueFault.GRANT_OUT_OF_RANGE),
    ):
        with pytest.raises(IssueError) as refused:
            many(database, secrets, order, count)
        assert refused.value.fault is fault
    with database.read() as connection:
        assert issue.listed(connection) == []


@pytest.mark.usefixtures("catalogue")
def test_keys_are_listed_by_what_is_wanted(database, secrets):
    for order in (ORDER, but(ORDER, type=KeyType.KMS_CLIENT), but(ORDER, test=True, granted=0), but(ORDER, product=7)):
        many(database, secrets, order, 1)

    def found(**wanted):
        with database.read() as connection:
            return [(key.product, key.serial) for key in issue.listed(connection, Wanted(**wanted))]

    assert found() == [(1, 1), (1, 2), (1, 3), (7, 1)]
    assert found(product=7) == found(product=7, agreement="NS-1") == [(7, 1)]
    assert found(test=True) == [(1, 3)]
    assert found(type=KeyType.KMS_CLIENT) == [(1, 2)]
    assert found(organisation="Nordstern Shipping") == found()
    assert found(organisation="Nobody") == found(agreement="NS-9") == []


def test_a_key_expires_on_its_day_by_itself_and_may_be_given_longer(database, mak, installation):
    iids = [installation(1, mak.key.serial, nonce=nonce) for nonce in range(3)]
    activate(database, iids[0])

    def expire(day):
        with database.begin() as connection:
            issue.expire(connection, mak.key, day, now=NOW, actor="tester", reason="trial over")

    expire(NOW.date() + timedelta(days=1))
    assert isinstance(activate(database, iids[1]), Activated)
    expire(NOW.date())
    assert activate(database, iids[2]) == Refused(Refusal.KEY_EXPIRED)
    assert activate(database, iids[0]).replay
    with database.read() as connection:
        shown = issue.show(connection, 1, mak.key.serial)
    assert (shown.status_on(NOW.date()), shown.status_on(date(2026, 11, 23))) == (KeyStatus.EXPIRED, KeyStatus.ACTIVE)
    expire(None)
    assert isinstance(activate(database, iids[2]), Activated)
    with database.read() as connection:
        ends = [entry["details"] for entry in of_key(connection, mak.key.id) if entry["kind"] == Kind.EXPIRE]
    assert ends == ['{"expires": "2026-11-25"}', '{"expires": "2026-11-24"}', '{"expires": null}']


def replaced(database, secrets, key):
    with database.begin() as connection:
        return replace(connection, secrets, key, now=NOW, actor="Anna Berg", reason="on a forum")


def test_the_successor_inherits_what_is_left_and_the_old_key_is_closed(database, mak, secrets, installation):
    iids = [installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8) for nonce in range(1, 5)]
    for iid in iids[:3]:
        activate(database, iid)
    reserve(database, iids[3])
    fresh = replaced(database, secrets, mak.key)
    assert fresh.key.balance == ledger.Balance(7, 0, 0)
    assert (fresh.key.agreement, fresh.key.type, fresh.key.channels) == ("NS-1", KeyType.MAK, None)
    assert product_key.decode(fresh.text).serial == fresh.key.serial
    assert balance(database, mak.key) == (0, 3, 0)
    with database.read() as connection:
        old = issue.show(connection, 1, mak.key.serial)
    assert (old.status, old.successor, old.balance.granted) == (KeyStatus.BLOCKED, fresh.key.serial, 3)
    assert {activate(database, iid).refusal for iid in iids} == {Refusal.KEY_BLOCKED}
    assert isinstance(activate(database, installation(1, fresh.key.serial)), Activated)

    def told(key):
        with database.read() as connection:
            return [
                (entry["granted"], entry["actor"], entry["reason"], entry["details"])
                for entry in of_key(connection, key.id)
                if entry["kind"] == Kind.REPLACE
            ]

    assert told(mak.key) == [(-7, "Anna Berg", "on a forum", f'{{"successor": {fresh.key.serial}}}')]
    assert told(fresh.key) == [(7, "Anna Berg", "on a forum", f'{{"replaces": {mak.key.serial}}}')]


def test_a_key_is_replaced_once(database, mak, secrets):
    assert replaced(database, secrets, mak.key)
    assert replaced(database, secrets, mak.key) is None
    with database.read() as connection:
        assert len(issue.listed(connection)) == 2


def test_a_key_that_was_blocked_before_is_replaced_as_well(database, mak, secrets):
    with database.begin() as connection:
        issue.block(connection, mak.key, now=NOW, actor="tester", reason="seen on a forum")
    assert replaced(database, secrets, mak.key).key.balance.granted == 10


@pytest.fixture
def busy(database_url):
    opened = Database(database_url, patience=60, connections=20)
    yield opened
    opened.close()


def test_while_callers_take_and_others_replace_every_activation_is_somewhere_once(busy, mak, secrets, installation):
    """Fourteen callers and two replacements at once: what was not taken from the old key is the successor's."""
    start = threading.Barrier(16)

    def call(number):
        iid = installation(1, mak.key.serial, nonce=number)
        start.wait()
        with busy.begin() as connection:
            ledger.reserve(connection, claim_of(iid, f"call-{number}"), now=NOW, hold_for=HOLD)
        return activate(busy, iid, holder=f"call-{number}")

    def replacing(_):
        start.wait()
        return replaced(busy, secrets, mak.key)

    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(call, number) for number in range(14)]
        fresh = [one for one in pool.map(replacing, range(2)) if one]
        done = [one.result() for one in calls]
    assert len(fresh) == 1
    taken = sum(isinstance(one, Activated) for one in done)
    pending, posted, left = balance(busy, mak.key)
    assert (posted, left) == (taken, 0)
    assert fresh[0].key.balance.granted + pending + posted == 10
