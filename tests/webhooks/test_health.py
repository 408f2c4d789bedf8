"""Alive and ready: what a load balancer asks, without a signature and without learning anything."""

import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from keys import schema
from keys.database import Database
from webhooks import background, health, node
from webhooks.app import create_app
from webhooks.beats import STUCK_SECONDS, Beats
from webhooks.health import LEAST_FREE, Watch
from webhooks.metrics import COUNTED
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


@pytest.fixture
def watched(exchange, tmp_path):
    """A watched app's `/readyz`, and its beats on a clock of the test's."""
    at = [0.0]
    beats = Beats(clock=lambda: at[0])
    watch = Watch(tmp_path, tmp_path / "node", beats)
    client = create_app(exchange, watch=watch).test_client()

    def ready():
        answer = client.get("/readyz")
        return answer.status_code, answer.text

    return SimpleNamespace(ready=ready, beats=beats, at=at, watch=watch)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_node_whose_work_beside_the_calls_stands_still_is_not_ready_until_it_goes_on(watched):
    watched.beats.expect("sealing", "delivery")
    watched.at[0] = STUCK_SECONDS
    assert watched.ready() == (200, "ready\n")
    watched.at[0] += 1
    watched.beats.done("delivery")
    watched.beats.put_off("sealing")
    watched.beats.failed("sealing")
    assert watched.ready() == (503, "not ready: stuck at sealing\n")
    watched.beats.done("sealing")
    assert watched.ready() == (200, "ready\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_node_with_no_room_on_its_disk_is_not_ready(watched, monkeypatch):
    for free, said in ((LEAST_FREE - 1, "not ready: disk nearly full\n"), (LEAST_FREE, "ready\n")):
        monkeypatch.setattr(health.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert watched.ready()[1] == said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_node_that_is_leaving_says_so_before_anything_else(watched):
    node.leave(watched.watch.node_dir)
    assert watched.ready() == (503, "not ready: leaving\n")
    node.made_ready(watched.watch.node_dir)
    assert watched.ready() == (200, "ready\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_background_beats_with_every_duty_it_does_and_not_with_one_that_fails(exchange, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "sweep", lambda _: 1 / 0)
    beats, stop = Beats(), threading.Event()
    before = {outcome: rounds("sweeping", outcome) for outcome in ("done", "failed")}
    thread = threading.Thread(target=background.run, args=(exchange, tmp_path / "roots", stop, beats))
    thread.start()
    patience = time.monotonic() + 20
    while rounds("sweeping", "failed") == before["failed"] and time.monotonic() < patience:
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert rounds("sweeping", "failed") > before["failed"]
    assert rounds("sweeping", "done") == before["done"]
    assert rounds("sealing", "done") > 0


def rounds(duty, outcome):
    return COUNTED.get_sample_value("touchtone_background_rounds_total", {"duty": duty, "outcome": outcome}) or 0.0
