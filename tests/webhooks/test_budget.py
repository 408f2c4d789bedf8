"""When the database does not answer: the caller hears an apology within three seconds, and a wish is kept."""

import contextlib
import resource
import socket
import sqlite3
import threading
import time

import psycopg
import pytest
from structlog.testing import capture_logs

from keys import ledger
from keys.database import Database
from keys.outage import REST
from webhooks import background, incoming_texts, spool
from webhooks.voice import PATIENCE

WITHIN = 3.0
"""Seconds of wall time: the budget of 2.5 and a little for a busy machine."""
STALLED = ("busy", "slow")
"""On PostgreSQL the limits of a lock and of a statement are the same: which one is over first is a matter of luck."""
APOLOGY = "something is wrong on our side"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def patient(exchange, database_url, door_of):
    """A door with the line's own patience; `patient(url, connections=...)` for another database."""
    opened = []

    def build(url=database_url, connections=4):
        database = Database(url, patience=PATIENCE, connections=connections)
        opened.append(database)
        return door_of(exchange, database=database)

    yield build
    for database in opened:
        database.close()


@contextlib.contextmanager
def sqlite_locked(database_url):
    """Another process of the machine is in the middle of a write."""
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextlib.contextmanager
def postgresql_locked(database_url, statement):
    """Another connection holds what `statement` locks."""
    with psycopg.connect(database_url) as other:
        other.execute(statement)
        yield
        other.rollback()


@contextlib.contextmanager
def connection_taken(database, seconds=None):
    """A connection of the line's own pool is in use, for so many seconds or until the end."""
    taken, leave = threading.Event(), threading.Event()

    def hold():
        with database.begin():
            taken.set()
            leave.wait(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield
    finally:
        leave.set()
        thread.join()


def apologised(call, *causes, path=None, keys="0"):
    """The call's next turn is apologised for in time, and the log says why."""
    begun = time.monotonic()
    with capture_logs() as logged:
        call.post(path or call.actions[-1], Digits=keys)
    took = time.monotonic() - begun
    assert APOLOGY in call.words
    assert took < WITHIN
    (line,) = [line for line in logged if line["call_sid"] == call.sid]
    assert line["event"] == "database_unavailable"
    assert line["cause"] in causes


def wished(call):
    begun = time.monotonic()
    with capture_logs():
        call.key("1")
    assert time.monotonic() - begun < WITHIN
    assert "An operator will call you back" in call.words


@on_sqlite
def test_a_file_locked_by_another_process_is_apologised_for_and_the_wish_comes_through_once(
    ring, patient, database_url, exchange, rows
):
    call = ring(at=patient())
    with sqlite_locked(database_url):
        apologised(call, "busy")
        wished(call)
        assert rows("call_backs") == []
    assert background.drain(exchange) == 1
    assert background.drain(exchange) == 0
    assert [row["call_sid"] for row in rows("call_backs")] == [call.sid]


@pytest.fixture
def impatient(texts, texting, patient, door_of):
    """The telephone for texts at a door that waits no longer than the line does; database and other parts as given."""

    def at(url=None, **parts):
        door = patient(url) if url else patient()
        texts.door = door_of(texting, database=door.exchange.database, **parts)
        return texts

    return at


@contextlib.contextmanager
def out_of_use(database_url):
    """Nobody can write: SQLite's file is locked, PostgreSQL's table of texts."""
    locked = sqlite_locked(database_url) if database_url.startswith("sqlite") else None
    with locked or postgresql_locked(database_url, "LOCK TABLE threads IN ACCESS EXCLUSIVE MODE"):
        yield


def test_a_text_without_a_database_is_kept_sealed_and_answered_once_when_there_is_one(
    texting, impatient, groups, database_url, database, mak
):
    texts = impatient()
    with out_of_use(database_url), capture_logs() as logged:
        begun = time.monotonic()
        texts.post(" ".join(groups), sid="SM1")
        assert time.monotonic() - begun < WITHIN
        texts.post(" ".join(groups), sid="SM1")
    assert {line["event"] for line in logged} == {"database_unavailable"}
    (kept,) = texting.spool_dir.glob("*.jsonl")
    assert not [each for each in (groups[0], texts.number[2:]) if each in kept.read_text()]
    assert incoming_texts.take_kept(texting) == 2
    assert incoming_texts.take_kept(texting) == 0
    (answer,) = texts.come()
    assert answer.startswith("Approved.")
    assert texts.send(" ".join(groups), sid="SM1") == []
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).posted == 1


@on_sqlite
def test_a_text_that_cannot_even_be_kept_is_left_to_the_fallback(impatient, database_url, tmp_path):
    (tmp_path / "a file").touch()
    texts = impatient(spool_dir=tmp_path / "a file")
    form = {"AccountSid": texts.exchange.account_sid, "MessageSid": "SM1", "From": texts.number, "To": "+15550100"}
    with out_of_use(database_url), capture_logs():
        assert texts.door.knock("/sms/incoming", form | {"Body": "hello"}).status_code == 503


@on_sqlite
def test_a_kept_text_that_cannot_be_read_keeps_no_other_waiting(texting, impatient, groups, database_url):
    texts = impatient()
    spool.put_text(texting.spool_dir, "of another key")
    with out_of_use(database_url), capture_logs():
        texts.post(" ".join(groups))
    with capture_logs() as logged:
        assert incoming_texts.take_kept(texting) == 2
    assert [line["event"] for line in logged if line["log_level"] != "debug"] == ["kept_text_unreadable"]
    assert len(texts.come()) == 1


@contextlib.contextmanager
def disk_full(database_url):
    """Nothing can be written for want of room, though all can be read.

    On SQLite no file of this process may grow beyond a page, but for the spool's one line. On PostgreSQL the tables
    refuse as the server does when a file of theirs cannot be extended; a disk of its own to fill takes a root.
    """
    if database_url.startswith("sqlite"):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            "'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        for table in ("calls", "call_backs", "threads"):
            other.execute(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()")
        try:
            yield
        finally:
            other.execute("DROP FUNCTION no_room() CASCADE")


def read_only(database_url):
    """The same database, to be read alone: a file that was mounted so, a server that was switched so."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///file:{database_url.removeprefix('sqlite:///')}?mode=ro&uri=true"
    joined = "&" if "?" in database_url else "?"
    return f"{database_url}{joined}options=-c%20default_transaction_read_only%3Don"


def test_a_full_disk_is_apologised_for_the_wish_is_kept_and_the_call_goes_on_once_there_is_room(
    ring, patient, groups, exchange, rows, database_url
):
    door = patient()
    call, other = ring(at=door), ring(at=door)
    action = call.actions[0]
    with disk_full(database_url):
        apologised(call, "storage", path=action, keys=groups[0])
        apologised(other, "storage")
        wished(other)
    assert background.drain(exchange) == 1
    assert [row["call_sid"] for row in rows("call_backs")] == [other.sid]
    call.clock.sleep(10)
    assert "Group 2" in call.post(action, Digits=groups[0]).words


def test_a_database_that_can_only_be_read_is_apologised_for_and_the_wish_is_spooled(
    ring, patient, database_url, exchange, rows, groups
):
    call, other = ring(), ring()
    action, sound = call.actions[0], call.door
    call.door = other.door = patient(read_only(database_url))
    apologised(call, "storage", path=action, keys=groups[0])
    apologised(other, "storage")
    wished(other)
    assert background.drain(exchange) == 1
    assert [row["call_sid"] for row in rows("call_backs")] == [other.sid]
    call.door = sound
    call.clock.sleep(10)
    assert "Group 2" in call.post(action, Digits=groups[0]).words


@pytest.mark.parametrize("lack", ["room", "leave to write"])
def test_a_text_that_cannot_be_written_down_is_kept_sealed_and_answered_once(
    texting, impatient, groups, database_url, database, mak, lack
):
    full = lack == "room"
    texts = impatient() if full else impatient(read_only(database_url))
    with disk_full(database_url) if full else contextlib.nullcontext(), capture_logs() as logged:
        begun = time.monotonic()
        texts.post(" ".join(groups), sid="SM1")
        assert time.monotonic() - begun < WITHIN
    assert [(line["event"], line["cause"]) for line in logged] == [("database_unavailable", "storage")]
    (kept,) = texting.spool_dir.glob("*.jsonl")
    assert groups[0] not in kept.read_text()
    assert (incoming_texts.take_kept(texting), incoming_texts.take_kept(texting)) == (1, 0)
    (answer,) = texts.come()
    assert answer.startswith("Approved.")
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).posted == 1


@pytest.mark.parametrize("jump", [-86_400.0, -2.0, 86_400.0])
def test_a_clock_that_jumps_in_the_middle_of_a_call_costs_no_digit(ring, groups, jump, mak, database):
    call = ring().key(groups[0])
    call.clock.sleep(jump)
    for group in groups[1:]:
        call.key(group)
    assert "Approved" in call.words
    call.clock.sleep(-jump)
    assert "Alpha" in call.key("1").words
    with database.read() as connection:
        assert ledger.recount(connection) == ()
        assert ledger.balance(connection, mak.key.id).posted == 1


@on_sqlite
def test_a_turn_of_this_process_that_takes_too_long_holds_nobody_longer(ring, patient):
    door = patient()
    call = ring(at=door)
    with connection_taken(door.exchange.database):
        apologised(call, "busy")


@on_sqlite
def test_waiting_for_this_process_and_then_for_another_is_one_budget(ring, patient, database_url):
    door = patient()
    first, second = ring(at=door), ring(at=door)
    with sqlite_locked(database_url):
        ahead = threading.Thread(target=first.post, args=(first.actions[-1],))
        ahead.start()  # it holds this process's own lock while it waits for the file
        time.sleep(1.0)
        apologised(second, "busy")
        ahead.join()
    assert APOLOGY in first.words


@on_postgresql
def test_a_locked_row_is_apologised_for(ring, patient, database_url):
    call = ring(at=patient())
    with postgresql_locked(database_url, f"SELECT 1 FROM calls WHERE sid = '{call.sid}' FOR UPDATE"):
        apologised(call, *STALLED)
    time.sleep(REST)
    call.post("/voice/incoming")
    assert "Key group 1" in call.words


@on_postgresql
def test_a_locked_table_is_apologised_for_and_the_wish_is_spooled(ring, patient, database_url, exchange, rows):
    call = ring(at=patient())
    with postgresql_locked(database_url, "LOCK TABLE calls, call_backs IN ACCESS EXCLUSIVE MODE"):
        apologised(call, *STALLED)
        wished(call)
    assert (background.drain(exchange), background.drain(exchange)) == (1, 0)
    assert [row["call_sid"] for row in rows("call_backs")] == [call.sid]


@on_postgresql
def test_an_exhausted_pool_is_apologised_for(ring, patient):
    door = patient(connections=1)
    call = ring(at=door)
    with connection_taken(door.exchange.database):
        apologised(call, "pool")


@on_postgresql
def test_waiting_for_the_pool_and_then_for_a_row_is_one_budget(ring, patient, database_url):
    door = patient(connections=1)
    call = ring(at=door)
    with (
        postgresql_locked(database_url, f"SELECT 1 FROM calls WHERE sid = '{call.sid}' FOR UPDATE"),
        connection_taken(door.exchange.database, seconds=0.8),
    ):
        apologised(call, *STALLED)


@on_postgresql
def test_pool_and_row_and_table_that_stall_one_after_another_are_one_budget(ring, patient, database_url, groups):
    door = patient(connections=1)
    call = ring(at=door)
    with (
        postgresql_locked(database_url, "LOCK TABLE cases IN ACCESS EXCLUSIVE MODE"),
        psycopg.connect(database_url) as holder,
        connection_taken(door.exchange.database, seconds=0.8),
    ):
        holder.execute(f"SELECT 1 FROM calls WHERE sid = '{call.sid}' FOR UPDATE")
        let_go = threading.Timer(1.9, holder.rollback)
        let_go.start()
        apologised(call, *STALLED, keys=groups[0])
        let_go.join()


@on_postgresql
def test_a_server_that_ended_our_connections_is_apologised_for_once(ring, patient, database_url, groups):
    call = ring(at=patient())
    action = call.actions[0]
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    apologised(call, "unreachable")
    call.clock.sleep(10)
    assert "Group 2" in call.post(action, Digits=groups[0]).words


@on_postgresql
def test_a_server_that_is_not_there_is_apologised_for_and_the_wish_is_spooled(ring, patient, exchange, rows):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = ring()
    call.door = patient(f"postgresql://line@127.0.0.1:{port}/ledger")
    apologised(call, "unreachable")
    wished(call)
    assert background.drain(exchange) == 1
    assert [row["call_sid"] for row in rows("call_backs")] == [call.sid]


@on_postgresql
def test_a_server_that_takes_the_connection_and_says_nothing_is_apologised_for(ring, patient):
    call = ring()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        call.door = patient(f"postgresql://line@127.0.0.1:{silent.getsockname()[1]}/ledger")
        apologised(call, "unreachable")


@on_postgresql
def test_a_new_call_during_an_outage_hears_the_same(ring, patient, database_url):
    call = ring(at=patient())
    call.sid = "CA" + "4" * 32
    with postgresql_locked(database_url, "LOCK TABLE calls IN ACCESS EXCLUSIVE MODE"):
        apologised(call, *STALLED, path="/voice/incoming")
