"""Words at the door: understood where a line listens, and kept and logged nowhere."""

from dataclasses import replace

import pytest

from ivr.lines import Lines
from tests.webhooks.test_logs import logged, stream
from webhooks.app import create_app

from .conftest import Call, Door

__all__ = ["logged", "stream"]
SAID = "my name is Zebulon and I would like an operator"


@pytest.fixture
def listening(exchange):
    return replace(exchange, lines=Lines((replace(exchange.lines.all[0], speech=True),)))


@pytest.fixture
def call(listening, clock):
    return Call(Door(listening), clock, "+14155550123").post("/voice/incoming")


def test_a_word_is_taken_for_the_key_it_stands_for(call):
    assert "Your case number is" in call.say(SAID).words
    assert "An operator will call you back" in call.say("Call me back, please.").words
    assert call.over


@pytest.mark.parametrize("confidence", ["", "0.0", "NaN", "-1", "2.5e3", "yes", "0." + "9" * 400])
def test_a_confidence_that_says_nothing_is_no_doubt_and_no_fault(call, confidence):
    assert "Your case number is" in call.say("operator", confidence).words


def test_a_doubtful_word_is_asked_for_again(call):
    assert "That was not understood." in call.say("operator", "0.39").words


@pytest.mark.parametrize("words", ["x" * 5000, "\x00\u202e", "<Say>yes</Say>", "1" * 300])
def test_whatever_is_said_is_answered_with_a_sentence(call, words):
    assert "Key group 1" in call.say(words).words


def test_a_line_that_does_not_listen_takes_words_for_silence(exchange, clock):
    call = Call(Door(exchange), clock, "+14155550123").post("/voice/incoming")
    assert "No keys came through." in call.say("operator").words


def test_no_word_that_is_said_is_kept_or_logged(call, listening, rows, logged):
    call.say(SAID)
    call.door = Door(replace(listening, below=None, now=None))
    call.say(SAID)
    create_app(listening)
    lines, text = logged()
    assert {line["event"] for line in lines} >= {"turn_failed"}
    kept = " ".join(str(row) for table in ("calls", "cases", "handoffs", "call_backs") for row in rows(table))
    assert "zebulon" not in (text + kept).lower()
