"""Twilio fails in each way that a wire can, under the line's own client: the text waits, and is had once."""

import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from ivr.actions import say
from ivr.lines import Lines, TextLimits
from ivr.outbox import Draft, TextState, outbox, write
from tests.webhooks.delivery_process import ACCOUNT, LINE, Loopback, Steps
from tests.webhooks.test_delivery_killed import ANNE, twilio
from webhooks import twilio_client
from webhooks.delivery import DOUBTFUL_WAIT, LEASE, deliver_one
from webhooks.rehearsal.carrier import SECONDS_ASKED, Mood
from webhooks.twilio_rest import TwilioCarrier

__all__ = ["twilio"]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def line(exchange, clock):
    """The line, with one text to go; `line()` delivers what is due, and gives its row."""
    here = replace(exchange, lines=Lines((LINE,)), below=lambda _: 0)
    with here.database.begin() as connection:
        write(connection, here.secrets, Draft(LINE, ANNE, (say("text.new"),)), TextLimits(), now=clock.now)

    def deliver(carrier):
        while deliver_one(here, carrier, "the test"):
            pass
        with here.database.read() as connection:
            return connection.execute(select(outbox)).one()

    return deliver


def carrier_at(address):
    return TwilioCarrier(ACCOUNT, "SK1", "secret", http=lambda: Loopback(address, Steps("nowhere")))


def head(answer, length):
    return f"HTTP/1.1 {answer.status} Created\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


def nothing_at_all(_wire, _answer):
    """The connection is closed when the request was read."""


def half_a_head(wire, answer):
    wire.write(head(answer, 400)[:30].encode())


def a_head_alone(wire, answer):
    wire.write(head(answer, len(answer.body)).encode())


def half_a_body(wire, answer):
    wire.write(head(answer, len(answer.body)).encode() + answer.body[: len(answer.body) // 2])


def another_s_page(wire, answer):
    page = b"<html>This hotel's network</html>"
    wire.write(head(answer, len(page)).encode() + page)


@pytest.mark.parametrize("instead", [nothing_at_all, half_a_head, a_head_alone, half_a_body, another_s_page])
def test_a_text_that_twilio_took_and_whose_answer_was_lost_is_not_sent_again(line, twilio, clock, instead):
    twilio.instead = instead
    carrier, begun = carrier_at(twilio.address), clock.now
    with capture_logs() as logged:
        row = line(carrier)
    assert [entry["event"] for entry in logged] == ["text_postponed"]
    assert (row.state, row.sid, row.due_at) == (TextState.QUEUED, None, begun + timedelta(seconds=DOUBTFUL_WAIT))
    twilio.instead = None
    clock.now = row.due_at
    row = line(carrier)
    assert (row.state, len(twilio.texts(ANNE))) == (TextState.ACCEPTED, 1)
    assert row.sid


def test_a_twilio_that_says_nothing_holds_a_delivery_for_as_long_as_it_has_and_has_the_text(
    line, twilio, clock, monkeypatch
):
    seconds = sum(twilio_client.TIMEOUT)
    assert 2 * seconds < LEASE.total_seconds(), "to ask and to post take less than a claim lasts"
    monkeypatch.setattr(twilio_client, "TIMEOUT", (0.3, 0.3))
    twilio.hold = True
    carrier = carrier_at(twilio.address)
    row = line(carrier)
    assert (row.state, row.sid) == (TextState.QUEUED, None)
    twilio.hold = False
    clock.now = row.due_at
    assert line(carrier).state == TextState.ACCEPTED
    assert len(twilio.texts(ANNE)) == 1


@pytest.mark.parametrize(
    ("mood", "waits", "cause"),
    [(Mood.TOO_MANY, SECONDS_ASKED, "TOO_MANY_REQUESTS"), (Mood.BROKEN, DOUBTFUL_WAIT, "TWILIO_FAILED")],
)
def test_a_twilio_that_refuses_for_now_is_left_alone_for_as_long_as_it_asks(line, twilio, clock, mood, waits, cause):
    twilio.carrier.mood = mood
    carrier, begun = carrier_at(twilio.address), clock.now
    with capture_logs() as logged:
        row = line(carrier)
    assert [entry["cause"] for entry in logged] == [cause]
    assert (row.state, row.due_at) == (TextState.QUEUED, begun + timedelta(seconds=waits))
    clock.now = row.due_at - timedelta(seconds=1)
    assert line(carrier).attempts == 1
    twilio.carrier.mood = Mood.WELL
    clock.now = row.due_at
    assert (line(carrier).state, len(twilio.texts(ANNE))) == (TextState.ACCEPTED, 1)


def test_while_nobody_listens_a_text_is_tried_again_within_seconds_and_never_looked_for(line, twilio, clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    begun = clock.now
    row = line(carrier_at(nobody))
    assert (row.state, row.due_at, row.posted_at) == (TextState.QUEUED, begun + timedelta(seconds=1), None)
    clock.now = row.due_at
    asked, ask = [], twilio.carrier.request

    def noted(method, url, fields):
        asked.append(method)
        return ask(method, url, fields)

    twilio.carrier.request = noted
    assert line(carrier_at(twilio.address)).state == TextState.ACCEPTED
    assert asked == ["POST"]
