"""Groups of six: any spelling is read, and a fault says which group and how."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keys.checkdigit import calc
from keys.errors import BadCharacter
from keys.formats import FORMATS
from keys.groups import (
    Fault,
    GroupFault,
    check_group,
    check_groups,
    check_whole,
    digits_of,
    format_of,
    grouped,
    place_of,
    reread_first,
    split,
)
from keys.installation_id import InstallationID, encode

STANDARD, COMPACT, CLASSIC = FORMATS[1], FORMATS[3], FORMATS[7]
PAYLOADS = st.text("0123456789", min_size=5, max_size=5)


def _group(fmt, number, payload):
    return payload + calc(fmt.check_rule, number, payload)


def _groups(fmt, seed):
    """The groups of some ID of that format."""
    parts = tuple((seed + place) % (1 << fmt.fingerprint_field_bits) for place in range(fmt.fingerprint_fields))
    product, nonce, proof = (seed % (1 << bits) for bits in (fmt.product_bits, fmt.nonce_bits, fmt.proof_bits))
    return split(encode(InstallationID(fmt.number, product, seed % (1 << fmt.serial_bits), parts, nonce, proof)))


SEEDS = st.integers(0, 2**48)


@pytest.mark.parametrize(
    "spelling",
    [
        "123456 789012",
        "123456-789012",
        " 1 2 3 4 5 6 - 7 8 9 0 1 2 ",
        "123456\u2013789012",
        "123456\u00a0\u2212\u200b789012",
        "123.456.789.012\r\n",
        "\uff11\uff12\uff13\uff14\uff15\uff16\u3000789012",
        "\u0661\u0662\u0663\u0664\u0665\u0666 \u0667\u0668\u0669\u0660\u0661\u0662",
        "\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6 789012",
    ],
)
def test_every_spelling_gives_the_same_digits(spelling):
    assert digits_of(spelling) == "123456789012"


@pytest.mark.parametrize(
    ("text", "position"), [("12a456", 2), ("123456 O", 7), ("\u00b2", 0), ("12*", 2), ("1\x002", 1)]
)
def test_what_is_no_digit_is_named_with_its_place(text, position):
    with pytest.raises(BadCharacter) as caught:
        digits_of(text)
    assert (caught.value.position, caught.value.sign) == (position, text[position])


@given(st.text("0123456789", max_size=60))
def test_grouping_and_reading_is_a_round_trip(digits):
    assert digits_of(grouped(digits)) == digits
    assert all(len(group) == 6 for group in split(digits)[:-1])


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        read, refused = digits_of(text), None
    except BadCharacter as error:
        read, refused = "", error
    assert read.isascii()
    assert refused is None or text[refused.position] == refused.sign


def test_the_first_digit_names_the_format():
    assert [format_of(f"{digit}00000") for digit in range(10)] == [
        None, STANDARD, None, COMPACT, None, None, None, CLASSIC, None, None,
    ]  # fmt: skip
    assert format_of("") is None
    assert format_of("\u0661") is None


@pytest.mark.parametrize(
    ("group", "fault"),
    [
        ("12345", GroupFault(2, Fault.LENGTH, found=5)),
        ("1234567", GroupFault(2, Fault.LENGTH, found=7)),
        ("", GroupFault(2, Fault.LENGTH, found=0)),
        ("12*456", GroupFault(2, Fault.CHARACTER, place=3, found="*")),
    ],
)
def test_a_misshapen_group_is_named_with_its_fault(group, fault):
    assert check_group(STANDARD, 2, group) == fault


@given(st.integers(2, 9), PAYLOADS, st.integers(0, 5), st.integers(1, 9))
def test_a_wrong_digit_is_a_check_digit_fault(number, payload, place, added):
    group = _group(STANDARD, number, payload)
    wrong = group[:place] + str((int(group[place]) + added) % 10) + group[place + 1 :]
    assert check_group(STANDARD, number, group) is None
    assert check_group(STANDARD, number, wrong) == GroupFault(number, Fault.CHECK_DIGIT)


def test_a_first_group_of_another_format_is_told_from_a_slip():
    assert check_group(STANDARD, 1, "300000") == GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found="3")


@given(st.text("0123456789", min_size=6, max_size=6))
def test_any_six_digits_fit_exactly_one_place(group):
    fitting = [number for number in range(10) if calc(STANDARD.check_rule, number, group[:5]) == group[5]]
    assert [place_of(STANDARD, group)] == fitting
    assert place_of(CLASSIC, group) is None


@given(SEEDS, st.integers(2, 9), st.integers(2, 9))
def test_a_group_keyed_again_is_recognised(seed, number, again):
    assume(number != again)
    groups = _groups(STANDARD, seed)
    fault = check_group(STANDARD, again, groups[number - 1], {number: groups[number - 1]})
    assert fault == GroupFault(again, Fault.OTHER_PLACE, found=number)


@pytest.mark.parametrize("fmt", [STANDARD, COMPACT], ids=lambda fmt: fmt.name)
@given(data=st.data(), seed=SEEDS)
def test_exchanged_groups_are_named_with_their_places(fmt, data, seed):
    one, two = sorted(data.draw(st.sets(st.integers(2, fmt.groups), min_size=2, max_size=2)))
    groups = list(_groups(fmt, seed))
    groups[one - 1], groups[two - 1] = groups[two - 1], groups[one - 1]
    assert check_groups(fmt, groups) == (
        GroupFault(one, Fault.OTHER_PLACE, found=two),
        GroupFault(two, Fault.OTHER_PLACE, found=one),
    )


@given(SEEDS, st.integers(2, 9), st.integers(0, 5), st.integers(1, 9))
def test_a_single_slip_is_never_taken_for_another_group(seed, number, place, added):
    groups = list(_groups(STANDARD, seed))
    group = groups[number - 1]
    groups[number - 1] = group[:place] + str((int(group[place]) + added) % 10) + group[place + 1 :]
    assume(groups[number - 1] not in groups[: number - 1] + groups[number:])
    assert check_groups(STANDARD, groups) == (GroupFault(number, Fault.CHECK_DIGIT),)


@given(SEEDS)
def test_every_classic_slip_that_the_groups_miss_is_located_by_the_whole(seed):
    groups = _groups(CLASSIC, seed)
    assert check_whole(CLASSIC, groups) is None
    for number, group in enumerate(groups, start=1):
        for place, digit in enumerate(group[:5]):
            slip = {"0": "7", "1": "8", "2": "9", "7": "0", "8": "1", "9": "2"}.get(digit)
            if slip is None or (number, place) == (1, 0):
                continue
            wrong = list(groups)
            wrong[number - 1] = group[:place] + slip + group[place + 1 :]
            assert check_group(CLASSIC, number, wrong[number - 1]) is None
            assert check_whole(CLASSIC, wrong).located == (number, group)


@given(SEEDS, st.integers(2, 8))
def test_exchanged_classic_groups_pass_one_by_one_and_fail_as_a_whole(seed, number):
    groups = list(_groups(CLASSIC, seed))
    assume(int(groups[number - 1][:5]) % 97 != int(groups[number][:5]) % 97)
    groups[number - 1], groups[number] = groups[number], groups[number - 1]
    assert check_groups(CLASSIC, groups) == ()
    assert check_whole(CLASSIC, groups) is not None


@pytest.mark.parametrize(("meant", "heard"), [(STANDARD, CLASSIC), (COMPACT, CLASSIC), (CLASSIC, STANDARD)])
def test_a_slip_in_the_very_first_digit_is_read_again(meant, heard):
    readings = []
    for seed in range(3000):
        first, second = _groups(meant, seed * 7919)[:2]
        keyed = f"{heard.number}{first[1:]}"
        if check_group(heard, 1, keyed) is None and check_group(heard, 2, second) is not None:
            readings.append(reread_first(keyed, second) == (meant, first))
    assert readings
    assert sum(readings) > 0.8 * len(readings)


def test_two_groups_that_fit_no_other_format_are_left_alone():
    first, second = _groups(STANDARD, 5)[:2]
    assert reread_first(first, second[:5] + str((int(second[5]) + 1) % 10)) is None
