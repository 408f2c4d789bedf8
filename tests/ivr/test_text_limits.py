"""Limits of texts: each counts on its own, all or none, exactly, also where many write at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from ivr.lines import TextLimits
from ivr.text_limits import Scope, count, text_counts
from tests.conftest import NOW

WIDE = TextLimits(number=1000, prefix=1000, country=1000, day=1000)
ANNE = "+14155550123"


@pytest.fixture
def one(database, secrets):
    """Count one text in a transaction of its own."""

    def one(limits, number=ANNE, country="US", now=NOW):
        with database.begin() as connection:
            return count(connection, number, country, limits, pepper=secrets.pepper, now=now)

    return one


@pytest.fixture
def counts(database):
    def read():
        with database.read() as connection:
            rows = connection.execute(select(text_counts)).all()
        return sorted((row.scope, row.texts) for row in rows)

    return read


@pytest.mark.parametrize(
    ("scope", "alike", "apart"),
    [
        (Scope.NUMBER, (ANNE, "US"), ("+14155550124", "US")),
        (Scope.PREFIX, ("+14155550999", "US"), ("+14155551123", "US")),
        (Scope.COUNTRY, ("+12125550123", "US"), ("+447400123456", "GB")),
    ],
)
def test_a_limit_stops_its_own_kind_only(one, scope, alike, apart):
    limits = TextLimits(**{**dict.fromkeys(("number", "prefix", "country", "day"), 1000), scope.value: 2})
    assert [one(limits, *alike), one(limits), one(limits, *alike)] == [None, None, scope]
    assert one(limits, *apart) is None


def test_the_limit_of_the_day_is_for_all(one):
    limits = TextLimits(number=9, prefix=9, country=9, day=2)
    assert [one(limits), one(limits, "+447400123456", "GB"), one(limits, "+12125550123")] == [None, None, Scope.DAY]


def test_a_text_that_is_refused_counts_nowhere(one, counts):
    one(WIDE)
    before = counts()
    assert one(TextLimits(number=1, prefix=9, country=9, day=9)) is Scope.NUMBER
    assert counts() == before == [("country", 1), ("day", 1), ("number", 1), ("prefix", 1)]


@pytest.mark.parametrize("scope", list(Scope))
def test_a_limit_of_nought_lets_none_through_and_leaves_no_trace(one, counts, scope):
    limits = TextLimits(**{**dict.fromkeys(("number", "prefix", "country", "day"), 9), scope.value: 0})
    assert one(limits) is scope
    assert counts() == []


def test_the_next_day_by_utc_begins_anew(one):
    limits = TextLimits(number=1, prefix=9, country=9, day=9)
    evening = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    assert one(limits, now=evening) is None
    assert one(limits, now=evening.astimezone(timezone(timedelta(hours=9)))) is Scope.NUMBER
    assert one(limits, now=evening + timedelta(seconds=1)) is None


def test_no_number_is_kept_in_the_clear(one, database):
    one(WIDE)
    with database.read() as connection:
        assert not [row for row in connection.execute(select(text_counts)) if "4155550" in row.name]


def test_of_many_at_the_same_moment_exactly_the_limit_gets_through(one):
    limits = TextLimits(number=100, prefix=100, country=100, day=25)
    start = threading.Barrier(8)

    def write(place):
        start.wait()
        return [one(limits, f"+1415555{place}{step:03d}") for step in range(6)]

    with ThreadPoolExecutor(8) as pool:
        said = [answer for answers in pool.map(write, range(8)) for answer in answers]
    assert said.count(None) == 25
    assert said.count(Scope.DAY) == len(said) - 25


def test_transactions_that_count_several_numbers_in_opposite_order_do_not_wait_for_each_other(database, secrets):
    numbers = [f"+1415555{place}123" for place in range(6)]
    start = threading.Barrier(2)

    def write(order):
        start.wait()
        for _ in range(5):
            with database.begin() as connection:
                for number in order:
                    assert count(connection, number, "US", WIDE, pepper=secrets.pepper, now=NOW) is None

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (numbers, numbers[::-1])))
