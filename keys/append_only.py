"""Tables whose rows are written once: the database itself refuses to change or take away a row.

The rule it keeps: a guard is part of its table. Whoever can alter the schema can take it off; then `missing` tells,
and the seals tell of what was changed meanwhile.
"""

from sqlalchemy import DDL, Connection, Table, event, text

_guarded: list[str] = []

PG_FUNCTION = """
CREATE OR REPLACE FUNCTION touchtone_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def guard_statements(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that forbid UPDATE and DELETE (and TRUNCATE where there is one) on a table."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        )
    every = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
    return PG_FUNCTION, f"CREATE TRIGGER {table}_append_only {every} EXECUTE FUNCTION touchtone_append_only()"


def guard(table: Table) -> None:
    """Make `table` append-only wherever it is created from the metadata (migrations carry the same statements)."""
    _guarded.append(table.name)
    for dialect in ("sqlite", "postgresql"):
        for statement in guard_statements(table.name, dialect):
            # A per cent sign would be taken for a placeholder of DDL's own.
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def missing(connection: Connection) -> tuple[str, ...]:
    """Names of the append-only tables whose guard is off or gone, in alphabetical order."""
    if connection.dialect.name == "sqlite":
        query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        wanted = {(table, f"{table}_no_{verb}") for table in _guarded for verb in ("update", "delete")}
    else:
        query = (
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid)"
        )
        wanted = {(table, f"{table}_append_only") for table in _guarded}
    found = {(table, name) for table, name in connection.execute(text(query))}
    return tuple(sorted({table for table, _ in wanted - found}))
