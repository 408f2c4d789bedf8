"""The number of an agreement as people key it and write it, and a wish for more activations as it is texted.

Rule: a number is only ever held against the one agreement that a proven key belongs to, so nothing is learnt of any
other. On a telephone its digits are enough, where there are `ENOUGH_DIGITS` of them; letters may be keyed as the
telephone has them, and must be where there are fewer.

>>> keyed_right("202601", "NS-2026-01"), keyed_right("67202601", "NS-2026-01"), keyed_right("67", "NS-2026-01")
(True, True, False)
>>> keyed_right("21", "A-1"), keyed_right("1", "A-1")
(True, False)
>>> read_wish("50 ns 2026/01 for the new office", "NS-2026-01", Wanted())
Wanted(amount=50, agreement=<Fit.RIGHT: 'right'>, reason='for the new office')
>>> read_wish("fifty", "NS-2026-01", Wanted())
Wanted(amount=None, agreement=<Fit.WRONG: 'wrong'>, reason='')
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

ENOUGH_DIGITS = 5
"""So many digits are hard enough to guess that letters need not be keyed."""
MOST_ASKED = 1_000_000
"""The most activations that may be asked for at once."""
LONGEST_REASON = 300
_LONGEST_AMOUNT = len(str(MOST_ASKED))
_KEYPAD = {
    letter: key
    for key, letters in {
        "2": "abc", "3": "def", "4": "ghi", "5": "jkl", "6": "mno", "7": "pqrs", "8": "tuv", "9": "wxyz",
    }.items()
    for letter in letters
}  # fmt: skip


class Fit(StrEnum):
    """Whether an agreement's number was named, and is that of the key."""

    MISSING = "missing"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish for more, as far as it was said: how many (None: not yet), for which agreement, and why ("": not yet)."""

    amount: int | None = None
    agreement: Fit = Fit.MISSING
    reason: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.amount is not None and self.agreement is Fit.RIGHT and bool(self.reason)


def keyed_right(keys: str, agreement: str) -> bool:
    """Whether keys mean this agreement's number: its digits alone if there are enough, or letters and all."""
    plain = _plain(agreement)
    digits = "".join(sign for sign in plain if sign.isdigit())
    whole = "".join(_KEYPAD.get(sign, sign if sign.isdigit() else "") for sign in plain)
    return bool(keys) and (keys == whole or (keys == digits and len(digits) >= ENOUGH_DIGITS))


def amount_of(said: str) -> int | None:
    """The number of activations that is meant, from 1 to MOST_ASKED; None for anything else."""
    digits = said.strip(".,;:!+()")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_AMOUNT:
        return None
    return int(digits) if 1 <= int(digits) <= MOST_ASKED else None


def read_wish(said: str, agreement: str, before: Wanted) -> Wanted:
    """What is wanted once this was said as well: a number, the agreement's number and why, as far as they are missing.

    `agreement` is the true number. What was said before stands; a wrong number is forgotten with what came after it.
    """
    words, amount, fit = said.split(), before.amount, before.agreement
    alone = fit is not Fit.RIGHT and _named(words, agreement)  # an agreement may be a plain number itself
    if amount is None and words and not alone and (amount := amount_of(words[0])) is not None:
        words = words[1:]
    if fit is not Fit.RIGHT:
        named = _named(words, agreement)
        if not named:
            return Wanted(amount, Fit.WRONG if words else Fit.MISSING)
        fit, words = Fit.RIGHT, words[named:]
    if amount is None:
        place = next((place for place, word in enumerate(words) if amount_of(word) is not None), None)
        if place is None:
            return Wanted(None, fit, before.reason)
        amount, words = amount_of(words[place]), words[place + 1 :]
    return Wanted(amount, fit, (" ".join(words) or before.reason)[:LONGEST_REASON])


def _named(words: list[str], agreement: str) -> int:
    """How many of the first words are the agreement's number; nought where none are."""
    wanted, said = _plain(agreement), ""
    for count, word in enumerate(words, 1):
        said += _plain(word)
        if said == wanted:
            return count
        if not wanted.startswith(said):
            return 0
    return 0


def _plain(text: str) -> str:
    """Letters and digits alone, small, without accents; digits of every script as our own."""
    signs = unicodedata.normalize("NFKD", text.casefold())
    return "".join(str(unicodedata.digit(sign, sign)) for sign in signs if sign.isalnum())
