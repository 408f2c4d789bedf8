"""What one text message says: a word of ours, a case number, digits that may be groups, or nothing at all.

Rule: a message is read as generously as can be without guessing: a word counts only where it is the whole message (but
MORE, after which a wish is told), and what is quoted only where nothing else is said.

>>> ours = {"status": Word.STATUS, "?": Word.INSTRUCTIONS}
>>> read(" \u201cStatus.\u201d ", ours).word, read("What is the status of this?", ours).word
(<Word.STATUS: 'status'>, None)
>>> message = read("Hi! Group 4 should be 105201. Thanks, Bob", ours)
>>> message.runs
((Piece(digits='105201', label=4),),)
>>> read("case 912 345 6785", ours).case_number
'9123456785'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ivr.digit_runs import Piece, runs_of
from ivr.plain_text import folded, is_reaction, own_and_quoted
from keys.checkdigit import calc
from keys.formats import CheckRule

CASE_DIGITS: Final = 10
LONGEST_SAID: Final = 500
_WIDTHS: Final = frozenset({(10,), (4, 6), (3, 3, 4), (3, 4, 3), (4, 3, 3), (2, 4, 4), (4, 4, 2), (2, 2, 2, 2, 2)})
"""How a case number may be spelled amid other digits. Not as (5, 5): that is two groups, each a digit short."""


class Word(StrEnum):
    """What a message of one word asks for."""

    INSTRUCTIONS = "instructions"
    STATUS = "status"
    NEW = "new"
    AGENT = "agent"
    LANGUAGES = "languages"
    """Which languages there are."""
    LANGUAGE = "language"
    """One language is asked for, by a name of it."""
    MORE = "more"
    """More activations are wanted. Others may follow it: how many, for which agreement, and why."""
    YES = "yes"
    """1. The word YES is not ours: it is one of Twilio's words for START."""
    NO = "no"
    STOP = "stop"
    """The sender wants no more texts; Twilio has said so already."""
    START = "start"
    """The sender wants texts again."""
    PROVIDER = "provider"
    """A word that Twilio answers itself, so that we stay silent."""


_FIXED: Final[Mapping[str, Word]] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"), Word.STOP),
    **dict.fromkeys(("start", "unstop", "yes"), Word.START),
    **dict.fromkeys(("help", "info"), Word.PROVIDER),
    "1": Word.YES,
    "2": Word.NO,
}
"""Words that mean the same in every language, because Twilio (or our own question for 1 or 2) says so
(Twilio, "Twilio support for opt-out keywords").
"""


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says.

    `runs` are its digits, in order, divided where words stand between them; noise that cannot be told from groups is
    still among them. `nothing` is a message that says nothing: a reaction, a thumb, a blank. `said` is what was
    written, without a MORE before it; `locale` the language that is asked for.
    """

    word: Word | None = None
    runs: tuple[tuple[Piece, ...], ...] = ()
    case_number: str | None = None
    nothing: bool = False
    said: str = ""
    locale: str = ""


def read(body: str, words: Mapping[str, Word], languages: Mapping[str, str] | None = None) -> Message:
    """What a message says; `words` are the line's own, casefolded, and `languages` the names of those that it speaks.

    Any text can be read; nothing is raised.
    """
    text = folded(body)
    locale = _named(text, languages or {})
    if locale is not None:
        return Message(Word.LANGUAGE, locale=locale)
    if is_reaction(text):
        return Message(nothing=True)
    own, quoted = own_and_quoted(text)
    said = _said(own, words)
    if said.word is None and not said.runs and said.case_number is None and quoted:
        beside = _said(quoted, {})
        said = Message(None, beside.runs, beside.case_number, said.nothing and beside.nothing)
    return said if said.word is Word.MORE else replace(said, said=own.strip()[:LONGEST_SAID])


def _named(text: str, languages: Mapping[str, str]) -> str | None:
    """The locale of the language whose name is the whole message."""
    return languages.get(_bare(" ".join(text.casefold().split())))


def _said(text: str, words: Mapping[str, Word]) -> Message:
    wish = _more(text, words)
    if wish is not None:
        return Message(Word.MORE, said=wish)
    runs = runs_of(text)
    taken = _case_number(runs)
    case_number = "".join(taken) or None
    if case_number is not None:
        runs = tuple(rest for rest in (_without(run, taken) for run in runs) if rest)
        text = re.sub(r"\D{0,3}".join(case_number), " ", text)
    word = _word(text, words)
    if word is not None:
        return Message(word, (), case_number)
    return Message(None, runs, case_number, nothing=not any(sign.isalnum() for sign in text) and case_number is None)


def _more(text: str, words: Mapping[str, Word]) -> str | None:
    """What follows a MORE that begins the text; None where it does not, or where it is but talk, without a number."""
    first, *rest = text.split() or [""]
    if words.get(_bare(first).casefold()) is not Word.MORE:
        return None
    told = not rest or any(sign.isdigit() for word in rest[:2] for sign in word)
    return " ".join(rest)[:LONGEST_SAID] if told else None


def _word(text: str, words: Mapping[str, Word]) -> Word | None:
    """The word that is the whole message but for case, punctuation and spaces."""
    written = " ".join(text.casefold().split())
    bare = _bare(written)
    if not bare and any(mark in written for mark in "?\u061f\u037e\u2753\u2754"):
        bare = "?"
    joined = bare.replace("-", "").replace(" ", "")
    return (
        _FIXED.get(bare) or words.get(written) or words.get(bare) or (_FIXED.get(joined) if len(joined) > 1 else None)
    )


def _bare(text: str) -> str:
    """The text without the signs around it. A vowel sign that ends a word, as in Hindi, is part of the word."""
    kept = [place for place, sign in enumerate(text) if sign.isalnum() or unicodedata.category(sign)[0] == "M"]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _case_number(runs: tuple[tuple[Piece, ...], ...]) -> tuple[str, ...]:
    """The pieces that make a case number: a run of its own, one piece, or pieces of the widths it is spelled in."""
    for run in runs:
        pieces = tuple(piece.digits if piece.label is None else "" for piece in run)
        if all(pieces) and is_case_number("".join(pieces)):
            return pieces
        for first in range(len(pieces)):
            for many in (1, 2, 3, 5):
                some = pieces[first : first + many]
                if tuple(map(len, some)) in _WIDTHS and is_case_number("".join(some)):
                    return some
    return ()


def _without(run: tuple[Piece, ...], taken: tuple[str, ...]) -> tuple[Piece, ...]:
    """A run without the pieces of the case number."""
    for first in range(len(run)):
        if tuple(piece.digits for piece in run[first : first + len(taken)]) == taken:
            return run[:first] + run[first + len(taken) :]
    return run


def is_case_number(digits: str) -> bool:
    """Ten digits, the first 9, the last a Verhoeff check digit; so that a slip is told, and no ID taken for one."""
    if len(digits) != CASE_DIGITS or digits[0] != "9":
        return False
    return calc(CheckRule.VERHOEFF, 0, digits[:-1]) == digits[-1]
