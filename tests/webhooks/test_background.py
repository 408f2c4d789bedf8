"""The work beside the calls: it seals, sweeps and drains, goes on after a failure, and ends when it is told."""

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from ivr.call_backs import Wish
from keys import ledger
from keys.verify import verify
from webhooks import background, spool

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def until(holds, seconds=5.0):
    """Wait for it to hold; the test goes on, and fails, when the seconds are over."""
    patience = time.monotonic() + seconds
    while not holds() and time.monotonic() < patience:
        time.sleep(0.02)
    assert holds()


@pytest.fixture
def roots(tmp_path):
    return tmp_path / "roots.jsonl"


@pytest.fixture
def run(exchange, roots):
    """The work in a thread of its own, ended with the test."""
    started = []

    def start(over=exchange):
        stop = threading.Event()
        thread = threading.Thread(target=background.run, args=(over, roots, stop))
        thread.start()
        started.append((stop, thread))
        return stop, thread

    yield start
    for stop, thread in started:
        stop.set()
        thread.join(5)


def test_sealing_writes_the_root_outside_the_database_once(exchange, roots, ring, groups, secrets, database):
    ring().key("".join(groups))
    sealed = background.seal(exchange, roots)
    assert sealed > 0
    written = roots.read_text()
    assert background.seal(exchange, roots) == 0
    assert roots.read_text() == written
    assert json.loads(written.splitlines()[-1])
    with database.read() as connection:
        assert not verify(connection, secrets, roots).problems


def test_a_sweep_gives_back_what_ran_out(exchange, database, mak, installation, clock):
    claim = ledger.Claim(installation(1, mak.key.serial), 2, "phone", "a call")
    with database.begin() as connection:
        ledger.reserve(connection, claim, now=clock.now, hold_for=timedelta(minutes=5))
    assert background.sweep(exchange) == 0
    clock.now += timedelta(minutes=6)
    assert background.sweep(exchange) == 1
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).available == 10


def test_a_spooled_wish_is_brought_into_the_database_by_itself(exchange, run, rows, clock):
    spool.put(exchange.spool_dir, Wish("CA1", None, "+15550100", "sealed", clock.now, 24))
    run()
    until(lambda: [row["call_sid"] for row in rows("call_backs")] == ["CA1"])


@sqlite_only
def test_work_that_fails_is_logged_and_does_not_end_the_rest(exchange, run, rows, clock):
    spool.put(exchange.spool_dir, Wish("CA1", None, "+15550100", "sealed", clock.now, 24))
    broken = replace(exchange, now=lambda: 1 / 0)  # sweeping asks for the time, draining does not
    with capture_logs() as logged:
        _, thread = run(broken)
        until(lambda: rows("call_backs"))
        until(lambda: [line for line in logged if line["event"] == "background_failed"])
    assert thread.is_alive()


@sqlite_only
def test_a_database_that_is_gone_is_waited_for(exchange, roots):
    from keys.database import Database

    gone = replace(exchange, database=Database("sqlite:////nowhere/at/all.db", patience=0.1))
    with capture_logs() as logged:
        stop = background.start(gone, roots)
        until(lambda: len([line for line in logged if line["event"] == "background_postponed"]) >= 2)
        stop.set()
    assert {line["cause"] for line in logged} == {"unreachable"}


@sqlite_only
def test_it_ends_when_it_is_told(run):
    stop, thread = run()
    stop.set()
    thread.join(3)
    assert not thread.is_alive()


def test_two_nodes_may_do_the_same_work_at_once(exchange, roots, run, ring, groups, rows, database, secrets):
    run()
    run()
    ring().key("".join(groups))
    spool.put(exchange.spool_dir, Wish("CA1", None, "+15550100", "sealed", exchange.now(), 24))
    until(lambda: rows("call_backs"), 8)
    background.seal(exchange, roots)
    with database.read() as connection:
        assert not verify(connection, secrets, roots).problems
    assert len(rows("call_backs")) == 1
