"""The tables of a catalogue file while they are read: each hands out its fields and notes what is wrong with them.

The rule it keeps: reading goes on after a fault, so that everything wrong with a file is told at once, and every fault
knows its line and its field.

>>> problems = []
>>> place = Place({"number": 0, "name": 7}, 3, {"number": 4, "name": 5}, problems)
>>> place.number("number", 1, 9), place.text("name")
(0, '')
>>> [(problem.line, problem.field, problem.fault.value) for problem in problems]
[(4, 'number', 'out_of_range'), (5, 'name', 'wrong_type')]
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from keys.errors import BadInput


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
    UNKNOWN_PRODUCT = "unknown_product"  #: no product of this number in the file
    ENDS_BEFORE_START = "ends_before_start"
    NOT_IN_FORMAT = "not_in_format"  #: the product's format has no room for it
    WITHOUT_ESCROW = "without_escrow"  #: nothing is handed over ahead where nothing is handed over
    OTHER_LICENSING = "other_licensing"  #: a suite and its members are of one licensing class
    SUITE_IN_SUITE = "suite_in_suite"  #: a suite's members are no suites, least of all itself


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


_TYPE_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    date: "a day, such as 2026-01-31",
    list: "a list",
}


class Place:
    """One table of the file while it is read: hands out its fields and notes what is wrong with them."""

    def __init__(self, facts: dict[str, Any], line: int, lines: dict[str, int], problems: list[Problem]) -> None:
        self._facts = facts
        self._line = line
        self._lines = lines
        self._problems = problems

    def wrong(self, field: str, fault: Fault, allowed: str | None = None) -> None:
        """Note what is wrong with a field."""
        self._problems.append(Problem(self._lines.get(field, self._line), field, fault, allowed))

    def known(self, *fields: str) -> None:
        """Note every field that is none of these."""
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

    def has(self, field: str) -> bool:
        """Whether the table says anything of this field."""
        return field in self._facts

    def text(self, field: str, default: str | None = None) -> str:
        """The field's text, spaces cut off around it; a field without a default is required, and never empty."""
        found: str = self.take(field, str, default or "", required=default is None)
        if field in self._facts and isinstance(self._facts[field], str) and not found.strip():
            self.wrong(field, Fault.MISSING)
        return found.strip()

    def number(self, field: str, low: int, high: int, default: int | None = None) -> int:
        """The field's whole number, from `low` to `high`; required where there is no default."""
        found: int = self.take(field, int, low if default is None else default, required=default is None)
        if field in self._facts and not low <= found <= high:
            self.wrong(field, Fault.OUT_OF_RANGE, f"{low} to {high}")
        return found

    def word(self, field: str, words: tuple[str, ...], default: str | None = None) -> str:
        """The field's word, one of `words`; required where there is no default."""
        found = self.text(field, default)
        if found in words:
            return found
        if found:
            self.wrong(field, Fault.NOT_ONE_OF, ", ".join(words))
        return default or words[0]

    def words(self, field: str, allowed: tuple[str, ...], default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Several of the allowed words, once each and in their order."""
        found = self.take(field, list, list(default))
        if any(word not in allowed for word in found):
            self.wrong(field, Fault.NOT_ONE_OF, ", ".join(allowed))
        return tuple(word for word in allowed if word in found)

    def numbers(self, field: str) -> tuple[int, ...]:
        """A list of whole numbers, at least one, in their order."""
        found = self.take(field, list, [], required=True)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in found):
            self.wrong(field, Fault.WRONG_TYPE, "a list of whole numbers")
            return ()
        if field in self._facts and not found:
            self.wrong(field, Fault.MISSING)
        if len(set(found)) < len(found):
            self.wrong(field, Fault.DUPLICATE)
        return tuple(sorted(set(found)))


def lines_of(text: str) -> dict[tuple[str, int], dict[str, int]]:
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


def line_of(text: str, name: str) -> int:
    """The first line that begins with a name, for what is not laid out as usual."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith(name):
            return number
    return 1
