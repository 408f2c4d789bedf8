"""Which of the languages that a line speaks a caller is greeted in: the one kept, the country's, or the line's own.

Rule: only what the line speaks. What a country speaks is not written here: it comes from the Unicode locale data, in
its order, and so does which English or Spanish is nearer.

>>> greeting(("en-US", "de", "en-GB"), None, "AT"), greeting(("en-US", "de", "en-GB"), None, "AU")
('de', 'en-GB')
>>> greeting(("en-US", "de"), kept="de", country="US"), greeting(("en-US", "de"), kept="fr", country=None)
('de', 'en-US')
"""

from __future__ import annotations

import functools

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_official_languages

MOST = 10
"""Languages of one line, at most: one is being spoken, and the others have a key each in the menu."""


def greeting(spoken: tuple[str, ...], kept: str | None, country: str | None) -> str:
    """The locale (BCP 47) of `spoken`, whose first is the line's own; `country` is the caller's (ISO 3166)."""
    if kept in spoken:
        return str(kept)
    return (by_country(spoken, country) if country is not None and len(spoken) > 1 else None) or spoken[0]


@functools.cache
def by_country(spoken: tuple[str, ...], country: str) -> str | None:
    """The locale of `spoken` that a country's first such official language is nearest to; None where it has none."""
    for language in get_official_languages(country, de_facto=True):
        wanted = _parts(f"{language}_{country}")
        if wanted is None:
            continue
        near = [locale for locale in spoken if _same_language(wanted, _parts(locale.replace("-", "_")))]
        if near:
            return min(near, key=lambda locale: _distance(wanted, locale))
    return None


@functools.cache
def right_to_left(locale: str) -> bool:
    """Whether the language is written from right to left."""
    return bool(Locale.parse(locale, sep="-").text_direction == "rtl")


def in_a_sentence(locale: str, fact: str) -> str:
    """A name, an ID or a number, set apart from a sentence that runs from right to left.

    Between Unicode's isolates it finds its own direction, and changes none around it: a list keeps its order.
    """
    return f"\u2068{fact}\u2069" if right_to_left(locale) else fact


def _same_language(wanted: Locale, other: Locale | None) -> bool:
    return other is not None and (other.language, other.script) == (wanted.language, wanted.script)


def _distance(wanted: Locale, locale: str) -> int:
    """0 for the country's own kind of a language, 1 for one of the same family, 2 for another."""
    other = locale.replace("-", "_")
    exact = f"{wanted.language}_{wanted.territory}"
    if other in {exact, wanted.language}:
        return 0
    families = get_global("parent_exceptions")
    return 1 if families.get(other) == families.get(exact) else 2


def _parts(name: str) -> Locale | None:
    """A locale, with its script where the language has more than one; None for what has no data."""
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return None
