"""Ed25519, as everything that is signed here uses it; the one room of this package's statements that needs a library.

The rule it keeps: a seed is 32 bytes and signs, a public key is 32 bytes and checks; what is no signature is a wrong
one, never an error.

>>> key = public_key(bytes(32))
>>> check(key, signer(bytes(32))(b"a message"), b"a message"), check(key, b"short", b"a message")
(True, False)
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keys.signed import Sign


def public_key(seed: bytes) -> bytes:
    """The 32 bytes with which signatures by the holder of `seed` (32 bytes) are checked. No secret."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signer(seed: bytes) -> Sign:
    """What signs with a seed of 32 bytes; made once, it signs a message in some 60 microseconds."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign


def check(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature over a message is that of the holder of `key`."""
    public = _public(key)
    if public is None:
        return False
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _public(key: bytes) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        return None
