"""Who calls: a number becomes a keyed pseudonym to count by and a sealed number to call back, or nobody.

Rule: no number is kept in the clear. A withheld number is nobody: words such as `anonymous`, and the keypad spelling of
such words, which some carriers send as if they were numbers.

>>> e164("+266696687", "US") is None  # the keys that spell "anonymous"
True
>>> e164("(415) 867-5309", "US")
'+14158675309'
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from cryptography.fernet import Fernet

from ivr.textable import country_of

ALIKE = 3
"""Last digits in which the numbers of one prefix differ: who has many numbers mostly has such a block of a thousand."""
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on the keypad."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller: `pseudonym` is 32 hex digits, the same for the same number; `sealed` opens with the key.

    `country` is the two letters of the number's country, None where it has none or was not looked up. `before` are the
    pseudonyms under peppers that were renewed since: what must never be forgotten is looked for under these as well.
    `prefix` is a pseudonym of the number without its last digits, which a thousand neighbours share.
    """

    pseudonym: str
    sealed: str
    country: str | None = None
    before: tuple[str, ...] = ()
    prefix: str | None = None

    @property
    def known_as(self) -> tuple[str, ...]:
        """Every pseudonym, today's first."""
        return (self.pseudonym, *self.before)


def e164(raw: str, country: str) -> str | None:
    """The number in E.164, or None for a withheld number and for what is no telephone number."""
    if raw in WITHHELD or not raw or not (raw[0] in "+(" or raw[0].isdigit()):
        return None
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def recognise(
    raw: str, country: str, *, pepper: bytes, number_key: bytes, before: Sequence[bytes] = ()
) -> Caller | None:
    """The caller behind a number as the provider sent it, None where it is withheld."""
    number = e164(raw, country)
    if number is None:
        return None
    return of_number(number, pepper=pepper, number_key=number_key, before=before)


def of_number(number: str, *, pepper: bytes, number_key: bytes, before: Sequence[bytes] = ()) -> Caller:
    """The caller behind an E.164 number; `before` are the peppers that were renewed."""
    country = country_of(number)
    shared = country is None or len(country) != 2  # satellite and free numbers belong to the world, "001"
    named, *earlier = known_as(number, pepper, before)
    sealed = seal(number, number_key)
    return Caller(named, sealed, None if shared else country, tuple(earlier), prefix_of(number, pepper))


def known_as(number: str, pepper: bytes, before: Sequence[bytes]) -> tuple[str, ...]:
    """Every pseudonym of a number: today's, and those under the peppers before."""
    return tuple(pseudonym(number, each) for each in (pepper, *before))


def pseudonym(number: str, pepper: bytes) -> str:
    """HMAC-SHA256 of an E.164 number, its first 16 bytes in hex."""
    return hmac.digest(pepper, number.encode(), "sha256")[:16].hex()


def prefix_of(number: str, pepper: bytes) -> str:
    """The pseudonym that an E.164 number shares with those alike but for the last three digits."""
    return pseudonym(number[:-ALIKE], pepper)


def seal(number: str, number_key: bytes) -> str:
    """Encrypt a number with the 32-byte number key (Fernet: AES-CBC and HMAC)."""
    return _fernet(number_key).encrypt(number.encode()).decode()


def unseal(sealed: str, number_key: bytes) -> str:
    """The number again. Raises cryptography's InvalidToken where the key is another or the text was changed."""
    return _fernet(number_key).decrypt(sealed.encode()).decode()


def _fernet(number_key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(number_key))
