"""Check digits: one for each group, two for a whole installation ID.

One rule: this room knows digits and places only; what a fault means is said in `keys.groups`.

The Verhoeff digit is taken over the group's number followed by its payload, so a right group in a wrong place fails
as surely as a wrong digit does:

>>> calc(CheckRule.VERHOEFF, 4, "77049")
'5'
>>> validate(CheckRule.VERHOEFF, 4, "770495"), validate(CheckRule.VERHOEFF, 5, "770495")
(True, False)

The mod 7 digit is the one that many devices already have. It takes 0 and 7 for the same, and sees no group's place:

>>> validate(CheckRule.MOD7, 1, "020650"), validate(CheckRule.MOD7, 1, "720650"), validate(CheckRule.MOD7, 1, "020657")
(True, True, False)

Over the whole number stands ISO 7064 MOD 97-10:

>>> calc_whole("123456789"), is_whole("12345678978"), is_whole("12345678987")
('78', True, False)
"""

from stdnum import verhoeff
from stdnum.iso7064 import mod_97_10

from keys.formats import WHOLE_CHECK_DIGITS, CheckRule

_MOD7_WEIGHTS = (1, 2, 1, 2, 1)


def calc(rule: CheckRule, position: int, payload: str) -> str:
    """The check digit of the `payload` of the group (or block) of number `position`, counted from 1."""
    if rule is CheckRule.VERHOEFF:
        return str(verhoeff.calc_check_digit(f"{position}{payload}"))
    return str(sum(weight * int(digit) for weight, digit in zip(_MOD7_WEIGHTS, payload, strict=True)) % 7)


def validate(rule: CheckRule, position: int, group: str) -> bool:
    """Whether the last digit of `group`, six ASCII digits, is the check digit of those before it in that position."""
    return calc(rule, position, group[:-1]) == group[-1]


def calc_whole(payload: str) -> str:
    """The two digits that check `payload`, any number of digits: from 02 to 98."""
    return str(mod_97_10.calc_check_digits(payload))


def is_whole(payload: str) -> bool:
    """Whether the last two digits of `payload` are the ones that check those before them."""
    return calc_whole(payload[:-WHOLE_CHECK_DIGITS]) == payload[-WHOLE_CHECK_DIGITS:]
