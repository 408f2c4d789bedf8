"""The door to the database: patience, one error for every driver, snapshots, instants."""

import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, StatementError

from keys.catalog import organisations
from keys.database import Cause, Database, DatabaseUnavailable, NestedWrite, driver_url, trusts
from keys.entries import Entry, Kind, append, entries

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def names(database):
    with database.read() as connection:
        return list(connection.execute(select(organisations.c.name)).scalars())


def test_a_write_stays_only_if_its_block_ends_well(database):
    with database.begin() as connection:
        connection.execute(insert(organisations).values(name="kept"))

    def ends_badly():
        with database.begin() as connection:
            connection.execute(insert(organisations).values(name="dropped"))
            raise KeyError

    with pytest.raises(KeyError):
        ends_badly()
    assert names(database) == ["kept"]


def test_what_is_carried_out_stays_only_if_it_ends_well(database):
    def ends_badly(connection):
        connection.execute(insert(organisations).values(name="dropped"))
        raise KeyError

    def ends_well(connection):
        connection.execute(insert(organisations).values(name="kept"))
        return "done"

    with pytest.raises(KeyError):
        database.carry_out(ends_badly)
    assert database.carry_out(ends_well) == "done"
    assert names(database) == ["kept"]


@only_postgresql
def test_what_a_rule_of_the_database_forbids_is_done_once_more_and_carefully(database):
    with database.begin() as connection:
        connection.execute(insert(organisations).values(name="first"))
    trusting, bounds = [], set()

    def work(connection):
        trusting.append(trusts(connection))
        bounds.add(connection.connection.driver_connection.until)
        connection.execute(insert(organisations).values(name="of this work"))
        if trusting[-1]:
            connection.execute(insert(organisations).values(name="first"))  # there can be one of a name
        return len(trusting)

    assert database.carry_out(work) == 2
    assert trusting == [True, False]
    assert len(bounds) == 1  # in the same patience
    assert sorted(names(database)) == ["first", "of this work"]


def test_a_fault_of_our_own_is_raised_however_often_it_is_tried(database):
    def work(connection):
        for _ in range(2):
            connection.execute(insert(organisations).values(name="twice"))

    with pytest.raises(IntegrityError):
        database.carry_out(work)
    assert names(database) == []


def test_a_read_sees_one_moment_and_cannot_write(database):
    with database.read() as reading:
        count = select(organisations.c.name)
        assert reading.execute(count).all() == []
        with database.begin() as writing:
            writing.execute(insert(organisations).values(name="later"))
        assert reading.execute(count).all() == []
    with pytest.raises((DatabaseUnavailable, OperationalError)), database.read() as reading:
        reading.execute(insert(organisations).values(name="never"))
    assert names(database) == ["later"]


def test_a_writer_that_waits_too_long_is_turned_away_within_its_patience(database, database_url):
    impatient = Database(database_url, patience=0.5)
    with database.begin() as connection:
        connection.execute(insert(organisations).values(name="first"))
        started = time.monotonic()
        refused = []

        def knock():
            try:
                with impatient.begin() as other:
                    other.execute(insert(organisations).values(name="first"))
            except DatabaseUnavailable as error:
                refused.append(error.cause)

        thread = threading.Thread(target=knock)
        thread.start()
        thread.join()
        assert time.monotonic() - started < 0.9
    impatient.close()
    assert refused in ([Cause.BUSY], [Cause.SLOW])


@only_sqlite
def test_another_process_that_holds_the_file_is_waited_for_no_longer_than_the_patience(database_url):
    impatient = Database(database_url, patience=0.3)
    stranger = sqlite3.connect(str(driver_url(database_url).database), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as refused, impatient.begin():
        pass
    assert refused.value.cause is Cause.BUSY
    assert time.monotonic() - started < 0.8
    stranger.execute("ROLLBACK")
    stranger.close()
    with impatient.begin() as connection:
        connection.execute(insert(organisations).values(name="after"))
    impatient.close()


@only_sqlite
def test_who_waited_for_the_write_lock_waits_less_for_the_file_and_the_next_one_in_full_again(database_url):
    patient = Database(database_url, patience=5)
    holds = threading.Event()

    def waits():
        with patient.begin() as connection:
            return connection.execute(text("PRAGMA busy_timeout")).scalar_one()

    def hold():
        with patient.begin():
            holds.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(5)
    assert waits() < 4900
    thread.join()
    assert waits() == 5000
    patient.close()


@only_sqlite
def test_a_write_that_ends_badly_leaves_a_connection_that_can_be_written_to(database):
    def ask_wrongly():
        with database.begin() as connection:
            connection.execute(insert(organisations).values(name="dropped"))
            connection.execute(text("SELECT * FROM nowhere"))

    def lose_the_connection():
        with database.begin() as connection:
            connection.execute(insert(organisations).values(name="dropped"))
            connection.connection.driver_connection.close()

    for ends_badly, error in ((ask_wrongly, OperationalError), (lose_the_connection, ProgrammingError)):
        with pytest.raises(error):
            ends_badly()
    with database.begin() as connection:
        connection.execute(insert(organisations).values(name="kept"))
    assert names(database) == ["kept"]


@only_sqlite
def test_a_write_inside_a_write_is_refused_at_once_instead_of_waiting_for_itself(database):
    with database.begin(), pytest.raises(NestedWrite), database.begin():
        pass
    with database.begin() as connection:
        connection.execute(insert(organisations).values(name="free again"))


@only_sqlite
def test_sqlite_is_set_to_lose_nothing_and_keeps_a_savepoint_in_memory(database):
    with database.begin() as connection:
        asked = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "temp_store")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "temp_store": 2}


@only_postgresql
def test_waiting_for_a_free_connection_ends_with_the_patience(database_url):
    small = Database(database_url, patience=0.5, connections=1)
    with small.begin(), pytest.raises(DatabaseUnavailable) as refused, small.begin():
        pass
    assert refused.value.cause is Cause.POOL
    small.close()


@only_postgresql
def test_a_slow_statement_ends_with_the_patience(database_url):
    impatient = Database(database_url, patience=0.5)
    with pytest.raises(DatabaseUnavailable) as refused, impatient.begin() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert refused.value.cause in {Cause.SLOW, Cause.UNREACHABLE}
    with impatient.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    impatient.close()


@only_postgresql
def test_a_read_at_leisure_outlives_every_limit_and_the_next_on_its_connection_does_not(database_url):
    impatient = Database(database_url, patience=0.3, connections=1)
    with impatient.read(at_leisure=True) as connection:
        for _ in range(2):
            connection.execute(text("SELECT pg_sleep(0.4)"))
    with pytest.raises(DatabaseUnavailable) as refused, impatient.read() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert refused.value.cause in {Cause.SLOW, Cause.UNREACHABLE}
    impatient.close()


@only_postgresql
def test_a_connection_that_the_server_ended_is_replaced(database, database_url):
    with database.begin() as connection:
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = Database(database_url)
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    other.close()
    with pytest.raises(DatabaseUnavailable) as lost, database.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert lost.value.cause is Cause.UNREACHABLE
    with database.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all/touchtone.db"],
    ids=["postgresql", "sqlite"],
)
def test_a_database_that_is_not_there_is_unreachable(url):
    absent = Database(url, patience=1)
    with pytest.raises(DatabaseUnavailable) as refused, absent.begin():
        pass
    assert refused.value.cause is Cause.UNREACHABLE
    absent.close()


def test_a_file_that_is_no_database_is_told_as_damaged_storage(tmp_path):
    file = tmp_path / "letter.db"
    file.write_text("Dear reader, " * 500)
    wrong = Database(f"sqlite:///{file}")
    with pytest.raises(DatabaseUnavailable) as refused, wrong.begin():
        pass
    assert refused.value.cause is Cause.STORAGE
    wrong.close()


def test_a_wrong_statement_of_ours_is_not_blamed_on_the_database(database):
    with pytest.raises((OperationalError, ProgrammingError)), database.begin() as connection:
        connection.execute(text("SELECT no_such_column FROM organisations"))


@pytest.mark.parametrize("url", ["mysql://somewhere/db", "sqlite://", "sqlite:///:memory:", "touchtone.db"])
def test_only_a_sqlite_file_or_postgresql_is_a_database(url):
    with pytest.raises(ValueError, match=url.partition(":")[0]):
        Database(url)


def test_several_hosts_may_stand_in_one_url_and_the_writable_one_is_wanted():
    url = driver_url("postgresql://line@one,two:5433/ledger?application_name=desk")
    assert url.query["host"] == ("one", "two:5433")
    assert url.query["target_session_attrs"] == "read-write"
    assert url.query["application_name"] == "desk"
    asked = driver_url("postgresql://line@one,two/ledger?target_session_attrs=any")
    assert asked.query["target_session_attrs"] == "any"


def test_an_instant_comes_back_the_same_moment_in_utc(database):
    east = datetime(2026, 11, 24, 23, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with database.begin() as connection:
        append(connection, Entry(east, Kind.GRANT, 1))
    with database.read() as connection:
        back = connection.execute(select(entries.c.at)).scalar_one()
    assert back == east
    assert back.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(database):
    with pytest.raises(StatementError), database.begin() as connection:
        append(connection, Entry(datetime(2026, 11, 24), Kind.GRANT, 1))  # noqa: DTZ001 - the point of the test
