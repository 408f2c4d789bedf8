"""What a caller says, as one of a few meanings: the words are the catalogue's, and nothing else is listened for.

Rule: what is said is read once and gone. It is never kept, logged or repeated; and a digit that is said is never taken
for a digit of an ID.

>>> english = {"yes": "yes", "not right": "no", "right": "yes", "one": "1", "two": "2", "person": "person"}
>>> meaning("Yes, please.", english), meaning("that's not right", english), meaning("press one", english)
('yes', 'no', '1')
>>> meaning("one two", english), meaning("4 7 1", english), meaning("yes, not right", english), meaning("hm", english)
('digits', 'digits', '', '')
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from ivr.prompts import Catalogue

LONGEST_SAID = 200
"""Signs of what is said that are looked at; whoever says more is not answering."""
LEAST_SURE = 0.4
"""What the listener is less sure of than this, from 0 to 1, counts as not understood."""
DIGITS = "digits"
"""Several digits: part of an ID, most likely."""
_UNSPACED = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


class Meaning(StrEnum):
    """What a caller may mean, beside the number of a choice."""

    YES = "yes"
    NO = "no"
    PERSON = "person"
    AGAIN = "again"
    """Once more, and more time."""
    NEXT = "next"
    CALL_BACK = "call_back"
    TEXT = "text"
    MORE = "more"
    GO_ON = "go_on"


def vocabulary(catalogue: Catalogue) -> dict[str, str]:
    """The words of a locale, casefolded, each with its meaning: a Meaning, or the digit of a number."""
    words = {str(digit): str(digit) for digit in range(10)}
    for digit, names in enumerate(_listed(catalogue, "say.numbers")):
        words |= dict.fromkeys(names.split("|"), str(digit))
    for means in Meaning:
        words |= dict.fromkeys(_listed(catalogue, f"say.{means}"), means.value)
    return words


def meaning(said: str, words: Mapping[str, str], sure: float | None = None) -> str:
    """The one meaning of what was said: a Meaning, a digit, DIGITS, or "" where there is none or more than one.

    A single number beside a wish says nothing: "one person, please". Longer words go before shorter, so that "not
    right" is no yes. `sure` is how sure the listener is; None, or 0, where it does not tell.
    """
    text = _plain(said)
    if len(said) > LONGEST_SAID or (sure and sure < LEAST_SURE):
        return ""
    if re.search(r"\d\D{0,3}\d", text):
        return DIGITS
    found: Counter[str] = Counter()
    for phrase in sorted(words, key=len, reverse=True):
        text, times = re.subn(_pattern(phrase), " , ", text)
        found[words[phrase]] += times
    found = +found
    if sum(times for means, times in found.items() if means.isdigit()) > 1:
        return DIGITS
    wishes = [means for means in found if not means.isdigit()]  # "one" is an article in many languages
    meant = wishes or list(found)
    return meant[0] if len(meant) == 1 else ""


def _plain(said: str) -> str:
    """Words in lower case with one space between, and nothing else."""
    kept = (sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" or sign == "'" else " " for sign in said)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).casefold().split())


def _pattern(phrase: str) -> str:
    """A phrase as whole words. Where words are not spaced it may stand amid others, but a single sign stands alone."""
    plain = re.escape(_plain(phrase))
    if _UNSPACED.search(phrase) and len(phrase) > 1:
        return plain
    return rf"\A{plain}\Z" if _UNSPACED.search(phrase) else rf"(?<!\S){plain}(?!\S)"


def _listed(catalogue: Catalogue, prompt: str) -> list[str]:
    return [word.strip().casefold() for word in catalogue.text(prompt, None).split(",")]
