"""News of texts at the door: in any order, any number of times, of a text whose answer was lost, from strangers."""

import itertools

import pytest

from ivr.outbox import RANKS, TextState, outbox
from ivr.sending import any_due
from webhooks.delivery import deliver_one
from webhooks.outgoing import Later
from webhooks.rehearsal.carrier import RehearsalCarrier
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.wsgi import InProcess
from webhooks.sms_status import STATES
from webhooks.twilio_rest import Rehearsed, TwilioCarrier

ANNE = "+14155550123"


@pytest.fixture
def told(texts, rows):
    """Send a text in, let the answer go out, and give what tells news of it."""
    texts.send("?")
    (row,) = rows("outbox")

    def tell(status, *, sid=row["sid"], text=row["id"], to=ANNE, **fields):
        form = {
            "AccountSid": texts.exchange.account_sid,
            "ApiVersion": "2010-04-01",
            "From": "+15550100",
            "MessageSid": sid,
            "MessageStatus": status,
            "SmsSid": sid,
            "SmsStatus": status,
            "To": to,
            **fields,
        }
        path = "/sms/status" if text is None else f"/sms/status?text={text}"
        answer = texts.door.knock(path, form)
        assert (answer.status_code, answer.data) == (204, b"")

    return tell


@pytest.fixture
def state(rows):
    def read():
        (row,) = rows("outbox")
        return row["state"], row["error"]

    return read


def test_what_became_of_a_text_is_known(told, state):
    assert state() == (TextState.ACCEPTED, None)
    told("sent")
    assert state() == (TextState.SENT, None)
    told("undelivered", ErrorCode="30003")
    assert state() == (TextState.UNDELIVERED, 30003)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whatever_the_order_the_highest_rank_stands_and_the_first_of_the_last(told, state, database):
    # Accepted by our own record first, as nearly always; then every order of three, and each twice over.
    for order in itertools.permutations(("sending", "sent", "delivered", "failed"), 3):
        with database.begin() as connection:
            connection.execute(outbox.update().values(state=TextState.ACCEPTED, rank=RANKS[TextState.ACCEPTED]))
        for status in (*order, *order[::-1]):
            told(status)
        states = [STATES[status] for status in order]
        highest = max(RANKS[one] for one in states)
        assert state()[0] == next(one for one in states if RANKS[one] == highest), order


def test_every_status_that_twilio_has_is_taken_and_a_new_one_let_go(told, state):
    inbound = ["receiving", "received"]
    for status in (*inbound, "invented", "", "x" * 2000):
        told(status)
    assert state() == (TextState.ACCEPTED, None)
    assert set(STATES) == {
        "accepted", "scheduled", "queued", "sending", "sent", "partially_delivered", "delivered", "read",
        "undelivered", "failed", "canceled",
    }  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        {"text": "x"},
        {"text": "9" * 30},
        {"text": "-1"},
        {"text": None},
        {"ErrorCode": "none"},
        {"ErrorCode": "9" * 30},
        {"ErrorCode": "0"},
    ],
)
def test_odd_fields_do_not_hide_the_news(told, state, odd):
    told("delivered", **odd)
    assert state() == (TextState.DELIVERED, None)


def test_news_with_an_odd_sid_or_of_a_stranger_s_text_is_let_go(told, state):
    told("delivered", sid="")
    told("delivered", sid="SM/1")
    told("delivered", sid="S" * 65)
    told("delivered", sid="SM" + "f" * 32)
    told("delivered", sid="SM" + "f" * 32, text=99, to="anonymous")
    assert state() == (TextState.ACCEPTED, None)


def test_a_text_whose_answer_was_lost_is_known_by_its_news_and_not_sent_again(texts, rows, clock, database):
    class Silent:
        def send(self, text):
            self.text = text
            return Later("UNREACHABLE", doubtful=True)

    silent = Silent()
    texts.post("?")
    assert deliver_one(texts.exchange, silent, "one")
    path = silent.text.status_url.removeprefix("https://line.example").partition("#")[0]
    form = {
        "AccountSid": texts.exchange.account_sid,
        "MessageSid": "SM" + "1" * 32,
        "MessageStatus": "sent",
        "To": ANNE,
    }
    assert texts.door.knock(path, form).status_code == 204
    (row,) = rows("outbox")
    assert (row["state"], row["sid"]) == (TextState.SENT, "SM" + "1" * 32)
    clock.sleep(3600)
    with database.read() as connection:
        assert not any_due(connection, clock.now)


def test_an_opt_out_told_by_news_stops_the_next_text(told, texts, rows):
    told("failed", ErrorCode="21610")
    assert texts.send("?") == []
    assert len(rows("opt_outs")) == 1


def test_the_door_is_twilio_s_alone(texts):
    form = {"AccountSid": texts.exchange.account_sid, "MessageSid": "SM1", "MessageStatus": "sent", "To": ANNE}
    assert texts.door.knock("/sms/status?text=1", form, signed=False).status_code == 403
    assert texts.door.knock("/sms/status?text=1", form, signed="another token").status_code == 403
    assert texts.door.knock("/sms/status?text=1", {**form, "AccountSid": "AC" + "1" * 32}).status_code == 403
    assert texts.door.knock("/sms/status?text=1", method="GET").status_code in {403, 405, 415}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # whose file is this test's alone
def test_without_a_database_twilio_is_asked_to_come_again(texts, database):
    with database.begin() as connection:
        outbox.drop(connection)
    form = {"AccountSid": texts.exchange.account_sid, "MessageSid": "SM1", "MessageStatus": "sent", "To": ANNE}
    assert texts.door.knock("/sms/status?text=1", form).status_code == 503


def test_a_text_goes_all_the_way_through_the_rehearsal_and_its_news_comes_back(texts, rows, tmp_path):
    rehearsal = RehearsalCarrier(
        tmp_path / "texts.jsonl",
        address=Address("http://127.0.0.1:1", "https://line.example"),
        auth_token=texts.exchange.auth_tokens[0],
        transport=lambda: InProcess(texts.door.client.application),
    )
    carrier = TwilioCarrier(texts.exchange.account_sid, "SK1", "secret", http=lambda: Rehearsed(rehearsal))
    texts.post("?")
    assert deliver_one(texts.exchange, carrier, "one")
    rehearsal.wait()
    (row,) = rows("outbox")
    assert row["state"] == TextState.DELIVERED
