"""The file of lines: which numbers this installation answers, read once at the start, and the words they answer with.

Rule: whatever is wrong stops the start with a sentence that names the file, the line's place in it and the field; a
catalogue of no line's is read only if it is asked for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from ivr.hours import DeskHours, MalformedHours, read_hours
from ivr.languages import MOST
from ivr.lines import Line, Lines
from ivr.prompts import Catalogue, MalformedCatalogue, parse
from webhooks.setting_values import address
from webhooks.settings import SettingError

LONGEST_NAME = 100
OWN_LOCALE = "en-US"
MOST_POINTS = 1000
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_FIELDS = {
    "number": str,
    "name": str,
    "country": str,
    "locale": str,
    "locales": list,
    "call_back_hours": int,
    "text_sender": str,
    "text_countries": list,
    "desk_hours": str,
    "time_zone": str,
    "days_off": list,
    "held_at": int,
    "blocked_at": int,
    "outage_url": str,
    "speech": bool,
}
_KINDS = {str: "text", int: "a whole number", list: "a list", bool: "true or false"}
_DEFAULTS: dict[str, Any] = {"locale": OWN_LOCALE, "locales": [], "call_back_hours": 24, "text_sender": "",
                             "text_countries": [], "desk_hours": "", "time_zone": "UTC", "days_off": [], "held_at": 0,
                             "blocked_at": 0, "outage_url": "", "speech": False}  # fmt: skip


class Catalogues(Mapping[str, Catalogue]):
    """Every released locale's catalogue, by its name; each is read when it is first asked for, and kept.

    A line speaks one or two of ten, and each that is read costs its start and its memory. Raises SettingError where one
    cannot be read.
    """

    def __init__(self, files: Mapping[str, Traversable]) -> None:
        self._files = files
        self._read: dict[str, Catalogue] = {}

    def __getitem__(self, locale: str) -> Catalogue:
        """The catalogue of a locale; KeyError where that is not released."""
        found = self._read.get(locale)
        if found is None:
            found = self._read[locale] = _parsed(self._files[locale], locale, "prompts")
        return found

    def __contains__(self, locale: object) -> bool:
        """Whether the locale is released; nothing is read for that."""
        return locale in self._files

    def __iter__(self) -> Iterator[str]:
        """The locales, in alphabetical order."""
        return iter(self._files)

    def __len__(self) -> int:
        """How many locales are released."""
        return len(self._files)


def read_lines(path: Path, catalogues: Mapping[str, Catalogue]) -> Lines:
    """Every `[[line]]` of the file, whose catalogues are read with it. Raises SettingError."""
    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("line", [])
    except OSError as error:
        raise SettingError(
            f"The file of lines {path} cannot be read ({error.strerror}); see `touchtone init`."
        ) from error
    except ValueError as error:
        raise SettingError(f"The file of lines {path} is no valid TOML: {error}.") from error
    if not isinstance(tables, list) or not tables:
        raise SettingError(f"The file of lines {path} has no [[line]].")
    lines = tuple(_line(f"{path}, line {place}", table, catalogues) for place, table in enumerate(tables, 1))
    numbers = [line.number for line in lines]
    if len(set(numbers)) < len(numbers):
        raise SettingError(f"{path}: two lines have the same number.")
    return Lines(lines)


def read_catalogues() -> Catalogues:
    """Every released locale; the catalogues are files beside the code."""
    return Catalogues(_files(resources.files("prompts")))


def read_outage_words() -> dict[str, Catalogue]:
    """The few words of the document for a total outage, by locale. Raises SettingError."""
    files = _files(resources.files("prompts") / "outage")
    return {locale: _parsed(file, locale, "prompts/outage") for locale, file in files.items()}


def _files(folder: Traversable) -> dict[str, Traversable]:
    """The catalogues of a folder by locale, in alphabetical order."""
    found = {file.name.removesuffix(".po"): file for file in folder.iterdir() if file.name.endswith(".po")}
    return dict(sorted(found.items()))


def _parsed(file: Traversable, locale: str, folder: str) -> Catalogue:
    try:
        return parse(file.read_bytes(), locale)
    except MalformedCatalogue as error:
        raise SettingError(f"The catalogue {folder}/{locale}.po cannot be read: {error.args[-1]}.") from error


def _line(where: str, table: Any, catalogues: Mapping[str, Catalogue]) -> Line:
    if not isinstance(table, dict):
        raise SettingError(f"{where}: expected a table.")
    unknown = sorted(set(table) - set(_FIELDS))
    if unknown:
        raise SettingError(f"{where}: unknown field {unknown[0]}.")
    given = {**_DEFAULTS, **table}
    if "locale" not in table and isinstance(given["locales"], list) and given["locales"]:
        given["locale"] = given["locales"][0]
    for name, kind in _FIELDS.items():
        if not isinstance(given.get(name), kind) or isinstance(given.get(name), bool) != (kind is bool):
            raise SettingError(f"{where}: {name} is missing or is not {_KINDS[kind]}.")
    if given["country"] not in phonenumbers.SUPPORTED_REGIONS:
        raise SettingError(f"{where}: country must be two capital letters, such as US.")
    locale, *others = _locales(where, given, catalogues)
    if not 1 <= given["call_back_hours"] <= 168:
        raise SettingError(f"{where}: call_back_hours must be from 1 to 168.")
    if not _E164.fullmatch(given["number"]):
        raise SettingError(f"{where}: number must be + and 5 to 15 digits, with the country's code.")
    if not given["name"].strip() or not given["name"].isprintable() or len(given["name"]) > LONGEST_NAME:
        # It is spoken in every first prompt: a sign that XML does not allow would break every call.
        raise SettingError(f"{where}: name must be 1 to {LONGEST_NAME} signs that can be spoken.")
    sender, countries = given["text_sender"], given["text_countries"]
    if sender and not _E164.fullmatch(sender) and not _SERVICE.fullmatch(sender):
        raise SettingError(f"{where}: text_sender must be a number as above, or a Messaging Service (MG...).")
    if not all(country in phonenumbers.SUPPORTED_REGIONS for country in countries):
        raise SettingError(f'{where}: text_countries must be a list of two capital letters each, such as ["US"].')
    return Line(
        number=given["number"],
        name=given["name"],
        country=given["country"],
        locale=locale,
        other_locales=tuple(others),
        call_back_hours=given["call_back_hours"],
        text_sender=sender or None,
        text_countries=tuple(countries),
        desk=_desk(where, given),
        held_at=_points(where, given, "held_at"),
        blocked_at=_points(where, given, "blocked_at"),
        outage_url=address(f"{where}: outage_url", given["outage_url"]) if given["outage_url"] else None,
        speech=given["speech"],
    )


def _locales(where: str, given: dict[str, Any], catalogues: Mapping[str, Catalogue]) -> list[str]:
    """The languages of a line, its own first: `locale`, or the first of `locales`, or American English."""
    own, spoken = given["locale"], given["locales"]
    released = ", ".join(sorted(catalogues))
    if own not in catalogues:
        raise SettingError(f"{where}: locale must be one of {released}.")
    if not all(isinstance(locale, str) and locale in catalogues for locale in spoken) or len({own, *spoken}) > MOST:
        raise SettingError(f"{where}: locales must be a list of at most {MOST} of {released}.")
    locales = list(dict.fromkeys([own, *spoken]))
    for locale in locales:
        catalogues[locale]  # read now, so that one that cannot be read stops the start
    return locales


def _points(where: str, given: dict[str, Any], name: str) -> int | None:
    """From how many points of signs on something follows; None where nothing does."""
    if not 0 <= given[name] <= MOST_POINTS:
        raise SettingError(f"{where}: {name} must be from 1 to {MOST_POINTS} points, or 0 for never.")
    return given[name] or None


def _desk(where: str, given: dict[str, Any]) -> DeskHours | None:
    """When the line's operators are there; None where no hours are given."""
    try:
        zone = ZoneInfo(given["time_zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingError(f"{where}: time_zone must be a name such as Europe/Berlin.") from error
    if not all(type(day) is date for day in given["days_off"]):
        raise SettingError(f"{where}: days_off must be a list of dates, such as [2026-12-25].")
    if not given["desk_hours"]:
        return None
    try:
        return DeskHours(zone, read_hours(given["desk_hours"]), frozenset(given["days_off"]))
    except MalformedHours as error:
        part = error.args[0]
        raise SettingError(f"{where}: desk_hours cannot be read at {part!r}; write mon-fri 09:00-17:00.") from error
