r"""What of a prompt can be recorded: the whole of it, or where facts stand in it, the pieces around them.

Rule: names alone tie a recording to its words. Each plural form is a sentence of its own (`~0`, `~1`), and so is each
piece of words between facts (`-1`, `-2`); a piece without a letter or digit is not said and needs none.

>>> from ivr.prompts import parse
>>> catalogue = parse(b'msgid ""\nmsgstr "Language: en\\n"\n\n'
...                   b'msgctxt "a.b"\nmsgid "Key group {group} again."\nmsgstr "Key group {group} again."\n', "en")
>>> [(part.name, part.words, part.fact) for part in parts(catalogue, "a.b")]
[('a.b-1', 'Key group', None), ('', '', 'group'), ('a.b-2', 'again.', None)]
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.prompts import Catalogue

_NOT_HEARD = ("word.", "text.", "say.")
"""What is texted, and the words that a caller texts or says: nobody hears these."""
_STOPS = " .,;:!?\u3001\u3002\u060c\u061b\u0964\uff0c\uff1a"
"""Signs that a piece may begin with, and that nobody says."""
_NEVER_THE_SAME = frozenset({"notice.words"})
"""What a supervisor writes; it is always spoken."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a prompt: words with the name of their recording, or a fact, by its name."""

    name: str
    words: str
    fact: str | None = None


def parts(catalogue: Catalogue, prompt: str, count: int | None = None) -> tuple[Part, ...]:
    """The parts of a prompt in their order, in the plural form that `count` takes. Raises UnknownPrompt."""
    words, form = catalogue.text(prompt, count), catalogue.form(prompt, count)
    name = prompt if form is None else f"{prompt}~{form}"
    pieces = list(string.Formatter().parse(words))
    if all(fact is None for _, fact, _, _ in pieces):
        return (Part(name, words),)
    found: list[Part] = []
    for literal, fact, _, _ in pieces:
        if any(sign.isalnum() for sign in literal):
            place = 1 + sum(1 for part in found if part.name)
            found.append(Part(f"{name}-{place}", literal.strip().lstrip(_STOPS)))
        if fact is not None:
            found.append(Part("", "", fact))
    return tuple(found)


def spoken(catalogue: Catalogue) -> Iterator[tuple[str, int | None]]:
    """Every prompt that is spoken, with a count for each of its plural forms (None where it does not count)."""
    for prompt in catalogue.prompts:
        if not prompt.startswith(_NOT_HEARD) and prompt not in _NEVER_THE_SAME:
            for count in catalogue.counts(prompt):
                yield prompt, count


def wanted(catalogue: Catalogue) -> dict[str, Part]:
    """Everything that can be recorded for a locale, by name."""
    return {part.name: part for each in spoken(catalogue) for part in parts(catalogue, *each) if part.name}
