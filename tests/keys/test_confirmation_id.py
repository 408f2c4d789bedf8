"""Confirmation IDs: good for one installation, to the end of their month, and clear about a wrong block."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keys.confirmation_id import (
    LETTERS,
    InvalidConfirmationID,
    check_block,
    decode,
    issue,
    last_day,
    matches,
    month_number,
)
from keys.errors import FieldRange
from keys.formats import BLOCK_COUNTS, FORMATS
from keys.groups import Fault, GroupFault, grouped
from keys.installation_id import InstallationID

SECRETS = {"verification_secret": bytes(range(32)), "key_secret": bytes(range(9))}
FORMS = st.sampled_from(list(FORMATS.values()))
BLOCKS = st.sampled_from(BLOCK_COUNTS)


def _iid(fmt, nonce=9):
    return InstallationID(fmt.number, 7, 41, (1,) * fmt.fingerprint_fields, nonce, 99)


STANDARD = _iid(FORMATS[1])
CLASSIC = _iid(FORMATS[7])


def _faults(text, iid=STANDARD, blocks=8):
    with pytest.raises(InvalidConfirmationID) as caught:
        matches(text, iid, **SECRETS, blocks=blocks)
    return caught.value.faults


@given(FORMS, BLOCKS, st.integers(0, 255), st.integers(0, 999), st.sampled_from([" ", "-", ""]))
def test_what_is_issued_is_accepted_in_any_spelling(fmt, blocks, nonce, until, between):
    iid = _iid(fmt, nonce)
    issued = issue(iid, **SECRETS, blocks=blocks, valid_until=until)
    assert len(issued) == blocks
    assert all(check_block(fmt, number, block) is None for number, block in enumerate(issued, start=1))
    cid = matches(between.join(issued), iid, **SECRETS, blocks=blocks)
    assert (cid.scheme, cid.valid_until, len(cid.mac)) == (1, until, blocks * 5 - 4)


@given(FORMS, BLOCKS, st.integers(0, 255), st.integers(0, 255))
def test_it_serves_no_other_installation(fmt, blocks, nonce, other):
    assume(nonce != other)
    text = grouped(issue(_iid(fmt, nonce), **SECRETS, blocks=blocks))
    assert [fault.fault for fault in _faults(text, _iid(fmt, other), blocks)] == [Fault.WHOLE_ID]


@pytest.mark.parametrize("name", SECRETS)
def test_it_takes_both_secrets(name):
    text = grouped(issue(STANDARD, **(SECRETS | {name: b"\xff" * len(SECRETS[name])}), blocks=8))
    assert _faults(text) == (GroupFault(None, Fault.WHOLE_ID),)


def test_the_end_cannot_be_moved():
    honest = issue(STANDARD, **SECRETS, blocks=8, valid_until=13)
    later = issue(replace(STANDARD, nonce=10), **SECRETS, blocks=8, valid_until=999)
    assert _faults(grouped((later[0], *honest[1:]))) == (GroupFault(None, Fault.WHOLE_ID),)


@given(st.integers(1, 8), st.integers(0, 5), st.integers(1, 9))
def test_a_wrong_digit_names_its_block(number, place, added):
    blocks = list(issue(STANDARD, **SECRETS, blocks=8))
    block = blocks[number - 1]
    blocks[number - 1] = block[:place] + str((int(block[place]) + added) % 10) + block[place + 1 :]
    assert _faults(grouped(blocks)) == (GroupFault(number, Fault.CHECK_DIGIT),)


def test_a_short_block_a_letter_and_a_missing_block_are_named():
    blocks = issue(STANDARD, **SECRETS, blocks=8)
    assert _faults(" ".join((*blocks[:2], blocks[2][:5], *blocks[3:]))) == (GroupFault(3, Fault.LENGTH, found=5),)
    assert _faults(" ".join((*blocks[:2], "12E456", *blocks[3:]))) == (
        GroupFault(3, Fault.CHARACTER, place=3, found="E"),
    )
    assert _faults(" ".join(blocks[:7])) == (GroupFault(None, Fault.LENGTH, found=42),)
    assert _faults("") == (GroupFault(None, Fault.LENGTH, found=0),)


def test_a_scheme_that_is_not_known_is_told():
    with pytest.raises(FieldRange):
        issue(STANDARD, **SECRETS, blocks=8, scheme=2)
    blocks = issue(CLASSIC, **SECRETS, blocks=8)
    other = f"8{blocks[0][1:]}"
    assert check_block(FORMATS[7], 1, other) is None
    assert _faults(grouped((other, *blocks[1:])), CLASSIC) == (GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found="8"),)


def test_every_classic_slip_that_the_blocks_miss_is_located():
    blocks = issue(CLASSIC, **SECRETS, blocks=8, valid_until=13)
    located = 0
    for number, block in enumerate(blocks, start=1):
        for place, digit in enumerate(block[:5]):
            slip = {"0": "7", "1": "8", "2": "9", "7": "0", "8": "1", "9": "2"}.get(digit)
            if slip is None or (number, place) == (1, 0):
                continue
            keyed = list(blocks)
            keyed[number - 1] = block[:place] + slip + block[place + 1 :]
            assert _faults(grouped(keyed), CLASSIC) == (GroupFault(number, Fault.WHOLE_ID, found=block),)
            located += 1
    assert located > 5


def test_exchanged_classic_blocks_are_located():
    blocks = list(issue(CLASSIC, **SECRETS, blocks=8))
    blocks[2], blocks[5] = blocks[5], blocks[2]
    assert _faults(grouped(blocks), CLASSIC) == (
        GroupFault(3, Fault.OTHER_PLACE, found=6),
        GroupFault(6, Fault.OTHER_PLACE, found=3),
    )


@given(st.text(max_size=70), FORMS, BLOCKS)
def test_no_text_is_more_than_a_fault(text, fmt, blocks):
    with pytest.raises(InvalidConfirmationID):
        decode(text, fmt, blocks)


@pytest.mark.parametrize(
    ("wanted", "field"), [({"blocks": 6}, "blocks"), ({"valid_until": 1000}, "valid_until"), ({"scheme": 0}, "scheme")]
)
def test_what_cannot_be_issued_is_refused(wanted, field):
    with pytest.raises(FieldRange) as caught:
        issue(STANDARD, **SECRETS, **({"blocks": 8} | wanted))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("day", "number"),
    [(date(2026, 2, 1), 1), (date(2026, 12, 31), 11), (date(2027, 1, 1), 12), (date(2109, 4, 30), 999)],
)
def test_months_are_counted_from_january_2026(day, number):
    assert month_number(day) == number


@given(st.integers(1, 999))
def test_the_last_day_is_the_last_of_its_month(number):
    end = last_day(number)
    assert month_number(end) == number
    assert (end + timedelta(days=1)).day == 1


@pytest.mark.parametrize("day", [date(2026, 1, 31), date(2025, 12, 1), date(2109, 5, 1)])
def test_a_month_that_has_no_number_is_refused(day):
    with pytest.raises(FieldRange):
        month_number(day)


def test_nought_is_for_ever():
    assert last_day(0) is None
    assert len(LETTERS) == max(BLOCK_COUNTS)
