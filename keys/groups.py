"""Groups of six digits: reading them from any spelling, and saying which one is wrong and how.

One rule: groups and blocks are numbered from 1, as people count; a fault names the group, never its wording.

>>> digits_of("\uff11\uff12\uff13 456-\u0667")
'1234567'
>>> grouped("123456123456")
'123456 123456'
>>> classic = FORMATS[7]
>>> check_group(classic, 1, "720650") is None
True
>>> check_group(classic, 2, "020657")
GroupFault(group=2, fault=<Fault.CHECK_DIGIT: 'check_digit'>, place=None, found=None)
>>> check_group(classic, 2, "02065")
GroupFault(group=2, fault=<Fault.LENGTH: 'length'>, place=None, found=5)
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from keys import checkdigit
from keys.errors import BadCharacter
from keys.formats import FORMATS, GROUP_DIGITS, CheckRule, Format

_DOTS = ".\uff0e\u00b7\u2022"
_MINUS = "\u2212"
_SILENT_CATEGORIES = ("Pd", "Cf")  # dashes of every script, and signs that only steer the layout


class Fault(StrEnum):
    """How a group, or the whole, is wrong."""

    LENGTH = "length"
    """Too few or too many digits; `found` is how many there are."""
    CHARACTER = "character"
    """A sign that is no digit; `place` (from 1) is where it stands in the group, `found` the sign."""
    CHECK_DIGIT = "check_digit"
    """The group's check digit does not fit."""
    OTHER_PLACE = "other_place"
    """The digits are those of another group; `found` is that group's number."""
    UNKNOWN_FORMAT = "unknown_format"
    """The first digit names no format, or not the one expected; `found` is that digit."""
    WHOLE_ID = "whole_id"
    """Every group fits, the whole does not; where one slip explains it, `group` is the group and `found` its digits."""


@dataclass(frozen=True, slots=True)
class GroupFault:
    """A fault and where it is: `group` counts from 1, None where the fault lies with the whole."""

    group: int | None
    fault: Fault
    place: int | None = None
    found: str | int | None = None


@dataclass(frozen=True, slots=True)
class WholeFault:
    """The whole-ID check fails; `located` is the one group and its corrected digits that would mend it, if known."""

    located: tuple[int, str] | None


def digits_of(text: str) -> str:
    """The digits of `text` as ASCII, with spaces, hyphens, dashes, dots and invisible signs dropped.

    Decimal digits of every script are folded. Raises BadCharacter at the first sign that is none of these.
    """
    if is_plain(text):
        return text
    digits = []
    for position, sign in enumerate(text):
        digit = digit_of(sign)
        if digit is None:
            raise BadCharacter(position, sign)
        digits.append(digit)
    return "".join(digits)


def is_plain(text: str) -> bool:
    """Whether `text` is digits as they are kept: almost all are, and sign by sign it takes twenty times as long.

    Raises TypeError for what is no text, as whoever reads a file of somebody else's expects.
    """
    return str.isascii(text) and str.isdigit(text)


def digit_of(sign: str) -> str | None:
    """The ASCII digit that one sign stands for, "" for one that is dropped, None for one that has no place here."""
    if sign.isspace() or sign in _DOTS or sign == _MINUS or unicodedata.category(sign) in _SILENT_CATEGORIES:
        return ""
    value = unicodedata.decimal(sign, None)
    return None if value is None else str(value)


def split(digits: str) -> tuple[str, ...]:
    """`digits` in sixes; the last may be shorter."""
    return tuple(digits[start : start + GROUP_DIGITS] for start in range(0, len(digits), GROUP_DIGITS))


def grouped(digits: str | Sequence[str]) -> str:
    """Digits, or groups of them, as they are shown: sixes with a space between."""
    return " ".join(split(digits) if isinstance(digits, str) else digits)


def format_of(group: str) -> Format | None:
    """The format that the first digit of an ID's first group names, or None."""
    return FORMATS.get(int(group[0])) if group and group[0] in "0123456789" else None


def check_group(fmt: Format, number: int, group: str, known: Mapping[int, str] | None = None) -> GroupFault | None:
    """What is wrong with `group` as group `number` (from 1) of an ID of format `fmt`, or None.

    `known` are groups already accepted, by number: digits that repeat one of them are named OTHER_PLACE. Without it a
    Verhoeff fault is only ever CHECK_DIGIT, because any six digits fit some place (see `place_of`).
    """
    fault = check_shape(number, group)
    if fault is not None:
        return fault
    if number == 1 and format_of(group) != fmt:
        return GroupFault(number, Fault.UNKNOWN_FORMAT, place=1, found=group[0])
    if checkdigit.validate(fmt.check_rule, number, group):
        return None
    for other, digits in (known or {}).items():
        if other != number and digits == group:
            return GroupFault(number, Fault.OTHER_PLACE, found=other)
    return GroupFault(number, Fault.CHECK_DIGIT)


def check_groups(fmt: Format, groups: Sequence[str]) -> tuple[GroupFault, ...]:
    """Every fault of groups 1, 2, ... keyed together, in order; empty if all pass.

    Where the failing groups fit exactly each other's places (two exchanged, more moved round), each is OTHER_PLACE; so
    is one that repeats a sound group.
    """
    first = {number: check_group(fmt, number, group) for number, group in enumerate(groups, start=1)}
    failing = {number: fault for number, fault in first.items() if fault is not None}
    sound = {number: groups[number - 1] for number, fault in first.items() if fault is None}
    whole_groups = all(fault.fault not in (Fault.LENGTH, Fault.CHARACTER) for fault in failing.values())
    fits = {number: place_of(fmt, groups[number - 1]) for number in failing} if whole_groups else {}
    if fits and set(fits.values()) == set(fits):
        return tuple(GroupFault(number, Fault.OTHER_PLACE, found=place) for number, place in fits.items())
    return tuple(check_group(fmt, number, groups[number - 1], sound) or fault for number, fault in failing.items())


def check_shape(number: int, group: str) -> GroupFault | None:
    """The LENGTH or CHARACTER fault of `group`, which must be six ASCII digits; None if it has neither."""
    for place, sign in enumerate(group, start=1):
        if sign not in "0123456789":
            return GroupFault(number, Fault.CHARACTER, place=place, found=sign)
    if len(group) != GROUP_DIGITS:
        return GroupFault(number, Fault.LENGTH, found=len(group))
    return None


def place_of(fmt: Format, group: str) -> int | None:
    """The one group number, 0 to 9, that six digits fit; None for a format whose check does not know places."""
    if fmt.check_rule is not CheckRule.VERHOEFF:
        return None
    return next(number for number in range(10) if checkdigit.validate(fmt.check_rule, number, group))


def payload_of(groups: Sequence[str]) -> str:
    """The payload digits of groups (or blocks): all but the last digit of each."""
    return "".join(group[:-1] for group in groups)


def fields_number(payload: str) -> int:
    """The one number that holds all fields, from an ID's whole payload (format digit and whole-ID check cut off)."""
    return int(payload[1:-2])


def check_whole(fmt: Format, groups: Sequence[str]) -> WholeFault | None:
    """The fault of an ID whose groups have all passed, or None: the two check digits, then the room of the fields.

    For a classic ID the one slip of 0/7, 1/8 or 2/9 that mends the whole is located: 10 has order 96 modulo 97, so no
    two places of the 45, and no two directions, leave the same remainder.
    """
    payload = payload_of(groups)
    if _sound(fmt, payload):
        return None
    if fmt.check_rule is not CheckRule.MOD7:
        return WholeFault(None)
    mended = [
        (place // 5 + 1, candidate)
        for place, digit in enumerate(payload)
        for other in (int(digit) - 7, int(digit) + 7)
        if 0 <= other <= 9
        for candidate in (payload[:place] + str(other) + payload[place + 1 :],)
        if _sound(fmt, candidate)
    ]
    if len(mended) != 1:
        return WholeFault(None)
    number, candidate = mended[0]
    return WholeFault((number, candidate[(number - 1) * 5 : number * 5] + groups[number - 1][-1]))


def _sound(fmt: Format, payload: str) -> bool:
    """Whether a whole payload has its format's digit, its check digits, and no more than the fields have bits for."""
    return (
        payload[0] == str(fmt.number) and checkdigit.is_whole(payload) and fields_number(payload) >> fmt.field_bits == 0
    )


def reread_first(first: str, second: str) -> tuple[Format, str] | None:
    """The format and first group that were meant, where a slip in the very first digit named another format.

    Tried when `second` fails at once: the first digit is replaced by each other format's number; the answer is the one
    reading under which both groups pass, None if there is none or more than one.
    """
    readings = [
        (fmt, candidate)
        for fmt in FORMATS.values()
        for candidate in (f"{fmt.number}{first[1:]}",)
        if candidate != first and check_group(fmt, 1, candidate) is None and check_group(fmt, 2, second) is None
    ]
    return readings[0] if len(readings) == 1 else None
