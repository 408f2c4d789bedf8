"""What the database says of how it will find things: the tables that a statement walks through from end to end.

Rule: a table is named only where it is large; a walk through a handful of rows is how they are found best.

>>> walked_on_sqlite("SCAN calls"), walked_on_sqlite("SCAN c USING INDEX ix_calls_caller")
('calls', 'c')
>>> walked_on_sqlite("SEARCH calls USING INDEX ix_calls_caller (caller=?)") is None
True
>>> walked_on_postgresql("  ->  Seq Scan on outbox earlier  (cost=0.00..9.12 rows=3 width=8)")
'outbox'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from keys.database import Database, metadata

LARGE = 300
"""Rows from which on a walk through a whole table is worth a word."""
_LONGEST = 240
_SQLITE = re.compile(r"^SCAN (\w+)")
_POSTGRESQL = re.compile(r"Seq Scan on (\w+)")


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through a whole table: the line of the plan that says so, and the statement."""

    table: str
    explained: str
    statement: str


def walks(database: Database, statements: Sequence[tuple[str, Any]]) -> tuple[Walk, ...]:
    """Every walk through a large table that these statements take; each statement with what is bound to it."""
    found: dict[tuple[str, str], Walk] = {}
    for statement, bound in statements:
        for line in explained(database, statement, bound):
            table = walked_on_sqlite(line) if database.dialect == "sqlite" else walked_on_postgresql(line)
            if table is not None and table in metadata.tables and _is_large(database, table):
                shown = " ".join(statement.split())[:_LONGEST]
                found.setdefault((table, shown), Walk(table, line.strip(), shown))
    return tuple(found.values())


def explained(database: Database, statement: str, bound: Any) -> list[str]:
    """The lines of the plan of a statement; none where it cannot be explained."""
    asked = ("EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN ") + statement
    try:
        with database.engine.connect() as connection:
            rows = _answered(connection, asked, bound)
    except DBAPIError:
        return []
    return [str(row[-1]) for row in rows]


def walked_on_sqlite(line: str) -> str | None:
    """The table, or its name in the statement, that a line of SQLite's plan walks through."""
    found = _SQLITE.match(line.strip())
    return found[1] if found else None


def walked_on_postgresql(line: str) -> str | None:
    """The table that a line of PostgreSQL's plan walks through."""
    found = _POSTGRESQL.search(line)
    return found[1] if found else None


def _answered(connection: Connection, asked: str, bound: Any) -> list[Any]:
    given = tuple(bound) if isinstance(bound, list) else bound
    return list(connection.exec_driver_sql(asked, given).all())


def _is_large(database: Database, table: str) -> bool:
    with database.read() as connection:
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608 - one of our tables
    return int(rows) >= LARGE
