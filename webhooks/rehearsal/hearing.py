"""What a person understands from the line's words, in any of the languages that a line may speak.

The one rule: only what can be heard counts. Digits that are not spaced are a large number in the ear and are not
taken for digits; a block is understood by its letter and its word together.

>>> asked_group("Thank you. Group 2."), asked_group("Group four again."), asked_group("Key the first group, please.")
(2, 4, 1)
>>> asked_group("Geben Sie Gruppe 4 noch einmal ein."), asked_group("请重新输入第 3 组。")
(4, 3)
>>> asked_group("All nine groups are right.") is None
True
>>> blocks("A, Alpha. 1 2 3 4 5 6 B, Bravo. 123456"), blocks("B wie Berlin. 1 zwo 3 4 5 6")
({'A': '123456'}, {'B': '123456'})
>>> case_number("Your case number is 9 1 2 3, 4 5 6 7. Again: 9 1 2 3, 4 5 6 7.")
'91234567'
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from webhooks.rehearsal.tongues import DIGIT, TONGUES, spoken_digits

NUMBERS = {
    name: value
    for value, name in enumerate("one two three four five six seven eight nine".split(), start=1)  # noqa: SIM905 - read as words
}
LETTERS = "ABCDEFGH"
SIZES = (5, 8)
"""How many blocks a confirmation ID may have."""


def _any(patterns: Iterable[str]) -> str:
    """Any of some patterns, each once."""
    return "|".join(f"(?:{pattern})" for pattern in dict.fromkeys(patterns))


_NUMBER = r"(\d|" + "|".join(NUMBERS) + ")"
_BETWEEN, _AFTER = r"[^\d.]{0,12}?", r"[^\d]{0,8}?"
"""What may stand between a letter and its word (`B wie Berlin`), and between the word and the first digit."""
_GROUP = re.compile(_any(tongue.group.replace("#", _NUMBER) for tongue in TONGUES), re.IGNORECASE)
_OPENING = re.compile(_any(tongue.opening for tongue in TONGUES), re.IGNORECASE)
_BLOCK = re.compile(
    r"\b(?:"
    + "|".join(
        rf"(?P<{letter}>{letter})\b{_BETWEEN}(?:{_any(tongue.letters.split()[place] for tongue in TONGUES)})"
        for place, letter in enumerate(LETTERS)
    )
    + rf"){_AFTER}(?P<digits>{DIGIT}(?:[ ,.]+{DIGIT}){{5}})(?![ ,.]*{DIGIT})"
)
_CASE = re.compile(
    rf"(?:{_any(tongue.case for tongue in TONGUES)})[:,.]? *(?P<digits>{DIGIT}(?:[ ,.]+{DIGIT}){{3,19}})", re.IGNORECASE
)
_STOP = ".\u3002\u0964"
"""What ends a sentence: a full stop, in three scripts."""
_REFUSES = _any(tongue.refusals for tongue in TONGUES)
_REFUSAL = re.compile(rf"[^{_STOP}]*(?:{_REFUSES})[^{_STOP}]*[{_STOP}]", re.IGNORECASE)
_FAULT = re.compile(_any(tongue.fault for tongue in TONGUES), re.IGNORECASE)
_HOW_MANY = re.compile(_any(tongue.how_many.replace("#", "(5|8|five|eight)") for tongue in TONGUES), re.IGNORECASE)
_YES = re.compile(rf"(?:{_any(tongue.confirm for tongue in TONGUES)}) ?(\d)", re.IGNORECASE)
_YES_BEFORE = re.compile(r"\bpress (\d)[^.]{0,20} if (?:that is|this is|it is) (?:right|correct)", re.IGNORECASE)


def asked_group(words: str) -> int | None:
    """The group asked for, which is the last that is named: `group 4`, `group four` or `first group`."""
    said = list(_GROUP.finditer(words))
    if not said:
        return None
    number = (said[-1][said[-1].lastindex or 0]).lower()
    return int(number) if number.isdecimal() else NUMBERS.get(number, 1)


def opens(words: str) -> bool:
    """Whether the installation ID is spoken of, which before the first key is as good as asking for its first group."""
    return _OPENING.search(words) is not None


def blocks(words: str) -> dict[str, str]:
    """The blocks of a confirmation ID read out in full, by letter."""
    found = {}
    for match in _BLOCK.finditer(words):
        letter = next(letter for letter in LETTERS if match[letter])
        found[letter] = spoken_digits(match["digits"])
    return found


def case_number(words: str) -> str | None:
    """The case number said, or None."""
    match = _CASE.search(words)
    return spoken_digits(match["digits"]) if match else None


def refusal(words: str) -> str | None:
    """The sentence in which an activation is refused, or None.

    >>> refusal("All activations of this product key are used. Your case number is 9 1 2 3.")
    'All activations of this product key are used.'
    """
    match = _REFUSAL.search(words)
    return match[0].strip() if match else None


def yes_key(words: str) -> str | None:
    """The key that says yes to what is offered, or None where nothing is.

    >>> yes_key("If that is right, press 1. If not, 2."), yes_key("Wenn das stimmt, drücken Sie die 1."), yes_key("1.")
    ('1', '1', None)
    """
    match = _YES_BEFORE.search(words) or _YES.search(words)
    return match[1] if match else None


@dataclass
class Notepad:
    """What a caller has written down so far. A block read in two ways is kept in `conflicts`, never overwritten."""

    blocks: dict[str, str] = field(default_factory=dict)
    conflicts: list[tuple[str, str, str]] = field(default_factory=list)
    case_number: str | None = None
    refusal: str | None = None
    announced: int | None = None
    ended: bool = False
    fault: bool = False

    def write(self, words: str) -> None:
        """Take down what these words hold."""
        found = blocks(words)
        for letter, digits in found.items():
            if self.blocks.setdefault(letter, digits) != digits:
                self.conflicts.append((letter, self.blocks[letter], digits))
        if how_many := _HOW_MANY.search(words):
            self.announced = 5 if how_many[how_many.lastindex or 0].lower() in {"5", "five"} else 8
        last = max((match.end() for match in _BLOCK.finditer(words)), default=0)
        if self.blocks and words[last:].strip(" ,.\u3002\u0964"):
            self.ended = True  # the line speaks of something else, so the read-back has come to its end
        self.case_number = case_number(words) or self.case_number
        self.refusal = refusal(words) or self.refusal
        self.fault = self.fault or _FAULT.search(words) is not None

    @property
    def confirmation_id(self) -> str | None:
        """All blocks from A on without a gap, grouped by spaces, once they are as many as a confirmation ID has."""
        letters = "".join(sorted(self.blocks))
        whole = len(letters) in SIZES and letters == LETTERS[: len(letters)]
        if self.announced is not None:
            sure = len(letters) == self.announced
        else:
            sure = len(letters) == max(SIZES) or self.ended
        return " ".join(self.blocks[letter] for letter in letters) if whole and sure else None
