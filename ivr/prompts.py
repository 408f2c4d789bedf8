r"""The words of one locale, read from its catalogue: pieces of speech with pauses, ready for any voice.

Rule: wording lives in `prompts/`, one gettext catalogue a locale, `msgctxt` being the prompt id. Digits are never part
of a sentence as a number: they are spelled, with a pause after every third.

>>> catalogue = parse(b'msgid ""\nmsgstr "Language: en\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
...                   b'msgctxt "group.next"\nmsgid "Group {group}."\nmsgstr "Group {group}."\n', "en-US")
>>> catalogue.speech("group.next", {"group": 4})
('Group 4.',)
>>> spelled("123456")
('1 2 3', 500, '4 5 6')
"""

from __future__ import annotations

import io
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

INSIDE_PAUSE = 500
"""Milliseconds between the halves of six digits: half a second helps recall, a fifth of one does not (ESSV 2021)."""


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
    """A locale (BCP 47), the voice that speaks it, and its prompts by id."""

    locale: str
    voice: str
    prompts: Mapping[str, Prompt]
    translations: GNUTranslations

    def text(self, prompt: str, count: int | None) -> str:
        """The wording of `prompt` in this locale, in the plural form that `count` takes. Raises UnknownPrompt."""
        if prompt not in self.prompts:
            raise UnknownPrompt(prompt)
        entry = self.prompts[prompt]
        if entry.plural is None:
            return self.translations.pgettext(prompt, entry.message)
        return self.translations.npgettext(prompt, entry.message, entry.plural, 1 if count is None else count)

    def speech(self, prompt: str, facts: Mapping[str, Piece | Speech]) -> Speech:
        """The prompt with its facts filled in: a fact that is already speech (spelled digits) keeps its pauses.

        The plural goes by the fact `count`, or `hours`. Raises UnknownPrompt, and KeyError for a missing fact.
        """
        counted = facts.get("count", facts.get("hours"))
        words = self.text(prompt, counted if isinstance(counted, int) else None)
        pieces: list[Piece] = []
        for literal, name, _, _ in string.Formatter().parse(words):
            _join(pieces, literal)
            if name is not None:
                fact = facts[name]
                for piece in fact if isinstance(fact, tuple) else (str(fact),):
                    _join(pieces, piece)
        return tuple(pieces)


def parse(po: bytes, locale: str) -> Catalogue:
    """Read a `.po` catalogue. Raises MalformedCatalogue where it is malformed."""
    try:
        catalog: Catalog = read_po(io.BytesIO(po), locale=locale.replace("-", "_"), abort_invalid=True)
        translations = _compiled(catalog)
    except (PoFileError, ValueError, LookupError) as error:  # a LookupError where it names an unknown encoding
        raise MalformedCatalogue(locale, *error.args) from error
    voice = dict(catalog.mime_headers).get("X-Voice") or _header(po, "X-Voice")
    prompts = {
        str(message.context): Prompt(*message.id) if isinstance(message.id, tuple) else Prompt(str(message.id), None)
        for message in catalog
        if message.context
    }
    return Catalogue(locale, voice, prompts, translations)


def _compiled(catalog: Catalog) -> GNUTranslations:
    """The catalogue as gettext looks it up. Raises ValueError where its rule for plurals is none."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def spelled(digits: str) -> Speech:
    """Digits one by one, in threes with a pause between; a last one alone joins the three before it."""
    starts = range(0, max(len(digits) - 1, 1), 3)
    pieces: list[Piece] = []
    for start in starts:
        if pieces:
            pieces.append(INSIDE_PAUSE)
        pieces.append(" ".join(digits[start:] if start == starts[-1] else digits[start : start + 3]))
    return tuple(pieces)


def plain(speech: Speech) -> str:
    """Speech as text to read, pauses left out."""
    return " ".join(piece.strip() for piece in speech if isinstance(piece, str))


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece, words running on into words."""
    if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
        pieces[-1] += piece
    elif piece != "":
        pieces.append(piece)


def _header(po: bytes, name: str) -> str:
    """A header field of our own, which the catalogue reader does not keep."""
    for line in po.decode("utf-8").splitlines():
        if line.startswith(f'"{name}:'):
            return line.partition(":")[2].strip().removesuffix('"').removesuffix("\\n").strip()
    return ""
