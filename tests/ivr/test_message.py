"""What one text message says, when no group has to be put in a place: words, case numbers, nothing at all."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ivr.cases import pick_number
from ivr.digit_runs import Piece
from ivr.message import Word, read

WORDS = {
    "?": Word.INSTRUCTIONS,
    "instructions": Word.INSTRUCTIONS,
    "status": Word.STATUS,
    "new": Word.NEW,
    "start over": Word.NEW,
    "agent": Word.AGENT,
    "\u00e9tat": Word.STATUS,
}


def said(body):
    return read(body, WORDS)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("STATUS", Word.STATUS),
        (" status. ", Word.STATUS),
        ("\u201cStatus\u201d", Word.STATUS),
        ("*Status*!!", Word.STATUS),
        ("status \U0001f642", Word.STATUS),
        ("\uff33\uff34\uff21\uff34\uff35\uff33", Word.STATUS),
        ("e\u0301tat", Word.STATUS),
        ("\u00c9TAT ?", Word.STATUS),
        ("Start\u00a0 over", Word.NEW),
        ("New.", Word.NEW),
        ("?", Word.INSTRUCTIONS),
        ("???", Word.INSTRUCTIONS),
        ("\uff1f", Word.INSTRUCTIONS),
        ("\u061f", Word.INSTRUCTIONS),
        ('"?"', Word.INSTRUCTIONS),
        ("\u2753", Word.INSTRUCTIONS),
        ("agent\n", Word.AGENT),
        ("1", Word.YES),
        ("1.", Word.YES),
        ("\uff11", Word.YES),
        ("\u0661", Word.YES),
        ("1\ufe0f\u20e3", Word.YES),
        ("2", Word.NO),
        ("Stop", Word.STOP),
        ("STOP ALL", Word.STOP),
        ("opt-out", Word.STOP),
        ("cancel!", Word.STOP),
        ("unsubscribe", Word.STOP),
        ("Yes", Word.START),
        ("UNSTOP", Word.START),
        ("help", Word.PROVIDER),
        ("Info?", Word.PROVIDER),
    ],
)
def test_a_word_is_known_however_a_telephone_dresses_it(body, word):
    assert said(body).word is word
    assert said(body).runs == ()


@pytest.mark.parametrize(
    "body",
    ["What is the status?", "status please", "a new day", "stop it", "I need help", "newer", "11", "3", "yes sir"],
)
def test_a_word_amid_others_is_chatter(body):
    assert said(body).word is None


def test_the_words_of_twilio_are_not_to_be_renamed():
    assert read("stop", {"stop": Word.NEW}).word is Word.STOP


def test_a_word_counts_above_what_is_quoted_and_not_in_it():
    assert said("STATUS\n\nOn Tue, Nov 24, 2026 Activation wrote:\n> Send group 4. 123456").word is Word.STATUS
    assert said("> STATUS").word is None
    assert said("STATUS\n> Send group 4. 123456").runs == ()


def test_a_word_may_stand_beside_a_case_number():
    message = said("Status 912 345 6785")
    assert (message.word, message.case_number) == (Word.STATUS, "9123456785")


@pytest.mark.parametrize(
    "body",
    [
        "Liked \u201cGroup 4 is wrong. 123456\u201d",
        'Loved "123456"',
        "Emphasized \u201c123456\u201d",
        "Emphasised \u201c123456\u201d",
        "Laughed at \u201c123456\u201d",
        "Questioned \u201cSend group 4 again.\u201d",
        "Disliked \u201cThis case is with a person.\u201d",
        "Reacted \U0001f44d to \u201cA 123456\nB 234567\u201d",
        "Reacted with \u2764\ufe0f to \u201c123456\u201d",
        "Removed a like from \u201c123456\u201d",
        "Removed an exclamation from \u201c123456\u201d",
        "\u200a\U0001f44d\u200a to \u201c\u200aGroup 4 is wrong.\u200a\u201d",
        "\u2764\ufe0f to \u201c123456\u201d",
        "Liked an image",
        "",
        "  \n ",
        "\U0001f44d",
        "\U0001f44d\U0001f3fd\U0001f44d\U0001f3fd!",
        "...",
        "\u200b",
        "> \u200b",
    ],
)
def test_a_reaction_or_a_blank_is_no_message(body):
    message = said(body)
    assert message.nothing
    assert message.runs == ()
    assert message.word is None


@pytest.mark.parametrize("body", ["Liked it! 123456", "Loved \u201c123456\u201d but 234567 is right", "ok", "1", "?"])
def test_what_only_begins_like_a_reaction_is_a_message(body):
    assert not said(body).nothing


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "case {}.",
        "Case number: {}, thanks",
        "{} +1 415 555 0123",
        "my case is\n{}",
        "> {}",
    ],
)
@pytest.mark.parametrize("widths", [(10,), (3, 3, 4), (2, 2, 2, 2, 2), (5, 5), (1,) * 10])
@given(chosen=st.integers(0, 10**8 - 1))
@settings(max_examples=20, deadline=None)
def test_a_case_number_is_known_in_any_spelling(body, widths, chosen):
    number = pick_number(lambda _: chosen)
    parts = iter(number)
    spelled = " ".join("".join(next(parts) for _ in range(width)) for width in widths)
    message = said(body.format(spelled))
    assert message.case_number == number
    assert message.runs == ()


def test_a_case_number_with_a_slip_is_none():
    assert said("9123456786").case_number is None


def test_a_case_number_stands_apart_from_the_groups_beside_it():
    message = said("912 345 6785 300217 156230")
    assert message.case_number == "9123456785"
    assert [piece.digits for run in message.runs for piece in run] == ["300217", "156230"]


def test_two_groups_of_five_digits_are_no_case_number():
    assert said("300217 91234 56785 143814").case_number is None


@pytest.mark.parametrize(
    "body",
    [
        "Group 4: 105201",
        "group 4 105201",
        "Group 4 is 105201",
        "group no. 4 = 105201",
        "Grp 4 -> 105201",
        "4) 105201",
        "4. 105201",
        "(4) 105201",
        "[4] 105201",
        "4: 105 201",
        "4 105201",
        "4\t105201",
        "4/9 105201",
        "4 of 9: 105201",
        "#4 105201",
        "G4=105201",
        "\u2463 105201",
        "4\ufe0f\u20e3 105201",
        "4th group 105201",
        "fourth group: 105201",
        "Group four: 105201",
        "Gruppe 4: 105201",
        "groupe 4 : 105201",
        "Group 4 is wrong. Send group 4 again. 105201",
        "\uff14\uff1a\uff11\uff10\uff15\uff12\uff10\uff11",
    ],
)
def test_a_number_written_before_a_group_is_its_label(body):
    assert said(body).runs == ((Piece("105201", 4),),)


@pytest.mark.parametrize("body", ["105201", "ID 105201", "105 201", "2 machines: 105201", "Row 4 of the list: 105201"])
def test_other_digits_before_a_group_are_no_label(body):
    assert Piece("105201") in [piece for run in said(body).runs for piece in run]


@pytest.mark.parametrize(
    "body",
    [
        "A 123456",
        "A 123456 B 234567 C 345678",
        "A: 123456\nB: 234567",
        "call +1 415 555 0123",
        "+44 7911 123456",
        "+4915212345678",
        "on 24.11.2026 at 10:30",
        "2026-11-24",
        "bob123456@ship.example",
        "https://ship.example/123456",
    ],
)
def test_what_cannot_be_a_group_is_left_out(body):
    assert said(body).runs == ()
    assert not said(body).nothing


def test_what_is_quoted_is_read_where_nothing_else_is_said():
    assert said("> 105201").runs == ((Piece("105201"),),)
    assert said("thanks\n| 105201").runs == ((Piece("105201"),),)
    assert said("518906\n> 105201").runs == ((Piece("518906"),),)
    assert said("518906\n-----Original Message-----\n105201").runs == ((Piece("518906"),),)


@given(st.text(max_size=300))
@example("\x00\x014 105201")
@example("\ud800")
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_read(body):
    message = said(body)
    assert all(piece.digits.isascii() and piece.digits.isdigit() for run in message.runs for piece in run)


PARTS = st.sampled_from([*"0123456789", *" -./:+#()>|\n,=", "Group ", "A ", "G", "123456", "one", "hello "])


@given(st.lists(PARTS, max_size=100).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_digit_is_made_up(body):
    digits = iter("".join(sign for sign in body if sign.isdecimal()))
    kept = "".join(piece.digits for run in said(body).runs for piece in run)
    assert all(digit in digits for digit in kept)  # in the order they came


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "-", "-1", "+1 ", "Group 1 ", "1) 123456 ", "a1", "123456 ", "On ", "1-", "\n1", "> ", "1/9 ", "A:..",
     "12345O", "x@", "Liked \u201c", "group 1,", "(1)", "1:2:", "group ", "reacted ", "\U0001f44d to ", "9123456785 "],
)  # fmt: skip
def test_a_long_message_takes_no_time(unit):
    body = (unit * 1600)[:1600]
    began = time.perf_counter()
    said(body)
    assert time.perf_counter() - began < 0.5  # a hundred times what it takes, and far less than one that is quadratic
