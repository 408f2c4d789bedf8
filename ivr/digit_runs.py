"""The digits of a text message, as they stood together: groups, longer runs, and the group numbers written before them.

Rule: only what cannot be a digit of an installation ID is left out (telephone numbers after a +, blocks of a
confirmation ID, dates, times, addresses); whatever else is noise is told from groups where groups are known.

>>> [[piece.digits for piece in run] for run in runs_of("My ID is 300 217 156 230, order 4711")]
[['300217156230'], ['4711']]
>>> runs_of("Group 4: 105201; 5) 518 906")
((Piece(digits='105201', label=4), Piece(digits='518906', label=5)),)
>>> runs_of("A 123456 B 234567, call +1 415 555 0123")
()
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from keys.formats import GROUP_DIGITS

_NUMBER_WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_GROUP = (
    r"(?:installation\s+id\s+)?(?:groups?|gruppen?|groupes?|grupos?|gruppo|gruppi|groep|grupp|grupa|\u0433\u0440\u0443\u043f\u043f\u0430|grp|gr|g|block|part|set"
    r"|\u2116|\u30b0\u30eb\u30fc\u30d7|#)"
)
_FILLER = (
    r"(?:[^\w\n]{0,6}(?:is|was|are|were|should|be|reads|again|now|the|correct|corrected|correctly|then|sorry|it|here|number"
    r"|ist|lautet|nochmal|est|es|\u00e8|de)\b){0,5}[^\w]{0,6}"
)
_LABELLED = re.compile(
    rf"(?<![^\W_]){_GROUP}(?:\s?(?:no|nr|number|nummer|num|n\u00b0|n\u00ba)(?![^\W\d_]))?[\s.#:_-]{{0,4}}(?:([1-9])(?:\s?(?:of|/|von|de|sur|di|av)\s?[69])?|({'|'.join(_NUMBER_WORDS)}))"
    rf"(?!\w){_FILLER}(?=\d)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"(?<![^\W_])(?:([1-9])(?:st|nd|rd|th|\.|\u00ba|\u00aa|e|\u00e8me)|({'|'.join(_ORDINALS)}))\s?{_GROUP}(?!\w)"
    rf"{_FILLER}(?=\d)",
    re.IGNORECASE,
)
_OF_NINE = re.compile(
    r"(?<![^\W_])([1-9])\s?(?:/|of|von|de|sur)\s?[69](?!\d)[^\w\n]{0,4}(?=\d{5,7}(?!\d))", re.IGNORECASE
)
_BARE = re.compile(
    r"(?<![^\W_])(?<!\d[-./:])[(\[]?([1-9])\s?[)\].:=>|-]+(?:\s{0,3}(?=\d{5,7}(?!\d))"
    r"|\s{1,3}(?=\d(?:[ .-]?\d){4,6}(?![ .-]?\d(?!\s?[)\].:=>]))))"
)
_SEVERAL = re.compile(
    rf"(?<![^\W_]){_GROUP}\s?[1-9](?:\s?(?:,|and|&|/|-|to|or|through|und|bis|et|\u00e0|y|e)\s?(?:and\s)?[1-9](?!\d))+",
    re.IGNORECASE,
)
_MENTION = re.compile(rf"(?<![^\W_]){_GROUP}\s?[1-9](?!\w)", re.IGNORECASE)
_BLOCK = re.compile(r"(?<![^\W_])[A-H][\s:.=)-]{0,3}\d{6}(?!\d)")
_ADDRESS = re.compile(r"\b(?:https?|www)[^\s]{3,}|[\w.+-]{1,64}@[\w-][\w.-]{0,100}", re.IGNORECASE)
_MONEY = re.compile(r"[$\u20ac\u00a3]\s?\d{1,3}(?:[ .,]\d{1,3}){0,4}(?!\d)")
_DATE = re.compile(
    r"(?<![\d./-])(?:\d{1,2}([./-])\s?\d{1,2}\1\s?(?:19|20)\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)"
)
_TIME = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![:.]?\d)")
_TELEPHONE = re.compile(r"(?<!\d)\+(?:(?<!\d\s\+)\s)?\d{1,15}(?!\d)(?:[ .()/-]{1,3}\d{1,9}(?!\d))*")
_TELEPHONE_DIGITS = (10, 15)
_LABEL = "\x01"
_TOKENS = re.compile(rf"{_LABEL}([1-9])|(\d+)|[^\W\d_]+|[^\w{_LABEL}]+|_+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Digits (ASCII) that stood together, probably meant as one group, or a longer run.

    `label` is the number of a group that was written before them.
    """

    digits: str
    label: int | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """Digits with nothing between them, and the signs between them and the part before."""

    digits: str
    gap: str = ""
    label: int | None = None


def runs_of(text: str) -> tuple[tuple[Piece, ...], ...]:
    """The digits of a folded text: a run is what no words divide, a piece what was probably meant to be together."""
    return tuple(tuple(_pieces(parts)) for parts in _stretches(_marked(text)))


def _marked(text: str) -> str:
    """The text with what is no digit of an ID cut out, and the number of a group before its digits as a mark."""
    for noise in (_ADDRESS, _MONEY, _DATE, _TIME, _BLOCK):
        text = noise.sub(" x ", text)
    text = _TELEPHONE.sub(_without_telephone, text)
    text = _SEVERAL.sub(" x ", text)
    for label in (_LABELLED, _ORDINAL, _OF_NINE):
        text = label.sub(_mark, text)
    text = _MENTION.sub(" x ", text)
    return _BARE.sub(lambda found: _mark(found) if not _follows_word(found) else found.group(), text)


def _mark(found: re.Match[str]) -> str:
    """The mark of a group's number, written in digits or in words."""
    named = next(group for group in found.groups() if group).lower()
    for names in (_NUMBER_WORDS, _ORDINALS):
        named = str(names.index(named) + 1) if named in names else named
    return f" {_LABEL}{named} "


def _follows_word(found: re.Match[str]) -> bool:
    """Whether a word stands before a number on its line, so that the number belongs to that: Row 2: ..."""
    before = found.string[max(found.start() - 40, 0) : found.start()].rpartition("\n")[2].rstrip()
    return before[-1:].isalpha() and _LABEL not in before[-3:]


def _without_telephone(found: re.Match[str]) -> str:
    """What is left of a + and digits when the telephone number is taken away: it ends once it has ten digits."""
    enough, most = _TELEPHONE_DIGITS
    text = found.group()
    taken = end = 0
    for part in re.finditer(r"\d+", text):
        if taken >= enough or taken + len(part.group()) > most:
            break
        taken, end = taken + len(part.group()), part.end()
    return f" x {text[end:]} " if end else text


def _stretches(text: str) -> Iterator[list[_Part]]:
    """The digits between words, with the signs between them."""
    parts: list[_Part] = []
    gap, label = "", None
    for token in _TOKENS.finditer(text):
        written = token.group()
        if token.group(1):
            label = int(token.group(1))
        elif token.group(2):
            parts.append(_Part(written, gap, label))
            gap, label = "", None
        elif written[0].isalpha():
            if parts:
                yield parts
            parts, gap = [], ""
        else:
            gap += written
    if parts:
        yield parts


def _pieces(parts: list[_Part]) -> Iterator[Piece]:
    """The parts of a stretch put together as they were probably meant."""
    parts = _numbered(parts)
    start = 0
    for end in range(1, len(parts) + 1):
        if end == len(parts) or parts[end].label is not None:
            yield from _together(parts[start:end])
            start = end


def _numbered(parts: list[_Part]) -> list[_Part]:
    """Rows of a table, a single digit before each group, have the digit for a label."""
    rows: list[list[_Part]] = []
    for part in parts:
        if not rows or "\n" in part.gap:
            rows.append([])
        rows[-1].append(part)
    by_row = _labels(rows)
    if by_row is None and len(parts) % 2 == 0:
        by_row = _labels([parts[at : at + 2] for at in range(0, len(parts), 2)])
    if by_row is None:
        return parts
    return [
        replace(part, label=int(row[0].digits)) if place == 1 else part
        for row in by_row
        for place, part in enumerate(row)
        if place > 0
    ]


def _labels(rows: list[list[_Part]]) -> list[list[_Part]] | None:
    """The rows, if each is a digit and a group, and the digits rise as the numbers of groups do."""
    if any(part.label is not None for row in rows for part in row):
        return None
    numbers = [row[0].digits for row in rows]
    widths = [sum(len(part.digits) for part in row[1:]) for row in rows]
    whole = sum(width == GROUP_DIGITS for width in widths)
    if any(len(number) != 1 or number == "0" for number in numbers) or numbers != sorted(set(numbers)):
        return None
    near = all(GROUP_DIGITS - 1 <= width <= GROUP_DIGITS + 1 for width in widths)
    together = len(rows) > 1 or len(rows[0]) == 2
    return rows if near and together and whole * 2 > len(rows) else None


def _together(parts: Sequence[_Part]) -> Iterator[Piece]:
    """The best way to put parts together: by what stands between them, the one that makes most sixes."""
    label = parts[0].label
    apart = {part.digits for part in parts}
    for digits in max(_ways(parts), key=lambda way: sum(_worth(len(piece), apart=piece in apart) for piece in way)):
        yield Piece(digits, label)
        label = None


def _ways(parts: Sequence[_Part]) -> Iterator[list[str]]:
    """Ways to put parts together: none; those divided by one kind of gap, or by all kinds but one; all, but for one."""
    yield [part.digits for part in parts]
    kinds = list(dict.fromkeys(_kind(part.gap) for part in parts[1:]))[:6]
    for kind in kinds:
        yield _divided(parts, {kind})
        yield _divided(parts, set(kinds) - {kind})
    if any("\n" in kind for kind in kinds):
        yield _divided(parts, {kind for kind in kinds if "\n" in kind})
    if len(parts) > 2:
        yield [parts[0].digits, "".join(part.digits for part in parts[1:])]
        yield ["".join(part.digits for part in parts[:-1]), parts[-1].digits]
    yield ["".join(part.digits for part in parts)]


def _kind(gap: str) -> str:
    """What a gap is for telling it from others: a line's end, its sign of punctuation, or how wide it is."""
    if "\n" in gap:
        return "\n\n" if gap.count("\n") > 1 else "\n"
    return gap.strip() or ("\t" if "\t" in gap else " " * min(len(gap), 2))


def _divided(parts: Sequence[_Part], kinds: set[str]) -> list[str]:
    """The parts put together but where a gap of these kinds stands."""
    digits = [parts[0].digits]
    for part in parts[1:]:
        if _kind(part.gap) in kinds:
            digits.append(part.digits)
        else:
            digits[-1] += part.digits
    return digits


def _worth(width: int, *, apart: bool) -> int:
    """How much digits look like a group, or several; `apart` says that nothing stood between them."""
    if width == GROUP_DIGITS:
        return 10
    if width % GROUP_DIGITS == 0:
        return 5 * (width // GROUP_DIGITS)
    if abs(width - GROUP_DIGITS) == 1:
        return 6 if apart else 2
    return -10 if width > 2 * GROUP_DIGITS else -5
