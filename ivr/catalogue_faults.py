r"""What is wrong with a catalogue, held against the American one that all others are translated from.

Rule: whatever a caller would hear in English, or not at all, is a fault here; so a locale is released with none.

>>> american = b'msgid ""\nmsgstr "Language: en\\n"\n\nmsgctxt "a.b"\nmsgid "Group {group}."\nmsgstr "Group {group}."\n'
>>> german = b'msgid ""\nmsgstr "Language: de\\n"\n\nmsgctxt "a.b"\nmsgid "Group {group}."\nmsgstr "Gruppe {grupe}."\n'
>>> [(fault.why.value, fault.prompt, fault.fact) for fault in faults(german, american, "de")]
[('NO_VOICE', '', ''), ('PLACEHOLDERS', 'a.b', '{group} {grupe}')]
"""

from __future__ import annotations

import io
import string
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from ivr.prompts import parse


class Why(StrEnum):
    """What is wrong with one prompt, or with the catalogue."""

    MISSING = "MISSING"
    SURPLUS = "SURPLUS"
    """The American catalogue has no such prompt."""
    UNTRANSLATED = "UNTRANSLATED"
    FUZZY = "FUZZY"
    """A tool has guessed it, and nobody has confirmed it."""
    ENGLISH_CHANGED = "ENGLISH_CHANGED"
    """It was translated from other words than those that are said in American English now."""
    PLACEHOLDERS = "PLACEHOLDERS"
    """It names a fact that the English does not, or leaves one out; the facts in question follow."""
    PLURAL_FORMS = "PLURAL_FORMS"
    """It has fewer or more forms than its language's rule."""
    MARKUP = "MARKUP"
    """It has other tags than the English, which are its fact."""
    NO_VOICE = "NO_VOICE"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `prompt` is empty for one of the whole catalogue."""

    why: Why
    prompt: str
    fact: str = ""


def faults(po: bytes, american: bytes, locale: str, *, spoken: bool = True) -> list[Fault]:
    """Everything wrong with a catalogue; one that is not `spoken`, by a voice of its own, needs none.

    Raises ivr.prompts.MalformedCatalogue where it cannot be read at all.
    """
    voice = parse(po, locale).voice or not spoken
    catalogue, first = _read(po, locale), _read(american, "en-US")
    wanted, given = _by_prompt(first), _by_prompt(catalogue)
    found = [] if voice else [Fault(Why.NO_VOICE, "")]
    found += [Fault(Why.MISSING, prompt) for prompt in wanted if prompt not in given]
    found += [Fault(Why.SURPLUS, prompt) for prompt in given if prompt not in wanted]
    for prompt, message in given.items():
        if prompt in wanted:
            found += _of(message, wanted[prompt], prompt, catalogue.num_plurals)
    return found


def _of(message: Message, american: Message, prompt: str, forms: int) -> Iterator[Fault]:
    said = forms_of(message.string)
    if message.fuzzy:
        yield Fault(Why.FUZZY, prompt)
    if message.id != american.id:
        yield Fault(Why.ENGLISH_CHANGED, prompt)
    if not any(said):
        yield Fault(Why.UNTRANSLATED, prompt)
        return
    if american.pluralizable and (len(said) != forms or not all(said)):
        yield Fault(Why.PLURAL_FORMS, prompt, f"{sum(map(bool, said))} of {forms}")
    english = _names(forms_of(american.id))
    for form in said:
        # Of one and of two a language may speak without a figure.
        amiss = _names((form,)) ^ english - ({"count", "hours"} if american.pluralizable else set())
        if amiss - ({"count", "hours"} if american.pluralizable else set()):
            yield Fault(Why.PLACEHOLDERS, prompt, " ".join(f"{{{name}}}" for name in sorted(amiss)))


def _read(po: bytes, locale: str) -> Catalog:
    return read_po(io.BytesIO(po), locale=locale.replace("-", "_"), abort_invalid=True)


def _by_prompt(catalogue: Catalog) -> dict[str, Message]:
    return {str(message.context): message for message in catalogue if message.context}


def forms_of(words: object) -> tuple[str, ...]:
    """The forms of a text, one where it counts nothing; those that are not there are empty."""
    return tuple(str(form or "") for form in words) if isinstance(words, (tuple, list)) else (str(words or ""),)


def _names(forms: tuple[str, ...]) -> set[str]:
    """The facts that words name; a brace that is none is a fact nobody has."""
    try:
        return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name is not None}
    except ValueError:
        return {"malformed"}
