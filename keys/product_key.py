"""Product keys: 25 signs that a customer is given once.

One rule: a key is shown whole only by `encode`; its `repr`, and whatever logs it, shows the last five signs, which hold
serial bits and the check sign only.

>>> key = make(KeyType.MAK, product=7, serial=41, issuing_key=bytes(32))
>>> text = encode(key)
>>> len(text), decode(text.lower().replace("-", " ")) == key
(29, True)
>>> key
ProductKey(version=1, type=<KeyType.MAK: 1>, product=7, serial=41, last_five='0019G')
>>> decode(text[:-1] + "0")
Traceback (most recent call last):
    ...
keys.product_key.InvalidProductKey: (<KeyFault.CHECK: 'check'>, None, None)
"""

import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from keys import base32, derivation
from keys.errors import FieldRange, InvalidNumber

SIGNS: Final = 25
GROUP_SIGNS: Final = 5
VERSION: Final = 1

_TYPE_BITS = 3
_PRODUCT_BITS = 14
_SECRET_BITS = 8 * derivation.KEY_SECRET_BYTES
_SERIAL_BITS = 28


class KeyType(IntEnum):
    """What a product key is for; the value stands in the key."""

    MAK = 1
    """Multiple activation key: activates up to its allowance, on this line."""
    KMS_HOST = 2
    """Activates a publisher's licence host on the customer's own network, on this line."""
    KMS_CLIENT = 3
    """Tells a machine to ask the customer's licence host; never activated here."""
    RETAIL = 4
    """One machine's key."""


class KeyFault(StrEnum):
    """How a text fails to be a product key."""

    LENGTH = "length"
    """Not 25 signs; `found` is how many there are."""
    CHARACTER = "character"
    """A sign outside the alphabet; `place` (from 1) is where, `found` the sign."""
    CHECK = "check"
    """The check sign does not fit: a sign is wrong or two are exchanged."""
    VERSION = "version"
    """A version that is not known here; `found` is its number."""
    TYPE = "type"
    """A type that does not exist; `found` is its number."""


class InvalidProductKey(InvalidNumber):
    """A text is no product key: `fault`, with `place` and `found` as `KeyFault` says. The key itself is not kept."""

    def __init__(self, fault: KeyFault, place: int | None = None, found: str | int | None = None) -> None:
        super().__init__(fault, place, found)
        self.fault = fault
        self.place = place
        self.found = found


@dataclass(frozen=True, slots=True, repr=False)
class ProductKey:
    """A product key's fields. Raises FieldRange for a value without room; `secret` is 9 bytes."""

    version: int
    type: KeyType
    product: int
    secret: bytes = field(repr=False)
    serial: int

    def __post_init__(self) -> None:
        """Hold every field to its width."""
        if self.version != VERSION:
            raise FieldRange("version", self.version, VERSION)
        if len(self.secret) != derivation.KEY_SECRET_BYTES:
            raise FieldRange("secret_bytes", len(self.secret), derivation.KEY_SECRET_BYTES)
        for name, value, bits in (("product", self.product, _PRODUCT_BITS), ("serial", self.serial, _SERIAL_BITS)):
            if not 0 <= value < 1 << bits:
                raise FieldRange(name, value, (1 << bits) - 1)

    def __repr__(self) -> str:
        """Everything but the secret."""
        return (
            f"ProductKey(version={self.version}, type={self.type!r}, product={self.product}, serial={self.serial}, "
            f"last_five={self.last_five!r})"
        )

    @property
    def last_five(self) -> str:
        """The last five signs, which may be shown."""
        return last_five(encode(self))


def make(type: KeyType, product: int, serial: int, issuing_key: bytes) -> ProductKey:  # noqa: A002 - the field's name
    """The product key of this serial; its secret derives from the product's `issuing_key` (32 bytes)."""
    return ProductKey(VERSION, type, product, derivation.key_secret(issuing_key, serial), serial)


def encode(key: ProductKey) -> str:
    """The whole key, XXXXX-XXXXX-XXXXX-XXXXX-XXXXX."""
    number = key.version
    for value, bits in (
        (int(key.type), _TYPE_BITS),
        (key.product, _PRODUCT_BITS),
        (int.from_bytes(key.secret, "big"), _SECRET_BITS),
        (key.serial, _SERIAL_BITS),
    ):
        number = number << bits | value
    signs = base32.encode(number, SIGNS - 1)
    signs += base32.check_sign(signs)
    return "-".join(signs[start : start + GROUP_SIGNS] for start in range(0, SIGNS, GROUP_SIGNS))


def decode(text: str) -> ProductKey:
    """The fields of a key in capitals or not, with or without hyphens and spaces. Raises InvalidProductKey."""
    signs = signs_of(text)
    if len(signs) != SIGNS:
        raise InvalidProductKey(KeyFault.LENGTH, found=len(signs))
    if not base32.is_sound(signs):
        raise InvalidProductKey(KeyFault.CHECK)
    number = base32.decode(signs[:-1])
    fields = []
    for bits in (_SERIAL_BITS, _SECRET_BITS, _PRODUCT_BITS, _TYPE_BITS):
        fields.append(number & (1 << bits) - 1)
        number >>= bits
    serial, secret, product, type_number = fields
    if number != VERSION:
        raise InvalidProductKey(KeyFault.VERSION, found=number)
    if type_number not in list(KeyType):
        raise InvalidProductKey(KeyFault.TYPE, found=type_number)
    return ProductKey(
        number, KeyType(type_number), product, secret.to_bytes(derivation.KEY_SECRET_BYTES, "big"), serial
    )


def signs_of(text: str) -> str:
    """The folded signs of a key or of a part of one. Raises InvalidProductKey (CHARACTER) for any other sign."""
    signs = ""
    for sign in text:
        if sign.isspace() or unicodedata.category(sign) in ("Pd", "Cf"):
            continue
        folded = base32.fold(unicodedata.normalize("NFKC", sign))
        if len(folded) != 1 or folded not in base32.SIGNS:
            raise InvalidProductKey(KeyFault.CHARACTER, place=len(signs) + 1, found=sign)
        signs += folded
    return signs


def last_five(text: str) -> str:
    """The last five signs of a key, folded; the key itself is not checked."""
    return signs_of(text)[-GROUP_SIGNS:]
