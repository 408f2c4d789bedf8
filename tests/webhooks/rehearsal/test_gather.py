"""The rules of Gather, each quoted from the notes on Twilio and then tried."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.rehearsal.caller import Press, Reaction
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import Terms, dial
from webhooks.rehearsal.wsgi import InProcess

from .conftest import PUBLIC, START, TOKEN, Puppet, ToyLine

DONE = "<Say>Done.</Say>"


def gather(attributes: str = "", nested: str = "<Say>Key.</Say>", action: str = "/t") -> str:
    return f'<Gather action="{action}" {attributes}>{nested}</Gather>'


def keys_at(*moments: tuple[str, float]) -> Reaction:
    return Reaction(tuple(Press(key, after) for key, after in moments))


def test_default_timeout_is_five_seconds_between_keys(ring):
    """Defaults: timeout 5 s; it is an inter-digit timer as well."""
    rung = ring({START: gather(), "/t": DONE}, [keys_at(("1", 1), ("2", 5.9), ("3", 11.1))])
    assert rung.line.digits() == ["12"]
    assert rung.record.lost == "3"


def test_the_timer_starts_only_after_the_nested_verbs(ring):
    """`timeout` starts only after all nested Say, Play, Pause finished."""
    nested = '<Pause length="8"/>'
    rung = ring({START: gather('timeout="2"', nested), "/t": DONE}, [keys_at(("7", 9.9))])
    assert rung.line.digits() == ["7"]
    rung = ring({START: gather('timeout="2"', nested), "/t": DONE}, [keys_at(("7", 10.1))])
    assert rung.line.digits() == []


def test_the_timer_starts_at_the_first_key(ring):
    """... or at the first key: a long Pause behind it no longer matters."""
    rung = ring({START: gather('timeout="2"', '<Pause length="60"/>'), "/t": DONE}, [keys_at(("7", 1))])
    assert rung.line.digits() == ["7"]
    assert rung.record.seconds < 10


def test_a_key_stops_the_audio(ring):
    """Barge-in by key is always on; the first key stops the audio."""
    say = "<Say>One two three four five six seven eight nine ten eleven twelve.</Say>"
    rung = ring({START: gather('numDigits="1"', say), "/t": "<Hangup/>"}, [keys_at(("1", 1.0))])
    assert rung.caller.words[0] == "One two"
    assert rung.record.heard == pytest.approx(1.0)
    assert rung.record.transcript[1].note == "cutting in"


SPEECH = 'input="dtmf speech" language="en-US" speechTimeout="2" actionOnEmptyResult="true"'


def saying_at(words: str, after: float, clear: float = 0.9) -> Reaction:
    return Reaction((Press("", after, words, clear),))


def test_words_are_heard_where_speech_is_listened_for_and_lost_elsewhere(ring):
    """`SpeechResult` and `Confidence` come instead of `Digits`."""
    rung = ring({START: gather(SPEECH), "/t": DONE}, [saying_at("yes please", 1, 0.3)])
    asked = rung.line.asked[1].form
    assert (asked["SpeechResult"], asked["Confidence"], asked.get("Digits")) == ("yes please", "0.3", None)
    assert rung.record.transcript[1].words == '"yes please" (unclear)'
    assert rung.record.problems == ()
    rung = ring({START: gather(), "/t": DONE}, [saying_at("yes please", 1)])
    assert all("SpeechResult" not in one.form for one in rung.line.asked)


def test_whichever_comes_first_a_key_or_a_word_is_listened_to(ring):
    """With `dtmf speech` the first input wins."""
    both = Reaction((Press("1", 1.0), Press("", 1.5, "two")))
    rung = ring({START: gather(SPEECH), "/t": DONE}, [both])
    assert rung.line.digits() == ["1"]
    assert "SpeechResult" not in rung.line.asked[1].form


def test_attributes_of_speech_without_speech_are_a_problem(ring):
    rung = ring({START: gather('hints="yes,no"'), "/t": DONE}, [keys_at(("1", 1))])
    assert [str(problem) for problem in rung.record.problems if "hints" in str(problem)]


def test_num_digits_submits_at_once_and_loses_what_follows(ring):
    """numDigits reached = submitted at once, no terminator."""
    rung = ring({START: gather('numDigits="3"'), "/t": DONE}, ["12345"])
    assert rung.line.digits() == ["123"]
    assert rung.record.lost == "45"


def test_the_finish_key_is_stripped(ring):
    """finishOnKey is stripped from Digits; default #."""
    rung = ring({START: gather(), "/t": DONE}, ["12#"])
    assert rung.line.digits() == ["12"]
    assert rung.record.waited < 5  # no timer had to run out


def test_any_one_key_may_finish_and_hash_is_then_a_key(ring):
    """Only ONE finish key can be named."""
    rung = ring({START: gather('finishOnKey="*"'), "/t": DONE}, ["1#2*"])
    assert rung.line.digits() == ["1#2"]


def test_without_a_finish_key_every_key_is_collected(ring):
    """'' = no terminator, every key (also * and #) is collected."""
    rung = ring({START: gather('finishOnKey="" numDigits="3"'), "/t": DONE}, ["*#0"])
    assert rung.line.digits() == ["*#0"]


def test_a_star_counts_towards_num_digits(ring):
    """`*` counts towards numDigits unless it is the finish key."""
    rung = ring({START: gather('numDigits="2"'), "/t": DONE}, ["*12"])
    assert rung.line.digits() == ["*1"]


@pytest.mark.parametrize("keys", ["", "#"])
def test_nothing_keyed_falls_through(ring, keys):
    """No input, or finishOnKey pressed before any digit: no request is made; flow falls through to the next verb."""
    rung = ring({START: gather() + "<Redirect>/next</Redirect>", "/t": DONE, "/next": DONE}, [keys])
    assert rung.line.paths() == [START, "/next", "/voice/status"]


def test_action_on_empty_result_calls_without_digits(ring):
    """... unless actionOnEmptyResult="true", which calls `action` without digits."""
    rung = ring({START: gather('actionOnEmptyResult="true"') + "<Redirect>/next</Redirect>", "/t": DONE})
    assert rung.line.paths() == [START, "/t", "/voice/status"]
    assert "Digits" not in rung.line.asked[1].form


def test_the_finish_key_used_is_told_only_where_asked_for(ring):
    """A real payload may carry an undocumented FinishedOnKey; treat as optional."""
    answers = {START: gather('actionOnEmptyResult="true"'), "/t": DONE}
    assert ring(answers, ["#"], finished_on_key=True).line.asked[1].form["FinishedOnKey"] == "#"
    assert ring(answers, [""], finished_on_key=True).line.asked[1].form["FinishedOnKey"] == ""
    assert "FinishedOnKey" not in ring(answers, ["#"]).line.asked[1].form


def test_a_short_entry_arrives_after_the_timeout(ring):
    """A too-short entry (5 of 6 keys) arrives after the timeout with 5 digits."""
    rung = ring({START: gather('numDigits="6" timeout="4"'), "/t": DONE}, ["12345"])
    assert rung.line.digits() == ["12345"]
    assert rung.record.waited >= 4


def test_no_action_means_the_document_itself(ring):
    """action = the current document's URL (so omitting it loops)."""
    rung = ring({START: '<Gather numDigits="1"><Say>Key.</Say></Gather>'}, ["1"])
    assert rung.line.paths() == [START, START, "/voice/status"]


def test_a_relative_action_starts_at_the_document(ring):
    answers = {START: "<Redirect>/a/b</Redirect>", "/a/b": gather('numDigits="1"', action="c?x=1"), "/a/c": DONE}
    rung = ring(answers, ["1"])
    assert rung.line.paths()[2] == "/a/c"
    assert rung.line.asked[2].query == {"x": "1"}


def test_method_get_puts_the_keys_into_the_query(ring):
    rung = ring({START: gather('numDigits="1" method="GET"'), "/t": DONE}, ["4"])
    assert (rung.line.asked[1].method, rung.line.asked[1].query["Digits"]) == ("GET", "4")


def test_several_gathers_in_one_document_tell_which_was_open(ring):
    """Each with its own action, no actionOnEmptyResult, falling through from one to the next."""
    blocks = "".join(gather('numDigits="1" timeout="1" finishOnKey=""', action=f"/block/{n}") for n in range(1, 4))
    answers = {START: blocks + "<Redirect>/end</Redirect>", "/block/2": DONE, "/end": DONE}
    assert ring(answers).line.paths() == [START, "/end", "/voice/status"]
    assert ring(answers, ["", keys_at(("*", 1.0))]).line.paths() == [START, "/block/2", "/voice/status"]


def test_a_key_queued_while_fetching_is_lost_but_one_after_it_is_gathered(ring):
    """No type-ahead buffer across two Gathers: keys typed during the round trip are lost."""
    answers = {START: gather('numDigits="1"'), "/t": gather('numDigits="2"', action="/u"), "/u": DONE}
    rung = ring(answers, [keys_at(("1", 1.0), ("2", 1.5), ("3", 1.9), ("4", 2.4))])
    assert rung.line.digits() == ["1", "34"]
    assert rung.record.lost == "2"


def test_a_key_still_under_way_cuts_the_next_prompt_off_before_it_is_heard(ring):
    """The first key stops the audio, also where it was meant for the gather before."""
    asking = gather('numDigits="2"', "<Say>Group two, please.</Say>", action="/u")
    rung = ring({START: gather('numDigits="2"'), "/t": asking, "/u": DONE}, ["12#"], pace=Pace(turn_delay=0.3))
    assert rung.line.digits() == ["12"]
    assert rung.caller.stretches[1].words == rung.caller.words[1] == ""


def test_keys_during_a_plain_say_are_lost(ring):
    """Keys pressed before Gather starts are lost (nest the prompt inside Gather)."""
    say = "<Say>One two three four five six seven eight.</Say>"
    rung = ring({START: say + gather(), "/t": DONE}, [keys_at(("1", 1.0), ("2", 3.2))])
    assert rung.line.digits() == ["2"]
    assert rung.record.lost == "1"


# Gaps in milliseconds, each a little off, so that no key falls on the very end of a timer.
gaps = st.lists(st.tuples(st.sampled_from("0123456789*#"), st.integers(1, 4000)), max_size=30)
kinds = st.sampled_from(['numDigits="2"', 'numDigits="6" timeout="2"', 'finishOnKey="" timeout="1"', 'timeout="3"'])


FIRST, LAST = "Some words first.", "And more."


def open_windows(caller: Puppet, delay: float) -> list[tuple[float, float]]:
    """When a Gather was open, worked out from what was heard: up to the next words, or to a fetch before them."""
    windows = []
    for stretch, following in itertools.pairwise(caller.stretches):
        if stretch.listening:
            submitted = following.words == FIRST
            windows.append((stretch.at, following.at - (delay if submitted else 0.0)))
    return windows


@settings(max_examples=80, deadline=None)
@given(gaps, st.lists(kinds, min_size=1, max_size=3), st.integers(300, 1500).map(lambda ms: ms / 1000))
def test_every_key_is_used_once_and_lost_exactly_where_no_gather_is_open(gaps, gathers, delay):
    document = f"<Say>{FIRST}</Say>" + "".join(gather(kind) for kind in gathers) + f"<Say>{LAST}</Say>"
    line = ToyLine({START: document, "/t": document})
    afters = itertools.accumulate(gap / 1000 + 0.00037 for _, gap in gaps)
    presses = [(key, after) for (key, _), after in zip(gaps, afters, strict=True)]
    caller = Puppet([keys_at(*presses)])
    terms = Terms(transport=InProcess(line), pace=Pace(turn_delay=delay))
    record = dial(
        "http://x", auth_token=TOKEN, public_url=PUBLIC, caller_number="anonymous", line_number="+15005550006",
        caller=caller, terms=terms,
    )  # fmt: skip
    on_clock = [(key, caller.stretches[0].at + after) for key, after in presses]
    pressed = [(key, at) for key, at in on_clock if at < record.seconds - 1e-6]
    windows = open_windows(caller, delay)
    lost = "".join(key for key, at in pressed if not any(start <= at < end + 1e-6 for start, end in windows))
    shown = "".join(entry.words for entry in record.transcript if entry.side == "you" and entry.words != "(silence)")
    assert shown == "".join(key for key, _ in pressed)
    assert record.lost == lost
    assert "".join(digits or "" for digits in line.digits()) == "".join(record.gathered)
    assert record.heard + record.keyed + record.waited == pytest.approx(record.seconds)
