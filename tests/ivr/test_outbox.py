"""What is written to the outbox, what is refused, and what a second draft of the same answer does."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from ivr import opt_outs
from ivr.actions import say
from ivr.callers import recognise
from ivr.lines import Line, TextLimits
from ivr.outbox import Draft, NoText, TextState, fate, outbox, read_words, write
from ivr.text_limits import text_counts

LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550100")
MOBILE = "+14155550123"
BRITISH_LANDLINE, BRITISH_MOBILE = "+442079460958", "+447400123456"
WORDS = (say("text.group", digits="123456"),)
USUAL = TextLimits()


@pytest.fixture
def put(database, secrets, clock):
    """Write a draft in a transaction of its own."""

    def put(limits=USUAL, **draft):
        with database.begin() as connection:
            made = Draft(**{"line": LINE, "number": MOBILE, "words": WORDS, **draft})
            return write(connection, secrets, made, limits, now=clock.now)

    return put


@pytest.fixture
def rows(database):
    def read():
        with database.read() as connection:
            return connection.execute(select(outbox).order_by(outbox.c.id)).all()

    return read


@pytest.fixture
def counted(database):
    def read():
        with database.read() as connection:
            return sum(connection.execute(select(text_counts.c.texts).where(text_counts.c.scope == "day")).scalars())

    return read


def test_a_text_is_written_with_its_words_and_without_its_number(put, rows, clock):
    assert put() is None
    (row,) = rows()
    assert read_words(row.words) == WORDS
    assert (row.state, row.attempts, row.due_at, row.reason) == (TextState.QUEUED, 0, clock.now, None)
    assert MOBILE not in str(tuple(row))
    assert MOBILE not in repr(Draft(LINE, MOBILE, WORDS))


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"line": replace(LINE, text_sender=None)}, NoText.NO_SENDER),
        ({"number": BRITISH_MOBILE}, NoText.COUNTRY_NOT_ALLOWED),
        ({"number": BRITISH_MOBILE, "doubtful": True}, NoText.COUNTRY_NOT_ALLOWED),
        ({"number": "+999123456"}, NoText.COUNTRY_NOT_ALLOWED),
        (
            {"number": BRITISH_LANDLINE, "doubtful": True, "line": replace(LINE, text_countries=("GB",))},
            NoText.NOT_TEXTABLE,
        ),
    ],
)
def test_what_may_not_be_sent_is_written_down_with_its_reason_and_not_counted(put, rows, counted, draft, reason):
    assert put(answers="SM1", **draft) is reason
    (row,) = rows()
    assert (row.state, row.reason) == (TextState.REFUSED, reason)
    assert counted() == 0


def test_a_landline_that_texted_us_is_answered(put):
    assert put(number=BRITISH_LANDLINE, line=replace(LINE, text_countries=("GB",))) is None


def test_whoever_opted_out_is_not_texted_until_they_lift_it(put, rows, database, secrets, clock):
    caller = recognise(MOBILE, "US", pepper=secrets.pepper, number_key=secrets.number_key)
    with database.begin() as connection:
        opt_outs.stop(connection, LINE.number, caller, clock.now)
    assert put() is NoText.OPTED_OUT
    with database.begin() as connection:
        opt_outs.lift(connection, LINE.number, caller.known_as, clock.now)
    assert put() is None
    assert [row.state for row in rows()] == [TextState.REFUSED, TextState.QUEUED]


def test_a_second_draft_that_answers_the_same_text_changes_nothing(put, rows, counted):
    assert put(answers="SM1") is None
    assert put(answers="SM1", words=(say("text.other"),), number="+14155550199") is None
    (row,) = rows()
    assert read_words(row.words) == WORDS
    assert counted() == 1


def test_a_second_draft_of_a_refused_answer_is_refused_alike(put, rows):
    none = TextLimits(number=0)
    assert put(none, answers="SM1") is NoText.LIMIT_NUMBER
    assert put(answers="SM1") is NoText.LIMIT_NUMBER
    assert len(rows()) == 1


def test_texts_that_answer_nothing_are_all_written(put, rows):
    put()
    put()
    assert len(rows()) == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_texts_are_numbered_in_the_order_their_transactions_end(put, rows, database, secrets, clock):
    """So the order they are delivered in is that in which they came to be, also where two turns overlap."""
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            write(connection, secrets, Draft(LINE, MOBILE, (say("text.first"),)), USUAL, now=clock.now)
            second = pool.submit(put, words=(say("text.second"),))
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
        assert second.result(timeout=5) is None
    assert [read_words(row.words)[0].prompt for row in rows()] == ["text.first", "text.second"]


def test_the_fate_of_a_call_s_text_is_that_of_its_last(put, database, clock):
    put(call_sid="CA1", line=replace(LINE, text_sender=None))
    put(call_sid="CA1")
    put(call_sid="CA2", line=replace(LINE, text_sender=None))
    clock.now += timedelta(seconds=5)
    with database.read() as connection:
        assert [fate(connection, sid) for sid in ("CA1", "CA2", "CA3")] == [TextState.QUEUED, TextState.REFUSED, None]
