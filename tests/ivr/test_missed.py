"""Callers of a total outage: one promise each, however often they called or their calls are read."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from ivr.call_backs import call_backs, close
from ivr.callers import of_number
from ivr.calls import calls
from ivr.lines import Line
from ivr.missed import Became, Missed, collect
from tests.conftest import NOW

LINE = Line("+15550100", "Example", "US", "en-US", 24)
KEYS = {"pepper": bytes(32), "number_key": bytes(32)}


def missed(sid, number="+14155550101", after=0):
    return Missed(sid, LINE, of_number(number, **KEYS), NOW + timedelta(minutes=after))


def owed(database):
    with database.read() as connection:
        rows = connection.execute(select(call_backs).where(call_backs.c.done_at.is_(None))).all()
    return {row.call_sid: row for row in rows}


def collected(database, *those):
    with database.begin() as connection:
        return collect(connection, those)


def reached_us(database, sid, number, after):
    with database.begin() as connection:
        connection.execute(
            insert(calls).values(
                sid=sid, line=LINE.number, caller=of_number(number, **KEYS).pseudonym, turn=1, state="{}", spoken="{}",
                started_at=NOW + timedelta(minutes=after), replied_at=NOW + timedelta(minutes=after),
            )
        )  # fmt: skip


def test_who_called_three_times_is_called_back_once_by_what_the_first_call_was_promised(database):
    counted = collected(database, missed("CA3", after=9), missed("CA1"), missed("CA2", after=4))
    assert counted[Became.NOTED] == 1
    (wish,) = owed(database).values()
    assert (wish.call_sid, wish.line, wish.wished_at, wish.due_at) == (
        "CA1", LINE.number, NOW, NOW + timedelta(hours=24)
    )  # fmt: skip


def test_read_again_and_with_more_calls_of_the_same_callers_nothing_is_noted_twice_even_once_it_is_done(database):
    first = collected(database, missed("CA1"), missed("CA2", "+14155550102"))
    assert first[Became.NOTED] == 2
    with database.begin() as connection:
        assert close(connection, "CA2", by="Anna", now=NOW)
    again = collected(database, missed("CA0", after=-5), missed("CA1"), missed("CA2", "+14155550102"), missed("CA9"))
    assert (again[Became.NOTED], again[Became.ALREADY]) == (0, 2)
    assert set(owed(database)) == {"CA1"}


def test_who_has_got_through_since_is_not_called_back_and_who_had_before_is(database):
    reached_us(database, "CA7", "+14155550101", after=20)
    reached_us(database, "CA8", "+14155550102", after=-20)
    counted = collected(database, missed("CA1"), missed("CA2", "+14155550102"))
    assert (counted[Became.CAME_THROUGH], counted[Became.NOTED]) == (1, 1)
    assert set(owed(database)) == {"CA2"}


def test_a_call_in_a_later_outage_after_the_call_back_was_made_is_another_promise(database):
    collected(database, missed("CA1"))
    with database.begin() as connection:
        close(connection, "CA1", by="Anna", now=NOW + timedelta(hours=3))
    both = (missed("CA1"), missed("CA5", after=300), missed("CA6", after=301))
    assert collected(database, *both)[Became.NOTED] == 1
    assert collected(database, *both)[Became.ALREADY] == 1
    assert set(owed(database)) == {"CA5"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=6), max_size=4))
def test_however_many_calls_come_between_two_readings_every_caller_has_one_promise(database, readings):
    with database.begin() as connection:
        connection.execute(call_backs.delete())
    heard = set()
    for new in readings:
        heard |= set(new)
        collected(database, *(missed(f"CA{who}x{at}", f"+1415555010{who}", at) for who, at in heard))
    assert len(owed(database)) == len({who for who, _ in heard})
