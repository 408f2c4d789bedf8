"""What SQLite and PostgreSQL say each in its own words: an INSERT that knows ON CONFLICT, an index of some rows.

The rule it keeps: only the dialect in use is loaded. A line has one database, and what SQLAlchemy knows of the other
took 2 MB of every worker. So a table does not name a dialect where it is declared, which would load it: it notes what
a dialect is to be told, and `tell_of` tells the one in use when tables are made.

>>> rows_where("ended_at IS NULL")["told"]["sqlite_where"].text
'ended_at IS NULL'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Index, MetaData, Table, TextClause, event, text

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

NEVER_AGAIN = {"told": {"sqlite_autoincrement": True}}
"""For a table (`info`): no id that was given is ever given again, on SQLite as on PostgreSQL."""


def rows_where(holds: str | TextClause) -> dict[str, dict[str, TextClause]]:
    """For an index (`info`): only the rows of which `holds` is so stand in it."""
    where = text(holds) if isinstance(holds, str) else holds
    return {"told": {"sqlite_where": where, "postgresql_where": where}}


def tell_of(metadata: MetaData) -> None:
    """Have the dialect that makes tables of `metadata` told what they note for it."""

    @event.listens_for(metadata, "before_create")
    def tell(_target: MetaData, connection: Connection, **_more: Any) -> None:
        mark = f"{connection.dialect.name}_"
        for table in metadata.tables.values():
            made: tuple[Table | Index, ...] = (table, *table.indexes)
            for each in made:
                told = each.info.get("told", {})
                each.dialect_kwargs.update({name: said for name, said in told.items() if name.startswith(mark)})


def insert_as(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT as `dialect` writes it, "sqlite" or "postgresql". Never trust its rowcount: psycopg gives -1."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT as the database of a connection writes it: `insert_as`."""
    return insert_as(connection.dialect.name, table)
