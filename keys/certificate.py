r"""The certificate of an activation: what was activated and with which confirmation ID, signed by the line.

The rule it keeps: a certificate states what happened and names the installation by its digest only; it opens nothing
that the confirmation ID in it does not open. It goes along wherever there is a data channel, and anybody who has the
line's public key can check it.

The text is a JSON Web Signature in compact form, as `keys.signed` makes them; any library for those reads it. Whoever
checks one needs this file, those two beside it, and `cryptography`.

>>> made = datetime(2026, 1, 2, tzinfo=UTC)
>>> stated = Certificate(7, "Harbour Pilot", "0019G", "ab" * 32, ("123456",) * 8, None, reactivation=0, made_at=made)
>>> text = sign(stated, bytes(32))
>>> verify(text, public_key(bytes(32))) == stated
True
>>> verify(text[:-1] + ("A" if text[-1] != "A" else "Q"), public_key(bytes(32)))
Traceback (most recent call last):
    ...
keys.certificate.InvalidCertificate: signature
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from keys import ed25519, signed
from keys.ed25519 import public_key
from keys.errors import BadInput
from keys.signed import InvalidStatement

__all__ = [
    "Certificate",
    "CertificateFault",
    "InvalidCertificate",
    "public_key",
    "public_key_text",
    "read_public_key",
    "sign",
    "verify",
]

KIND = "activation"
KEY_BYTES = 32
LONGEST = 4096
"""Signs of a certificate's text, at most; a real one has about 600."""


class CertificateFault(StrEnum):
    """How a text fails to be a certificate of this line."""

    MALFORMED = "malformed"  #: not three parts, not this kind of signature, or a statement that lacks something
    SIGNATURE = "signature"  #: changed since it was signed, or signed by another line


class InvalidCertificate(BadInput):
    """A text is no certificate of the line whose key was given: `fault` says how."""

    def __init__(self, fault: CertificateFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the line states of one activation.

    `installation` is `installation_id.digest` in hex, `confirmation_id` its blocks of six digits, `valid_until` the
    last month it is good for as YYYY-MM (None: for ever), `reactivation` how many activations of the same key on the
    same hardware came before, `made_at` when the activation was spent: at a replay all of it is the same again.
    """

    product: int
    product_name: str
    last_five: str
    installation: str
    confirmation_id: tuple[str, ...]
    valid_until: str | None
    reactivation: int
    made_at: datetime


def public_key_text(key: bytes) -> str:
    """A public key as it is printed and handed on: base64url, 43 signs."""
    return signed.armoured(key)


def read_public_key(text: str) -> bytes:
    """The public key in its printed form. Raises InvalidCertificate (MALFORMED)."""
    try:
        key = signed.bare(text.strip())
    except InvalidStatement as error:
        raise InvalidCertificate(CertificateFault.MALFORMED) from error
    if len(key) != KEY_BYTES:
        raise InvalidCertificate(CertificateFault.MALFORMED)
    return key


def sign(certificate: Certificate, seed: bytes) -> str:
    """The certificate's text, signed with the 32-byte seed. The same statement always makes the same text."""
    facts = {
        "product": certificate.product,
        "product_name": certificate.product_name,
        "last_five": certificate.last_five,
        "installation": certificate.installation,
        "confirmation_id": list(certificate.confirmation_id),
        "valid_until": certificate.valid_until,
        "reactivation": certificate.reactivation,
        "made_at": certificate.made_at.astimezone(UTC).isoformat(),
    }
    return signed.make(KIND, facts, ed25519.signer(seed))


def verify(text: str, key: bytes) -> Certificate:
    """What a certificate states, if the line with this public key (32 bytes) signed it. Raises InvalidCertificate."""
    try:
        if len(text) > LONGEST:
            raise InvalidCertificate(CertificateFault.MALFORMED)
        return _read(signed.read(KIND, text.strip(), key, ed25519.check))
    except InvalidStatement as error:
        raise InvalidCertificate(CertificateFault(error.fault.value)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidCertificate(CertificateFault.MALFORMED) from error


def _read(facts: Mapping[str, Any]) -> Certificate:
    """The statement of a sound signature; a line of a later version may state more. Raises KeyError, ValueError."""
    blocks = facts["confirmation_id"]
    if not isinstance(blocks, list) or not blocks:
        raise ValueError(blocks)
    return Certificate(
        product=_held(facts["product"], int),
        product_name=_held(facts["product_name"], str),
        last_five=_held(facts["last_five"], str),
        installation=_held(facts["installation"], str, re.compile(r"[0-9a-f]{64}").fullmatch),
        confirmation_id=tuple(_held(block, str, re.compile(r"[0-9]{6}").fullmatch) for block in blocks),
        valid_until=None if facts["valid_until"] is None else _held(facts["valid_until"], str, _MONTH.fullmatch),
        reactivation=_held(facts["reactivation"], int),
        made_at=datetime.fromisoformat(facts["made_at"]),
    )


_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def _held(value: Any, kind: type, shape: Callable[[Any], object] | None = None) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool) or (shape is not None and not shape(value)):
        raise ValueError(value)
    return value
