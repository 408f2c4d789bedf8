"""The formats hold together: what they promise fits into their digits."""

import pytest

from keys.formats import BLOCK_COUNTS, FORMATS, CheckRule


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
def test_all_fields_fit_into_the_digits(fmt):
    assert 1 << fmt.field_bits <= 10**fmt.field_digits
    assert fmt.digits == fmt.groups * 6
    assert fmt.blocks in BLOCK_COUNTS


def test_the_formats_are_those_of_the_design():
    shapes = {fmt.number: (fmt.name, fmt.digits, fmt.payload_digits, fmt.field_bits) for fmt in FORMATS.values()}
    assert shapes == {
        1: ("standard", 54, 45, 138),
        3: ("compact", 36, 30, 88),
        7: ("classic", 54, 45, 138),
    }


def test_no_format_takes_a_digit_kept_for_the_first_prompt():
    assert not {0, 8, 9} & set(FORMATS)
    assert all(number == fmt.number for number, fmt in FORMATS.items())


def test_compact_has_the_limits_of_short_calls():
    compact = FORMATS[3]
    assert (compact.products, compact.serials, compact.activations_per_key) == (1024, 4_194_304, 10_000)
    assert not compact.returns


def test_only_classic_has_the_classic_check():
    assert [fmt.name for fmt in FORMATS.values() if fmt.check_rule is CheckRule.MOD7] == ["classic"]


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        FORMATS[2] = FORMATS[1]
