"""Delivery: what is sent and when, what is tried again, and what is never sent twice."""

import io
import logging
import threading
from contextlib import redirect_stderr
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import select, update

from ivr import opt_outs
from ivr.actions import say
from ivr.callers import Caller, pseudonym, seal
from ivr.lines import Line, Lines, TextLimits
from ivr.outbox import Draft, NoText, TextState, outbox, write
from webhooks import delivery, logs
from webhooks.delivery import DOUBTFUL_WAIT, GIVE_UP, LEASE, deliver_one
from webhooks.outgoing import Accepted, Later, Outgoing, Rejected

LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550177")
ANNE, BERT = "+14155550123", "+14155550199"


@dataclass
class FakeCarrier:
    """Answers from a list, then accepts; remembers what it was asked."""

    answers: list = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    asked: list = field(default_factory=list)
    found: object = ()

    def send(self, text):
        self.sent.append(text)
        answer = self.answers.pop(0) if self.answers else Accepted(f"SM{len(self.sent)}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, text, since):
        self.asked.append((text, since))
        return self.found


@pytest.fixture
def exchange(exchange):
    return replace(exchange, lines=Lines((LINE,)), below=lambda _: 0)


@pytest.fixture
def put(exchange, secrets, clock):
    def put(number=ANNE, prompt="text.new", **facts):
        with exchange.database.begin() as connection:
            draft = Draft(LINE, number, (say(prompt, **facts),))
            assert write(connection, secrets, draft, TextLimits(), now=clock.now) is None

    return put


@pytest.fixture
def rows(exchange):
    def read():
        with exchange.database.read() as connection:
            return connection.execute(select(outbox).order_by(outbox.c.id)).all()

    return read


@pytest.fixture
def carrier():
    return FakeCarrier()


@pytest.fixture
def deliver(exchange, carrier):
    """Deliver until nothing is due; how many texts were worked on."""

    def deliver():
        times = 0
        while deliver_one(exchange, carrier, "one"):
            times += 1
        return times

    return deliver


def test_a_text_goes_out_once_with_its_words_and_the_address_for_its_news(put, deliver, carrier, rows):
    put(prompt="text.in", groups="1-3", count=3)
    assert deliver() == 1
    (sent,) = carrier.sent
    assert (sent.sender, sent.recipient, sent.body) == ("+15550177", ANNE, "Groups 1-3 are in.")
    assert sent.status_url.startswith(f"https://line.example/sms/status?text={sent.id}#")
    assert [(row.state, row.sid) for row in rows()] == [(TextState.ACCEPTED, "SM1")]
    assert deliver() == 0


def test_texts_to_one_number_go_in_order_and_wait_for_one_that_is_put_off(put, deliver, carrier, clock):
    put(prompt="text.in", groups="1", count=1)
    put(prompt="text.in", groups="2", count=1)
    put(BERT)
    carrier.answers = [Later("TOO_MANY_REQUESTS", after=30)]
    deliver()
    assert [text.recipient for text in carrier.sent] == [ANNE, BERT]
    clock.sleep(29)
    assert deliver() == 0
    clock.sleep(1)
    deliver()
    assert [text.body for text in carrier.sent[2:]] == ["Group 1 is in.", "Group 2 is in."]


def test_the_wait_doubles_up_to_a_quarter_of_an_hour_and_ends_after_a_day(put, deliver, carrier, clock, rows):
    put()
    carrier.answers = [Later("TOO_MANY_REQUESTS") for _ in range(500)]
    waits = []
    while rows()[0].state == TextState.QUEUED:
        deliver()
        if rows()[0].state == TextState.QUEUED:
            waits.append((rows()[0].due_at - clock.now).total_seconds())
            clock.now = rows()[0].due_at
    assert waits[:11] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]
    assert timedelta(hours=23) < clock.now - rows()[0].written_at <= GIVE_UP
    assert (rows()[0].state, rows()[0].error) == (TextState.FAILED, None)


def test_what_waited_a_day_for_a_process_to_deliver_it_is_not_sent(put, deliver, carrier, clock, rows):
    put()
    clock.now += GIVE_UP + timedelta(seconds=1)
    deliver()
    assert carrier.sent == []
    assert rows()[0].state == TextState.FAILED


def test_a_final_no_stays_on_the_row(put, deliver, carrier, rows):
    put()
    carrier.answers = [Rejected(21614)]
    deliver()
    assert [(row.state, row.error) for row in rows()] == [(TextState.FAILED, 21614)]
    assert deliver() == 0


def test_a_no_for_want_of_consent_is_an_opt_out_and_stops_what_is_still_to_go(put, deliver, carrier, rows, exchange):
    put()
    put()
    carrier.answers = [Rejected(21610)]
    deliver()
    assert [(row.state, row.error, row.reason) for row in rows()] == [
        (TextState.FAILED, 21610, None),
        (TextState.REFUSED, None, NoText.OPTED_OUT),
    ]
    with exchange.database.read() as connection:
        assert opt_outs.is_out(connection, LINE.number, (rows()[0].caller,))
    assert len(carrier.sent) == 1


def test_an_opt_out_after_the_text_was_written_stops_it(put, deliver, carrier, rows, exchange, secrets, clock):
    put()
    caller = Caller(pseudonym(ANNE, secrets.pepper), seal(ANNE, secrets.number_key))
    with exchange.database.begin() as connection:
        opt_outs.stop(connection, LINE.number, caller, clock.now)
    deliver()
    assert carrier.sent == []
    assert rows()[0].reason == NoText.OPTED_OUT


def test_a_line_that_sends_no_texts_any_more_refuses_what_it_had_written(put, carrier, rows, exchange):
    put()
    for lines in (Lines((replace(LINE, text_sender=None),)), Lines((replace(LINE, number="+15550199"),))):
        deliver_one(replace(exchange, lines=lines), carrier, "one")
        assert rows()[0].reason == NoText.NO_SENDER
    assert carrier.sent == []


def test_where_no_answer_came_the_provider_is_asked_before_it_is_sent_again(put, deliver, carrier, clock, rows):
    put()
    carrier.answers = [Later("UNREACHABLE", doubtful=True)]
    deliver()
    assert rows()[0].due_at - clock.now >= timedelta(seconds=DOUBTFUL_WAIT)
    posted_at = clock.now
    clock.sleep(DOUBTFUL_WAIT + 1)
    carrier.found = ("SM77",)
    deliver()
    assert len(carrier.sent) == 1
    ((text, since),) = carrier.asked
    assert text.body == carrier.sent[0].body
    assert since <= posted_at - timedelta(seconds=30)
    assert (rows()[0].state, rows()[0].sid) == (TextState.ACCEPTED, "SM77")


def test_where_the_provider_has_no_such_text_it_is_sent_again(put, deliver, carrier, clock, rows):
    put()
    carrier.answers = [Later("UNREACHABLE", doubtful=True)]
    deliver()
    clock.sleep(DOUBTFUL_WAIT + 1)
    deliver()
    assert len(carrier.sent) == 2
    assert rows()[0].sid == "SM2"


def test_while_the_provider_cannot_be_asked_nothing_is_sent(put, deliver, carrier, clock):
    put()
    carrier.answers = [Later("UNREACHABLE", doubtful=True)]
    carrier.found = Later("UNREACHABLE")
    deliver()
    for _ in range(5):
        clock.sleep(600)
        deliver()
    assert len(carrier.sent) == 1
    assert len(carrier.asked) == 5


def test_a_text_that_surely_did_not_arrive_is_not_looked_for(put, deliver, carrier, clock):
    put()
    carrier.answers = [Later("UNREACHABLE", doubtful=True), Later("TOO_MANY_REQUESTS")]
    for _ in range(3):
        deliver()
        clock.sleep(600)
    assert (len(carrier.asked), len(carrier.sent)) == (1, 3)


def test_of_two_equal_texts_the_one_that_is_known_is_not_taken_for_the_other(put, deliver, carrier, clock, rows):
    put()
    deliver()
    put()
    carrier.answers = [Later("UNREACHABLE", doubtful=True)]
    deliver()
    clock.sleep(DOUBTFUL_WAIT + 1)
    carrier.found = ("SM1",)
    deliver()
    assert len(carrier.sent) == 3
    assert [row.sid for row in rows()] == ["SM1", "SM3"]


def test_a_text_that_cannot_be_put_together_keeps_no_other_back(put, deliver, carrier, clock, rows, exchange):
    put(ANNE, "text.no_such_prompt")
    put(BERT)
    put("+14155550155", "text.approved")  # asks for blocks, and there is no case
    put("+14155550156")
    with exchange.database.begin() as connection:
        connection.execute(update(outbox).where(outbox.c.id == 4).values(words="no JSON"))
    assert deliver() == 4
    assert [text.recipient for text in carrier.sent] == [BERT]
    assert [row.state for row in rows()] == ["queued", "accepted", "queued", "queued"]
    assert all(row.due_at > clock.now for row in rows() if row.state == "queued")


def test_a_carrier_that_fails_in_an_unforeseen_way_is_one_that_may_have_the_text(put, deliver, carrier, clock):
    put()
    carrier.answers = [RuntimeError("what is this")]
    deliver()
    clock.sleep(DOUBTFUL_WAIT + 1)
    deliver()
    assert len(carrier.asked) == 1


def test_a_claim_whose_time_ran_out_may_neither_post_nor_put_off(put, exchange, clock, rows):
    put()

    class Slow(FakeCarrier):
        def send(self, _text):
            clock.sleep(LEASE.total_seconds())
            assert deliver_one(exchange, second, "two")
            return Later("TOO_MANY_REQUESTS")

    second = FakeCarrier(found=("SM9",))
    assert deliver_one(exchange, Slow(), "one")
    assert (rows()[0].state, rows()[0].sid, second.sent) == (TextState.ACCEPTED, "SM9", [])


def test_no_log_of_a_failing_delivery_tells_a_number_or_a_word(put, exchange, carrier, clock):
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    with redirect_stderr(stream):
        logs.configure(logging.DEBUG)
    try:
        put(prompt="text.case_found")
        carrier.answers = [
            RuntimeError(f"to {ANNE}: Your case is here, and all that came before is kept."),
            Later("CREDENTIALS_REFUSED", ours=True),
            Rejected(21614),
        ]
        for _ in range(3):
            while deliver_one(exchange, carrier, "one"):
                pass
            clock.sleep(1000)
    finally:
        root.handlers[:], root.level = kept, level
        structlog.reset_defaults()
    told = stream.getvalue()
    assert [event in told for event in ("text_failed", "text_postponed", "text_rejected")] == [True] * 3
    assert '"level": "critical"' in told or '"level":"critical"' in told
    assert "4155550123" not in told
    assert len(carrier.sent) == 3


def test_what_is_written_is_sent_at_once_by_the_thread_that_waits_for_it(put, exchange, carrier, rows):
    stop = delivery.start(exchange, carrier)
    try:
        put()
        exchange.texts_due.set()
        for _ in range(100):
            if rows()[0].state == TextState.ACCEPTED:
                break
            threading.Event().wait(0.02)
        assert rows()[0].state == TextState.ACCEPTED
    finally:
        stop.set()
        exchange.texts_due.set()
        for thread in threading.enumerate():
            if thread.name == "delivery":
                thread.join()
