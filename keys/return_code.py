"""The return code: what a machine shows once it has given its activation back, and the line believes.

One rule: it takes the product's verification secret and the key's secret to make one, as it does a confirmation ID, and
the device makes it only together with burning the installation. A code is good for one installation.

Three blocks of six digits, the last of each its check digit, over the format's own rule.

>>> iid = InstallationID(1, product=7, serial=41, fingerprint=(1, 2, 3, 4, 5, 6, 7, 8), nonce=9, proof=99)
>>> secrets = {"verification_secret": bytes(32), "key_secret": bytes(9)}
>>> code = issue(iid, **secrets)
>>> len(code), matches(" ".join(code), iid, **secrets), matches("".join(reversed(code)), iid, **secrets)
(3, True, False)
>>> faults("12345", iid.format)
(GroupFault(group=None, fault=<Fault.LENGTH: 'length'>, place=None, found=5),)
"""

import hmac
from typing import Final

from keys import checkdigit, derivation
from keys.errors import BadCharacter, InvalidNumber
from keys.formats import FORMATS, GROUP_DIGITS
from keys.groups import Fault, GroupFault, check_shape, digits_of, split
from keys.installation_id import InstallationID, payload


class InvalidReturnCode(InvalidNumber):
    """A text is no return code; `faults` says which blocks are wrong and how, in order."""

    def __init__(self, faults: tuple[GroupFault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults


BLOCKS: Final = 3
_WIDTH = GROUP_DIGITS - 1


def issue(iid: InstallationID, *, verification_secret: bytes, key_secret: bytes) -> tuple[str, ...]:
    """The return code of an installation, as three strings of six digits."""
    key = derivation.return_key(verification_secret, key_secret)
    number = int.from_bytes(hmac.digest(key, payload(iid).encode("ascii"), "sha256"), "big")
    digits = f"{number % 10 ** (BLOCKS * _WIDTH):0{BLOCKS * _WIDTH}d}"
    rule = FORMATS[iid.format].check_rule
    parts = (digits[start : start + _WIDTH] for start in range(0, len(digits), _WIDTH))
    return tuple(part + checkdigit.calc(rule, number, part) for number, part in enumerate(parts, start=1))


def faults(text: str, format_number: int) -> tuple[GroupFault, ...]:
    """What is wrong with `text` as a return code, as far as no secret is needed to tell; blocks count from 1."""
    try:
        digits = digits_of(text)
    except BadCharacter as error:
        return (GroupFault(None, Fault.CHARACTER, place=error.position + 1, found=error.sign),)
    if len(digits) != BLOCKS * GROUP_DIGITS:
        return (GroupFault(None, Fault.LENGTH, found=len(digits)),)
    rule = FORMATS[format_number].check_rule
    checked = (
        check_shape(number, block)
        or (None if checkdigit.validate(rule, number, block) else GroupFault(number, Fault.CHECK_DIGIT))
        for number, block in enumerate(split(digits), start=1)
    )
    return tuple(fault for fault in checked if fault is not None)


def matches(text: str, iid: InstallationID, *, verification_secret: bytes, key_secret: bytes) -> bool:
    """Whether `text`, in which `faults` finds none, is this installation's; takes the same time either way."""
    made = "".join(issue(iid, verification_secret=verification_secret, key_secret=key_secret))
    return hmac.compare_digest(made, digits_of(text))
