"""The file of lines: which numbers this installation answers, read once at the start.

Rule: whatever is wrong stops the start with a sentence that names the file, the line's place in it and the field.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from importlib import resources
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


def read_lines(path: Path, catalogues: dict[str, Catalogue]) -> Lines:
    """Every `[[line]]` of the file. Raises SettingError."""
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


def read_catalogues() -> dict[str, Catalogue]:
    """Every released locale, by its name; the catalogues are files beside the code. Raises SettingError."""
    files = {
        file.name.removesuffix(".po"): file
        for file in resources.files("prompts").iterdir()
        if file.name.endswith(".po")
    }
    try:
        return {locale: parse(file.read_bytes(), locale) for locale, file in sorted(files.items()) if file.is_file()}
    except MalformedCatalogue as error:
        locale, why = error.args[0], error.args[1:]
        raise SettingError(f"The catalogue prompts/{locale}.po cannot be read: {why}.") from error


def read_outage_words() -> dict[str, Catalogue]:
    """The few words of the document for a total outage, by locale. Raises SettingError."""
    folder = resources.files("prompts") / "outage"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".po"))
    try:
        return {
            locale: parse((folder / name).read_bytes(), locale)
            for name in names
            if (locale := name.removesuffix(".po"))
        }
    except MalformedCatalogue as error:
        raise SettingError(f"The catalogue prompts/outage/{error.args[0]}.po cannot be read.") from error


def _line(where: str, table: Any, catalogues: dict[str, Catalogue]) -> Line:
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


def _locales(where: str, given: dict[str, Any], catalogues: dict[str, Catalogue]) -> list[str]:
    """The languages of a line, its own first: `locale`, or the first of `locales`, or American English."""
    own, spoken = given["locale"], given["locales"]
    released = ", ".join(sorted(catalogues))
    if own not in catalogues:
        raise SettingError(f"{where}: locale must be one of {released}.")
    if not all(isinstance(locale, str) and locale in catalogues for locale in spoken) or len({own, *spoken}) > MOST:
        raise SettingError(f"{where}: locales must be a list of at most {MOST} of {released}.")
    return list(dict.fromkeys([own, *spoken]))


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
