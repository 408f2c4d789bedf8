"""A proof is taken for genuine under the generation it was made with, and under no other key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.derivation import issuing_key, key_secret, proof_value
from keys.formats import FORMATS
from keys.genuine import generation_of
from keys.installation_id import InstallationID

ISSUING = issuing_key(b"root" * 8, 7)
GENERATIONS = {1: b"one." * 8, 2: b"two." * 8, 5: b"five" * 8}


def _genuine(fmt, generation):
    parts = (1,) * fmt.fingerprint_fields
    bare = InstallationID(fmt.number, 7, 41, parts, 9, 0)
    return replace(bare, proof=proof_value(GENERATIONS[generation], key_secret(ISSUING, 41), bare))


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_generation_of_the_proof_is_found(fmt, generation):
    assert generation_of(_genuine(fmt, generation), ISSUING, GENERATIONS) == generation


def test_a_generation_that_is_no_longer_live_is_not_found():
    iid = _genuine(FORMATS[1], 1)
    assert generation_of(iid, ISSUING, {2: GENERATIONS[2], 5: GENERATIONS[5]}) is None
    assert generation_of(iid, ISSUING, {}) is None


@given(st.integers(0, 31))
def test_a_proof_wrong_in_one_bit_is_not_genuine(bit):
    iid = _genuine(FORMATS[1], 2)
    assert generation_of(replace(iid, proof=iid.proof ^ 1 << bit), ISSUING, GENERATIONS) is None


@pytest.mark.parametrize("change", [{"serial": 42}, {"nonce": 10}, {"product": 8}, {"fingerprint": (1,) * 7 + (2,)}])
def test_a_proof_does_not_serve_another_installation(change):
    assert generation_of(replace(_genuine(FORMATS[1], 2), **change), ISSUING, GENERATIONS) is None


def test_a_proof_under_another_issuing_key_is_not_genuine():
    assert generation_of(_genuine(FORMATS[1], 2), issuing_key(b"leak" * 8, 7), GENERATIONS) is None
