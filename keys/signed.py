r"""Signed statements: JSON facts that whoever has a public key can trust, in the compact form of a JSON Web Signature.

The rule it keeps: the kind of a statement stands in its header, and the header is compared, never obeyed; so a
statement of one kind can never be taken for one of another, and none chooses how it is checked.

The text is header, facts and Ed25519 signature in base64url, a point between (RFC 7515, RFC 8037). Signing and checking
are handed in as functions (`keys.ed25519` has both): this file needs the standard library alone.

>>> import hmac
>>> def sign(message): return hmac.digest(b"a pretence", message, "sha512")
>>> def check(key, signature, message): return hmac.compare_digest(hmac.digest(key, message, "sha512"), signature)
>>> text = make("lesson", {"ends": "today"}, sign)
>>> read("lesson", text, b"a pretence", check)
{'ends': 'today'}
>>> read("another", text, b"a pretence", check)
Traceback (most recent call last):
    ...
keys.signed.InvalidStatement: malformed
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Final

from keys.errors import BadInput

Sign = Callable[[bytes], bytes]
"""From a message to its signature of 64 bytes."""

Check = Callable[[bytes, bytes, bytes], bool]
"""From public key, signature and message to whether they fit; never raises for what the other side sent."""

SIGNATURE_BYTES: Final = 64
LONGEST: Final = 8192
"""Signs of a statement's text, at most."""


_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class StatementFault(StrEnum):
    """How a text fails to be a signed statement."""

    MALFORMED = "malformed"  #: not three parts, another kind, or no facts
    SIGNATURE = "signature"  #: changed since it was signed, or signed by somebody else


class InvalidStatement(BadInput):
    """A text is no statement of this kind by the holder of this key: `fault` says how."""

    def __init__(self, fault: StatementFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def make(kind: str, facts: Mapping[str, object], sign: Sign) -> str:
    """The signed text of JSON `facts`. The same facts and key make the same text."""
    body = f"{_header(kind)}.{armoured(plain(facts))}"
    return f"{body}.{armoured(sign(body.encode('ascii')))}"


def read(kind: str, text: str, key: bytes, check: Check) -> dict[str, object]:
    """The facts of a statement of this kind that the holder of `key` signed. Raises InvalidStatement."""
    body, _, signature = text.rpartition(".")
    header, _, facts = body.partition(".")
    if len(text) > LONGEST or header != _header(kind):
        raise InvalidStatement(StatementFault.MALFORMED)
    stated, given = bare(facts), bare(signature)
    if len(given) != SIGNATURE_BYTES:
        raise InvalidStatement(StatementFault.MALFORMED)
    if not check(key, given, body.encode("ascii")):
        raise InvalidStatement(StatementFault.SIGNATURE)
    try:
        found = json.loads(stated)
    except (ValueError, RecursionError) as error:
        raise InvalidStatement(StatementFault.MALFORMED) from error
    if not isinstance(found, dict):
        raise InvalidStatement(StatementFault.MALFORMED)
    return found


def plain(facts: Mapping[str, object]) -> bytes:
    """Facts as JSON, always in the same bytes: names in order, no spaces, UTF-8."""
    return _PLAIN.encode(facts).encode()


def armoured(raw: bytes) -> str:
    """Bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def bare(text: str) -> bytes:
    """The bytes of base64url without padding. Raises InvalidStatement for any other spelling of them."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidStatement(StatementFault.MALFORMED) from error
    if armoured(raw) != text:
        raise InvalidStatement(StatementFault.MALFORMED)
    return raw


def instant_text(at: datetime) -> str:
    """A moment as it stands in a statement: ISO 8601 in UTC, whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_instant(text: object) -> datetime:
    """The moment in a statement. Raises InvalidStatement for any other spelling."""
    try:
        at = datetime.fromisoformat(text if isinstance(text, str) else "").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidStatement(StatementFault.MALFORMED) from error
    if instant_text(at) != text:
        raise InvalidStatement(StatementFault.MALFORMED)
    return at


@cache
def _header(kind: str) -> str:
    return armoured(plain({"alg": "EdDSA", "typ": f"touchtone-{kind}+jws"}))
