"""Segments: the edges of both encodings, and signs that must not be cut in two."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.segments import BASIC, DOUBLE, segments


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "GSM-7", 0),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("я" * 70, "UCS-2", 1),
        ("я" * 71, "UCS-2", 2),
        ("я" * 134, "UCS-2", 2),
        ("я" * 135, "UCS-2", 3),
        ("a" * 69 + "я", "UCS-2", 1),
        ("a" * 160 + "я", "UCS-2", 3),
        ("\N{TELEPHONE RECEIVER}" * 35, "UCS-2", 1),
        ("\N{TELEPHONE RECEIVER}" * 36, "UCS-2", 2),
        ("\N{TELEPHONE RECEIVER}" * 67, "UCS-2", 3),  # 134 units would fit two, were they cut in the middle
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("é`"[:1] * 160, "GSM-7", 1),
        ("`", "UCS-2", 1),
        ("ê", "UCS-2", 1),
    ],
)
def test_a_text_is_billed_as_twilio_s_rules_say(text, encoding, count):
    billed = segments(text)
    assert (billed.encoding, billed.count) == (encoding, count)


def test_the_small_alphabet_has_127_signs_of_which_none_counts_double():
    assert (len(BASIC), len(DOUBLE), BASIC & DOUBLE) == (127, 10, frozenset())


@given(st.text(alphabet=sorted(BASIC | DOUBLE), max_size=700))
def test_a_longer_text_never_takes_fewer_segments_and_none_is_wasted(text):
    billed = segments(text)
    assert billed.units == len(text) + sum(sign in DOUBLE for sign in text)
    if billed.units <= 160:
        assert billed.count == (billed.units > 0)
    else:
        # A segment is left at most one unit short, by a sign that does not fit any more.
        assert math.ceil(billed.units / 153) <= billed.count <= math.ceil(billed.units / 152)


@given(st.text(min_size=1, max_size=300))
def test_any_text_at_all_is_billed(text):
    assert segments(text).count >= 1
