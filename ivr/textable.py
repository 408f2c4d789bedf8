"""Which keyed digits are a number, and which numbers may be texted: a telephone that can, where the line sends to.

Rule: never a premium, shared-cost or service number, whoever asks for it. Where a country's plan does not tell mobile
from landline (as in North America), a number is given the benefit of the doubt.

>>> takes_texts("+447400123456", ("GB",)), takes_texts("+442079460958", ("GB",)), takes_texts("+447400123456", ("US",))
(True, False, False)
>>> takes_texts("+14155550123", ("US",)), takes_texts("+19005550123", ("US",))
(True, False)
"""

from __future__ import annotations

from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType


class Texts(StrEnum):
    """Whether this caller can be texted."""

    NONE = "none"
    """The line sends no texts."""
    OWN = "own"
    """At the number that calls."""
    KEYED = "keyed"
    """At a mobile number that the caller keys: the own one is withheld, or takes no texts."""


_TAKE_TEXTS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def takes_texts(number: str, countries: tuple[str, ...]) -> bool:
    """Whether a number (E.164) is a mobile, or may be one, of one of these countries (ISO 3166)."""
    parsed = _parsed(number)
    return parsed is not None and phonenumbers.number_type(parsed) in _TAKE_TEXTS and _region(parsed) in countries


def country_of(number: str) -> str | None:
    """The country (ISO 3166) of a number in E.164; None where no country has it."""
    parsed = _parsed(number)
    return None if parsed is None else _region(parsed)


def dialable(digits: str, country: str) -> str | None:
    """The E.164 form of a keyed number as `country` (ISO 3166) would dial it, None if it can be no number there."""
    try:
        number = phonenumbers.parse(f"+{digits[2:]}" if digits.startswith("00") else digits, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None


def _region(number: phonenumbers.PhoneNumber) -> str | None:
    region: str | None = phonenumbers.region_code_for_number(number)
    return region
