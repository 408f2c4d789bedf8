"""Claims: who may send which text, in which order, for how long; and news that never moves a text back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from ivr import opt_outs, sending
from ivr.actions import say
from ivr.callers import pseudonym
from ivr.lines import Line, TextLimits
from ivr.outbox import RANKS, Draft, TextState, outbox, write
from ivr.sending import News, note_status
from tests.conftest import NOW

LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550100")
ANNE, BERT = "+14155550123", "+14155550199"
LEASE = timedelta(seconds=60)
WIDE = TextLimits(1000, 1000, 1000, 1000)


@pytest.fixture
def put(database, secrets):
    def put(number=ANNE, now=NOW):
        with database.begin() as connection:
            assert write(connection, secrets, Draft(LINE, number, (say("text.new"),)), WIDE, now=now) is None

    return put


@pytest.fixture
def claim(database):
    def claim(by="one", now=NOW):
        with database.begin() as connection:
            return sending.claim(connection, by, now, LEASE)

    return claim


@pytest.fixture
def rows(database):
    def read():
        with database.read() as connection:
            return connection.execute(select(outbox).order_by(outbox.c.id)).all()

    return read


@pytest.fixture
def news(database, secrets):
    def tell(state, *, text=1, sid="SM1", number=ANNE, error=None):
        with database.begin() as connection:
            told = News(text, sid, pseudonym(number, secrets.pepper), state, error)
            return note_status(connection, told, NOW)

    return tell


def test_the_second_text_of_a_caller_waits_for_the_first_and_another_caller_s_does_not(put, claim, database):
    put(ANNE)
    put(ANNE)
    put(BERT)
    first, other = claim(), claim()
    assert (first.id, other.id, claim()) == (1, 3, None)
    with database.begin() as connection:
        sending.accepted(connection, first, "SM1", NOW)
    assert claim().id == 2


def test_a_text_whose_writer_s_clock_was_ahead_goes_at_once_and_before_what_was_written_after_it(put, claim):
    """Found by the rule machine: the second left first, since the first was not due yet by the clock that looked."""
    put(now=NOW + timedelta(seconds=5))
    put(now=NOW)
    assert claim().id == 1
    assert claim() is None


def test_a_claim_holds_until_its_time_runs_out(put, claim):
    put()
    assert claim().attempts == 1
    assert claim("two", NOW + LEASE - timedelta(seconds=1)) is None
    again = claim("two", NOW + LEASE)
    assert (again.id, again.attempts, again.by) == (1, 2, "two")


def test_what_is_put_off_is_not_due_before_its_time(put, claim, database):
    put()
    claimed = claim()
    with database.begin() as connection:
        sending.postponed(connection, claimed, NOW + timedelta(seconds=8), NOW)
    assert claim(now=NOW + timedelta(seconds=7)) is None
    assert claim(now=NOW + timedelta(seconds=8)).attempts == 2


def test_an_earlier_claim_changes_nothing_any_more_but_may_still_bring_the_provider_s_answer(
    put, claim, database, rows
):
    put()
    early = claim("one")
    late = claim("one", NOW + LEASE)
    with database.begin() as connection:
        assert not sending.posting(connection, early, NOW)
        assert not sending.failed(connection, early, 21614, NOW)
        sending.postponed(connection, early, NOW, NOW)
        assert rows()[0].state == TextState.SENDING
        assert sending.accepted(connection, early, "SM1", NOW)
        assert not sending.failed(connection, late, 21614, NOW)
    assert (rows()[0].state, rows()[0].sid) == (TextState.ACCEPTED, "SM1")


def test_the_time_of_the_first_doubtful_post_is_kept_until_it_is_cleared_up(put, claim, database, rows):
    put()
    for minute in (0, 5):
        at = NOW + timedelta(minutes=minute)
        claimed = claim(now=at)
        with database.begin() as connection:
            assert sending.posting(connection, claimed, at)
            sending.postponed(connection, claimed, at, at)
        assert rows()[0].posted_at == NOW
    claimed = claim(now=at)
    with database.begin() as connection:
        sending.postponed(connection, claimed, at, at, surely_unsent=True)
    assert rows()[0].posted_at is None


def test_many_claim_at_once_and_each_text_is_claimed_by_one_in_the_order_of_its_caller(put, database, rows):
    callers = [f"+1415555{place}123" for place in range(4)]
    for number in callers * 5:
        put(number)
    order, guard, start = [], threading.Lock(), threading.Barrier(4)

    def work(by):
        start.wait()
        idle = 0
        while idle < 20:
            with database.begin() as connection:
                claimed = sending.claim(connection, by, NOW, LEASE)
            if claimed is None:
                idle += 1
                threading.Event().wait(0.005)
                continue
            with guard:
                order.append((claimed.caller.pseudonym, claimed.id))
            with database.begin() as connection:
                assert sending.accepted(connection, claimed, f"SM{claimed.id}", NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ("a", "b", "c", "d")))
    assert sorted(text for _, text in order) == list(range(1, 21))
    for caller in {caller for caller, _ in order}:
        texts = [text for other, text in order if other == caller]
        assert texts == sorted(texts)
    assert {row.attempts for row in rows()} == {1}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_claimer_does_not_wait_for_one_that_has_not_committed(put, database):
    put(ANNE)
    put(BERT)
    with database.begin() as slow:
        assert sending.claim(slow, "one", NOW, LEASE).id == 1
        with ThreadPoolExecutor(1) as pool:

            def other():
                with database.begin() as connection:
                    return sending.claim(connection, "two", NOW, LEASE)

            assert pool.submit(other).result(timeout=2).id == 2
            assert pool.submit(other).result(timeout=2) is None


def test_news_of_a_text_whose_answer_never_came_brings_its_sid(put, claim, database, rows, news):
    put()
    claimed = claim()
    with database.begin() as connection:
        sending.posting(connection, claimed, NOW)
    assert news(TextState.SENT)
    assert (rows()[0].state, rows()[0].sid) == (TextState.SENT, "SM1")
    with database.begin() as connection:
        assert not sending.accepted(connection, claimed, "SM1", NOW)
    assert claim(now=NOW + LEASE) is None


def test_news_that_cannot_be_this_text_s_changes_nothing(put, claim, database, rows, news):
    put()
    assert not news(TextState.SENT)  # it was never posted: another database's text had this number
    claimed = claim()
    with database.begin() as connection:
        sending.posting(connection, claimed, NOW)
    assert not news(TextState.SENT, number=BERT)
    assert not news(TextState.SENT, text=None)
    assert not news(TextState.SENT, text=2)
    with database.begin() as connection:
        sending.accepted(connection, claimed, "SM1", NOW)
    assert not news(TextState.DELIVERED, sid="SM2")
    assert rows()[0].state == TextState.ACCEPTED
    assert news(TextState.DELIVERED, text=None)


def test_news_that_the_caller_opted_out_is_an_opt_out(put, claim, database, rows, news):
    put()
    claimed = claim()
    with database.begin() as connection:
        sending.accepted(connection, claimed, "SM1", NOW)
    assert news(TextState.FAILED, error=21610)
    assert (rows()[0].state, rows()[0].error) == (TextState.FAILED, 21610)
    with database.read() as connection:
        assert opt_outs.is_out(connection, LINE.number, (rows()[0].caller,))


TOLD = [state for state in TextState if state not in {TextState.QUEUED, TextState.SENDING, TextState.REFUSED}]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.sampled_from(TOLD), min_size=1, max_size=8))
def test_in_whatever_order_and_however_often_news_comes_the_highest_rank_stands(put, claim, database, rows, news, told):
    with database.begin() as connection:
        connection.execute(delete(outbox))
    put()
    claimed = claim()
    with database.begin() as connection:
        sending.posting(connection, claimed, NOW)
    for state in told:
        news(state, text=claimed.id)
    highest = max(RANKS[state] for state in told)
    assert rows()[0].state == next(state for state in told if RANKS[state] == highest)
    assert rows()[0].rank == highest
