"""A file of lines signed by the console that made it, to be carried between rooms.

One rule: the file is taken byte for byte or not at all. The last line holds the signer's key and the signature over
every byte before it, and has one spelling only.

>>> whole = seal({"touchtone": "request"}, [{"installation_id": "1"}], bytes(32))
>>> unseal(whole, "stick.tt").lines
({'installation_id': '1'},)
>>> unseal(whole.replace(b'"1"', b'"2"'), "stick.tt")
Traceback (most recent call last):
    ...
webhooks.proxy.faults.FileFault: stick.tt: has been changed since it was signed
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from webhooks.proxy.faults import FileFault

_PREFIX = b"touchtone proxy file, version 1\n"
"""Goes before what is signed, so that no signature of this kind can stand for another."""
_LONGEST_LINE = 16 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a file, at most."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file whose signature is right: its heading, its lines, and the public key (hexadecimal) of who signed it."""

    heading: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    signer: str
    digest: str

    def fault(self, file: str, number: int, reason: str) -> FileFault:
        """A fault of the line with this index (from 0), counted as an editor does: the heading is line 1."""
        return FileFault(file, number + 2, reason)


def public_key(seed: bytes) -> str:
    """The public key, in hexadecimal, of a console whose signing key is `seed`."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def fingerprint(key: str) -> str:
    """A public key as people compare it: the first 80 bits of its SHA-256 in five groups of four."""
    text = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:20]
    return " ".join(text[start : start + 4] for start in range(0, 20, 4))


def seal(heading: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], seed: bytes) -> bytes:
    """The file's bytes, signed."""
    body = b"".join(_line(facts) for facts in (heading, *lines))
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(_PREFIX + body)
    return body + _line({"signature": signature.hex(), "signed_by": public_key(seed)})


def unseal(content: bytes, file: str) -> Sealed:
    """What a signed file holds. Raises FileFault; whether the signer is known is for the caller to see."""
    if len(content) > LARGEST:
        raise FileFault(file, None, "is far larger than any such file")
    body, last = _parted(content)
    key, signature = _seal_of(last, file)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _PREFIX + body)
    except (InvalidSignature, ValueError) as error:
        raise FileFault(file, None, "has been changed since it was signed") from error
    heading, *lines = [_read(text, number, file) for number, text in enumerate(body.split(b"\n")[:-1], 1)] or [{}]
    return Sealed(heading, tuple(lines), key.hex(), hashlib.sha256(content).hexdigest())


def _parted(content: bytes) -> tuple[bytes, bytes]:
    """All but the last line, and the last line."""
    at = content.rstrip(b"\n").rfind(b"\n") + 1
    return content[:at], content[at:]


def _seal_of(last: bytes, file: str) -> tuple[bytes, bytes]:
    """Key and signature out of the last line; another spelling of the same is a change as well."""
    try:
        facts = json.loads(last)
        key, signature = bytes.fromhex(facts["signed_by"]), bytes.fromhex(facts["signature"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FileFault(file, None, "is no signed file of a console, or its end is missing") from error
    if last != _line({"signature": signature.hex(), "signed_by": key.hex()}):
        raise FileFault(file, None, "has been changed since it was signed")
    return key, signature


def _read(text: bytes, number: int, file: str) -> Mapping[str, Any]:
    try:
        facts = json.loads(text) if len(text) <= _LONGEST_LINE else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise FileFault(file, number, "is not what a console writes")
    return facts


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
