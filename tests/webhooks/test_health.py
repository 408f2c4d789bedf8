"""Alive and ready: what a load balancer asks, without a signature and without learning anything."""

import sqlite3

import pytest
from sqlalchemy import text

from keys import schema
from keys.database import Database
from webhooks.voice import PATIENCE


def test_a_line_that_can_take_calls_is_alive_and_ready(knock):
    for path, said in (("/healthz", "alive\n"), ("/readyz", "ready\n")):
        answer = knock(path, method="GET", signed=False, content_type=None)
        assert (answer.status_code, answer.text, answer.mimetype) == (200, said, "text/plain")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_line_whose_database_is_locked_is_alive_but_not_ready(door_of, exchange, database_url):
    database = Database(database_url, patience=PATIENCE)
    door = door_of(exchange, database=database)
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert door.knock("/healthz", method="GET", signed=False).status_code == 200
        answer = door.knock("/readyz", method="GET", signed=False)
    finally:
        other.close()
        database.close()
    assert (answer.status_code, answer.text) == (503, "not ready: database busy\n")


def test_a_line_whose_tables_are_missing_is_not_ready(knock, database):
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE calls RENAME TO calls_away"))
    try:
        answer = knock("/readyz", method="GET", signed=False)
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE calls_away RENAME TO calls"))
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert answer.text == "not ready: database not at this version\n"


def test_a_line_goes_on_with_a_newer_database_until_that_has_lost_what_it_needs(knock, database):
    def at(revision, floor):
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
            connection.execute(text("UPDATE schema_floor SET revision = :floor"), {"floor": floor})
        answer = knock("/readyz", method="GET", signed=False)
        return answer.status_code, answer.text

    try:
        assert at("9001", schema.newest()) == (200, "ready\n")
        assert at("9001", "9001") == (503, "not ready: database not at this version\n")
        assert at("0001", "0001") == (503, "not ready: database not at this version\n")
    finally:
        at(schema.newest(), "0023")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_line_whose_server_is_gone_is_not_ready(door_of, exchange):
    database = Database("postgresql://line@127.0.0.1:1/ledger", patience=PATIENCE)
    answer = door_of(exchange, database=database).knock("/readyz", method="GET", signed=False)
    assert (answer.status_code, answer.text) == (503, "not ready: database unreachable\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_nothing_can_be_posted_to_them(knock, path):
    assert knock(path, {"x": "1"}).status_code == 405
