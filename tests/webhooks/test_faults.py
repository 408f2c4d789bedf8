"""A fault inside us: the caller hears an apology as valid TwiML and has a way on; the log names the call."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from ivr.callers import unseal
from webhooks.background import drain

APOLOGY = "something is wrong on our side"
OFFER = "To be called back at this number, press 1"
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


TABLES = ("call_backs", "guesses", "calls", "cases")


def rename(database, before, after):
    with database.engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"ALTER TABLE {before.format(table)} RENAME TO {after.format(table)}"))


@pytest.fixture
def broken(database):
    """`broken()` takes the tables of the conversation away; what it returns, or the end, brings them back."""
    away = []

    def mended():
        if away:
            away.clear()
            rename(database, "{}_away", "{}")

    def take_away():
        rename(database, "{}", "{}_away")
        away.append(True)
        return mended

    yield take_away
    mended()


class OurBugError(Exception):
    pass


def breaks(*_):
    raise OurBugError("caller +14155550123 keyed 123456 234567")


def test_without_its_tables_the_line_apologises_and_names_the_call_in_the_log(ring, groups, broken):
    call = ring()
    broken()
    with capture_logs() as logged:
        call.key(groups[0])
    assert APOLOGY in call.words
    assert OFFER in call.words
    assert call.actions == ["/voice/call-back"]
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert line["call_sid"] == call.sid


def test_a_call_back_is_noted_even_when_the_tables_are_gone_and_kept_when_they_are_back(
    ring, broken, exchange, rows, secrets
):
    call = ring()
    mended = broken()
    with capture_logs() as logged:
        call.silence().key("1")
    assert [line["call_sid"] for line in logged if line["log_level"] == "error"] == [call.sid] * 2
    assert "An operator will call you back within 24 hours" in call.words
    assert call.over
    (spooled,) = exchange.spool_dir.glob("*.jsonl")
    assert call.sid in spooled.read_text()
    assert "4155550123" not in spooled.read_text()
    mended()
    assert (drain(exchange), drain(exchange)) == (1, 0)
    (wish,) = rows("call_backs")
    assert (wish["call_sid"], unseal(wish["number_sealed"], secrets.number_key)) == (call.sid, "+14155550123")


def test_a_wish_goes_straight_into_the_database_where_only_the_turn_failed(ring, exchange, rows, door_of):
    call = ring()
    call.door = door_of(exchange, below=breaks)
    with capture_logs():
        call.key("0")
    assert APOLOGY in call.words
    call.key("1")
    assert "An operator will call you back" in call.words
    assert [row["call_sid"] for row in rows("call_backs")] == [call.sid]
    assert not exchange.spool_dir.exists()


def test_a_clock_that_fails_is_apologised_for_once_and_then_the_call_ends(ring, exchange, door_of):
    call = ring()
    call.door = door_of(exchange, now=breaks)
    with capture_logs() as logged:
        call.silence()
        assert APOLOGY in call.words
        call.key("1")
    assert [line["call_sid"] for line in logged] == [call.sid] * 2
    assert "call again in a few minutes" in call.words
    assert call.over


def test_a_generation_that_is_gone_from_the_secrets_is_apologised_for(ring, groups, exchange, door_of, secrets):
    call = ring().key("".join(groups))
    assert "Approved" in call.words
    held = secrets.products[1]
    forgotten = replace(held, verification={1: held.verification[1]})
    call.door = door_of(exchange, secrets=replace(secrets, products={**secrets.products, 1: forgotten}))
    with capture_logs():
        call.key("*")
    assert APOLOGY in call.words
    assert OFFER in call.words


@sqlite_only
@pytest.mark.parametrize("choice", [{}, {"Digits": ""}, {"Digits": "2"}, {"Digits": "0"}, {"Digits": "\u00b9"}])
def test_whoever_does_not_want_to_be_called_back_is_told_to_try_later(ring, rows, exchange, choice):
    call = ring().post("/voice/call-back", **choice)
    assert "Please call again in a few minutes" in call.words
    assert call.over
    assert rows("call_backs") == []
    assert not exchange.spool_dir.exists()


@sqlite_only
def test_a_withheld_caller_is_not_offered_what_cannot_be_kept(ring, exchange, door_of, rows):
    call = ring("anonymous")
    call.door = door_of(exchange, below=breaks)
    with capture_logs():
        call.key("0")
    assert APOLOGY in call.words
    assert "call again in a few minutes" in call.words
    assert call.over
    call.post("/voice/call-back", Digits="1")
    assert "call again in a few minutes" in call.words
    assert rows("call_backs") == []


def test_pressing_1_twice_is_one_wish(ring, rows):
    call = ring()
    for _ in range(2):
        call.post("/voice/call-back", Digits="1")
        assert "An operator will call you back" in call.words
    assert len(rows("call_backs")) == 1


@sqlite_only
def test_where_even_the_disk_fails_nothing_is_promised(ring, broken, exchange, door_of, tmp_path):
    call = ring()
    broken()
    file = tmp_path / "a file"
    file.touch()
    call.door = door_of(exchange, spool_dir=file)
    with capture_logs() as logged:
        call.silence().key("1")
    assert logged[-1]["call_sid"] == call.sid
    assert "An operator will call you back" not in call.words
    assert "call again in a few minutes" in call.words
    assert call.over


@sqlite_only
def test_the_call_goes_on_once_the_fault_is_gone(ring, groups, exchange, door_of):
    call = ring().key(groups[0])
    action, sound = call.actions[0], call.door
    call.door = door_of(exchange, now=breaks)
    with capture_logs():
        call.key(groups[1])
    assert APOLOGY in call.words
    call.door = sound
    assert "Group 3" in call.post(action, Digits=groups[1]).words


@sqlite_only
def test_a_status_callback_that_fails_is_no_page(ring, exchange, door_of):
    call = ring()
    call.door = door_of(exchange, now=breaks)
    with capture_logs():
        answer = call.status("completed")
    assert answer.status_code in {200, 204}
    assert b"Traceback" not in answer.data
