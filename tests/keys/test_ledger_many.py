"""Many installations at once: line by line what one at a time would have been, on both databases."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from keys import alarms, issue, ledger, reactivation
from keys.database import Database
from keys.entries import of_key
from keys.issue import Order, listed
from keys.ledger import Activated, Refused, State
from keys.ledger_many import CHUNK, reserve_and_post_many
from keys.product_key import KeyType
from keys.products import products
from keys.refusals import Refusal
from tests.conftest import NOW
from tests.keys.claims import HOLD, claim_of

KEYS = {
    "large": 6,
    "small": 2,
    "empty": 0,
    "blocked": 5,
    "compact": 3,
    "termed": 9,
    "test": 0,
    "client": 3,
    "unknown": 0,
}
PRODUCTS = {"compact": 3, "termed": 7}
LINES = st.lists(
    st.tuples(
        st.sampled_from([*KEYS, "large", "small", "termed"]),
        st.integers(1, 5),  # the nonce
        st.integers(1, 2),  # the hardware
        st.sampled_from(["proxy", "api"]),
    ),
    max_size=14,
)


class Undo(Exception):  # noqa: N818 - what is to be done
    """Leave everything as it was."""


def outcome(done, numbers):
    """What an answer says, with reservations numbered in the order in which they were first named."""
    if isinstance(done, Refused):
        return done
    made = done.reservation
    named = numbers.setdefault(made.id, len(numbers))
    return named, replace(made, id=0), done.replay


def tried(database, ask):
    """Answers, balances and entries after asking; then all is undone."""
    kept = {}
    with suppress(Undo), database.begin() as connection:
        numbers = {}
        kept["answers"] = [outcome(done, numbers) for done in ask(connection)]
        assert ledger.recount(connection) == reactivation.recount(connection) == ()
        kept["again"] = sorted(map(tuple, connection.execute(select(reactivation.reactivations))))
        kept["balances"] = [key.balance for key in listed(connection)]
        kept["entries"] = [
            {**entry, "id": None, "reservation_id": numbers.get(entry["reservation_id"], "before")}
            for entry in of_key(connection, limit=1000)
        ]
        raise Undo
    return kept


@pytest.fixture
def serials(database, catalogue, secrets):
    """Keys of every kind: product 1 has one reactivation free and three in all, product 7 a term of one month."""
    keys = {}
    with database.begin() as connection:
        connection.execute(
            update(products).where(products.c.number == 1).values(free_reactivations=1, most_reactivations=3)
        )
        connection.execute(update(products).where(products.c.number == 7).values(term_months=1))
        for name, granted in KEYS.items():
            kind = KeyType.KMS_CLIENT if name == "client" else KeyType.MAK
            order = Order(PRODUCTS.get(name, 1), catalogue.agreements[0].number, granted, kind, test=name == "test")
            if name != "unknown":
                keys[name] = issue.issue(connection, secrets, order, now=NOW, actor="tester").key
        issue.block(connection, keys["blocked"], now=NOW, actor="tester", reason="test")
    return {name: key.serial for name, key in keys.items()} | {"unknown": 77_777}


@pytest.fixture
def busy(database_url):
    opened = Database(database_url, patience=60, connections=20)
    yield opened
    opened.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=LINES, held=LINES, lines=LINES)
def test_many_are_what_one_at_a_time_would_have_been(database, serials, installation, before, held, lines):
    """Duplicates, replays, holds taken over, reactivations; keys exhausted, blocked, unknown or of a wrong type."""

    def claims(asked, holder):
        found = []
        for name, nonce, hardware, channel in asked:
            product = PRODUCTS.get(name, 1)
            parts = (hardware,) * (7 if name == "compact" else 8)
            iid = installation(product, serials[name], nonce=nonce, fingerprint=parts)
            found.append(claim_of(iid, holder, channel))
        return found

    def prepare(connection):
        for claim in claims(before, "earlier"):
            ledger.reserve_and_post(connection, claim, now=NOW - timedelta(days=35))
        for claim in claims(held, "holder"):
            ledger.reserve(connection, claim, now=NOW, hold_for=HOLD)

    now = NOW + timedelta(minutes=1)
    asked = claims(lines, "batch")

    def one_by_one(connection):
        prepare(connection)
        return [ledger.reserve_and_post(connection, claim, now=now) for claim in asked]

    def at_once(connection):
        prepare(connection)
        return reserve_and_post_many(connection, asked, now=now)

    assert tried(database, at_once) == tried(database, one_by_one)


def many(database, iids, holder="batch"):
    with database.begin() as connection:
        return reserve_and_post_many(connection, [claim_of(iid, holder, "proxy") for iid in iids], now=NOW)


def test_nothing_asked_is_nothing_answered_and_more_than_a_chunk_is_refused(database, mak, installation):
    assert many(database, []) == []
    with pytest.raises(ValueError, match=str(CHUNK + 1)):
        many(database, [installation(1, mak.key.serial)] * (CHUNK + 1))


def test_a_serial_that_was_never_issued_rings_an_alarm_and_the_other_lines_go_on(database, mak, installation):
    iids = [installation(1, serial, nonce=nonce) for nonce, serial in enumerate((mak.key.serial, 77_777), 1)]
    with database.begin() as connection:
        one, other = reserve_and_post_many(connection, [claim_of(iid) for iid in iids], now=NOW)
        (alarm,) = alarms.unseen(connection)
    assert isinstance(one, Activated)
    assert other == Refused(Refusal.KEY_UNKNOWN)
    assert (alarm.product, alarm.serial, alarm.times) == (1, 77_777, 1)


def test_a_whole_chunk_is_spent_in_order_and_sent_again_is_free(busy, issue_key, installation):
    serial = issue_key(granted=CHUNK - 5).key.serial
    iids = [installation(1, serial, nonce=nonce, fingerprint=(nonce % 64,) * 8) for nonce in range(CHUNK)]
    first = many(busy, iids)
    assert [isinstance(done, Activated) for done in first] == [True] * (CHUNK - 5) + [False] * 5
    assert set(first[CHUNK - 5 :]) == {Refused(Refusal.ALLOWANCE_EXHAUSTED)}
    ids = [done.reservation.id for done in first[: CHUNK - 5]]
    assert len(set(ids)) == CHUNK - 5
    again = many(busy, iids)
    assert [done.reservation.id for done in again[: CHUNK - 5]] == ids
    assert all(done.replay for done in again[: CHUNK - 5])
    with busy.read() as connection:
        assert ledger.recount(connection) == ()


def test_a_chunk_costs_few_statements_whatever_its_size(database, issue_key, installation):
    serial = issue_key(granted=CHUNK).key.serial
    iids = [installation(1, serial, nonce=nonce, fingerprint=(nonce % 64, nonce // 64) * 4) for nonce in range(200)]
    counted = []
    event.listen(database.engine, "before_cursor_execute", lambda *facts: counted.append(facts[2]))
    many(database, iids)
    assert len(counted) < 15


def test_batches_calls_and_sweeps_at_once_give_no_installation_two_and_no_key_too_many(busy, issue_key, installation):
    """Eight batches and eight callers over the same machines of two keys, in orders of their own."""
    keys = [issue_key(granted=70).key for _ in range(2)]
    iids = [installation(1, key.serial, nonce=nonce) for nonce in range(50) for key in keys]
    start = threading.Barrier(16)

    def batch(number):
        start.wait()
        turned = iids[number * 7 :] + iids[: number * 7]
        parts = [turned[place : place + 25] for place in range(0, len(turned), 25)]
        return [pair for part in parts for pair in zip(part, many(busy, part, f"b{number}"), strict=True)]

    def caller(number):
        start.wait()
        answers = []
        for iid in iids[number::8]:
            with busy.begin() as connection:
                claim = claim_of(iid, f"call-{number}")
                ledger.reserve(connection, claim, now=NOW, hold_for=HOLD)
                if number % 2:
                    ledger.void_held(connection, claim.holder, now=NOW, reason="hang-up")
            with busy.begin() as connection:
                answers.append((iid, ledger.reserve_and_post(connection, claim, now=NOW)))
        return answers

    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(batch, number) for number in range(8)]
        waiting += [pool.submit(caller, number) for number in range(8)]
        answers = [pair for one in waiting for pair in one.result()]
    assert all(isinstance(done, Activated) for _, done in answers)
    assert len({done.reservation.id for _, done in answers}) == len(iids)
    assert Counter(done.replay for _, done in answers)[False] == len(iids)
    with busy.read() as connection:
        assert ledger.recount(connection) == ()
        assert [ledger.balance(connection, key.id).posted for key in keys] == [50, 50]


def test_a_key_for_a_hundred_activates_a_hundred_machines_exactly(busy, issue_key, installation):
    """Ten batches of thirty and a hundred callers, every one with a machine of its own."""
    key = issue_key(granted=100).key
    fresh = iter(range(1_000))
    batches = [[installation(1, key.serial, nonce=next(fresh)) for _ in range(30)] for _ in range(10)]
    singles = [installation(1, key.serial, nonce=next(fresh)) for _ in range(100)]

    def call(iid):
        with busy.begin() as connection:
            return [ledger.reserve_and_post(connection, claim_of(iid), now=NOW)]

    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(many, busy, batch) for batch in batches] + [pool.submit(call, iid) for iid in singles]
        answers = [done for one in waiting for done in one.result()]
    told = [done for done in answers if isinstance(done, Activated)]
    assert len({done.reservation.id for done in told}) == len(told) == 100
    assert [done for done in answers if done not in told] == [Refused(Refusal.ALLOWANCE_EXHAUSTED)] * 300
    assert all(done.reservation.state is State.POSTED for done in told)
    with busy.read() as connection:
        assert ledger.recount(connection) == ()
        assert ledger.balance(connection, key.id) == ledger.Balance(100, 0, 100)
