"""Statistics: counted from the ledger and from what was asked for, a day at a time, and published by week."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ivr import cases, sightings, statistics
from ivr.sightings import Attempt
from ivr.signs import Score
from ivr.statistics import UNKNOWN, Cell
from keys import ledger
from tests.conftest import NOW
from webhooks import background

TODAY = NOW.date()
SECRET = b"p" * 32


@pytest.fixture
def activate(database, mak, installation):
    """Activate so many machines: by a channel, at a time, for a caller of a country (None: a door without cases)."""
    made = iter(range(1, 10_000))

    def of(times=1, channel="phone", country="DE", at=NOW):
        with database.begin() as connection:
            for _ in range(times):
                nonce = next(made)
                iid = installation(
                    1, mak.key.serial, nonce=nonce, fingerprint=(nonce % 64, nonce // 64, 1, 1, 1, 1, 1, 1)
                )
                case_id = None
                if country is not None:
                    case_id = str(
                        cases.open_case(
                            connection, line="+15550100", caller="a" * 32, layout=None, groups=(), now=at,
                            below=lambda below, nonce=nonce: nonce * 7919 % below, country=country,
                        ).id
                    )  # fmt: skip
                done = ledger.reserve_and_post(connection, ledger.Claim(iid, 2, channel, f"h{nonce}", case_id), now=at)
                assert isinstance(done, ledger.Activated)

    return of


@pytest.fixture
def asked(database, installation, mak):
    def of(outcome, times=1, country="DE", at=NOW):
        with database.begin() as connection:
            for _ in range(times):
                attempt = Attempt("a" * 32, country, "phone", installation(1, mak.key.serial))
                sightings.note(connection, attempt, outcome, Score(0), at)

    return of


@pytest.fixture
def kept(database):
    """The counts that are kept, by day."""

    def read():
        table = statistics.activation_counts
        with database.read() as connection:
            return connection.execute(select(table.c.day, table.c.count).order_by(table.c.day)).all()

    return read


def test_a_day_is_counted_by_product_channel_region_and_outcome(database, activate, asked):
    activate(1, at=NOW - timedelta(days=1))
    activate(3)
    activate(1, "text", "FR")
    activate(2, "api", None)
    asked("activated", 3)
    asked("again", 2)
    asked("KEY_BLOCKED", 1, None)
    asked("KEY_BLOCKED", 1, at=NOW + timedelta(days=1))
    assert statistics.count(database.read, TODAY) == {
        Cell(1, "phone", "DE", "activated"): 3,
        Cell(1, "text", "FR", "activated"): 1,
        Cell(1, "api", UNKNOWN, "activated"): 2,
        Cell(1, "phone", "DE", "again"): 2,
        Cell(1, "phone", UNKNOWN, "KEY_BLOCKED"): 1,
    }
    assert statistics.count(database.read, TODAY - timedelta(days=1)) == {Cell(1, "phone", "DE", "activated"): 1}
    assert statistics.count(database.read, TODAY - timedelta(days=2)) == {}


def test_a_day_is_found_among_many_entries_and_read_in_pieces(database, activate, monkeypatch):
    monkeypatch.setattr(statistics, "_AT_A_TIME", 3)
    for back in (3, 2, 1, 0):
        activate(1 + back, at=NOW - timedelta(days=back))
    for back in (3, 2, 1, 0):
        assert sum(statistics.count(database.read, TODAY - timedelta(days=back)).values()) == 1 + back


def test_counting_again_comes_to_the_same_and_what_came_meanwhile_is_added(exchange, activate, clock, kept):
    activate(2)
    background.count(exchange)
    background.count(exchange)
    assert kept() == [(TODAY, 2)]
    activate(1)
    clock.sleep(timedelta(days=1).total_seconds())
    activate(1, at=clock.now)
    background.count(exchange)
    assert kept() == [(TODAY, 3), (TODAY + timedelta(1), 1)]


def test_days_that_nobody_counted_are_caught_up(exchange, activate, clock, kept):
    activate(1)
    background.count(exchange)
    activate(4, at=NOW + timedelta(days=3))
    clock.sleep(timedelta(days=9).total_seconds())
    background.count(exchange)
    assert [count for _, count in kept()] == [1, 4]


def published(database, now, weeks=4):
    with database.read() as connection:
        return {by.name: by for by in statistics.publish(connection, SECRET, now, weeks=weeks).by}


def test_a_week_is_published_once_it_is_over_for_a_day_and_not_before(database, exchange, activate):
    activate(6)  # Tuesday
    background.count(exchange)
    monday = date(2026, 11, 30)
    for at, counts in ((NOW, 0), (NOW + timedelta(days=6, hours=11), 0), (NOW + timedelta(days=6, hours=12), 6)):
        whole = published(database, at)
        assert sum(line.total or 0 for line in whole["product"].lines) == counts, at
    with database.read() as connection:
        weeks = statistics.publish(connection, SECRET, NOW + timedelta(days=7)).weeks
    assert weeks[-1] == monday - timedelta(days=7)
    assert len(weeks) == 13


def test_small_counts_are_hidden_in_every_table_and_the_choice_beside_them_stays_the_same(
    database, exchange, activate, asked
):
    for country, times in (("DE", 4), ("FR", 3)):
        activate(times, country=country)
    asked("KEY_BLOCKED", 2)
    asked("again", 7)
    background.count(exchange)
    late = NOW + timedelta(days=8)
    whole = published(database, late)
    assert dict(whole["region"].lines[-1].shown) == {"DE": None, "FR": None}
    assert whole["region"].lines[-1].total == 7
    assert dict(whole["outcome"].lines[-1].shown) == {"KEY_BLOCKED": None, "activated": 7, "again": 7}
    assert whole["outcome"].lines[-1].total is None
    assert published(database, late) == published(database, late + timedelta(hours=1))


def test_nothing_counted_is_nothing_published(database):
    assert all(by.names == () for by in published(database, NOW).values())
