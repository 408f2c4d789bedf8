"""Texts by Twilio's interface: its real library against the rehearsal's Messages resource, and what each no means."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from twilio.http.response import Response

from tests.webhooks.twilio_api.description import answer_problems, problems
from webhooks import twilio_rest
from webhooks.outgoing import Accepted, Later, Outgoing, Rejected
from webhooks.rehearsal.carrier import SECONDS_ASKED, Mood, RehearsalCarrier, read_texts
from webhooks.settings import load
from webhooks.twilio_rest import OURS, Rehearsed, TwilioCarrier

ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "a" * 32
NOW = datetime(2026, 11, 24, 12, 0, 0, 500, tzinfo=UTC)
TEXT = Outgoing(
    5, "+15550100", "+14155550123", "Group 1 is in.", "https://line.example/sms/status?text=5#rc=1&rp=ct,5xx"
)


class Checked:
    """An HTTP client that holds every request and answer to Twilio's own description."""

    is_async = False

    def __init__(self, inner):
        self.inner = inner
        self.seen = []

    def request(self, method, url, params=None, data=None, **rest):
        assert problems(method, url, (params if method == "GET" else data) or {}) == []
        assert rest["auth"] == ("SK1", "secret")
        self.seen.append((method, url, dict(params or {}), dict(data or {})))
        response = self.inner.request(method, url, params=params, data=data, **rest)
        if response.status_code < 300:
            assert answer_problems(method, url, json.loads(response.text)) == []
        return response


class Answering:
    """An HTTP client that answers in one way."""

    is_async = False

    def __init__(self, answer):
        self.answer = answer

    def request(self, *_, **__):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def rehearsal(tmp_path):
    return RehearsalCarrier(tmp_path / "texts.jsonl", now=lambda: NOW)


@pytest.fixture
def http(rehearsal):
    return Checked(Rehearsed(rehearsal))


@pytest.fixture
def carrier(http):
    return TwilioCarrier(ACCOUNT, "SK1", "secret", http=lambda: http)


def answering(answer):
    return TwilioCarrier(ACCOUNT, "SK1", "secret", http=lambda: Answering(answer))


def refusal(status, error, headers=None):
    told = {"code": error, "message": "no", "more_info": "", "status": status}
    return Response(status, json.dumps(told), headers or {})


def test_a_text_is_posted_as_twilio_describes_it(carrier, http, tmp_path):
    answer = carrier.send(TEXT)
    (text,) = read_texts(tmp_path / "texts.jsonl")
    assert answer == Accepted(text.sid)
    ((method, url, _, data),) = http.seen
    assert (method, url) == ("POST", f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert data == {"To": TEXT.recipient, "From": TEXT.sender, "Body": TEXT.body, "StatusCallback": TEXT.status_url}


def test_a_messaging_service_sends_in_a_number_s_stead(carrier, http):
    text = Outgoing(5, SERVICE, TEXT.recipient, TEXT.body, TEXT.status_url)
    assert isinstance(carrier.send(text), Accepted)
    assert http.seen[0][3]["MessagingServiceSid"] == SERVICE
    assert "From" not in http.seen[0][3]
    assert len(carrier.find(text, NOW)) == 1


def test_a_text_that_was_taken_without_an_answer_is_found_again(carrier, rehearsal, tmp_path):
    rehearsal.mood = Mood.SILENT
    assert carrier.send(TEXT) == Later("UNREACHABLE", doubtful=True)
    rehearsal.mood = Mood.WELL
    sent = tuple(text.sid for text in read_texts(tmp_path / "texts.jsonl"))
    assert carrier.find(TEXT, NOW - timedelta(minutes=1)) == sent
    assert carrier.find(TEXT, NOW + timedelta(seconds=1)) == ()


def test_equal_texts_are_found_the_oldest_first_and_others_are_not(carrier):
    first, second = carrier.send(TEXT), carrier.send(TEXT)
    for text in (
        Outgoing(6, "+15550111", TEXT.recipient, TEXT.body, TEXT.status_url),
        Outgoing(6, TEXT.sender, "+14155550199", TEXT.body, TEXT.status_url),
        Outgoing(6, TEXT.sender, TEXT.recipient, "Group 2 is in.", TEXT.status_url),
    ):
        carrier.send(text)
    assert carrier.find(TEXT, NOW) == (first.sid, second.sid)


def test_a_trial_account_s_own_words_before_the_body_do_not_hide_a_text(carrier):
    trial = Outgoing(5, TEXT.sender, TEXT.recipient, f"Sent from your trial account - {TEXT.body}", TEXT.status_url)
    assert carrier.find(TEXT, NOW) == ()
    sent = carrier.send(trial)
    assert carrier.find(TEXT, NOW) == (sent.sid,)


@pytest.mark.parametrize(
    ("mood", "answer"),
    [
        (Mood.OPTED_OUT, Rejected(21610)),
        (Mood.LANDLINE, Rejected(21614)),
        (Mood.TOO_MANY, Later("TOO_MANY_REQUESTS", after=SECONDS_ASKED)),
        (Mood.BROKEN, Later("TWILIO_FAILED", doubtful=True)),
    ],
)
def test_each_mood_is_understood(carrier, rehearsal, mood, answer):
    rehearsal.mood = mood
    assert carrier.send(TEXT) == answer


def test_while_twilio_is_broken_nothing_is_found_and_nothing_missing(carrier, rehearsal):
    rehearsal.mood = Mood.BROKEN
    assert isinstance(carrier.find(TEXT, NOW), Later)


@pytest.mark.parametrize("error", [21211, 21217, 21408, 21608, 21610, 21612, 21614, 30003])
def test_what_is_about_the_recipient_is_final(error):
    assert answering(refusal(400, error)).send(TEXT) == Rejected(error)


@pytest.mark.parametrize(
    ("status", "error"), [(401, 20003), (403, 20005), (404, 20404), (403, 70051), *((400, error) for error in OURS)]
)
def test_what_is_wrong_with_our_own_account_waits_to_be_mended(status, error):
    answer = answering(refusal(status, error)).send(TEXT)
    assert isinstance(answer, Later)
    assert answer.ours
    assert not answer.doubtful


def test_a_full_queue_is_no_reason_to_give_up():
    assert answering(refusal(400, 21611)).send(TEXT) == Later("REQUEST_REFUSED")


@pytest.mark.parametrize("asked", ["Tue, 24 Nov 2026 12:00:00 GMT", "", "-1"])
def test_a_wait_that_is_no_number_of_seconds_is_ours_to_choose(asked):
    assert answering(refusal(429, 20429, {"Retry-After": asked})).send(TEXT).after is None


@pytest.mark.parametrize(
    ("answer", "doubtful"),
    [
        (requests.ConnectTimeout(), False),
        (requests.ReadTimeout(), True),
        (requests.ConnectionError(), True),
        (Response(502, "<html>bad gateway</html>"), True),
        (Response(201, "<html>welcome to this hotel's network</html>"), True),
        (Response(201, "{}"), True),
        (Response(407, "<html>proxy</html>"), False),
    ],
)
def test_where_something_stands_between_us_and_twilio_the_text_waits(answer, doubtful):
    said = answering(answer).send(TEXT)
    assert isinstance(said, Later)
    assert said.doubtful is doubtful


def test_a_search_that_is_refused_finds_nothing_and_waits():
    assert answering(refusal(400, 21211)).find(TEXT, NOW) == Later("search refused", ours=True)


@pytest.fixture
def settings_of(tmp_path):
    def read(**more):
        return load(
            {
                "TOUCHTONE_DATA_DIR": str(tmp_path),
                "TOUCHTONE_PUBLIC_URL": "https://line.example",
                "TOUCHTONE_LISTEN": "127.0.0.1:1",
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_AUTH_TOKEN": "t" * 32,
                **more,
            }
        )

    return read


def test_without_an_api_key_the_rehearsal_receives_the_texts(settings_of):
    settings = settings_of()
    answer = twilio_rest.opened(settings).send(TEXT)
    assert [text.sid for text in read_texts(settings.rehearsed_texts)] == [answer.sid]


def test_with_an_api_key_they_go_to_twilio(settings_of, monkeypatch):
    asked = []

    def refuse(_self, request, **_):
        asked.append(request)
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "send", refuse)
    settings = settings_of(TWILIO_API_KEY="SK" + "1" * 32, TWILIO_API_SECRET="s" * 32)
    assert twilio_rest.opened(settings).send(TEXT) == Later("UNREACHABLE")
    assert [request.url for request in asked] == [f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"]
    assert not settings.rehearsed_texts.exists()


def test_a_line_imports_no_library_that_only_some_lines_need():
    """Neither Twilio's library and its HTTP client nor, before a database is opened, anything of either database's."""
    seldom = (
        "twilio",
        "requests",
        "psycopg",
        "sqlite3",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.dialects.sqlite",
    )
    look = f"import sys, webhooks.serving; print([name for name in {seldom} if name in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", look], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True
    )
    assert told.stdout == b"[]\n"
