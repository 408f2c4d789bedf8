"""`touchtone db`: brings a database to this version, and tells what is wrong with one."""

import pytest
from sqlalchemy import text

from keys.database import Database
from keys.migrations import running

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_migrated_database_is_current_and_sound(touchtone):
    assert touchtone("db", "upgrade", "--json").told["outcome"] == "current"
    done = touchtone("db", "check", "--json")
    assert (done.status, done.told["outcome"], done.told["problems"]) == (0, "sound", [])
    assert done.told["revision"] == running.head()


@only_sqlite
def test_an_empty_database_is_upgraded_and_until_then_every_command_says_so(touchtone, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    checked = touchtone("db", "check", "--json")
    assert (checked.status, checked.told["outcome"], checked.told["revision"]) == (1, "unsound", None)
    early = touchtone("key", "list", "--json")
    assert (early.status, early.told["outcome"]) == (1, "DATABASE_NOT_CURRENT")
    done = touchtone("db", "upgrade", "--json")
    assert (done.status, done.told) == (0, {"outcome": "upgraded", "before": None, "revision": running.head()})
    assert touchtone("key", "list", "--json").told == []


def test_a_newer_database_is_left_as_it_is_and_one_too_new_is_refused(touchtone, database):
    def at(revision, floor):
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
            connection.execute(text("UPDATE schema_floor SET revision = :floor"), {"floor": floor})

    try:
        at("9001", running.head())
        done = touchtone("db", "upgrade", "--json")
        assert (done.status, done.told) == (0, {"outcome": "ahead", "before": "9001", "revision": "9001"})
        checked = touchtone("db", "check", "--json")
        assert (checked.status, checked.told["outcome"], checked.told["wanted"]) == (0, "sound", running.head())
        at("9001", "9001")
        refused = touchtone("db", "upgrade", "--json")
        assert (refused.status, refused.told["outcome"]) == (1, "DATABASE_TOO_NEW")
        assert touchtone("db", "upgrade").sighed.count("\n") == 1
        assert touchtone("db", "check", "--json").told["problems"] == ["too new for this version: install a newer one"]
    finally:
        at(running.head(), "0023")


def test_a_schema_that_was_tampered_with_is_told(touchtone, database_url):
    database = Database(database_url)
    unguard = {
        "sqlite": "DROP TRIGGER entries_no_delete",
        "postgresql": "ALTER TABLE entries DISABLE TRIGGER entries_append_only",
    }[database.dialect]
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE organisations ADD COLUMN note TEXT"))
        connection.execute(text(unguard))
    done = touchtone("db", "check", "--json")
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE organisations DROP COLUMN note"))
    database.close()
    assert done.status == 1
    assert "table entries is not append-only any more" in done.told["problems"]
    assert any(problem.startswith("schema differs") for problem in done.told["problems"])


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("sqlite:////nowhere/touchtone.db", "DATABASE_UNAVAILABLE"),
        ("postgresql://nobody@127.0.0.1:1/none", "DATABASE_UNAVAILABLE"),
        ("mysql://somewhere/db", "DATABASE_URL_WRONG"),
    ],
)
@only_sqlite
def test_a_database_that_cannot_be_had_is_told_in_one_sentence(touchtone, monkeypatch, url, outcome):
    monkeypatch.setenv("DATABASE_URL", url)
    done = touchtone("db", "upgrade", "--json")
    assert (done.status, done.told["outcome"]) == (1, outcome)
    assert touchtone("key", "list").sighed.count("\n") == 1
