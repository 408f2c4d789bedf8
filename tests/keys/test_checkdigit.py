"""Check digits: what each rule catches, and what the classic one is known to miss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.checkdigit import calc, calc_whole, is_whole, validate
from keys.formats import CheckRule

PAYLOADS = st.text("0123456789", min_size=5, max_size=5)
NUMBERS = st.integers(1, 9)
PLACES = st.integers(0, 5)


def _group(rule, number, payload):
    return payload + calc(rule, number, payload)


@pytest.mark.parametrize("group", ["020650", "770493", "837252", "720650"])
def test_the_classic_samples_that_pass_do(group):
    assert validate(CheckRule.MOD7, 1, group)


@pytest.mark.parametrize("group", ["020657", "020651", "520650"])
def test_the_classic_samples_that_fail_do(group):
    assert not validate(CheckRule.MOD7, 1, group)


@given(NUMBERS, PAYLOADS, PLACES, st.integers(1, 9))
def test_a_wrong_digit_is_always_caught(number, payload, place, added):
    group = _group(CheckRule.VERHOEFF, number, payload)
    wrong = str((int(group[place]) + added) % 10)
    assert not validate(CheckRule.VERHOEFF, number, group[:place] + wrong + group[place + 1 :])


@given(NUMBERS, PAYLOADS, st.integers(0, 4))
def test_a_swapped_pair_is_always_caught(number, payload, place):
    group = _group(CheckRule.VERHOEFF, number, payload)
    swapped = group[:place] + group[place + 1] + group[place] + group[place + 2 :]
    assert swapped == group or not validate(CheckRule.VERHOEFF, number, swapped)


@given(NUMBERS, NUMBERS, PAYLOADS)
def test_a_right_group_in_a_wrong_place_is_always_caught(number, other, payload):
    assert validate(CheckRule.VERHOEFF, other, _group(CheckRule.VERHOEFF, number, payload)) == (number == other)


@given(NUMBERS, PAYLOADS)
def test_a_classic_check_digit_is_never_seven_or_more(number, payload):
    assert calc(CheckRule.MOD7, number, payload) in "0123456"


@given(st.text("0123456789", min_size=43, max_size=43), st.integers(0, 44), st.integers(1, 9))
def test_the_whole_id_check_catches_every_wrong_digit(digits, place, added):
    whole = digits + calc_whole(digits)
    wrong = whole[:place] + str((int(whole[place]) + added) % 10) + whole[place + 1 :]
    assert is_whole(whole)
    assert not is_whole(wrong)


@given(st.text("0123456789", min_size=28, max_size=43))
def test_only_one_pair_of_digits_completes_a_whole_id(digits):
    assert sum(is_whole(f"{digits}{pair:02d}") for pair in range(100)) == 1
