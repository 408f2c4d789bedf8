"""Reading the fields of what came over the network or stands in a signed statement.

The rule it keeps: a field is of its type and within its bounds, or the whole is malformed; nothing is converted.

>>> number({"count": 5}, "count")
5
>>> number({"count": True}, "count")
Traceback (most recent call last):
    ...
keys.signed.InvalidStatement: malformed
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from keys.signed import InvalidStatement, StatementFault

LONGEST_WORDS: Final = 200
MOST: Final = 1 << 28
_HEX = re.compile(r"[0-9a-f]{32}")

Facts = Mapping[str, object]


def number(facts: Facts, name: str, most: int = MOST) -> int:
    """A whole number from 0 to `most`. Raises InvalidStatement."""
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise InvalidStatement(StatementFault.MALFORMED)
    return value


def words(facts: Facts, name: str, longest: int = LONGEST_WORDS) -> str:
    """A text of printable signs, not empty. Raises InvalidStatement."""
    value = facts.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise InvalidStatement(StatementFault.MALFORMED)
    return value


def token(facts: Facts, name: str) -> str:
    """128 bits in lower-case hexadecimal. Raises InvalidStatement."""
    value = words(facts, name)
    if not _HEX.fullmatch(value):
        raise InvalidStatement(StatementFault.MALFORMED)
    return value


def day(facts: Facts, name: str) -> date | None:
    """A day as YYYY-MM-DD, or None. Raises InvalidStatement."""
    value = facts.get(name)
    if value is None:
        return None
    try:
        found = date.fromisoformat(words(facts, name))
    except ValueError as error:
        raise InvalidStatement(StatementFault.MALFORMED) from error
    if found.isoformat() != value:
        raise InvalidStatement(StatementFault.MALFORMED)
    return found


def numbers(facts: Facts, name: str, lengths: tuple[int, ...], most: int) -> tuple[int, ...]:
    """A list of whole numbers from 0 to `most`, of one of these lengths. Raises InvalidStatement."""
    value = facts.get(name)
    if not isinstance(value, list) or len(value) not in lengths:
        raise InvalidStatement(StatementFault.MALFORMED)
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= most for one in value):
        raise InvalidStatement(StatementFault.MALFORMED)
    return tuple(value)
