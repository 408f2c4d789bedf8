"""HKDF by its published vectors and by a second library; and that every secret is its own."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from keys import derivation
from keys.installation_id import InstallationID

RFC_5869 = [
    (
        b"\x0b" * 22,
        bytes(range(0x0D)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("ikm", "salt", "info", "okm"), RFC_5869)
def test_hkdf_agrees_with_rfc_5869(ikm, salt, info, okm):
    expected = bytes.fromhex(okm)
    assert derivation.hkdf_sha256(ikm, salt, info, len(expected)) == expected


@given(st.binary(min_size=1, max_size=80), st.binary(max_size=80), st.binary(max_size=40), st.integers(1, 300))
def test_hkdf_agrees_with_another_library(ikm, salt, info, length):
    theirs = HKDF(SHA256(), length, salt or None, info).derive(ikm)
    assert derivation.hkdf_sha256(ikm, salt, info, length) == theirs


def test_hkdf_refuses_more_than_it_can_give():
    assert len(derivation.hkdf_sha256(b"ikm", b"", b"", 8160)) == 8160
    with pytest.raises(ValueError, match="8161"):
        derivation.hkdf_sha256(b"ikm", b"", b"", 8161)


def test_every_secret_is_its_own():
    root, verification = bytes(32), bytes(range(32))
    issuing = [derivation.issuing_key(root, product) for product in range(50)]
    secrets = [derivation.key_secret(issuing[0], serial) for serial in range(50)]
    others = [derivation.key_secret(issuing[1], serial) for serial in range(50)]
    uses = [
        derivation.proof_key(verification, secrets[0]),
        derivation.confirmation_key(verification, secrets[0]),
        derivation.fingerprint_key(secrets[0]),
        derivation.proof_key(verification, secrets[1]),
        derivation.proof_key(root, secrets[0]),
    ]
    everything = issuing + secrets + others + uses
    assert len(set(everything)) == len(everything)


SOME = {"format": 1, "product": 7, "serial": 41, "fingerprint": (1, 2, 3, 4, 5, 6, 7, 8), "nonce": 9, "proof": 0}


@pytest.mark.parametrize(
    "change", [{"format": 7}, {"product": 8}, {"serial": 42}, {"fingerprint": (2, 1, 3, 4, 5, 6, 7, 8)}, {"nonce": 10}]
)
def test_a_proof_covers_every_other_field(change):
    made = derivation.proof_value(bytes(32), bytes(9), InstallationID(**SOME))
    assert derivation.proof_value(bytes(32), bytes(9), InstallationID(**(SOME | change))) != made


@given(st.integers(0, 2**32 - 1))
def test_a_proof_does_not_depend_on_the_proof_that_is_there(proof):
    made = derivation.proof_value(bytes(32), bytes(9), InstallationID(**SOME))
    assert derivation.proof_value(bytes(32), bytes(9), InstallationID(**(SOME | {"proof": proof}))) == made


@given(st.binary(min_size=32, max_size=32))
def test_a_compact_proof_has_twenty_bits(secret):
    iid = InstallationID(3, 7, 41, (1, 2, 3, 4, 5, 6, 7), 9, 0)
    assert 0 <= derivation.proof_value(secret, bytes(9), iid) < 1 << 20
