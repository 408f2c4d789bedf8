"""Product keys: what is mistyped is caught, what is forgivable is forgiven, and nothing is shown whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import base32
from keys.errors import FieldRange
from keys.product_key import (
    InvalidProductKey,
    KeyFault,
    KeyType,
    ProductKey,
    decode,
    encode,
    last_five,
    make,
)

KEYS = st.builds(
    ProductKey,
    st.just(1),
    st.sampled_from(KeyType),
    st.integers(0, 2**14 - 1),
    st.binary(min_size=9, max_size=9),
    st.integers(0, 2**28 - 1),
)
SOME = make(KeyType.MAK, 7, 41, bytes(range(32)))


def _fault(text):
    with pytest.raises(InvalidProductKey) as caught:
        decode(text)
    return caught.value.fault, caught.value.place, caught.value.found


@given(KEYS)
def test_a_key_reads_back(key):
    text = encode(key)
    assert [len(group) for group in text.split("-")] == [5] * 5
    assert decode(text) == key


def test_small_letters_spaces_and_look_alikes_are_forgiven():
    text = encode(ProductKey(1, KeyType.MAK, 0, bytes(9), 1 << 20))
    assert "0" in text
    assert "1" in text
    for spelling in (text.lower(), text.replace("-", " "), text.replace("-", ""), text.replace("-", "\u2013")):
        assert decode(spelling) == decode(text)
    assert decode(text.replace("0", "o").replace("1", "l")) == decode(text)
    assert decode(text.replace("0", "O").replace("1", "I")) == decode(text)


def test_every_single_wrong_sign_is_caught():
    signs = encode(SOME).replace("-", "")
    for place in range(25):
        for wrong in base32.SIGNS.replace(signs[place], ""):
            assert _fault(signs[:place] + wrong + signs[place + 1 :]) == (KeyFault.CHECK, None, None)


@given(KEYS)
@settings(max_examples=20)
def test_every_exchange_of_two_signs_is_caught(key):
    signs = encode(key).replace("-", "")
    for one in range(25):
        for two in range(one + 1, 25):
            exchanged = list(signs)
            exchanged[one], exchanged[two] = signs[two], signs[one]
            if signs[one] != signs[two]:
                assert _fault("".join(exchanged))[0] is KeyFault.CHECK


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", (KeyFault.LENGTH, None, 0)),
        ("ABCDE", (KeyFault.LENGTH, None, 5)),
        ("ABCDE-" * 6, (KeyFault.LENGTH, None, 30)),
        ("ABCDE-AB*DE", (KeyFault.CHARACTER, 8, "*")),
        ("ABCDU", (KeyFault.CHARACTER, 5, "U")),
        ("ABC\u00df", (KeyFault.CHARACTER, 4, "\u00df")),
    ],
)
def test_a_misshapen_key_is_refused_with_its_fault(text, fault):
    assert _fault(text) == fault


def _sealed(number):
    signs = base32.encode(number, 24)
    return signs + base32.check_sign(signs)


def test_another_version_and_an_unknown_type_are_refused():
    assert _fault(_sealed(2 << 117 | 1 << 114)) == (KeyFault.VERSION, None, 2)
    assert _fault(_sealed(1 << 117 | 7 << 114)) == (KeyFault.TYPE, None, 7)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product": 2**14}, "product"),
        ({"serial": -1}, "serial"),
        ({"secret": bytes(8)}, "secret_bytes"),
        ({"version": 2}, "version"),
    ],
)
def test_a_field_without_room_is_refused(change, field):
    fields = {"version": 1, "type": KeyType.MAK, "product": 7, "secret": bytes(9), "serial": 41}
    with pytest.raises(FieldRange) as caught:
        ProductKey(**(fields | change))
    assert caught.value.field == field


@given(KEYS)
def test_what_is_shown_of_a_key_does_not_give_it_away(key):
    text = encode(key)
    shown = repr(key)
    assert text not in shown
    assert key.secret.hex() not in shown
    assert repr(key.secret) not in shown
    assert key.last_five == last_five(text) == text[-5:]
    assert key.last_five in shown


@given(KEYS, st.binary(min_size=9, max_size=9))
def test_the_last_five_signs_tell_nothing_of_the_secret_but_its_check(key, other):
    same_serial = ProductKey(1, key.type, key.product, other, key.serial)
    assert same_serial.last_five[:4] == key.last_five[:4]


def test_an_error_does_not_carry_the_key():
    text = encode(SOME)
    with pytest.raises(InvalidProductKey) as caught:
        decode(text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert text[:-1] not in repr(caught.value)
    assert text[:5] not in repr(caught.value.args)


@given(st.text(max_size=40))
def test_no_text_is_more_than_a_fault(text):
    with pytest.raises(InvalidProductKey):
        decode(text + "\u20ac")
