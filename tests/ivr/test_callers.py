"""Callers: pseudonyms, sealed numbers, and nobody."""

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from ivr.callers import WITHHELD, e164, pseudonym, recognise, seal, unseal
from ivr.leaving import dialable

PEPPER, KEY = b"p" * 32, b"n" * 32
WORDS = ["anonymous", "Anonymous", "restricted", "unknown", "unavailable", "", "sip:alice@example.com", "+", "client:x"]


@pytest.mark.parametrize("raw", [*WORDS, *sorted(WITHHELD)])
def test_a_withheld_number_is_nobody(raw):
    assert recognise(raw, "US", pepper=PEPPER, number_key=KEY) is None


def test_the_same_number_in_any_spelling_is_the_same_caller():
    spellings = ["+14155550123", "+1 (415) 555-0123", "4155550123", "1-415-555-0123"]
    assert {e164(spelling, "US") for spelling in spellings} == {"+14155550123"}
    assert len({recognise(spelling, "US", pepper=PEPPER, number_key=KEY).pseudonym for spelling in spellings}) == 1


def test_a_sealed_number_opens_with_its_key_only_and_never_looks_twice_alike():
    sealed = seal("+14155550123", KEY)
    assert unseal(sealed, KEY) == "+14155550123"
    assert "5550123" not in sealed
    assert seal("+14155550123", KEY) != sealed
    with pytest.raises(InvalidToken):
        unseal(sealed, b"x" * 32)


def test_a_pseudonym_cannot_be_had_without_the_pepper():
    assert pseudonym("+14155550123", PEPPER) != pseudonym("+14155550123", b"q" * 32)


@given(st.text(max_size=40))
def test_whatever_the_provider_sends_as_a_number_is_a_caller_or_nobody(raw):
    found = e164(raw, "US")
    assert found is None or found.startswith("+")


def test_a_number_to_call_back_must_be_one_that_can_be_dialled():
    assert dialable("4155550123", "US") == "+14155550123"
    assert dialable("00442079460000", "US") == "+442079460000"
    for wrong in ("", "123", "555", "9" * 15, "0" * 10):
        assert dialable(wrong, "US") is None
