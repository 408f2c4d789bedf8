"""Prompts as elements of a document: said by the locale's voice, or played where the publisher has recorded them.

Rule: a prompt is played as a whole or said as a whole, so that no sentence changes its voice in the middle but for the
facts in it. Digits and a block's letter are prompts of their own, and so are played wherever they are recorded.

Elements are written as text: building a tree first, as the provider's library does, costs a tenth of a turn.

>>> element("Say", words("Mum & Co"), voice="Polly.Joanna", language="en-US")
'<Say language="en-US" voice="Polly.Joanna">Mum &amp; Co</Say>'
>>> element("Pause", length=8)
'<Pause length="8" />'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from ivr.actions import Say
from ivr.prompts import Catalogue, Digits, Piece, Speech
from ivr.recorded import parts
from webhooks.recordings import Recordings

Facts = Mapping[str, Piece | Speech]


@dataclass(frozen=True, slots=True)
class Voice:
    """The language spoken, with the facts every prompt of this answer may name; a prompt may be of another.

    `played_at` is the address under which recordings are fetched.
    """

    catalogue: Catalogue
    others: Mapping[str, Catalogue]
    facts: dict[str, Piece | Speech]
    recordings: Recordings
    played_at: str

    def speak(self, prompts: Iterable[Say]) -> str:
        """Each prompt, in its own language."""
        return "".join(self._prompt(prompt) for prompt in prompts)

    def block(self, letter: str, digits: Speech) -> str:
        """The letter of a block and its digits, which are figures and pauses."""
        prompt, catalogue = f"block.{letter}", self.catalogue
        if all(self._played(catalogue, name) for name in (prompt, *_digit_names(digits))):
            letter_played = self._played(catalogue, prompt)
            return f"{letter_played}{self._pause(LETTER_PAUSE)}{''.join(self._run(catalogue, digits))}"
        spelled = tuple(piece if isinstance(piece, int) else catalogue.in_words(piece) for piece in digits)
        return said(catalogue, (*catalogue.speech(prompt, {}), LETTER_PAUSE, *spelled))

    def _prompt(self, prompt: Say) -> str:
        catalogue = self.others[prompt.locale] if prompt.locale else self.catalogue
        facts = {**self.facts, **_named(prompt)}
        return self._recorded(catalogue, prompt.prompt, facts) or said(
            catalogue, catalogue.speech(prompt.prompt, facts)
        )

    def _recorded(self, catalogue: Catalogue, prompt: str, facts: Facts) -> str:
        """The prompt played; nothing where any of its words is not recorded."""
        if catalogue.locale not in self.recordings.locales:
            return ""
        counted = facts.get("count", facts.get("hours"))
        made: list[str] = []
        for part in parts(catalogue, prompt, counted if isinstance(counted, int) else None):
            played = self._fact(catalogue, facts[part.fact]) if part.fact else self._played(catalogue, part.name)
            if not played:
                return ""
            made.append(played)
        return "".join(made)

    def _fact(self, catalogue: Catalogue, fact: Piece | Speech) -> str:
        """A fact within recorded words: digits are played where they are recorded, all else is said."""
        digits = str(fact) if isinstance(fact, Digits) or (isinstance(fact, int) and 0 <= fact <= 9) else ""
        if digits and all(self._played(catalogue, f"digit.{digit}") for digit in digits):
            return "".join(self._run(catalogue, catalogue.breaths(digits)))
        if isinstance(fact, Digits):
            return said(catalogue, catalogue.spelled(fact))
        return said(catalogue, fact if isinstance(fact, tuple) else (str(fact),))

    def _run(self, catalogue: Catalogue, digits: Speech) -> Iterator[str]:
        for piece in digits:
            if isinstance(piece, int):
                yield self._pause(piece)
            else:
                yield from (self._played(catalogue, f"digit.{digit}") for digit in piece)

    def _played(self, catalogue: Catalogue, name: str) -> str:
        file = self.recordings.file(catalogue.locale, name)
        return element("Play", words(f"{self.played_at}/{file}")) if file else ""

    def _pause(self, milliseconds: int) -> str:
        """Quiet that is shorter than the whole seconds of a Pause."""
        return element("Play", words(f"{self.played_at}/quiet-{milliseconds}.wav"))


LETTER_PAUSE = 200
"""Milliseconds between a block's letter and its digits."""


def element(name: str, *inside: str, **attributes: str | int) -> str:
    """An element as text; what is inside are elements, and words that went through `words`."""
    given = _given(**attributes)
    return f"<{name}{given}>{''.join(inside)}</{name}>" if inside else f"<{name}{given} />"


@lru_cache(1024, typed=True)  # a read-back has forty elements, and nearly all of their attributes are those of the last
def _given(**attributes: str | int) -> str:
    return "".join([f' {key}="{words(str(attributes[key]))}"' for key in sorted(attributes)])


def words(text: str) -> str:
    """Text as it may stand in an element or in an attribute."""
    return escape(text, quote=False).replace('"', "&quot;")


def said(catalogue: Catalogue, speech: Speech) -> str:
    """Speech as one element, in the voice of a locale, pauses as breaks."""
    pieces = (element("break", time=f"{piece}ms") if isinstance(piece, int) else words(piece) for piece in speech)
    return element("Say", *pieces, voice=catalogue.voice, language=catalogue.language)


def _named(prompt: Say) -> Facts:
    """A prompt's own facts; `digits` are spelled, for digits are never part of a sentence as a number."""
    return {name: Digits(fact) if name == "digits" else fact for name, fact in prompt.facts}


def _digit_names(digits: Speech) -> set[str]:
    return {f"digit.{digit}" for piece in digits if isinstance(piece, str) for digit in piece}
