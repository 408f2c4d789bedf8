"""How documents are fetched: signatures, retries, redirects, and everything delivered twice."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from webhooks.rehearsal.fetching import Address, Fault, Fetcher, Twice, overrides
from webhooks.rehearsal.signing import signature
from webhooks.rehearsal.transport import Answer, Limits, NotReachedError, OverHttp, Request, TooSlowError
from webhooks.rehearsal.verbs import Document
from webhooks.rehearsal.wsgi import InProcess

from .conftest import PUBLIC, START, TOKEN, ToyLine, twiml

GATHER = '<Gather action="/t" numDigits="1"/>'


class Flaky:
    """Fails as often as it is told, each time in the way told, then answers."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.requests: list[Request] = []

    def send(self, request, _limits):
        self.requests.append(request)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Answer):
                return failure
            raise failure
        return Answer(200, (("content-type", "text/xml"),), b"<Response/>")


def fetch(transport, url):
    return Fetcher(Address("http://here", PUBLIC), TOKEN, transport, "CA1").document(PUBLIC + url, {"a": "b"})


def test_every_request_is_signed_as_twilio_signs(ring):
    rung = ring({START: "<Redirect>/b?x=1&amp;y=%20z</Redirect>", "/b": GATHER, "/t": "<Hangup/>"}, ["5"])
    judge = RequestValidator(TOKEN)
    assert len(rung.line.asked) == 4
    for one, query in zip(rung.line.asked, ["", "?x=1&y=%20z", "", ""], strict=True):
        assert judge.validate(PUBLIC + one.path + query, one.form, one.headers["X-Twilio-Signature"])


fields = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=6)


@given(st.sampled_from(["https://a.example/x?y=1", "https://a.example:8443/x", "http://a.example:81/"]), fields)
def test_twilios_own_validator_accepts_any_form_signed_here(url, form):
    assert RequestValidator(TOKEN).validate(url, form, signature(TOKEN, url, form))


def test_the_fragment_is_neither_sent_nor_signed(ring):
    line = ring({START: "<Hangup/>"}, incoming=START + "#rc=1&rp=ct").line
    assert line.paths()[0] == START
    assert line.asked[0].headers["X-Twilio-Signature"] == signature(TOKEN, PUBLIC + START, line.asked[0].form)


def test_a_failed_connection_is_tried_once_more_by_default():
    """Retries default 1, retry policy default `ct`."""
    transport = Flaky(NotReachedError(0.1))
    assert isinstance(fetch(transport, "/x").result, Document)
    assert fetch(Flaky(NotReachedError(0.1), NotReachedError(0.1)), "/x").result.fault is Fault.NOT_REACHED


def test_a_retry_carries_the_same_idempotency_token():
    transport = Flaky(NotReachedError(0.1))
    fetch(transport, "/x")
    first, second = (request.headers["I-Twilio-Idempotency-Token"] for request in transport.requests)
    assert first == second


def test_timeouts_and_server_errors_are_retried_only_where_the_fragment_says_so():
    broken = Answer(503, (), b"")
    assert fetch(Flaky(broken), "/x").result.fault is Fault.HTTP_STATUS
    assert isinstance(fetch(Flaky(broken), "/x#rc=1&rp=5xx").result, Document)
    assert isinstance(fetch(Flaky(TooSlowError(3.0), broken), "/x#rc=2&rp=ct,rt,5xx").result, Document)
    assert fetch(Flaky(TooSlowError(3.0)), "/x").result.fault is Fault.NOT_REACHED
    assert fetch(Flaky(Answer(404, (), b"")), "/x#rc=1&rp=5xx").result.fault is Fault.HTTP_STATUS


def test_no_retry_goes_beyond_fifteen_seconds_in_all():
    """Total 15 s max: a hard ceiling for every call-related request."""
    transport = Flaky(*[TooSlowError(8.0)] * 5)
    fetched = fetch(transport, "/x#rc=5&rp=rt")
    assert (len(transport.requests), fetched.seconds) == (2, 16.0)


@given(st.text("rcptx=&,#0123456789", max_size=40))
def test_no_fragment_leads_out_of_bounds(fragment):
    asked = overrides(fragment)
    assert 0 <= asked.retries <= 5
    assert 0.1 <= asked.limits.connect <= 10
    assert 0.1 <= asked.limits.read <= 15


def test_a_3xx_is_followed_without_the_keys(ring):
    """Never answer an `action` with a 3xx: Twilio follows it but does not resend `Digits`."""
    rung = ring({START: GATHER, "/t": lambda _request: redirect("/u", 307), "/u": "<Say>Hi.</Say>"}, ["5"])
    followed = rung.line.asked[2]
    assert (followed.method, followed.path) == ("GET", "/u")
    assert "Digits" not in followed.query
    assert "CallSid" in followed.query


def test_ten_http_redirects_are_the_most(ring):
    """Up to 10 redirects (11215)."""
    rung = ring({START: lambda _request: redirect(START), "/f": "<Say>Fallback.</Say>"}, fallback="/f")
    assert rung.record.troubles[0].fault is Fault.TOO_MANY_REDIRECTS
    assert rung.line.paths().count(START) == 11


def test_a_line_in_process_sees_the_raw_path_and_query_as_a_server_would_give_them():
    seen = []

    def app(environ, start_response):
        seen.append((environ["RAW_URI"], environ["HTTP_HOST"]))
        return twiml("<Hangup/>")(environ, start_response)

    InProcess(app).send(Request("POST", "http://127.0.0.1:8080/a%2Fb?x=%20y", {}, {}), Limits())
    assert seen == [("/a%2Fb?x=%20y", "127.0.0.1:8080")]


@pytest.mark.parametrize("twice", [Twice.IN_TURN, Twice.TOGETHER, Twice.TURN_ABOUT])
def test_twins_that_agree_leave_no_difference(ring, twice):
    rung = ring({START: GATHER, "/t": "<Say>Hi.</Say>"}, ["5"], twice=twice)
    assert rung.line.paths() == [START, START, "/t", "/t", "/voice/status", "/voice/status"]
    tokens = [one.headers["I-Twilio-Idempotency-Token"] for one in rung.line.asked]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    assert rung.record.differences == ()


def test_twins_that_differ_are_reported_and_the_second_is_used(ring):
    count = itertools.count(1)
    rung = ring({START: lambda _request: twiml(f"<Say>Answer {next(count)}.</Say>")}, twice=Twice.IN_TURN)
    assert rung.record.transcript[0].words == "Answer 2."
    (unlike,) = rung.record.differences
    assert (unlike.path, "Answer 1" in unlike.first, "Answer 2" in unlike.second) == (START, True, True)


def test_only_urls_of_the_line_are_rewritten_to_the_address_dialled():
    address = Address("http://127.0.0.1:8080/", "https://line.example")
    assert address.dialled("https://line.example/voice/turn/1?a=b") == "http://127.0.0.1:8080/voice/turn/1?a=b"
    assert address.dialled("https://line.example.org/x") == "https://line.example.org/x"


def send(url: str, limits: Limits | None = None) -> Answer:
    return OverHttp().send(Request("POST", url, {"a": "b"}, {}), limits or Limits(0.5, 0.3, 0.6))


def test_over_http_carries_form_and_headers_and_follows_nothing(serve):
    line = ToyLine({"/x": lambda _request: redirect("/y"), "/y": "<Hangup/>"})
    answer = send(serve(line) + "/x")
    assert (answer.status, answer.header("location")) == (302, "/y")
    assert line.asked[0].form == {"a": "b"}


def test_over_http_a_silent_line_is_too_slow_and_a_missing_one_not_reached(serve):
    def slow(_request):
        time.sleep(0.6)
        return twiml("")

    with pytest.raises(TooSlowError):
        send(serve(ToyLine({"/x": slow})) + "/x")
    with pytest.raises(NotReachedError) as missing:
        send("http://127.0.0.1:9/x")
    assert not isinstance(missing.value, TooSlowError)


def test_over_http_a_line_that_drips_is_stopped_at_the_total(serve):
    def drip():
        for _ in range(20):
            time.sleep(0.1)
            yield b" " * 9000

    started = time.monotonic()
    with pytest.raises(TooSlowError):
        send(serve(ToyLine({"/x": lambda _request: Response(drip())})) + "/x")
    assert time.monotonic() - started < 1.5
