"""The rehearsal's Messages resource: what it keeps, what it answers, and what it tells the line."""

import json
import stat
import threading
from datetime import UTC, datetime

import pytest

from webhooks.rehearsal.carrier import Mood, RehearsalCarrier, read_texts
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.signing import signature
from webhooks.rehearsal.transport import Answer, NotReachedError, TooSlowError

URL = "https://api.twilio.com/2010-04-01/Accounts/AC" + "0" * 32 + "/Messages.json"
FORM = {
    "To": "+14155550123",
    "From": "+15550100",
    "Body": "Group 1 is in.",
    "StatusCallback": "https://line.example/sms/status?text=5#rc=1&rp=ct,rt,5xx",
}
PUBLIC = "https://line.example"


class Listening:
    """A line that notes what it is told, and answers as it was asked to."""

    def __init__(self, answer=None):
        self.heard = []
        self.answer = answer or Answer(204, (), b"")

    def send(self, request, _limits):
        self.heard.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def line():
    return Listening()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "texts.jsonl"


@pytest.fixture
def carrier(file, line):
    return RehearsalCarrier(
        file,
        address=Address("http://127.0.0.1:8080", PUBLIC),
        auth_token="token",
        transport=lambda: line,
        now=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC),
    )


def told(line):
    return [request.form["MessageStatus"] for request in line.heard]


def test_a_text_is_kept_for_its_owner_s_eyes_with_what_it_costs(carrier, file):
    answer = carrier.request("POST", URL, FORM)
    resource = json.loads(answer.body)
    assert (answer.status, resource["status"], resource["num_segments"]) == (201, "queued", "1")
    (text,) = read_texts(file)
    assert (text.sid, text.sender, text.recipient, text.body) == (
        resource["sid"],
        "+15550100",
        "+14155550123",
        "Group 1 is in.",
    )
    assert (text.num_segments, text.encoding, text.at) == (1, "GSM-7", "2026-11-24T12:00:00+00:00")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_line_is_told_by_signed_requests_at_its_own_address(carrier, line):
    carrier.request("POST", URL, FORM)
    carrier.wait()
    assert told(line) == ["sent", "delivered"]
    for request in line.heard:
        assert request.url == "http://127.0.0.1:8080/sms/status?text=5"
        assert request.headers["X-Twilio-Signature"] == signature("token", f"{PUBLIC}/sms/status?text=5", request.form)


@pytest.mark.parametrize(
    ("mood", "statuses"),
    [
        (Mood.UNREACHABLE, ["sent", "undelivered"]),
        (Mood.REVERSED, ["delivered", "sent"]),
        (Mood.TWICE, ["sent", "delivered", "sent", "delivered"]),
    ],
)
def test_what_becomes_of_a_text_follows_the_mood(carrier, line, mood, statuses):
    carrier.mood = mood
    assert carrier.request("POST", URL, FORM).status == 201
    carrier.wait()
    assert told(line) == statuses
    assert [request.form.get("ErrorCode") for request in line.heard].count("30003") == statuses.count("undelivered")


@pytest.mark.parametrize(
    ("mood", "status", "error"),
    [(Mood.OPTED_OUT, 400, 21610), (Mood.LANDLINE, 400, 21614), (Mood.TOO_MANY, 429, 20429)],
)
def test_what_is_refused_is_not_kept(carrier, file, mood, status, error):
    carrier.mood = mood
    answer = carrier.request("POST", URL, FORM)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, error)
    assert read_texts(file) == []


def test_too_many_requests_say_how_long_to_wait(carrier):
    carrier.mood = Mood.TOO_MANY
    assert int(carrier.request("POST", URL, FORM).header("retry-after")) > 0


def test_a_broken_day_answers_with_a_page(carrier):
    carrier.mood = Mood.BROKEN
    assert carrier.request("POST", URL, FORM).status == 500
    assert carrier.request("GET", URL, {}).status == 500


def test_a_silent_one_keeps_the_text_all_the_same(carrier, file):
    carrier.mood = Mood.SILENT
    with pytest.raises(TooSlowError):
        carrier.request("POST", URL, FORM)
    assert len(read_texts(file)) == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({**FORM, "To": "anonymous"}, 21211),
        ({**FORM, "Body": ""}, 21602),
        ({name: value for name, value in FORM.items() if name != "From"}, 21603),
    ],
)
def test_a_form_that_twilio_would_not_take_is_refused(carrier, form, error):
    assert json.loads(carrier.request("POST", URL, form).body)["code"] == error


def test_another_resource_is_not_found(carrier):
    assert carrier.request("POST", URL.replace("Messages", "Calls"), FORM).status == 404


def test_texts_are_listed_the_newest_first_by_recipient_and_sender(carrier):
    for body, to in (("one", "+14155550123"), ("two", "+14155550199"), ("three", "+14155550123")):
        carrier.request("POST", URL, {**FORM, "Body": body, "To": to})

    def bodies(**query):
        listed = json.loads(carrier.request("GET", URL, query).body)
        return [message["body"] for message in listed["messages"]]

    assert bodies() == ["three", "two", "one"]
    assert bodies(To="+14155550123", From="+15550100") == ["three", "one"]
    assert bodies(From="+15550111") == []
    assert bodies(PageSize="1") == ["three"]
    assert bodies(**{"DateSent>": "2026-11-25"}) == []


def test_a_text_of_a_messaging_service_names_it(carrier, line):
    service = "MG" + "a" * 32
    form = {**{name: value for name, value in FORM.items() if name != "From"}, "MessagingServiceSid": service}
    resource = json.loads(carrier.request("POST", URL, form).body)
    carrier.wait()
    assert (resource["from"], resource["messaging_service_sid"]) == (None, service)
    assert {request.form["MessagingServiceSid"] for request in line.heard} == {service}


def test_a_torn_line_costs_no_other_text(carrier, file):
    carrier.request("POST", URL, {**FORM, "Body": "one"})
    with file.open("ab") as torn:
        torn.write(b'{"sid": "SM')
    carrier.request("POST", URL, {**FORM, "Body": "two"})
    assert [text.body for text in read_texts(file)] == ["one", "two"]


def test_texts_are_read_on_from_where_reading_ended(carrier, file):
    assert read_texts(file) == []
    for body in ("one", "two", "three"):
        carrier.request("POST", URL, {**FORM, "Body": body})
    assert [text.body for text in read_texts(file, "+14155550123", after=1)] == ["two", "three"]
    assert read_texts(file, "+14155550199") == []


def test_texts_that_come_at_the_same_moment_are_all_kept(carrier, file):
    threads = [
        threading.Thread(target=carrier.request, args=("POST", URL, {**FORM, "Body": f"text {place}"}))
        for place in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    carrier.wait()
    assert {text.body for text in read_texts(file)} == {f"text {place}" for place in range(20)}


@pytest.mark.parametrize("answer", [NotReachedError(0.0), Answer(500, (), b""), Answer(404, (), b"")])
def test_a_line_that_is_not_there_does_not_trouble_the_carrier(carrier, line, answer):
    line.answer = answer
    assert carrier.request("POST", URL, FORM).status == 201
    carrier.wait()
    assert {request.form["MessageStatus"] for request in line.heard} == {"sent", "delivered"}
