"""The formats of installation IDs, as data.

One rule: everything that differs between formats stands in this table and nowhere else, so a new format is a new row.
The first digit of an installation ID (IID) is its format's number; 0, 8 and 9 are kept for the line's first prompt.

>>> standard = FORMATS[1]
>>> standard.groups, standard.digits, standard.payload_digits
(9, 54, 45)
>>> [spec.name for spec in FORMATS.values() if spec.groups == 6]
['compact']
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

GROUP_DIGITS: Final = 6
"""Digits of a group of an IID and of a block of a confirmation ID: five of payload and one check digit."""

WHOLE_CHECK_DIGITS: Final = 2
"""The last payload digits of an IID, which check the whole of it."""


class CheckRule(Enum):
    """How the last digit of a group is made from the five before it."""

    VERHOEFF = "verhoeff"
    """Verhoeff over the group's own number followed by its payload."""
    MOD7 = "mod7"
    """The payload digits weighted 1, 2, 1, 2, 1, added up, modulo 7; the group's number plays no part."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of installation IDs.

    The `_bits` are widths of the fields in bits, in the order in which they stand in the number, most significant
    first. `blocks` is the usual number of blocks of a confirmation ID, which a product may override.
    `activations_per_key` is the most a key of this format may ever be granted (None: no bound).
    """

    number: int
    name: str
    groups: int
    check_rule: CheckRule
    product_bits: int
    serial_bits: int
    fingerprint_fields: int
    fingerprint_field_bits: int
    nonce_bits: int
    proof_bits: int
    blocks: int
    returns: bool
    activations_per_key: int | None

    @property
    def digits(self) -> int:
        """Digits of a whole IID, check digits included."""
        return self.groups * GROUP_DIGITS

    @property
    def payload_digits(self) -> int:
        """Digits of a whole IID without the groups' check digits."""
        return self.groups * (GROUP_DIGITS - 1)

    @property
    def field_digits(self) -> int:
        """Digits that hold the fields: the payload without the format digit and the whole-ID check."""
        return self.payload_digits - 1 - WHOLE_CHECK_DIGITS

    @property
    def fingerprint_bits(self) -> int:
        """Bits of all fingerprint fields together."""
        return self.fingerprint_fields * self.fingerprint_field_bits

    @property
    def field_bits(self) -> int:
        """Bits of all fields together; always fewer than `field_digits` can hold."""
        return self.product_bits + self.serial_bits + self.fingerprint_bits + self.nonce_bits + self.proof_bits

    @property
    def products(self) -> int:
        """Product numbers of this format run from 0 to one below this."""
        return 1 << self.product_bits

    @property
    def serials(self) -> int:
        """Key serials of this format run from 0 to one below this."""
        return 1 << self.serial_bits


_STANDARD = Format(
    number=1,
    name="standard",
    groups=9,
    check_rule=CheckRule.VERHOEFF,
    product_bits=14,
    serial_bits=28,
    fingerprint_fields=8,
    fingerprint_field_bits=6,
    nonce_bits=16,
    proof_bits=32,
    blocks=8,
    returns=True,
    activations_per_key=None,
)
_COMPACT = Format(
    number=3,
    name="compact",
    groups=6,
    check_rule=CheckRule.VERHOEFF,
    product_bits=10,
    serial_bits=22,
    fingerprint_fields=7,
    fingerprint_field_bits=4,
    nonce_bits=8,
    proof_bits=20,
    blocks=5,
    returns=False,
    activations_per_key=10_000,
)
_CLASSIC = replace(_STANDARD, number=7, name="classic", check_rule=CheckRule.MOD7)

FORMATS: Final[Mapping[int, Format]] = MappingProxyType({spec.number: spec for spec in (_STANDARD, _COMPACT, _CLASSIC)})
"""Every format there is, by its number."""

BLOCK_COUNTS: Final = (5, 8)
"""How many blocks a confirmation ID may have, whatever the format."""
