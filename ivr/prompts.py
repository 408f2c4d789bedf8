r"""The words of one locale, read from its catalogue: pieces of speech with pauses, ready for any voice.

Rule: wording lives in `prompts/`, one gettext catalogue a locale, `msgctxt` being the prompt id. Digits are never part
of a sentence as a number: they are spelled, a few in one breath, as the locale says them on the telephone.

>>> catalogue = parse(b'msgid ""\nmsgstr "Language: en\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
...                   b'msgctxt "group.next"\nmsgid "Group {group}."\nmsgstr "Group {group}."\n', "en-US")
>>> catalogue.speech("group.next", {"group": 4})
('Group 4.',)
>>> catalogue.spelled("123456")
('1 2 3', 500, '4 5 6')
"""

from __future__ import annotations

import io
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import GNUTranslations

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

Piece = str | int
"""Words to speak, or a pause in milliseconds."""
Speech = tuple[Piece, ...]

TOGETHER = 3
"""Digits read in one breath, where a catalogue does not say how many."""
INSIDE_PAUSE = 500
"""Milliseconds between two breaths, where a catalogue does not say: half a second helps recall, a fifth of one does not
(ESSV 2021)."""
LONGEST_PAUSE = 3000
_ENOUGH = 200
"""Counts among which every plural form occurs, in every language there is a rule for (the Unicode locale data)."""
_MOST_FORMS = 6
"""Plural forms that a language has at most, Arabic's (the same source)."""
_FORMS = re.compile(r"nplurals\s*=\s*(\d+)")
_FIELD = re.compile(r'^"X-([A-Za-z-]+):[ \t]*(.*?)[ \t]*(?:\\n)?"', re.MULTILINE)
"""A field of our own in the head of a catalogue, which its reader does not keep."""


class Digits(str):
    """A fact that is read digit by digit."""

    __slots__ = ()


class UnknownPrompt(KeyError):  # noqa: N818 - names what happened; a bug of ours that a house test finds first
    """A prompt id that the catalogue does not have."""


class MalformedCatalogue(ValueError):  # noqa: N818 - names what happened
    """A catalogue that cannot be read; its arguments are the locale and what the reader says."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One entry of a catalogue: its id and the English it was translated from (with its plural, if it counts)."""

    message: str
    plural: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A locale (BCP 47), the voice that speaks it and by what name of the language, and its prompts by id.

    `hears` is the name of the language for whoever listens to callers: the provider has another list for that.

    Digits are read `together` so many in one breath, with `pause` milliseconds between two; `digits` are their words.
    """

    locale: str
    voice: str
    language: str
    hears: str
    prompts: Mapping[str, Prompt]
    translations: GNUTranslations
    together: int
    pause: int
    digits: tuple[str, ...]

    def text(self, prompt: str, count: int | None) -> str:
        """The wording of `prompt` in this locale, in the plural form that `count` takes. Raises UnknownPrompt."""
        if prompt not in self.prompts:
            raise UnknownPrompt(prompt)
        entry = self.prompts[prompt]
        if entry.plural is None:
            return self.translations.pgettext(prompt, entry.message)
        return self.translations.npgettext(prompt, entry.message, entry.plural, 1 if count is None else count)

    def form(self, prompt: str, count: int | None) -> int | None:
        """Which plural form `count` takes; None where the prompt has no plural. Raises UnknownPrompt."""
        if prompt not in self.prompts:
            raise UnknownPrompt(prompt)
        if self.prompts[prompt].plural is None:
            return None
        form: int = self.translations.plural(1 if count is None else count)  # type: ignore[attr-defined]  # not in its stubs
        return form

    def counts(self, prompt: str) -> tuple[int | None, ...]:
        """A count for each plural form of a prompt, the smallest that takes it; (None,) where it has no plural."""
        first: dict[int | None, int | None] = {}
        for count in range(_ENOUGH) if self.prompts[prompt].plural is not None else (None,):
            first.setdefault(self.form(prompt, count), count)
        return tuple(first.values())

    def speech(self, prompt: str, facts: Mapping[str, Piece | Speech]) -> Speech:
        """The prompt with its facts filled in: digits spelled, and a fact that is already speech with its pauses.

        The plural goes by the fact `count`, or `hours`. Raises UnknownPrompt, and KeyError for a missing fact.
        """
        counted = facts.get("count", facts.get("hours"))
        words = self.text(prompt, counted if isinstance(counted, int) else None)
        pieces: list[Piece] = []
        for literal, name, _, _ in string.Formatter().parse(words):
            _join(pieces, literal)
            if name is not None:
                fact = facts[name]
                fact = self.spelled(fact) if isinstance(fact, Digits) else fact
                for piece in fact if isinstance(fact, tuple) else (str(fact),):
                    _join(pieces, piece)
        return tuple(pieces)

    def spelled(self, digits: str) -> Speech:
        """Digits one by one in words, some in each breath."""
        return tuple(piece if isinstance(piece, int) else self.in_words(piece) for piece in self.breaths(digits))

    def breaths(self, digits: str) -> Speech:
        """Digits as figures, some in each breath with a pause between; a last one alone joins those before it."""
        starts = range(0, max(len(digits) - 1, 1), self.together)
        pieces: list[Piece] = []
        for start in starts:
            if pieces:
                pieces.append(self.pause)
            pieces.append(digits[start:] if start == starts[-1] else digits[start : start + self.together])
        return tuple(pieces)

    def in_words(self, figures: str) -> str:
        """The words of some digits."""
        return " ".join(self.digits[int(digit)] for digit in figures)


def parse(po: bytes, locale: str) -> Catalogue:
    """Read a `.po` catalogue of the line's. Raises MalformedCatalogue where it is malformed."""
    catalog, translations = read_texts(po, locale)
    fields = dict(_FIELD.findall(po.decode("utf-8")))
    try:
        together, pause = int(fields.get("Digits-Together", TOGETHER)), int(fields.get("Digits-Pause", INSIDE_PAUSE))
    except ValueError as error:
        raise MalformedCatalogue(locale, *error.args) from error
    if not (1 <= together <= 6 and 0 <= pause <= LONGEST_PAUSE):
        raise MalformedCatalogue(locale, f"X-Digits-Together {together}, X-Digits-Pause {pause}")
    prompts = {
        str(message.context): Prompt(*message.id) if isinstance(message.id, tuple) else Prompt(str(message.id), None)
        for message in catalog
        if message.context
    }
    voice, language = fields.get("Voice", ""), fields.get("Voice-Language", locale)
    hears = fields.get("Speech-Language") or language
    digits = tuple(translations.pgettext(f"digit.{digit}", str(digit)) for digit in range(10))
    return Catalogue(locale, voice, language, hears, prompts, translations, together, pause, digits)


def read_texts(po: bytes, locale: str) -> tuple[Catalog, GNUTranslations]:
    """The texts of any `.po` catalogue, as they are written and as gettext looks them up. Raises MalformedCatalogue."""
    try:
        _refuse_forms_without_end(po.decode("utf-8"))
        catalog: Catalog = read_po(io.BytesIO(po), locale=locale.replace("-", "_"), abort_invalid=True)
        return catalog, compiled(catalog)
    except (PoFileError, ValueError, LookupError) as error:  # a LookupError where it names an unknown encoding
        raise MalformedCatalogue(locale, *error.args) from error


def _refuse_forms_without_end(po: str) -> None:
    """Raise ValueError where more plural forms are named than any language has: the reader would make room for each."""
    named = _FORMS.findall(po.replace('"\n"', ""))  # a line of the head may be broken anywhere
    if any(int(forms) > _MOST_FORMS for forms in named):
        raise ValueError(f"more than {_MOST_FORMS} plural forms")


def compiled(catalog: Catalog) -> GNUTranslations:
    """The catalogue as gettext looks it up. Raises ValueError where its rule for plurals is none."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def plain(speech: Speech) -> str:
    """Speech as text to read, pauses left out."""
    return " ".join(piece.strip() for piece in speech if isinstance(piece, str))


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece, words running on into words."""
    if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
        pieces[-1] += piece
    elif piece != "":
        pieces.append(piece)
