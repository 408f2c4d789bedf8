"""The migrations lead to the tables that the program knows, on both databases."""

import importlib
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from keys import append_only, migrations
from keys.database import Database, metadata
from keys.dialects import NEVER_AGAIN
from keys.entries import Entry, Kind, append
from keys.migrations import running
from tests.conftest import NOW
from webhooks.cli.database import TABLE_MODULES


def all_tables():
    for module in TABLE_MODULES:
        importlib.import_module(module)
    return metadata


def test_the_migrations_lead_to_exactly_the_tables_of_the_program(database):
    assert running.differences(database.engine, all_tables()) == []
    assert running.current(database.engine) == running.head()


def test_checks_and_partial_indexes_are_the_same_too(database):
    """Alembic compares neither: both schemas are built side by side and read back."""
    wanted = described(database, None)
    schema = "by_metadata"
    if database.dialect == "sqlite":
        path = Path(str(database.url.database)).with_name("by_metadata.db")
        other = Database(f"sqlite:///{path}")
        all_tables().create_all(other.engine)
        found = described(other, None)
        other.close()
    else:
        with database.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
            connection.execute(text(f"SET LOCAL search_path TO {schema}"))
            all_tables().create_all(connection)
        found = described(database, schema)
        with database.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    assert found == wanted


def described(database, schema):
    with database.engine.connect() as connection:
        inspector = inspect(connection)
        tables = set(inspector.get_table_names(schema=schema)) - {"alembic_version"}
        return {
            table: {
                "columns": [
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(table, schema=schema)
                ],
                "checks": sorted(
                    (c["name"], c["sqltext"]) for c in inspector.get_check_constraints(table, schema=schema)
                ),
                "unique": sorted(
                    (c["name"], c["column_names"]) for c in inspector.get_unique_constraints(table, schema=schema)
                ),
                "foreign": sorted(
                    (c["name"], c["referred_table"]) for c in inspector.get_foreign_keys(table, schema=schema)
                ),
                "indexes": sorted(
                    (
                        index["name"],
                        index["column_names"],
                        index["unique"],
                        sorted((name, str(value)) for name, value in index.get("dialect_options", {}).items()),
                    )
                    for index in inspector.get_indexes(table, schema=schema)
                ),
            }
            for table in sorted(tables)
        }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_tables_never_give_an_id_twice(database):
    wanted = {table.name for table in all_tables().tables.values() if table.info == NEVER_AGAIN}
    with database.read() as connection:
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")).scalars()
        assert set(found) == wanted >= {"entries", "product_keys", "reservations"}


def test_upgrading_again_does_nothing(database):
    running.upgrade(database.engine)
    assert running.current(database.engine) == running.head()


def test_an_empty_database_has_no_revision(tmp_path):
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert running.current(empty.engine) is None
    empty.close()


def test_every_revision_follows_one_other_in_one_line():
    folder = Path(migrations.__file__).parent / "versions"
    assert len(list(folder.glob("*.py"))) == len(list(running._scripts()[1].walk_revisions("base", "head")))


@pytest.mark.parametrize(
    "change",
    ["UPDATE entries SET granted = 1000", "DELETE FROM entries", "UPDATE seals SET position = 7", "DELETE FROM seals"],
)
def test_entries_and_seals_refuse_to_be_changed_or_taken_away(database, change):
    with database.begin() as connection:
        append(connection, Entry(NOW, Kind.GRANT, 1, granted=1))
        connection.execute(text("INSERT INTO seals (position, entry_id, mac) VALUES (1, 1, :mac)"), {"mac": b"0" * 32})
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as connection:
        connection.execute(text(change))
    with database.read() as connection:
        assert connection.execute(text("SELECT granted FROM entries")).scalar_one() == 1
        assert connection.execute(text("SELECT position FROM seals")).scalar_one() == 1


def test_an_entry_cannot_be_replaced_or_truncated_either(database):
    with database.begin() as connection:
        append(connection, Entry(NOW, Kind.GRANT, 1, granted=1))
    sly = {
        "sqlite": "INSERT OR REPLACE INTO entries SELECT * FROM entries",
        "postgresql": "TRUNCATE entries",
    }[database.dialect]
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as connection:
        connection.execute(text(sly))


def test_entries_outlive_the_step_that_widens_their_check_and_so_does_the_mark_of_one_cut_off(tmp_path):
    before = Database(f"sqlite:///{tmp_path / 'before.db'}")
    running.upgrade(before.engine, "0020")
    with before.begin() as connection:
        append(connection, *(Entry(NOW, Kind.GRANT, 1, granted=number, reason="ü") for number in (1, 2, 3)))
        connection.execute(text("DROP TRIGGER entries_no_delete"))
        connection.execute(text("DELETE FROM entries WHERE id = 3"))
        connection.execute(
            text(next(each for each in append_only.guard_statements("entries", "sqlite") if "DELETE" in each))
        )
    with before.read() as connection:
        kept = connection.execute(text("SELECT * FROM entries ORDER BY id")).all()
    running.upgrade(before.engine)
    with before.begin() as connection:
        assert connection.execute(text("SELECT * FROM entries ORDER BY id")).all() == kept
        assert append_only.missing(connection) == ()
        append(connection, Entry(NOW, Kind.ESCROW, 0))
        assert connection.execute(text("SELECT max(id) FROM entries")).scalar_one() == 4
    assert running.differences(before.engine, all_tables()) == []
    before.close()


def test_a_guard_that_was_taken_off_is_missed(database):
    drop = {
        "sqlite": "DROP TRIGGER entries_no_update",
        "postgresql": "ALTER TABLE entries DISABLE TRIGGER entries_append_only",
    }[database.dialect]
    with database.begin() as connection:
        assert append_only.missing(connection) == ()
        connection.execute(text(drop))
        assert append_only.missing(connection) == ("entries",)
