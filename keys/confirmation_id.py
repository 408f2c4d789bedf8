"""The confirmation ID (CID): what the line reads back and the machine accepts.

One rule: a CID is good for one installation only, and for no longer than the month it names; both are under the MAC.

Eight blocks of six digits (or five), lettered A to H: one digit of scheme, three of the last month it is good for
(months since January 2026, 000 for ever), then the MAC in decimal. The last digit of a block is its check digit.

A licence host's CID is of scheme 2 and always has eight blocks: its MAC has a share added to it, the digits that open
the host's package (`keys.kms.package`). What a share opens proves the whole, so such a CID is read with the package.

>>> iid = InstallationID(3, product=7, serial=41, fingerprint=(1, 2, 3, 4, 5, 6, 7), nonce=9, proof=99)
>>> secrets = {"verification_secret": bytes(32), "key_secret": bytes(9)}
>>> blocks = issue(iid, **secrets, blocks=5, valid_until=month_number(date(2027, 2, 3)))
>>> blocks[0][:4]
'1013'
>>> last_day(matches(" ".join(blocks), iid, **secrets, blocks=5).valid_until)
datetime.date(2027, 2, 28)

>>> share = "0123456789" * 3 + "012345"
>>> blocks = issue(iid, **secrets, blocks=8, scheme=SHARE_SCHEME, share=share)
>>> unmasked(" ".join(blocks), iid, **secrets, opens=lambda found: found == share).mac == share
True
"""

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from keys import checkdigit, derivation
from keys.errors import BadCharacter, FieldRange, InvalidNumber
from keys.formats import BLOCK_COUNTS, FORMATS, GROUP_DIGITS, CheckRule, Format
from keys.groups import Fault, GroupFault, check_shape, digits_of, payload_of, split
from keys.installation_id import InstallationID, payload

LETTERS: Final = "ABCDEFGH"
"""Block number n is spoken of as LETTERS[n - 1]."""

SCHEME: Final = 1
"""HMAC-SHA256 in decimal: every installation but a licence host's."""

SHARE_SCHEME: Final = 2
"""The same with a share added: a licence host's."""

SHARE_BLOCKS: Final = 8
"""Blocks of a CID that carries a share, whatever its product has."""

_HEAD_DIGITS = 4
_MAX_MONTH = 999
_FIRST_YEAR = 2026


class InvalidConfirmationID(InvalidNumber):
    """A text is no confirmation ID, or not this installation's; `faults` as in `keys.groups`, blocks counted from 1.

    A whole of sound blocks that does not confirm the installation is WHOLE_ID; UNKNOWN_FORMAT is an unknown scheme.
    """

    def __init__(self, faults: tuple[GroupFault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ConfirmationID:
    """What a CID says: its scheme, the last month it is good for (0: for ever), and its MAC's decimal digits.

    `unmasked` gives the share in place of the MAC.
    """

    scheme: int
    valid_until: int
    mac: str = field(repr=False)


def month_number(day: date) -> int:
    """Months from January 2026 to the month of `day`: 1 is February 2026. Raises FieldRange outside 1 to 999."""
    months = (day.year - _FIRST_YEAR) * 12 + day.month - 1
    if not 1 <= months <= _MAX_MONTH:
        raise FieldRange("valid_until", months, _MAX_MONTH)
    return months


def months_from(day: date, term_months: int) -> int:
    """The number of the last month that a CID of `day` is good for; 0, for ever, where there is no term.

    >>> months_from(date(2026, 11, 24), 12), months_from(date(2026, 11, 24), 0)
    (22, 0)
    """
    if term_months == 0:
        return 0
    years, month = divmod(day.month - 1 + term_months, 12)
    return month_number(date(day.year + years, month + 1, 1))


def last_day(valid_until: int) -> date | None:
    """The last day of the month with this number; None for 0, which is for ever."""
    if valid_until == 0:
        return None
    years, month = divmod(valid_until + 1, 12)
    return date(_FIRST_YEAR + years, month + 1, 1) - timedelta(days=1)


def issue(
    iid: InstallationID,
    *,
    verification_secret: bytes,
    key_secret: bytes,
    blocks: int,
    scheme: int = SCHEME,
    valid_until: int = 0,
    share: str | None = None,
) -> tuple[str, ...]:
    """The CID of an installation, as `blocks` (5 or 8) strings of six digits; scheme 2 takes a `share` of 36 digits.

    Raises FieldRange for another number of blocks, an unknown scheme, a month outside 0 to 999, or a share that is not
    there, too much or too long.
    """
    if blocks not in ((SHARE_BLOCKS,) if scheme == SHARE_SCHEME else BLOCK_COUNTS):
        raise FieldRange("blocks", blocks, max(BLOCK_COUNTS))
    if scheme not in (SCHEME, SHARE_SCHEME):
        raise FieldRange("scheme", scheme, SHARE_SCHEME)
    if len(share or "") != (derivation.SHARE_DIGITS if scheme == SHARE_SCHEME else 0):
        raise FieldRange("share_digits", len(share or ""), derivation.SHARE_DIGITS)
    if not 0 <= valid_until <= _MAX_MONTH:
        raise FieldRange("valid_until", valid_until, _MAX_MONTH)
    head = f"{scheme}{valid_until:03d}"
    key = derivation.confirmation_key(verification_secret, key_secret)
    mac = _mac(key, payload(iid) + head, blocks)
    digits = head + (mac if share is None else _shifted(mac, int(share)))
    rule = FORMATS[iid.format].check_rule
    width = GROUP_DIGITS - 1
    parts = (digits[start : start + width] for start in range(0, len(digits), width))
    return tuple(part + checkdigit.calc(rule, number, part) for number, part in enumerate(parts, start=1))


def _mac(key: bytes, message: str, blocks: int) -> str:
    """The decimal MAC of an ASCII message: HMAC-SHA256 as one big-endian number, its last digits, zeros kept."""
    length = blocks * (GROUP_DIGITS - 1) - _HEAD_DIGITS
    number = int.from_bytes(hmac.digest(key, message.encode("ascii"), "sha256"), "big")
    return f"{number % 10**length:0{length}d}"


def _shifted(digits: str, by: int) -> str:
    """A decimal number of so many digits with `by` added, modulo its size."""
    return f"{(int(digits) + by) % 10 ** len(digits):0{len(digits)}d}"


def check_block(fmt: Format, number: int, block: str) -> GroupFault | None:
    """What is wrong with `block` as block `number` (A is 1) of a CID for an IID of format `fmt`, or None."""
    fault = check_shape(number, block)
    if fault is None and not checkdigit.validate(fmt.check_rule, number, block):
        fault = GroupFault(number, Fault.CHECK_DIGIT)
    return fault


def decode(text: str, fmt: Format, blocks: int, *, scheme: int = SCHEME) -> ConfirmationID:
    """What a CID of a scheme, in any spelling, says.

    Raises InvalidConfirmationID with every fault that can be told without a key.
    """
    try:
        digits = digits_of(text)
    except BadCharacter as error:
        number, place = divmod(len(digits_of(text[: error.position])), GROUP_DIGITS)
        fault = GroupFault(number + 1, Fault.CHARACTER, place=place + 1, found=error.sign)
        raise InvalidConfirmationID((fault,)) from error
    parts = _blocks_of(text, digits, blocks)
    checked = (check_block(fmt, number, part) for number, part in enumerate(parts, start=1))
    faults = tuple(fault for fault in checked if fault is not None)
    if faults:
        raise InvalidConfirmationID(faults)
    bare = payload_of(parts)
    if int(bare[0]) != scheme:
        raise InvalidConfirmationID((GroupFault(1, Fault.UNKNOWN_FORMAT, place=1, found=bare[0]),))
    return ConfirmationID(int(bare[0]), int(bare[1:_HEAD_DIGITS]), bare[_HEAD_DIGITS:])


def _blocks_of(text: str, digits: str, blocks: int) -> tuple[str, ...]:
    """The blocks keyed; where the length is wrong, as their spelling shows them. Raises InvalidConfirmationID."""
    if len(digits) == blocks * GROUP_DIGITS:
        return split(digits)
    shown = tuple(digits_of(chunk) for chunk in text.replace("-", " ").split())
    if len(shown) != blocks:
        raise InvalidConfirmationID((GroupFault(None, Fault.LENGTH, found=len(digits)),))
    return shown


def matches(
    text: str, iid: InstallationID, *, verification_secret: bytes, key_secret: bytes, blocks: int
) -> ConfirmationID:
    """The CID in `text` if it confirms this installation, whatever its end; else raises InvalidConfirmationID.

    A classic check digit misses slips of 0/7, 1/8, 2/9 and exchanged blocks. Where one such slip explains the mismatch
    the MAC finds it: the fault then names the block (WHOLE_ID, `found` its digits) or both blocks (OTHER_PLACE).
    """
    cid = decode(text, FORMATS[iid.format], blocks)
    key = derivation.confirmation_key(verification_secret, key_secret)

    def confirms(head: str, mac: str) -> bool:
        return hmac.compare_digest(_mac(key, payload(iid) + head, blocks), mac)

    _proven(text, FORMATS[iid.format], confirms)
    return cid


def unmasked(
    text: str,
    iid: InstallationID,
    *,
    verification_secret: bytes,
    key_secret: bytes,
    opens: Callable[[str], bool],
) -> ConfirmationID:
    """A licence host's CID in `text`, its `mac` being the share that `opens` the host's package.

    Raises InvalidConfirmationID, as `matches` does, where the share it carries for this installation does not.
    """
    cid = decode(text, FORMATS[iid.format], SHARE_BLOCKS, scheme=SHARE_SCHEME)
    key = derivation.confirmation_key(verification_secret, key_secret)

    def share(head: str, masked: str) -> str:
        return _shifted(masked, -int(_mac(key, payload(iid) + head, SHARE_BLOCKS)))

    _proven(text, FORMATS[iid.format], lambda head, masked: opens(share(head, masked)))
    return replace(cid, mac=share(*_mac_parts(split(digits_of(text)))))


def _proven(text: str, fmt: Format, holds: Callable[[str, str], bool]) -> None:
    """Raise InvalidConfirmationID unless a decoded CID's head and MAC hold; names the classic slip that explains it."""
    if holds(*_mac_parts(split(digits_of(text)))):
        return
    if fmt.check_rule is CheckRule.MOD7:
        for faults, parts in _slips(split(digits_of(text))):
            if holds(*_mac_parts(parts)):
                raise InvalidConfirmationID(faults)
    raise InvalidConfirmationID((GroupFault(None, Fault.WHOLE_ID),))


def _mac_parts(parts: Sequence[str]) -> tuple[str, str]:
    """Scheme and end, and the MAC, as digits, from the blocks of a CID."""
    bare = payload_of(parts)
    return bare[:_HEAD_DIGITS], bare[_HEAD_DIGITS:]


def _slips(parts: tuple[str, ...]) -> Iterator[tuple[tuple[GroupFault, ...], tuple[str, ...]]]:
    """Every CID that is one slip away which the mod 7 check cannot see, with the faults that name the slip."""
    for number, part in enumerate(parts, start=1):
        for place, digit in enumerate(part[:-1]):
            for other in (int(digit) - 7, int(digit) + 7):
                if 0 <= other <= 9:
                    mended = f"{part[:place]}{other}{part[place + 1 :]}"
                    fault = GroupFault(number, Fault.WHOLE_ID, found=mended)
                    yield (fault,), (*parts[: number - 1], mended, *parts[number:])
    for one, two in combinations(range(1, len(parts) + 1), 2):
        exchanged = list(parts)
        exchanged[one - 1], exchanged[two - 1] = parts[two - 1], parts[one - 1]
        yield (
            (GroupFault(one, Fault.OTHER_PLACE, found=two), GroupFault(two, Fault.OTHER_PLACE, found=one)),
            tuple(exchanged),
        )
