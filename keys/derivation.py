"""Where every secret comes from, and the proof made with them.

One rule: each key has one use, told apart by HKDF's info string. The chain:

- the issuing root makes a product's issuing key, which makes each product key's secret from its serial;
- the same issuing key makes what opens and what signs in a licence host, from the serial of its key;
- a product's verification secret of one generation and a product key's secret together make the proof key, the
  confirmation key, the return key, and nothing else: either alone makes nothing.

>>> root = bytes(32)
>>> secret = key_secret(issuing_key(root, product=7), serial=41)
>>> len(secret), secret == key_secret(issuing_key(root, product=7), serial=42)
(9, False)
"""

import hmac
from hashlib import sha256
from typing import Final

from keys.formats import FORMATS
from keys.installation_id import InstallationID

KEY_SECRET_BYTES: Final = 9
SHARE_DIGITS: Final = 36
_HASH_BYTES: Final = 32


def hkdf_sha256(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869): `length` bytes (at most 8,160) from input keying material, salt and info.

    Raises ValueError for a longer output.
    """
    if length > 255 * _HASH_BYTES:
        raise ValueError(length)
    pseudorandom_key = hmac.digest(salt or bytes(_HASH_BYTES), ikm, "sha256")
    output = block = b""
    for counter in range(1, -(-length // _HASH_BYTES) + 1):
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def issuing_key(root: bytes, product: int) -> bytes:
    """The 32-byte issuing key of a product, from the issuing root."""
    return hkdf_sha256(root, b"", b"issuing key" + product.to_bytes(2, "big"), 32)


def key_secret(issuing_key: bytes, serial: int) -> bytes:
    """The 9-byte (72-bit) secret of the product key with this serial, from the product's issuing key."""
    return hkdf_sha256(issuing_key, b"", b"key secret" + serial.to_bytes(4, "big"), KEY_SECRET_BYTES)


def host_share(issuing_key: bytes, serial: int) -> str:
    """The 36 decimal digits that open the package of the licence host key with this serial, evenly spread."""
    made = hkdf_sha256(issuing_key, b"", b"kms share" + serial.to_bytes(4, "big"), 32)
    return f"{int.from_bytes(made, 'big') % 10**SHARE_DIGITS:0{SHARE_DIGITS}d}"


def host_seed(issuing_key: bytes, serial: int) -> bytes:
    """The 32-byte seed of the Ed25519 key with which the hosts of this licence host key sign."""
    return hkdf_sha256(issuing_key, b"", b"kms host" + serial.to_bytes(4, "big"), 32)


def package_key(share: str, key_secret: bytes) -> bytes:
    """The 32-byte key of a host package's seal."""
    return hkdf_sha256(share.encode("ascii"), key_secret, b"kms package", 32)


def proof_key(verification_secret: bytes, key_secret: bytes) -> bytes:
    """The 32-byte key of installation proofs."""
    return hkdf_sha256(verification_secret, key_secret, b"proof", 32)


def confirmation_key(verification_secret: bytes, key_secret: bytes) -> bytes:
    """The 32-byte key of confirmation IDs' MACs."""
    return hkdf_sha256(verification_secret, key_secret, b"cid", 32)


def return_key(verification_secret: bytes, key_secret: bytes) -> bytes:
    """The 32-byte key of return codes."""
    return hkdf_sha256(verification_secret, key_secret, b"return", 32)


def fingerprint_key(key_secret: bytes) -> bytes:
    """The 32-byte key of hardware fingerprints."""
    return hkdf_sha256(key_secret, b"", b"fingerprint", 32)


def proof_message(iid: InstallationID) -> bytes:
    """What a proof is over, big endian: format 1 byte, product 2, serial 4, each fingerprint field 1, nonce 2."""
    return b"".join(
        (
            iid.format.to_bytes(1, "big"),
            iid.product.to_bytes(2, "big"),
            iid.serial.to_bytes(4, "big"),
            bytes(iid.fingerprint),
            iid.nonce.to_bytes(2, "big"),
        )
    )


def proof_value(verification_secret: bytes, key_secret: bytes, iid: InstallationID) -> int:
    """The proof that belongs into `iid`: the first bits, as many as its format holds, of the HMAC over all the rest."""
    mac = hmac.new(proof_key(verification_secret, key_secret), proof_message(iid), sha256).digest()
    return int.from_bytes(mac, "big") >> 8 * _HASH_BYTES - FORMATS[iid.format].proof_bits
