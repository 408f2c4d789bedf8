"""What callers hear first while something is wrong, and whom the line does not serve."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from ivr import notices
from ivr.notices import LONGEST_NOTICE, UnspeakableWords, WordsFault, spoken_words

NORTH, SOUTH = "+15550100", "+15550101"
CALLER, OTHER = "a" * 32, "b" * 32


def heard(database, line=NORTH):
    with database.read() as connection:
        return notices.current(connection, line)


def on(database, clock, words, line=None):
    with database.begin() as connection:
        return notices.switch_on(connection, line, words, 1, clock.now)


def off(database, clock, notice_id):
    with database.begin() as connection:
        return notices.switch_off(connection, notice_id, 2, clock.now)


def test_nothing_is_said_while_nothing_is_on(database):
    assert heard(database) is None


def test_a_notice_for_all_lines_is_heard_on_each_and_one_for_a_line_on_that_alone(database, clock):
    on(database, clock, "We are slow today.")
    on(database, clock, "The north is down.", NORTH)
    assert heard(database, NORTH) == "The north is down. We are slow today."
    assert heard(database, SOUTH) == "We are slow today."


def test_switching_another_on_in_the_same_place_replaces_it_and_both_are_kept(database, clock):
    first = on(database, clock, "Down till noon.", NORTH)
    second = on(database, clock, "Down till two.", NORTH)
    assert heard(database) == "Down till two."
    with database.read() as connection:
        kept = {notice.id: notice for notice in notices.recent(connection)}
    assert kept[first].switched_off_at == clock.now
    assert kept[second].switched_off_at is None


def test_a_notice_is_switched_off_once_and_who_did_it_is_kept(database, clock):
    notice = on(database, clock, "Down till noon.")
    clock.sleep(60)
    assert off(database, clock, notice).words == "Down till noon."
    assert off(database, clock, notice) is None
    assert heard(database) is None
    with database.read() as connection:
        (kept,) = notices.recent(connection)
    assert (kept.switched_on_by, kept.switched_off_by) == (1, 2)
    assert kept.switched_off_at - kept.switched_on_at == timedelta(minutes=1)


def test_what_a_call_hears_first_costs_one_statement_by_an_index(database, clock):
    on(database, clock, "We are slow today.")
    asked = []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        notices.current(connection, NORTH)
    assert len(asked) == 1
    if database.dialect == "sqlite":
        with database.read() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", (NORTH,)).all()
        assert "ix_notices_on" in str(plan)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (" \n\t ", WordsFault.EMPTY),
        ("x" * (LONGEST_NOTICE + 1), WordsFault.TOO_LONG),
        ("a\x07b", WordsFault.UNPRINTABLE),
        ("a\ud800b", WordsFault.UNPRINTABLE),
    ],
)
def test_what_cannot_be_spoken_is_no_notice(database, clock, words, fault):
    with pytest.raises(UnspeakableWords) as refused:
        on(database, clock, words)
    assert refused.value.fault is fault
    assert heard(database) is None


@given(st.text(max_size=400))
def test_words_that_are_taken_can_stand_in_twiml(given):
    try:
        words = spoken_words(given)
    except UnspeakableWords:
        return
    assert 1 <= len(words) <= LONGEST_NOTICE
    assert words == spoken_words(words)
    assert all(ord(sign) >= 0x20 and not 0xD800 <= ord(sign) <= 0xDFFF for sign in words)


def blocked(database, clock, caller=CALLER):
    with database.read() as connection:
        return notices.is_blocked(connection, (caller,) if caller else (), clock.now)


def block(database, clock, until=None, reason="Guesses keys"):
    with database.begin() as connection:
        notices.block(connection, CALLER, "sealed", reason, 1, now=clock.now, until=until)


def test_a_blocked_caller_is_not_served_and_nobody_else_is_touched(database, clock):
    block(database, clock)
    assert blocked(database, clock)
    assert not blocked(database, clock, OTHER)
    assert not blocked(database, clock, None)


def test_a_block_ends_by_itself_when_its_time_is_over(database, clock):
    block(database, clock, until=clock.now + timedelta(hours=1))
    assert blocked(database, clock)
    clock.sleep(3600)
    assert not blocked(database, clock)
    with database.read() as connection:
        assert notices.blocked(connection, clock.now) == []


def test_a_block_is_lifted_once_and_may_be_put_again_with_new_terms(database, clock):
    block(database, clock, until=clock.now + timedelta(hours=1))
    with database.begin() as connection:
        assert notices.unblock(connection, CALLER, clock.now)
        assert not notices.unblock(connection, CALLER, clock.now)
    assert not blocked(database, clock)
    block(database, clock, reason="Again")
    with database.read() as connection:
        (listed,) = notices.blocked(connection, clock.now)
    assert (listed.caller, listed.reason, listed.until) == (CALLER, "Again", None)
