"""Calls over Twilio's REST interface: what is asked, by Twilio's own description, and what its answers mean."""

import json
from dataclasses import replace

import pytest
import requests
from twilio.http.response import Response

from tests.webhooks.twilio_api.description import answer_problems, problems
from webhooks.outgoing import Accepted, Later, OutgoingCall, Rejected, Room
from webhooks.rehearsal.exchange import Mood, Phone, RehearsalExchange
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.transport import Answer
from webhooks.twilio_calls import TwilioDialler
from webhooks.twilio_rest import Rehearsed

ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://line.example"
CALL = OutgoingCall(
    "+15550100",
    "+14155550177",
    f"{PUBLIC}/voice/desk/leg/7#ct=2000&rc=1&rp=ct,rt,5xx",
    f"{PUBLIC}/voice/desk/status/7#rc=1&rp=ct,5xx",
)
GREETING = '<Response><Gather action="/key" numDigits="1"><Say>To take the call, press 1.</Say></Gather></Response>'


class Line:
    """A line that greets, takes a key, and notes what it is told."""

    def __init__(self):
        self.heard = []

    def send(self, request, _limits):
        self.heard.append((request.url.rpartition("/")[2], dict(request.form)))
        body = GREETING if request.url.endswith("/leg/7") else "<Response><Hangup/></Response>"
        return Answer(200, (("content-type", "text/xml"),), body.encode())


class Checked:
    """An HTTP client that holds every request and answer to Twilio's own description."""

    is_async = False

    def __init__(self, inner):
        self.inner, self.seen = inner, []

    def request(self, method, url, params=None, data=None, **rest):
        assert problems(method, url, data or {}) == []
        self.seen.append((method, url, dict(data or {})))
        response = self.inner.request(method, url, params=params, data=data, **rest)
        if response.status_code < 300:
            assert answer_problems(method, url, json.loads(response.text)) == []
        return response


class Answering:
    is_async = False

    def __init__(self, answer):
        self.answer = answer

    def request(self, *_, **__):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def exchange(line):
    def of(**facts):
        slept = []
        rung = RehearsalExchange(
            Address("http://127.0.0.1:1", PUBLIC), "token", transport=lambda: line, sleep=slept.append, **facts
        )
        rung.slept = slept
        return rung

    return of


def dialler(rung):
    http = Checked(Rehearsed(rung))
    return TwilioDialler(ACCOUNT, "SK1", "secret", http=lambda: http), http


def answering(answer):
    return TwilioDialler(ACCOUNT, "SK1", "secret", http=lambda: Answering(answer))


def refusal(status, error):
    return Response(status, json.dumps({"code": error, "message": "no", "more_info": "", "status": status}))


def test_a_call_is_asked_for_as_twilio_describes_it(exchange):
    rung = exchange()
    placing, http = dialler(rung)
    answer = placing.place(CALL)
    rung.wait()
    assert isinstance(answer, Accepted)
    assert answer.sid == rung.calls[0].side.call_sid
    ((method, url, data),) = http.seen
    assert (method, url) == ("POST", f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert data == {
        "To": CALL.recipient,
        "From": CALL.sender,
        "Url": CALL.url,
        "StatusCallback": CALL.status_url,
        "StatusCallbackEvent": ["initiated", "ringing", "completed"],
        "Timeout": 25,
    }


def test_whoever_picks_up_presses_1_when_asked_to_and_the_line_is_told_how_it_went(exchange, line):
    rung = exchange()
    placing, _ = dialler(rung)
    placing.place(CALL)
    rung.wait()
    assert [path for path, _ in line.heard] == ["7", "7", "7", "key", "7"]
    assert [form["CallStatus"] for _, form in line.heard] == [
        "initiated", "ringing", "ringing", "in-progress", "completed",
    ]  # fmt: skip
    pressed = line.heard[3][1]
    assert (pressed["Digits"], pressed["Direction"]) == ("1", "outbound-api")
    assert (pressed["From"], pressed["To"]) == (CALL.sender, CALL.recipient)


@pytest.mark.parametrize(
    ("phone", "last", "asked"),
    [
        (Phone.BUSY, "busy", ["7", "7", "7"]),
        (Phone.NO_ANSWER, "no-answer", ["7", "7", "7"]),
        (Phone.VOICEMAIL, "completed", ["7", "7", "7", "7"]),
    ],
)
def test_each_telephone_is_told_of_as_it_is(exchange, line, phone, last, asked):
    rung = exchange(phones={CALL.recipient: phone})
    placing, _ = dialler(rung)
    placing.place(CALL)
    rung.wait()
    assert [path for path, _ in line.heard] == asked
    assert line.heard[-1][1]["CallStatus"] == last
    assert (25.0 in rung.slept) is (phone is Phone.NO_ANSWER)


def test_a_call_that_was_placed_without_an_answer_is_in_doubt_and_rings(exchange, line):
    rung = exchange(mood=Mood.SILENT)
    placing, _ = dialler(rung)
    assert placing.place(CALL) == Later("UNREACHABLE", doubtful=True)
    rung.wait()
    assert line.heard[-1][1]["CallStatus"] == "completed"


@pytest.mark.parametrize(
    ("mood", "answer"),
    [
        (Mood.REFUSED, Rejected(21211)),
        (Mood.TOO_MANY, Later("TOO_MANY_REQUESTS")),
        (Mood.BROKEN, Later("TWILIO_FAILED", doubtful=True)),
    ],
)
def test_each_mood_is_understood(exchange, mood, answer):
    assert dialler(exchange(mood=mood))[0].place(CALL) == answer


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (requests.ConnectTimeout(), Later("UNREACHABLE")),
        (requests.ReadTimeout(), Later("UNREACHABLE", doubtful=True)),
        (Response(502, "<html>bad gateway</html>"), Later("TWILIO_FAILED", doubtful=True)),
        (Response(201, "{}"), Later("no sid", doubtful=True)),
        (refusal(401, 20003), Rejected(20003)),
        (refusal(400, 21210), Rejected(21210)),
        (refusal(400, 21215), Rejected(21215)),
    ],
)
def test_only_what_may_have_reached_twilio_is_in_doubt_and_only_what_surely_has_not_is_tried_again(answer, meaning):
    assert answering(answer).place(CALL) == meaning


def test_a_live_call_is_sent_on_as_twilio_describes_it(exchange):
    rung = exchange()
    sending, http = dialler(rung)
    sid = "CA" + "a" * 32
    assert sending.redirect(sid, f"{PUBLIC}/voice/turn/9") == Accepted(sid)
    assert [(news.call, news.to) for news in rung.wire.after(0)[0]] == [(sid, f"{PUBLIC}/voice/turn/9")]
    assert http.seen[0][1].endswith(f"/Calls/{sid}.json")
    assert answering(refusal(404, 20404)).redirect(sid, "https://line.example/x") == Rejected(20404)


ROOM = Room(
    "handoff-7",
    f"{PUBLIC}/voice/hold.wav",
    held=(("CA" + "c" * 32, True),),
    ends=(("CA" + "a" * 32, False), ("CA" + "b" * 32, True)),
)


def test_people_of_a_room_are_held_and_bound_as_twilio_describes_it(exchange):
    rung = exchange()
    rung.wire.enter("handoff-7", "CA" + "c" * 32, ends=True)
    arranging, http = dialler(rung)
    assert isinstance(arranging.arrange(ROOM), Accepted)
    (_, listed, _), *changed = http.seen
    assert listed.endswith("/Conferences.json")
    room = rung.wire.conference("handoff-7")
    here = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Conferences/{room}/Participants"
    assert changed == [
        ("POST", f"{here}/{'CA' + 'a' * 32}.json", {"EndConferenceOnExit": "false"}),
        ("POST", f"{here}/{'CA' + 'b' * 32}.json", {"EndConferenceOnExit": "true"}),
        (
            "POST",
            f"{here}/{'CA' + 'c' * 32}.json",
            {"Hold": "true", "HoldUrl": f"{PUBLIC}/voice/hold.wav", "HoldMethod": "GET"},
        ),
    ]
    assert rung.wire.is_held("CA" + "c" * 32), "whoever has left meanwhile is passed over"


def test_taking_back_asks_for_no_music(exchange):
    rung = exchange()
    rung.wire.enter("handoff-7", "CA" + "c" * 32, ends=True)
    arranging, http = dialler(rung)
    arranging.arrange(replace(ROOM, held=(("CA" + "c" * 32, False),), ends=()))
    assert http.seen[-1][2] == {"Hold": "false"}
    assert not rung.wire.is_held("CA" + "c" * 32)


def test_a_room_that_is_over_is_refused(exchange):
    assert dialler(exchange())[0].arrange(ROOM) == Rejected(20404)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (requests.ConnectTimeout(), Later("UNREACHABLE")),
        (Response(502, "<html>bad gateway</html>"), Later("TWILIO_FAILED", doubtful=True)),
        (refusal(401, 20003), Rejected(20003)),
    ],
)
def test_an_arrangement_that_fails_says_whether_it_may_be_asked_for_again(answer, meaning):
    assert answering(answer).arrange(ROOM) == meaning
