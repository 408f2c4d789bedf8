"""Thirty-two signs without look-alikes, and a check sign over them.

One rule: a sign stands for five bits, and what people read for another sign is folded before anything else: O is 0, I
and L are 1. U is in no key, so that V cannot be taken for it. (These are the signs and the foldings of Crockford's
base 32.)

The check sign is an element of GF(32), the field of x^5 + x^2 + 1: the signs weighted with the powers of alpha, which
are all different up to 31 signs, add up to nothing. So each single error and each exchange of two signs is caught.

>>> check_sign("TEACH")
'E'
>>> is_sound("TEACHE"), is_sound("TEACH3"), is_sound("ETACHE")
(True, False, False)
>>> fold("o0il1")
'00111'
"""

from typing import Final

SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FOLDED: Final = str.maketrans("OIL", "011")
_POLYNOMIAL: Final = 0b100101


def fold(text: str) -> str:
    """`text` in capitals, with O, I and L read as the digits they look like."""
    return text.upper().translate(_FOLDED)


def encode(number: int, length: int) -> str:
    """`number`, at least 0 and below 32 to the power of `length`, as that many signs, most significant first."""
    return "".join(SIGNS[number >> 5 * place & 31] for place in reversed(range(length)))


def decode(text: str) -> int:
    """The number that folded `text` stands for. Raises ValueError for a sign that is not one of the 32."""
    number = 0
    for sign in text:
        number = number << 5 | SIGNS.index(sign)
    return number


def _times_alpha(element: int) -> int:
    """One multiplication by alpha in GF(32)."""
    doubled = element << 1
    return doubled ^ _POLYNOMIAL if doubled & 32 else doubled


def _weighted(text: str) -> int:
    """The signs' sum, the last weighted with 1, the one before with alpha, and so on."""
    total = 0
    for sign in text:
        total = _times_alpha(total) ^ SIGNS.index(sign)
    return total


def check_sign(text: str) -> str:
    """The sign to put behind `text`, up to 30 folded signs."""
    return SIGNS[_times_alpha(_weighted(text))]


def is_sound(text: str) -> bool:
    """Whether `text`, whose last sign is its check sign, has the right one."""
    return _weighted(text) == 0
