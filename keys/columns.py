"""Many rows, and many to look for, in one parameter: a statement is as long for one as it is for thousands.

The rule it keeps: the rows go in in the order given. PostgreSQL takes them as one JSON document, and what to look for
as one list; a mark in the text for each of ten thousand values costs more to read than to carry out, and the driver
takes many times as long to write a list for each column. SQLite needs neither: it is in this process.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
)

Among = Callable[[Column[Any], str], ColumnElement[bool]]
"""Says of a column that it is one of those in the parameter of this name, a list."""
Said = TypeVar("Said")


def each_bound(table: Table, prefix: str) -> dict[str, Any]:
    """A parameter for every column of a table but its id, named after the column with a prefix before it."""
    columns = [column for column in table.c if column.name != "id"]
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in columns}


def given_rows(table: Table, names: Sequence[str]) -> Select[Any]:
    """The rows of these columns of a table, from the one parameter that `as_document` makes."""
    columns = [column(name, table.c[name].type) for name in names]
    document = cast(bindparam("document", type_=Text), JSON)
    return select(func.json_to_recordset(document).table_valued(*columns, name="given").render_derived(with_types=True))


def as_document(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    r"""The rows as one JSON document, as PostgreSQL reads its types. Raises ValueError for a moment without a zone.

    >>> print(as_document([{"a": 1, "b": b"\xff"}, {"a": None, "b": b""}])["document"])
    [{"a":1,"b":"\\xff"},{"a":null,"b":"\\x"}]
    """
    plain = [{name: _plain(fact) for name, fact in row.items()} for row in rows]
    return {"document": msgspec.json.encode(plain).decode()}


def _plain(fact: Any) -> Any:
    if isinstance(fact, bytes):
        return "\\x" + fact.hex()
    if isinstance(fact, datetime) and fact.tzinfo is None:
        raise ValueError(fact)
    return fact


def for_each_dialect(write: Callable[[Among], Said]) -> dict[str, Said]:
    """A statement that looks for many at once, as SQLite and as PostgreSQL is told of a list, by the dialect's name."""
    return {
        "sqlite": write(lambda column, name: column.in_(bindparam(name, expanding=True, type_=column.type))),
        "postgresql": write(lambda column, name: column == any_(bindparam(name, type_=ARRAY(column.type)))),
    }
