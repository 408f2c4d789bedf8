"""Whole calls as text: what fits, what does not, and how a mismatch reads."""

import pytest

from webhooks.rehearsal.script import BadScriptError, parse, play, written

from .conftest import IID, START

GOOD = """
# A wrong group is asked again alone
from: +14155550123

line: *first group*
caller: {g1}
line: Group 2.
caller: {wrong g2}
line: ... not right ... Group 2 again
caller: (silence)
line: Nothing was keyed
caller: {g2}#
line: Group 3.
caller: {g3} (after 2 s)
line: eight blocks
line: A, Alpha. 1 1 1 2 2 2
line: H, Hotel.
line: Goodbye.
line: (hangs up)
outcome: activated
"""


def played(ring, activation, text):
    return play(parse(text), activation.groups, lambda caller: ring(activation.app().answers, caller=caller).record)


def test_a_call_that_goes_as_written_has_no_mismatch(ring, activation):
    result = played(ring, activation, GOOD)
    assert result.mismatches == ()
    assert result.record.gathered == (IID[0], "235567", IID[1], IID[2])


def test_a_call_that_goes_otherwise_shows_what_was_heard_instead(ring, activation):
    result = played(ring, activation, GOOD.replace("Group 3.", "Group 7."))
    (mismatch,) = [text for text in result.mismatches if "not reached" in text]
    assert "line: Group 7." in mismatch
    assert "Group 3." in mismatch


def test_another_outcome_than_the_written_one_is_a_mismatch(ring, activation):
    result = played(ring, activation, "line: first group\ncaller: (hangs up)\noutcome: refused\n")
    assert result.mismatches == ("outcome: refused was written, hung_up came",)


def test_a_script_that_expects_the_line_to_hang_up_fails_if_it_does_not(ring, activation):
    result = played(ring, activation, "line: first group\ncaller: (hangs up)\nline: (hangs up)\n")
    assert any("(hangs up)" in text for text in result.mismatches)


def test_a_document_with_a_problem_is_a_mismatch(ring):
    script = parse("line: Hello\nline: (hangs up)\n")
    result = play(script, IID, lambda caller: ring('<Say tone="x">Hello</Say>', caller=caller).record)
    assert result.mismatches == ("TwiML: Say 1: unknown_attribute (tone)",)


def test_keys_over_the_words_are_written_as_cutting_in(ring, activation):
    result = played(ring, activation, "caller: {g1} (cutting in)\nline: Group 2.\ncaller: (hangs up)\n")
    assert result.mismatches == ()
    assert result.record.transcript[1].note == "cutting in"


def test_words_in_quotation_marks_are_said(ring):
    gather = '<Gather action="/t" input="dtmf speech" actionOnEmptyResult="true"><Say>Say yes.</Say></Gather>'
    script = parse('line: Say yes.\ncaller: "oh yes" (unclear)\nline: Done.\n')
    result = play(script, IID, lambda caller: ring({START: gather, "/t": "<Say>Done.</Say>"}, caller=caller).record)
    assert result.mismatches == ()
    assert '"oh yes" (unclear)' in written(script, result.record, IID)


def test_the_call_as_it_went_is_a_script_that_fits_itself(ring, activation):
    script = parse(GOOD)
    result = played(ring, activation, GOOD)
    text = written(script, result.record, activation.groups)
    assert "caller: {g1}" in text
    assert played(ring, activation, text).mismatches == ()


@pytest.mark.parametrize("text", ["hello", "Line: x y", "line first"])
def test_a_line_that_is_neither_is_refused_with_its_place(text):
    with pytest.raises(BadScriptError) as bad:
        parse("# title\n" + text)
    assert bad.value.place == 2


@pytest.mark.parametrize("keys", ["{g9}", "{odd g1}", "abc"])
def test_keys_that_no_telephone_has_are_refused(ring, activation, keys):
    with pytest.raises(BadScriptError):
        played(ring, activation, f"line: first group\ncaller: {keys}\n")
