"""What check_document finds, one document a fault; and what reading makes of it all the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Gather, VoiceResponse

from webhooks.rehearsal.reading import NotTwimlError, read
from webhooks.rehearsal.twiml import ProblemName, check_document
from webhooks.rehearsal.verbs import Break, Words

WAY_ON = "<Redirect>/next</Redirect>"


def names(inner: str) -> list[str]:
    return [str(problem.name) for problem in check_document(f"<Response>{inner}</Response>")]


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<Say>Hi.</Say><Hangup/>",
        f'<Gather action="/a#rc=1&amp;rp=ct,rt,5xx"><Say>Hi.</Say><Pause length="6"/></Gather>{WAY_ON}',
        f'<Gather action="/a"/><Gather action="https://x.example/b"/><Say>Hm.</Say>{WAY_ON}',
        '<Gather action="/a" actionOnEmptyResult="true" finishOnKey="" numDigits="1"/>',
        f'<Gather action="/a" actionOnEmptyResult="true"/>{WAY_ON}',
        '<Gather action="/a"/><Gather action="/b"/><Gather action="/c" actionOnEmptyResult="true"/>',
        '<Say voice="Polly.Joanna-Neural" language="en-US">1 2 3<break time="500ms"/>4 5 6</Say>',
        '<Say voice="Polly.Amy">Slow: <prosody rate="80%">1 2<break strength="strong"/></prosody></Say>',
        '<Say voice="woman" language="en-gb">Hi.</Say>',
        '<Reject reason="busy"/>',
        "<Play>https://x.example/music.wav</Play>",
    ],
)
def test_a_sound_document_has_no_problem(inner):
    assert names(inner) == []


@pytest.mark.parametrize(
    ("inner", "name"),
    [
        ("<Say>Hi.", "does_not_parse"),
        ("<Say>" + "x" * 70000 + "</Say>", "too_large"),
        ("<say>Hi.</say>", "unknown_verb"),
        ('<Say tone="kind">Hi.</Say>', "unknown_attribute"),
        ('<Gather action="/a" bargeIn="true"/>' + WAY_ON, "unknown_attribute"),
        ('<Gather action="/a" timeout="0"/>' + WAY_ON, "bad_value"),
        ('<Gather action="/a" finishOnKey="*#"/>' + WAY_ON, "bad_value"),
        ('<Gather action="/a" input="speech"/>' + WAY_ON, "bad_value"),
        ('<Pause length="1.5"/>', "bad_value"),
        ('<Say voice="Polly.Joanna">1<break time="11s"/></Say>', "bad_value"),
        ('<Gather action="/a"><Redirect>/b</Redirect></Gather>' + WAY_ON, "bad_nesting"),
        ("<Pause><Say>Hi.</Say></Pause>", "bad_nesting"),
        ("Hello", "stray_text"),
        ('<Gather action="/a">Hello</Gather>' + WAY_ON, "stray_text"),
        ("<Say> </Say>", "empty"),
        ('<Gather action="a"/>' + WAY_ON, "action_not_rooted"),
        ("<Gather/>" + WAY_ON, "action_not_rooted"),
        ('<Gather action="//evil.example/a"/>' + WAY_ON, "action_not_rooted"),
        ("<Redirect>next</Redirect>", "action_not_rooted"),
        ('<Gather action="/a"/>', "no_way_on"),
        ('<Gather action="/b" actionOnEmptyResult="true"/><Gather action="/a"/>', "no_way_on"),
        ('<Gather action="/a"/><Say>Bye.</Say><Hangup/>', "no_way_on"),
        (WAY_ON + "<Say>Hi.</Say>", "unreachable"),
        ("<Hangup/><Say>Hi.</Say>", "unreachable"),
        ("<Say>Hi.</Say><Reject/>", "reject_too_late"),
        ("<Say>" + "x" * 3001 + "</Say>", "say_too_long"),
        ('<Say voice="woman">' + "x" * 4097 + "</Say>", "say_too_long"),
        ('<Say voice="Polly.Joanna" language="en-GB">Hi.</Say>', "voice_unknown"),
        ('<Say voice="Polly.Marlene-Neural">Hi.</Say>', "voice_unknown"),
        ('<Say voice="Alice">Hi.</Say>', "voice_unknown"),
        ("<Say>1<mark/>2</Say>", "ssml_unknown"),
        ('<Say voice="man">1<break/>2</Say>', "ssml_not_spoken"),
        ('<Say voice="Polly.Ruth-Neural"><emphasis>1</emphasis></Say>', "ssml_not_spoken"),
    ],
)
def test_each_fault_is_named(inner, name):
    assert names(inner) == [name]


def test_ssml_tags_do_not_count_towards_pollys_limit():
    """Polly 3000 (SSML tags not counted)."""
    assert names("<Say>" + "x<break/>" * 2000 + "</Say>") == []
    assert names('<Say voice="Google.en-US-Chirp3-HD-Aoede">' + "x<break/>" * 2000 + "</Say>") == ["say_too_long"]


def test_a_problem_says_which_verb_it_is_in():
    (problem,) = check_document('<Response><Gather action="/a"/><Gather action="b"/><Redirect>/c</Redirect></Response>')
    assert (problem.name, problem.where, problem.fact) == (ProblemName.ACTION_NOT_ROOTED, "Gather 2", "b")


def test_what_twilios_library_writes_is_read_back():
    answer = VoiceResponse()
    asking = Gather(action="/t", num_digits=6, timeout=4, finish_on_key="", action_on_empty_result=True)
    asking.say("Group 2.", voice="Polly.Amy")
    asking.pause(length=6)
    answer.append(asking)
    assert check_document(str(answer)) == []
    (gather,) = read(str(answer)).verbs
    assert (gather.num_digits, gather.timeout, gather.finish_key, gather.action_on_empty) == (6, 4, "", True)


def test_speech_marks_become_words_and_breaks():
    (say,) = read('<Response><Say>A <prosody rate="slow">1 2<break time="1s"/></prosody>3</Say></Response>').verbs
    assert say.pieces == (Words("A"), Words("1 2", 0.75), Break(1.0), Words("3"))


@given(st.text(max_size=60) | st.text("<>/Response &;", max_size=40))
def test_any_text_is_read_or_refused_and_never_breaks_the_check(text):
    problems = check_document(text)
    try:
        read(text)
    except NotTwimlError:
        assert [problem.name for problem in problems] == [ProblemName.DOES_NOT_PARSE]


@pytest.mark.parametrize(
    ("dial", "found"),
    [
        ('<Dial action="/t/2"><Conference>handoff-7</Conference></Dial>', []),
        (
            (
                '<Dial action="/t/2" timeLimit="3600"><Conference beep="false" startConferenceOnEnter="false" '
                'endConferenceOnExit="true" waitUrl="https://a.example/hold.wav" waitMethod="GET">r</Conference></Dial>'
            ),
            [],
        ),
        ('<Dial action="/t/2"><Conference>handoff-7</Conference></Dial><Hangup/>', ["Hangup 1: unreachable"]),
        ("<Dial><Conference>handoff-7</Conference></Dial><Hangup/>", []),
        ('<Dial action="t/2"><Conference>r</Conference></Dial>', ["Dial 1: action_not_rooted (t/2)"]),
        ('<Dial action="/t/2"><Number>+15550100</Number></Dial>', ["Dial 1: bad_nesting (Number)"]),
        ('<Dial action="/t/2">+15550100</Dial>', ["Dial 1: stray_text", "Dial 1: bad_nesting"]),
        (
            '<Dial action="/t/2"><Conference>talk-14155550123</Conference></Dial>',
            ["Dial 1, Conference: bad_value (talk-14155550123)"],
        ),
        (
            '<Dial action="/t/2"><Conference muted="true">r</Conference></Dial>',
            ["Dial 1, Conference: unknown_attribute (muted)"],
        ),
        ('<Dial action="/t/2" timeLimit="0"><Conference>r</Conference></Dial>', ["Dial 1: bad_value (timeLimit=0)"]),
    ],
)
def test_a_conference_is_joined_as_twilio_allows_and_names_nobody(dial, found):
    assert [str(problem) for problem in check_document(f"<Response>{dial}</Response>")] == found
