"""A call from ringing to its end: the verbs beside Gather, the clock, troubles and the fallback URL."""

import pytest
from werkzeug.wrappers import Response

from webhooks.rehearsal.caller import Reaction
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import Outcome
from webhooks.rehearsal.entries import End
from webhooks.rehearsal.fetching import Fault
from webhooks.rehearsal.telephone import APOLOGY

from .conftest import START, twiml


def words(rung) -> list[str]:
    return [entry.words for entry in rung.record.transcript if entry.side == "line"]


def test_a_document_that_ends_ends_the_call(ring):
    rung = ring("<Say>Hello.</Say>")
    assert (words(rung), rung.record.ended_by) == (["Hello."], End.LINE)


def test_redirect_ends_the_document(ring):
    """Verbs after a Redirect are unreachable."""
    rung = ring({START: "<Redirect>/b</Redirect><Say>Never.</Say>", "/b": "<Say>Here.</Say>"})
    assert words(rung) == ["Here."]
    assert [str(problem) for problem in rung.record.problems] == ["Say 1: unreachable"]


def test_hangup_ends_the_call_at_once(ring):
    assert words(ring("<Say>Bye.</Say><Hangup/><Say>Never.</Say>")) == ["Bye."]


def test_reject_as_the_first_verb_does_not_answer(ring):
    rung = ring('<Reject reason="busy"/>')
    assert (rung.record.outcome, rung.record.ended_by) == (Outcome.NO_ANSWER, End.REJECTED)
    assert rung.line.asked[-1].form["CallStatus"] == "busy"


def test_an_unknown_verb_is_passed_over_and_reported(ring):
    rung = ring("<Dance/><Say>Hello.</Say>")
    assert words(rung) == ["Hello."]
    assert [problem.name for problem in rung.record.problems] == ["unknown_verb"]


def test_pause_and_breaks_take_their_time(ring):
    rung = ring('<Pause length="4"/><Say>Hi<break time="1500ms"/>there</Say>', pace=Pace(turn_delay=1.0))
    # A pause with nothing said is waiting, a break inside speech is part of what is heard.
    assert rung.record.waited == pytest.approx(1 + 4)
    assert rung.record.heard == pytest.approx(0.375 * 2 + 1.5)


def test_a_key_costs_half_a_second_and_a_burst_a_thought(ring):
    rung = ring('<Gather numDigits="6" action="/t"/>', ["123456"])
    assert rung.record.keyed == pytest.approx(1.35 + 6 * 0.5)


def test_real_time_sleeps_as_long_as_the_call(ring):
    slept: list[float] = []
    rung = ring("<Say>Hello there.</Say><Pause/>", sleep=slept.append)
    assert sum(slept) == pytest.approx(rung.record.seconds)


def test_a_virtual_call_naps_only_before_a_request_with_fewer_than_two_keys(ring):
    """A line tells a stray key from an answer by its own clock."""
    naps: list[float] = []
    gathers = '<Gather action="/t" numDigits="2"><Say>Key.</Say></Gather><Redirect>/voice/incoming</Redirect>'
    ring({START: gathers, "/t": "<Hangup/>"}, ["", "12"], nap=naps.append)
    assert naps == [0.0, pytest.approx(2.2)]


def test_the_line_is_told_when_the_call_is_over(ring):
    form = ring("<Pause length='10'/>").line.asked[-1].form
    assert (form["CallStatus"], form["CallDuration"]) == ("completed", "11")


def test_hanging_up_in_the_middle_is_told_too_and_only_what_was_heard_counts(ring):
    rung = ring("<Say>One two three four.</Say><Say>Never.</Say>", ["hang up"])
    assert rung.record.ended_by is End.CALLER
    assert rung.line.paths() == [START, "/voice/status"]
    assert rung.caller.words == ["One two three four."]


def test_a_request_looks_like_twilios(ring):
    first, *_ = ring("<Hangup/>").line.asked
    assert first.form["CallSid"].startswith("CA")
    assert len(first.form["CallSid"]) == 34
    assert (first.form["CallStatus"], first.form["Direction"]) == ("ringing", "inbound")
    assert len(first.form) >= 25
    later = ring({START: "<Redirect>/b</Redirect>"}).line.asked[1]
    assert later.form["CallStatus"] == "in-progress"


def test_a_withheld_caller_is_a_word_without_a_place(ring):
    form = ring("<Hangup/>", number="anonymous").line.asked[0].form
    assert (form["From"], form["FromCountry"]) == ("anonymous", "")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Response("<html>Internal Server Error</html>", status=500, content_type="text/html"), Fault.HTTP_STATUS),
        (Response("<html><p>Oops</html>", content_type="text/html"), Fault.NOT_TWIML),
        (Response("<html></html>", content_type="text/html"), Fault.NOT_TWIML),
        (Response("<Response>", content_type="text/xml"), Fault.NOT_TWIML),
        (Response('<!DOCTYPE a [<!ENTITY b "c">]><Response/>', content_type="text/xml"), Fault.NOT_TWIML),
        (Response("{}", content_type="application/json"), Fault.CONTENT_TYPE),
        (Response("<Response>" + " " * 65536 + "</Response>", content_type="text/xml"), Fault.TOO_LARGE),
    ],
)
def test_a_document_that_cannot_be_had_sends_the_call_to_the_fallback(ring, answer, fault):
    """The fallback URL is used when requesting or executing TwiML fails, with ErrorCode and ErrorUrl."""
    answers = {START: "<Redirect>/bad</Redirect>", "/bad": answer, "/fallback": "<Say>We are still here.</Say>"}
    rung = ring(answers, fallback="/fallback")
    assert words(rung) == ["We are still here."]
    form = rung.line.asked[2].form
    assert (form["ErrorCode"], form["ErrorUrl"]) == (str(int(fault)), "https://line.example/bad")
    assert [trouble.fault for trouble in rung.record.troubles] == [fault]


def test_without_a_working_fallback_the_provider_apologises(ring):
    rung = ring({})
    assert (words(rung), rung.record.outcome) == ([APOLOGY], Outcome.NO_ANSWER)


def test_plain_text_is_read_aloud(ring):
    """text/plain that is not TwiML is READ ALOUD."""
    assert words(ring({START: Response("Server is down", content_type="text/plain")})) == ["Server is down"]


def test_redirects_that_lead_nowhere_end_with_the_providers_apology(ring):
    rung = ring("<Redirect>/voice/incoming</Redirect>")
    assert rung.record.ended_by is End.TROUBLE
    assert rung.record.troubles[-1].fault is Fault.TOO_MANY_REDIRECTS
    assert rung.record.turns == 11


def test_a_line_that_never_ends_is_ended_after_four_hours(ring):
    rung = ring("<Pause length='600'/><Redirect>/voice/incoming</Redirect>")
    assert rung.record.ended_by is End.TOO_LONG


def test_cookies_are_kept_for_the_call(ring):
    """Twilio keeps cookies for the call like a browser."""

    def with_cookie(_request):
        answer = twiml("<Redirect>/b</Redirect>")
        answer.set_cookie("turn", "1")
        answer.set_cookie("lane", "express")
        return answer

    rung = ring({START: with_cookie, "/b": "<Say>Hi.</Say>"})
    assert "Cookie" not in rung.line.asked[0].headers
    assert rung.line.asked[1].headers["Cookie"] == "turn=1; lane=express"


def test_a_conference_lasts_a_while_and_then_the_call_goes_on_with_its_action(ring):
    joined = '<Say>A person is there.</Say><Dial action="/after"><Conference>handoff-7</Conference></Dial>'
    rung = ring({START: joined, "/after": "<Say>Back again.</Say>"}, talk_seconds=90, pace=Pace(turn_delay=1.0))
    assert words(rung) == ["A person is there.", "(joined with the room handoff-7)", "Back again."]
    told = rung.line.asked[1].form
    assert (told["DialCallStatus"], told["DialCallDuration"]) == ("completed", "90")
    assert rung.record.waited == pytest.approx(90 + 2)


def test_keys_in_a_conference_are_nobody_s_and_a_hang_up_ends_the_call(ring):
    joined = '<Gather action="/t"><Say>Key.</Say></Gather><Dial><Conference>r</Conference></Dial><Say>Here.</Say>'
    assert words(ring(joined))[-1] == "Here."
    rung = ring(
        {START: '<Say>Wait.</Say><Dial action="/t"><Conference>r</Conference></Dial>'},
        [Reaction((), 30.0)],
        talk_seconds=60,
    )
    assert rung.record.ended_by is End.CALLER
    assert rung.line.paths() == [START, "/voice/status"]


def test_whoever_begins_and_ends_a_talk_hangs_up_after_it(ring):
    room = '<Conference startConferenceOnEnter="true" endConferenceOnExit="true">handoff-7</Conference>'
    rung = ring({START: f'<Say>Talk.</Say><Dial action="/after">{room}</Dial>'}, talk_seconds=30)
    assert rung.record.ended_by is End.CALLER
    assert rung.line.paths() == [START, "/voice/status"]
