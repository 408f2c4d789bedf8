"""The texts of our pages, the desk and the rehearsal telephone, in the language of whoever reads them.

Rule: English stands where it is used and is its own catalogue; every other language is `prompts/<page>/<locale>.po`.
What is filled into a sentence that runs from right to left is set apart, so that a name or an ID in it keeps its order.

>>> with reading(languages("desk")["de"]):
...     gettext("Queue"), gettext("%(who)s has this case.", who="Anna Berg")
('Warteschlange', 'Anna Berg hat diesen Vorgang.')
>>> gettext("Queue")
'Queue'
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from importlib import resources
from typing import Any, TypeVar

from babel import Locale
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from werkzeug.datastructures import LanguageAccept

from ivr.languages import in_a_sentence, right_to_left
from ivr.prompts import compiled

PAGES = ("desk", "phone")
ENGLISH = ("en-US", "en-GB")
"""The locales that need no catalogue. They differ in how a day is written."""
_Code = TypeVar("_Code")


@dataclass(frozen=True, slots=True)
class Language:
    """A locale (BCP 47), its texts, and as JSON those among them that the scripts of the page say."""

    locale: str
    texts: NullTranslations = field(default_factory=NullTranslations, repr=False)
    of_scripts: str = "{}"

    @property
    def babel(self) -> Locale:
        """How this locale writes days and numbers."""
        return _known(self.locale)

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`."""
        return "rtl" if right_to_left(self.locale) else "ltr"

    @property
    def name(self) -> str:
        """What it is called by those who speak it."""
        return str(self.babel.get_display_name())


@cache
def _known(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


_read_in: ContextVar[Language | None] = ContextVar("language", default=None)
_AMERICAN = Language(ENGLISH[0])


def language() -> Language:
    """The language of whoever reads what is made just now."""
    return _read_in.get() or _AMERICAN


def read_in(chosen: Language | None) -> None:
    """From here on this thread of work is for somebody who reads that language; None: for nobody in particular."""
    _read_in.set(chosen)


@contextmanager
def reading(chosen: Language) -> Iterator[None]:
    """For a while, make texts for somebody who reads that language."""
    before = _read_in.set(chosen)
    try:
        yield
    finally:
        _read_in.reset(before)


@cache
def languages(page: str) -> Mapping[str, Language]:
    """Every language a page is released in, by its locale, English first."""
    found = {locale: Language(locale) for locale in ENGLISH}
    files = [each for each in (resources.files("prompts") / page).iterdir() if each.name.endswith(".po")]
    for file in sorted(files, key=lambda each: each.name):
        locale = file.name.removesuffix(".po")
        catalogue = read_po(io.BytesIO(file.read_bytes()), locale=locale.replace("-", "_"), abort_invalid=True)
        said = {
            str(message.id): str(message.string)
            for message in catalogue
            if any(place.endswith(".js") for place, _ in message.locations)
        }
        found[locale] = Language(locale, compiled(catalogue), json.dumps(said, ensure_ascii=False))
    return found


def page_script(name: str) -> bytes:
    """A script that all our pages share."""
    return (resources.files("webhooks") / "pages" / name).read_bytes()


def choose(page: str, wished: str | None, accepted: LanguageAccept) -> Language:
    """The language somebody has chosen, else the one their browser likes best, else English."""
    known = languages(page)
    return known.get(wished or "") or known[accepted.best_match(known, default=ENGLISH[0])]


def gettext(message: str, **facts: Any) -> str:
    """A text, with the facts filled in where it says `%(name)s`."""
    return _filled(language().texts.gettext(message), facts)


def pgettext(context: str, message: str, **facts: Any) -> str:
    """The same, where one English word means two things: `context` says which."""
    return _filled(language().texts.pgettext(context, message), facts)


def ngettext(one: str, more: str, many: int, /, **facts: Any) -> str:
    """A text about so many, in the plural that the language has for them; `%(count)s` is how many."""
    return _filled(language().texts.ngettext(one, more, many), {"count": many, **facts})


def joined(texts: Iterable[object]) -> str:
    """Several on one line, as the language separates them."""
    return gettext(", ").join(map(str, texts))


def later(message: str) -> str:
    """Mark a text that is looked up when it is known who reads it."""
    return message


class Words(Mapping[_Code, str]):
    """Texts by code, each in the language of whoever reads it.

    >>> words = Words({"queue": later("Queue")})
    >>> with reading(languages("desk")["de"]):
    ...     words["queue"], words.get("nothing")
    ('Warteschlange', None)
    """

    def __init__(self, english: Mapping[_Code, str]) -> None:
        self._english = english

    def __getitem__(self, code: _Code) -> str:
        """The text of a code. Raises KeyError."""
        return gettext(self._english[code])

    def __iter__(self) -> Iterator[_Code]:
        """The codes, as they were given."""
        return iter(self._english)

    def of(self, code: _Code, **facts: Any) -> str:
        """The text with facts filled in."""
        return gettext(self._english[code], **facts)

    def english(self, code: _Code) -> str:
        """The text as it stands here, for what is written down once for everybody."""
        return self._english[code]

    def __len__(self) -> int:
        """How many codes there are."""
        return len(self._english)


def number(value: int) -> str:
    """A count as the language writes it.

    >>> number(7000)
    '7,000'
    """
    return str(format_decimal(value, locale=language().babel)) if abs(value) > 999 else str(value)


def apart(value: str) -> str:
    """A name, an ID or a number set apart from a sentence that runs from right to left."""
    return in_a_sentence(language().locale, value)


def fact(value: Any) -> str:
    """What is filled in: a count as the language writes it, anything else as it is, set apart where it has to be."""
    return number(value) if isinstance(value, int) and not isinstance(value, bool) else apart(str(value))


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    return text % {name: fact(value) for name, value in facts.items()}
