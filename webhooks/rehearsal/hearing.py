"""What a person understands from the line's words, in English.

The one rule: only what can be heard counts. Digits that are not spaced are a large number in the ear and are not
taken for digits; a block is understood by its letter and its word together.

>>> asked_group("Thank you. Group 2."), asked_group("Group four again."), asked_group("Key the first group, please.")
(2, 4, 1)
>>> asked_group("All nine groups are right.") is None
True
>>> blocks("A, Alpha. 1 2 3 4 5 6 B, Bravo. 123456")
{'A': '123456'}
>>> case_number("Your case number is 9 1 2 3, 4 5 6 7. Again: 9 1 2 3, 4 5 6 7.")
'91234567'
"""

import re
from dataclasses import dataclass, field

NUMBERS = {
    name: value
    for value, name in enumerate("one two three four five six seven eight nine".split(), start=1)  # noqa: SIM905 - read as words
}
BLOCK_WORDS = {
    "A": "Alpha|Alfa",
    "B": "Bravo",
    "C": "Charlie",
    "D": "Delta",
    "E": "Echo",
    "F": "Foxtrot",
    "G": "Golf",
    "H": "Hotel",
}
SIZES = (5, 8)
"""How many blocks a confirmation ID may have."""

_SPACED = r"\d(?:[ ,.]+\d(?!\d))"
_GROUP = re.compile(r"\bgroup (\d|" + "|".join(NUMBERS) + r")\b|\b(first) group\b", re.IGNORECASE)
_OPENING = re.compile(r"\binstallation id\b", re.IGNORECASE)
_BLOCK = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<{letter}>{letter})[,.]? (?:{word})" for letter, word in BLOCK_WORDS.items())
    + rf")[,.:]? (?P<digits>{_SPACED}{{5}})(?![ ,.]*\d)"
)
_CASE = re.compile(rf"\bcase number(?: is)?[:,.]? (?P<digits>{_SPACED}{{3,19}})", re.IGNORECASE)
_REFUSALS = (
    "activations? of this product key are used",
    "does not match any product key",
    "(?:has been|is) blocked",
    "has (?:expired|run out)",
    "(?:not|no longer) activated",
    "not in force",
    "is not for a product",
    "does not fit its product",
    "was returned",
    "too many wrong tries",
    "activated again too often",
    "cannot be approved",
    "has to look at this activation first",
    "not for a copy of this kind",
    "has (?:activated as many|been activated again as often)",
)
_REFUSAL = re.compile(rf"[^.]*\b(?:{'|'.join(_REFUSALS)})\b[^.]*\.", re.IGNORECASE)
_FAULT = re.compile(r"\bwrong on our side\b|\bapplication error\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\b(5|8|five|eight) blocks\b", re.IGNORECASE)


def asked_group(words: str) -> int | None:
    """The group asked for, which is the last that is named: `group 4`, `group four` or `first group`."""
    said = _GROUP.findall(words)
    if not said:
        return None
    number, first = said[-1]
    return 1 if first else int(number) if number.isdigit() else NUMBERS[number.lower()]


def opens(words: str) -> bool:
    """Whether the installation ID is spoken of, which before the first key is as good as asking for its first group."""
    return _OPENING.search(words) is not None


def blocks(words: str) -> dict[str, str]:
    """The blocks of a confirmation ID read out in full, by letter."""
    found = {}
    for match in _BLOCK.finditer(words):
        letter = next(letter for letter in BLOCK_WORDS if match[letter])
        found[letter] = _digits(match["digits"])
    return found


def case_number(words: str) -> str | None:
    """The case number said, or None."""
    match = _CASE.search(words)
    return _digits(match["digits"]) if match else None


def refusal(words: str) -> str | None:
    """The sentence in which an activation is refused, or None.

    >>> refusal("All activations of this product key are used. Your case number is 9 1 2 3.")
    'All activations of this product key are used.'
    """
    match = _REFUSAL.search(words)
    return match[0].strip() if match else None


def _digits(words: str) -> str:
    return re.sub(r"\D", "", words)


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
            self.announced = 5 if how_many[1].lower() in {"5", "five"} else 8
        last = max((match.end() for match in _BLOCK.finditer(words)), default=0)
        if self.blocks and words[last:].strip(" ,."):
            self.ended = True  # the line speaks of something else, so the read-back has come to its end
        self.case_number = case_number(words) or self.case_number
        self.refusal = refusal(words) or self.refusal
        self.fault = self.fault or _FAULT.search(words) is not None

    @property
    def confirmation_id(self) -> str | None:
        """All blocks from A on without a gap, grouped by spaces, once they are as many as a confirmation ID has."""
        letters = "".join(sorted(self.blocks))
        whole = len(letters) in SIZES and letters == "ABCDEFGH"[: len(letters)]
        if self.announced is not None:
            sure = len(letters) == self.announced
        else:
            sure = len(letters) == max(SIZES) or self.ended
        return " ".join(self.blocks[letter] for letter in letters) if whole and sure else None
