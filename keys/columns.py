"""Many rows as columns: a whole list for each column, so that a statement is as long for one row as for thousands.

The rule it keeps: the rows go in in the order given. PostgreSQL takes a list a column; a text with a mark for each of
ten thousand values costs more to read than to carry out. SQLite takes no lists, and needs none: it is in this process.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY


def unnested(table: Table, names: Sequence[str]) -> Select[Any]:
    """The rows of these columns of a table, from one parameter a column: a list, named as the column is."""
    return select(*(func.unnest(bindparam(name, type_=ARRAY(table.c[name].type))).label(name) for name in names))


def as_columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """The rows as lists, one a column.

    >>> as_columns([{"a": 1, "b": 2}, {"a": 3, "b": 4}], ("a", "b"))
    {'a': [1, 3], 'b': [2, 4]}
    """
    return {name: [row[name] for row in rows] for name in names}
