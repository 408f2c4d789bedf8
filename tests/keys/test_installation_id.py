"""Installation IDs: read in any spelling, and every fault named with its group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.checkdigit import calc, calc_whole
from keys.errors import FieldRange
from keys.formats import FORMATS
from keys.groups import Fault, GroupFault, grouped, split
from keys.installation_id import (
    InstallationID,
    InvalidInstallationID,
    decode,
    digest,
    encode,
    faults,
    fingerprint_number,
    payload,
)


@st.composite
def installation_ids(draw):
    fmt = draw(st.sampled_from(list(FORMATS.values())))

    def field(bits):
        return draw(st.integers(0, (1 << bits) - 1))

    parts = tuple(field(fmt.fingerprint_field_bits) for _ in range(fmt.fingerprint_fields))
    product, serial = field(fmt.product_bits), field(fmt.serial_bits)
    return InstallationID(fmt.number, product, serial, parts, field(fmt.nonce_bits), field(fmt.proof_bits))


SOME = InstallationID(1, 7, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 99)


@given(installation_ids(), st.sampled_from([" ", "-", "", " - ", "\n"]))
def test_an_id_reads_back_in_any_spelling(iid, between):
    text = between.join(split(encode(iid)))
    assert faults(text) == ()
    assert decode(text) == iid


@given(installation_ids())
def test_an_id_has_the_length_of_its_format_and_begins_with_its_number(iid):
    digits = encode(iid)
    assert len(digits) == FORMATS[iid.format].digits
    assert digits[0] == str(iid.format)
    assert payload(iid) == "".join(group[:5] for group in split(digits))[:-2]


@given(installation_ids(), installation_ids())
def test_two_ids_have_the_same_digest_only_if_they_are_the_same(one, two):
    assert (digest(one) == digest(two)) == (one == two)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
def test_the_largest_fields_fit(fmt):
    part, nonce = (1 << fmt.fingerprint_field_bits) - 1, (1 << fmt.nonce_bits) - 1
    parts = (part,) * fmt.fingerprint_fields
    proof = (1 << fmt.proof_bits) - 1
    iid = InstallationID(fmt.number, fmt.products - 1, fmt.serials - 1, parts, nonce, proof)
    assert decode(encode(iid)) == iid
    assert fingerprint_number(iid) == (1 << fmt.fingerprint_bits) - 1


@pytest.mark.parametrize(
    ("change", "field", "highest"),
    [
        ({"format": 2}, "format", 7),
        ({"product": 16_384}, "product", 16_383),
        ({"product": -1}, "product", 16_383),
        ({"serial": 2**28}, "serial", 2**28 - 1),
        ({"fingerprint": (64,) * 8}, "fingerprint", 63),
        ({"fingerprint": (1,) * 7}, "fingerprint_fields", 8),
        ({"nonce": 2**16}, "nonce", 2**16 - 1),
        ({"proof": 2**32}, "proof", 2**32 - 1),
    ],
)
def test_a_field_without_room_is_refused(change, field, highest):
    fields = {name: getattr(SOME, name) for name in InstallationID.__slots__} | change
    with pytest.raises(FieldRange) as caught:
        InstallationID(**fields)
    assert (caught.value.field, caught.value.highest) == (field, highest)


def _in_groups(change):
    groups = list(split(encode(SOME)))
    change(groups)
    return " ".join(groups)


def _faults_of(text):
    with pytest.raises(InvalidInstallationID) as caught:
        decode(text)
    assert caught.value.faults == faults(text)
    return caught.value.faults


def test_a_wrong_digit_names_its_group_alone():
    text = _in_groups(lambda groups: groups.__setitem__(3, groups[3][:5] + str((int(groups[3][5]) + 1) % 10)))
    assert _faults_of(text) == (GroupFault(4, Fault.CHECK_DIGIT),)


def test_two_wrong_groups_are_both_named():
    def slips(groups):
        for place in (2, 6):
            groups[place] = str((int(groups[place][0]) + 1) % 10) + groups[place][1:]

    assert [(fault.group, fault.fault) for fault in _faults_of(_in_groups(slips))] == [
        (3, Fault.CHECK_DIGIT),
        (7, Fault.CHECK_DIGIT),
    ]


def test_a_short_group_is_named_where_the_spelling_shows_it():
    text = _in_groups(lambda groups: groups.__setitem__(4, groups[4][:5]))
    assert _faults_of(text) == (GroupFault(5, Fault.LENGTH, found=5),)
    assert _faults_of(text.replace(" ", "")) == (GroupFault(None, Fault.LENGTH, found=53),)


def test_a_letter_is_named_with_group_and_place():
    text = _in_groups(lambda groups: groups.__setitem__(1, groups[1][:2] + "O" + groups[1][3:]))
    assert _faults_of(text) == (GroupFault(2, Fault.CHARACTER, place=3, found="O"),)


class Weighed(str):
    """A text that counts the signs which are copied out of it."""

    copied = 0

    def __getitem__(self, part):
        Weighed.copied += len(piece := super().__getitem__(part))
        return piece


@pytest.mark.parametrize("pattern", ["x", "1x", "123456 x"])
def test_a_long_text_of_bad_signs_is_read_once_through(pattern, monkeypatch):
    monkeypatch.setattr(Weighed, "copied", 0)
    text = Weighed(pattern * (4_000 // len(pattern)))
    assert len(faults(text)) == len(text) // len(pattern)
    assert Weighed.copied <= len(text)


def test_every_letter_is_named():
    assert [(fault.group, fault.place, fault.found) for fault in _faults_of("1x3456 12345y")] == [
        (1, 2, "x"),
        (2, 6, "y"),
    ]


def test_an_unknown_format_is_named():
    assert _faults_of("2" + encode(SOME)[1:]) == (GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found="2"),)


@pytest.mark.parametrize("text", ["", "   ", "-"])
def test_nothing_keyed_is_a_length_fault(text):
    assert _faults_of(text) == (GroupFault(None, Fault.LENGTH, found=0),)


def test_groups_that_are_right_one_by_one_and_wrong_together_are_a_whole_id_fault():
    other = split(encode(InstallationID(1, 8, 42, (8, 7, 6, 5, 4, 3, 2, 1), 10, 100)))
    text = _in_groups(lambda groups: groups.__setitem__(4, other[4]))
    assert _faults_of(text) == (GroupFault(None, Fault.WHOLE_ID),)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
def test_a_number_larger_than_all_fields_is_a_fault_and_no_crash(fmt):
    bare = str(fmt.number) + "9" * fmt.field_digits
    whole = bare + calc_whole(bare)
    fives = (whole[start : start + 5] for start in range(0, len(whole), 5))
    digits = "".join(five + calc(fmt.check_rule, number, five) for number, five in enumerate(fives, start=1))
    assert [fault.fault for fault in _faults_of(digits)] == [Fault.WHOLE_ID]


def test_a_classic_slip_is_named_with_the_group_as_it_should_be():
    iid = InstallationID(7, 7, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 99)
    groups = list(split(encode(iid)))
    number, place = next(
        (number, place) for number in range(2, 9) for place in range(5) if groups[number][place] in "012"
    )
    right = groups[number]
    groups[number] = right[:place] + str(int(right[place]) + 7) + right[place + 1 :]
    assert _faults_of(grouped(groups)) == (GroupFault(number + 1, Fault.WHOLE_ID, found=right),)


@given(st.text(max_size=80))
def test_no_text_is_more_than_a_fault(text):
    assert faults(text) or encode(decode(text))


@given(st.text("0123456789 -", max_size=80))
def test_no_row_of_digits_is_more_than_a_fault(text):
    assert faults(text) or encode(decode(text))


@pytest.mark.parametrize("read", [decode, faults])
def test_what_is_no_text_is_a_type_error_as_whoever_reads_a_foreign_file_expects(read):
    for nothing in (None, 7, ["300217"]):
        with pytest.raises(TypeError):
            read(nothing)
