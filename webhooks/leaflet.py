"""The leaflet: one printed page with which somebody activates a product by telephone or text. What stands on it.

Rule: it says what this product and these lines really do: its own count of groups and blocks, the numbers that take
calls, those that take texts, and no way that the product does not allow. Its words are a catalogue of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources

import phonenumbers

from ivr.languages import right_to_left
from ivr.lines import Line
from ivr.prompts import Catalogue, MalformedCatalogue, parse
from keys.confirmation_id import LETTERS
from keys.formats import FORMATS
from keys.products import Product
from webhooks.setting_values import SettingError

WRITTEN_WITHOUT_SPACES = frozenset({"ja", "zh"})
LETTER_COUNTRIES = frozenset({"US", "CA", "MX", "PH", "CL", "CO", "VE", "CR", "GT", "PA", "DO"})
"""Where paper is Letter; it is A4 elsewhere."""


class Paper(StrEnum):
    """The sheet it is printed on."""

    A4 = "a4"
    LETTER = "letter"


class NoWayError(ValueError):
    """The product is activated neither by telephone nor by text, or none of the lines does it."""


@dataclass(frozen=True, slots=True)
class Way:
    """A number as it is printed, what a phone's camera makes of its code, and whether that is a text."""

    number: str
    link: str
    by_text: bool


@dataclass(frozen=True, slots=True)
class Leaflet:
    """Everything on the page, in reading order: `groups` and `blocks` are the labels of the boxes to fill in.

    `filled` are the groups of an installation ID where it is known: then the page is a machine's own.
    """

    locale: str
    paper: Paper
    title: str
    ways: tuple[Way, ...]
    steps: tuple[str, ...]
    groups: tuple[str, ...]
    blocks: tuple[str, ...]
    words: dict[str, str]
    filled: tuple[str, ...] = ()

    @property
    def from_the_right(self) -> bool:
        """Whether the locale is written from right to left. Numbers and boxes are not."""
        return right_to_left(self.locale)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written, for whoever has to know which signs a font needs."""
        return (self.title, *self.steps, *self.words.values(), *(way.number for way in self.ways))


def locales() -> tuple[str, ...]:
    """Every locale there is a leaflet in."""
    folder = resources.files("prompts") / "leaflet"
    return tuple(sorted(file.name.removesuffix(".po") for file in folder.iterdir() if file.name.endswith(".po")))


def words(locale: str) -> Catalogue:
    """The words of a locale, which is one of `locales`. Raises SettingError where its catalogue is damaged."""
    try:
        return parse((resources.files("prompts") / "leaflet" / f"{locale}.po").read_bytes(), locale)
    except MalformedCatalogue as error:
        raise SettingError(f"The catalogue prompts/leaflet/{locale}.po cannot be read: {error.args[-1]}.") from error


def paper_of(country: str) -> Paper:
    """The paper that a country prints on."""
    return Paper.LETTER if country in LETTER_COUNTRIES else Paper.A4


def compose(product: Product, lines: Sequence[Line], catalogue: Catalogue, paper: Paper) -> Leaflet:
    """The leaflet of a product for these lines. Raises NoWayError."""
    allowed = product.channels or ("phone", "text")
    calls = [_way(line.number, f"tel:{line.number}") for line in lines if "phone" in allowed]
    texts = [
        _way(number, f"SMSTO:{number}:", by_text=True)
        for line in lines
        if "text" in allowed and (number := texted(line)) is not None
    ]
    if not calls and not texts:
        raise NoWayError(product.name)
    return _composed(product.name, product.format, product.blocks, (*calls, *texts), catalogue, paper)


def of_machine(name: str, groups: Sequence[str], blocks: int, ways: Sequence[Way], catalogue: Catalogue) -> Leaflet:
    """What a machine shows for its owner: the same page with its own installation ID on it and in its codes."""
    return replace(_composed(name, int(groups[0][0]), blocks, tuple(ways), catalogue, Paper.A4), filled=tuple(groups))


def texted(line: Line) -> str | None:
    """The number that is texted to reach a line: its sender, or the line's own number where that is a service."""
    if line.text_sender is None:
        return None
    return line.text_sender if line.text_sender.startswith("+") else line.number


def _composed(
    name: str, number: int, blocks: int, ways: tuple[Way, ...], catalogue: Catalogue, paper: Paper
) -> Leaflet:
    calls, texts = any(not way.by_text for way in ways), any(way.by_text for way in ways)
    groups = FORMATS[number].groups

    def say(entry: str, count: int = 0) -> str:
        return catalogue.text(entry, count).format(product=name, count=count)

    entry_of_text = "step.text" if calls else "step.text_only"
    steps = [say("step.screen", groups)]
    steps += [say("step.call")] if calls else []
    steps += [say(entry_of_text)] if texts else []
    steps += [say("step.write" if calls else "step.write_text", blocks), say("step.key")]
    plain = ("offline", "call", "text", "scan_call", "scan_text", "installation_id", "confirmation_id", "codes", "keep")
    return Leaflet(
        locale=catalogue.locale,
        paper=paper,
        title=say("title.both" if calls and texts else "title.call" if calls else "title.text"),
        ways=ways,
        steps=tuple(steps),
        groups=tuple(str(place) for place in range(1, groups + 1)),
        blocks=tuple(LETTERS[:blocks]),
        words={entry: say(entry) for entry in (*plain, "machine", "date", "case_number")},
    )


def _way(number: str, link: str, *, by_text: bool = False) -> Way:
    return Way(printed(number), link, by_text)


def printed(number: str) -> str:
    """An E.164 number as people write it, with the code of its country.

    >>> printed("+493012345")
    '+49 30 12345'
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
