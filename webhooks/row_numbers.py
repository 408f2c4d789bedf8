"""Numbers that name a row, in a path, a query or a form: those that a database can hold.

Rule: a number that no row can have names nothing, and never reaches a statement.

>>> row_number("17")
17
>>> row_number("9223372036854775808")
Traceback (most recent call last):
    ...
ValueError: 9223372036854775808
"""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter

LARGEST = 2**63 - 1


def row_number(text: str) -> int:
    """The number in a field: `request.form.get("handoff", type=row_number)`. Raises ValueError."""
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError(number)
    return number


class RowNumber(IntegerConverter):
    """Takes the place of a path's whole numbers: `app.url_map.converters["int"] = RowNumber`."""

    def __init__(self, *given: Any, **more: Any) -> None:
        """See IntegerConverter."""
        super().__init__(*given, **{"max": LARGEST, **more})
