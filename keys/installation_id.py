"""The installation ID (IID): what a machine shows and a person keys.

One rule: an IID is its fields and nothing else; two IIDs with the same fields are the same installation, however they
were spelled. The proof inside is made and checked in `keys.derivation`.

>>> iid = InstallationID(3, product=7, serial=41, fingerprint=(1, 2, 3, 4, 5, 6, 7), nonce=9, proof=99)
>>> from keys.groups import grouped
>>> grouped(encode(iid))
'300217 156230 143814 105201 518906 275657'
>>> decode("300217-156230-143814 105201 518906 275657") == iid
True
>>> faults("300217-156230-143815 105201 518906 275657")
(GroupFault(group=3, fault=<Fault.CHECK_DIGIT: 'check_digit'>, place=None, found=None),)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from keys import checkdigit
from keys.errors import FieldRange, InvalidNumber
from keys.formats import FORMATS, GROUP_DIGITS, Format
from keys.groups import (
    Fault,
    GroupFault,
    check_groups,
    check_whole,
    digit_of,
    digits_of,
    fields_number,
    format_of,
    is_plain,
    payload_of,
    split,
)


class InvalidInstallationID(InvalidNumber):
    """A text is no installation ID; `faults` says which groups are wrong and how, in order."""

    def __init__(self, faults: tuple[GroupFault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class InstallationID:
    """The fields of an IID; widths are those of its `format`. Raises FieldRange for a value without room.

    `serial` is the product key's, `fingerprint` one number a component class (0: absent), `nonce` new with every
    installation, `proof` shows that the product key was at hand.
    """

    format: int
    product: int
    serial: int
    fingerprint: tuple[int, ...]
    nonce: int
    proof: int

    def __post_init__(self) -> None:
        """Hold every field to its width."""
        if self.format not in FORMATS:
            raise FieldRange("format", self.format, max(FORMATS))
        fmt = FORMATS[self.format]
        if len(self.fingerprint) != fmt.fingerprint_fields:
            raise FieldRange("fingerprint_fields", len(self.fingerprint), fmt.fingerprint_fields)
        for name, value, bits in _fields(self, fmt):
            if not 0 <= value < 1 << bits:
                raise FieldRange(name, value, (1 << bits) - 1)


def _fields(iid: InstallationID, fmt: Format) -> tuple[tuple[str, int, int], ...]:
    """Name, value and width in bits of every field, most significant first."""
    return (
        ("product", iid.product, fmt.product_bits),
        ("serial", iid.serial, fmt.serial_bits),
        *(("fingerprint", value, fmt.fingerprint_field_bits) for value in iid.fingerprint),
        ("nonce", iid.nonce, fmt.nonce_bits),
        ("proof", iid.proof, fmt.proof_bits),
    )


def fingerprint_number(iid: InstallationID) -> int:
    """All fingerprint fields as one number, the first field most significant; for comparing whole fingerprints."""
    bits = FORMATS[iid.format].fingerprint_field_bits
    number = 0
    for value in iid.fingerprint:
        number = number << bits | value
    return number


def payload(iid: InstallationID) -> str:
    """The format digit and the field digits, without any check digit: 43 digits, compact 28."""
    fmt = FORMATS[iid.format]
    number = iid.product << fmt.serial_bits | iid.serial
    number = number << fmt.fingerprint_field_bits * fmt.fingerprint_fields | fingerprint_number(iid)
    number = (number << fmt.nonce_bits | iid.nonce) << fmt.proof_bits | iid.proof
    return f"{iid.format}{number:0{fmt.field_digits}d}"


def digest(iid: InstallationID) -> bytes:
    """SHA-256 of the payload's ASCII digits: 32 bytes that name this very installation."""
    return sha256(payload(iid).encode("ascii")).digest()


def encode(iid: InstallationID) -> str:
    """All digits of the IID, check digits included, without spaces."""
    bare = payload(iid)
    whole = bare + checkdigit.calc_whole(bare)
    rule = FORMATS[iid.format].check_rule
    width = GROUP_DIGITS - 1
    parts = (whole[start : start + width] for start in range(0, len(whole), width))
    return "".join(part + checkdigit.calc(rule, number, part) for number, part in enumerate(parts, start=1))


def decode(text: str) -> InstallationID:
    """The fields of an IID in any spelling. Raises InvalidInstallationID with every fault that can be told."""
    found = faults(text)
    if found:
        raise InvalidInstallationID(found)
    whole = payload_of(split(digits_of(text)))
    fmt = FORMATS[int(whole[0])]
    number = fields_number(whole)
    values: list[int] = []
    widths = (
        fmt.product_bits,
        fmt.serial_bits,
        *(fmt.fingerprint_field_bits,) * fmt.fingerprint_fields,
        fmt.nonce_bits,
        fmt.proof_bits,
    )
    for bits in reversed(widths):
        values.insert(0, number & (1 << bits) - 1)
        number >>= bits
    product, serial, *fingerprint, nonce, proof = values
    return InstallationID(fmt.number, product, serial, tuple(fingerprint), nonce, proof)


def faults(text: str) -> tuple[GroupFault, ...]:
    """What is wrong with `text` as an IID, in order; empty if it is one.

    A length fault names its group where the spelling shows the groups (spaces or hyphens between them), else None.
    """
    found = _characters(text)
    if found:
        return found
    digits = digits_of(text)
    fmt = format_of(digits)
    if fmt is None and digits:
        return (GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found=digits[0]),)
    shown = [digits_of(chunk) for chunk in text.replace("-", " ").split()]
    if fmt is None or (len(digits) != fmt.digits and len(shown) != fmt.groups):
        return (GroupFault(None, Fault.LENGTH, found=len(digits)),)
    return _groups(fmt, split(digits) if len(digits) == fmt.digits else shown)


def _groups(fmt: Format, groups: Sequence[str]) -> tuple[GroupFault, ...]:
    """The faults of as many groups as the format has: those of single groups first, and only then that of the whole."""
    found = check_groups(fmt, groups)
    if found:
        return found
    whole = check_whole(fmt, groups)
    if whole is None:
        return ()
    number, mended = whole.located or (None, None)
    return (GroupFault(number, Fault.WHOLE_ID, found=mended),)


def _characters(text: str) -> tuple[GroupFault, ...]:
    """A fault for each sign of `text` that is no digit, placed as if it were one."""
    if is_plain(text):
        return ()
    found: list[GroupFault] = []
    before = 0
    for sign in text:  # once through: a text of nothing else must not take the square of its length
        digit = digit_of(sign)
        if digit is None:
            number, place = divmod(before, GROUP_DIGITS)
            found.append(GroupFault(number + 1, Fault.CHARACTER, place=place + 1, found=sign))
        if digit != "":
            before += 1
    return tuple(found)
