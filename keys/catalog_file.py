r"""Reading a catalogue from TOML.

The rule it keeps: a file is taken whole or not at all, and everything wrong with it is told at once, each by line and
field. A file holds tables of three kinds:

    [[organisation]]
    name = "Nordstern Shipping"

    [[agreement]]
    number = "NS-2026-01"
    organisation = "Nordstern Shipping"
    programme = "volume"            # a word of the publisher's own
    starts = 2026-01-01
    ends = 2028-12-31               # left out: no end
    status = "active"               # or "suspended", "ended"; left out: active

    [[product]]
    number = 1
    name = "Fairway"
    format = "standard"             # or "compact", "classic"
    blocks = 8                      # of a confirmation ID, 8 or 5; left out: as the format has it
    term_months = 0                 # how long an activation is good for; left out or 0: for ever
    status = "active"               # or "retired"; left out: active
    dockable = false                # left out: false
    channels = ["phone", "text"]    # left out: every channel

>>> read('[[product]]\nnumber = 1\nname = "Fairway"\nformat = "standard"\n').products[0].blocks
8
>>> try:
...     read('[[product]]\nnumber = 1024\nname = "Sounder"\nformat = "compact"\n')
... except CatalogueFileError as error:
...     error.problems
(Problem(line=2, field='number', fault=<Fault.OUT_OF_RANGE: 'out_of_range'>, allowed='1 to 1023'),)
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from keys.catalog import CHANNELS, Agreement, AgreementStatus, Catalogue, Organisation, Product, ProductStatus
from keys.errors import BadInput
from keys.formats import BLOCK_COUNTS, FORMATS, Format

MOST_TERM_MONTHS = 600
_FORMAT_BY_NAME = {fmt.name: fmt for fmt in FORMATS.values()}


class Fault(StrEnum):
    """What is wrong at one place of the file."""

    SYNTAX = "syntax"  #: no TOML from here on
    UNKNOWN_TABLE = "unknown_table"
    UNKNOWN_FIELD = "unknown_field"
    MISSING = "missing"  #: the table has no such field and needs it
    WRONG_TYPE = "wrong_type"
    NOT_ONE_OF = "not_one_of"  #: another word than `allowed`
    OUT_OF_RANGE = "out_of_range"
    DUPLICATE = "duplicate"  #: another table has this name or number already
    UNKNOWN_ORGANISATION = "unknown_organisation"  #: no organisation of this name in the file
    ENDS_BEFORE_START = "ends_before_start"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the line (from 1), the field if it is one, and what would be allowed, where short."""

    line: int
    field: str | None
    fault: Fault
    allowed: str | None = None


class CatalogueFileError(BadInput):
    """The file is no catalogue; `problems` in the order of their lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems


class _Place:
    """One table of the file while it is read: hands out its fields and notes what is wrong with them."""

    def __init__(self, facts: dict[str, Any], line: int, lines: dict[str, int], problems: list[Problem]) -> None:
        self._facts = facts
        self._line = line
        self._lines = lines
        self._problems = problems

    def wrong(self, field: str, fault: Fault, allowed: str | None = None) -> None:
        self._problems.append(Problem(self._lines.get(field, self._line), field, fault, allowed))

    def known(self, *fields: str) -> None:
        for field in self._facts:
            if field not in fields:
                self.wrong(field, Fault.UNKNOWN_FIELD, ", ".join(fields))

    def take(self, field: str, kind: type, default: Any, *, required: bool = False) -> Any:
        """The field's value, or the default where it is absent or wrong (which is noted)."""
        if field not in self._facts:
            if required:
                self.wrong(field, Fault.MISSING)
            return default
        value = self._facts[field]
        # TOML keeps truth apart from numbers and moments apart from days; Python does not.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int) or isinstance(value, datetime):
            self.wrong(field, Fault.WRONG_TYPE, _TYPE_WORDS[kind])
            return default
        return value

    def text(self, field: str, default: str | None = None) -> str:
        found: str = self.take(field, str, default or "", required=default is None)
        if field in self._facts and isinstance(self._facts[field], str) and not found.strip():
            self.wrong(field, Fault.MISSING)
        return found.strip()

    def number(self, field: str, low: int, high: int, default: int | None = None) -> int:
        found: int = self.take(field, int, low if default is None else default, required=default is None)
        if field in self._facts and not low <= found <= high:
            self.wrong(field, Fault.OUT_OF_RANGE, f"{low} to {high}")
        return found

    def word(self, field: str, words: tuple[str, ...], default: str | None = None) -> str:
        found = self.text(field, default)
        if found in words:
            return found
        if found:
            self.wrong(field, Fault.NOT_ONE_OF, ", ".join(words))
        return default or words[0]


_TYPE_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    date: "a day, such as 2026-01-31",
    list: "a list",
}


def read(text: str) -> Catalogue:
    """The catalogue that a TOML text states. Raises CatalogueFileError with everything that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        last = text.count("\n") + 1
        raise CatalogueFileError((Problem(int(found[1]) if found else last, None, Fault.SYNTAX),)) from error
    problems: list[Problem] = []
    where = _lines(text)
    for name in tables:
        if name not in ("organisation", "agreement", "product"):
            line = where.get((name, 0), {}).get("", _line_of(text, name))
            problems.append(Problem(line, name, Fault.UNKNOWN_TABLE, "organisation, agreement, product"))
    read_by: dict[str, Callable[[_Place], Any]] = {
        "organisation": _organisation,
        "agreement": _agreement,
        "product": _product,
    }
    items: dict[str, list[tuple[Any, _Place]]] = {}
    for name, reader in read_by.items():
        listed = tables.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(facts, dict) for facts in listed):
            problems.append(Problem(_line_of(text, name), name, Fault.WRONG_TYPE, f"[[{name}]]"))
            listed = []
        items[name] = []
        for index, facts in enumerate(listed):
            lines = where.get((name, index), {})
            place = _Place(facts, lines.get("", _line_of(text, name)), lines, problems)
            items[name].append((reader(place), place))
    _cross_check(items)
    if problems:
        raise CatalogueFileError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return Catalogue(*(tuple(item for item, _ in items[name]) for name in read_by))


def _organisation(place: _Place) -> Organisation:
    place.known("name")
    return Organisation(place.text("name"))


def _agreement(place: _Place) -> Agreement:
    place.known("number", "organisation", "programme", "starts", "ends", "status")
    starts = place.take("starts", date, date.min, required=True)
    ends = place.take("ends", date, None)
    if ends is not None and ends < starts:
        place.wrong("ends", Fault.ENDS_BEFORE_START)
    status = AgreementStatus(place.word("status", tuple(AgreementStatus), "active"))
    return Agreement(place.text("number"), place.text("organisation"), place.text("programme"), starts, ends, status)


def _product(place: _Place) -> Product:
    place.known("number", "name", "format", "blocks", "term_months", "status", "dockable", "channels")
    fmt: Format = _FORMAT_BY_NAME[place.word("format", tuple(_FORMAT_BY_NAME))]
    blocks = place.take("blocks", int, fmt.blocks)
    if blocks not in BLOCK_COUNTS:
        place.wrong("blocks", Fault.NOT_ONE_OF, " or ".join(map(str, BLOCK_COUNTS)))
    channels = place.take("channels", list, [])
    if any(channel not in CHANNELS for channel in channels):
        place.wrong("channels", Fault.NOT_ONE_OF, ", ".join(CHANNELS))
    return Product(
        # The number has to fit the format's field: 10 bits in a compact IID.
        place.number("number", 1, (1 << fmt.product_bits) - 1),
        place.text("name"),
        fmt.number,
        blocks,
        place.number("term_months", 0, MOST_TERM_MONTHS, 0),
        ProductStatus(place.word("status", tuple(ProductStatus), "active")),
        place.take("dockable", bool, False),
        tuple(name for name in CHANNELS if name in channels),
    )


def _cross_check(items: dict[str, list[tuple[Any, _Place]]]) -> None:
    for name, field in (("organisation", "name"), ("agreement", "number"), ("product", "number"), ("product", "name")):
        seen = set()
        for item, place in items[name]:
            value = getattr(item, field)
            if value in seen:
                place.wrong(field, Fault.DUPLICATE)
            seen.add(value)
    named = {item.name for item, _ in items["organisation"]}
    for item, place in items["agreement"]:
        if item.organisation and item.organisation not in named:
            place.wrong("organisation", Fault.UNKNOWN_ORGANISATION)


def _lines(text: str) -> dict[tuple[str, int], dict[str, int]]:
    """For the nth table of a name: the line of each of its fields, and under "" that of its header.

    A small scan for the usual layout, one field a line: the TOML reader of the standard library keeps no lines.
    """
    found: dict[tuple[str, int], dict[str, int]] = {}
    counts: dict[str, int] = {}
    here: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[{1,2}\s*\"?([\w-]+)\"?\s*\]{1,2}", line)
        if header:
            name = header[1]
            here = found[name, counts.get(name, 0)] = {"": number}
            counts[name] = counts.get(name, 0) + 1
            continue
        field = re.match(r"\s*\"?([\w-]+)\"?\s*=", line)
        if field:
            here.setdefault(field[1], number)
    return found


def _line_of(text: str, name: str) -> int:
    """The first line that begins with a name, for what is not laid out as usual."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith(name):
            return number
    return 1
