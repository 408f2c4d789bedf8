"""Connections kept at hand for PostgreSQL: never too many, never a lost one, and nothing of whoever had it before."""

import os
import signal
import threading
import time

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from keys import at_hand
from keys.at_hand import AtHand
from keys.catalog import organisations
from keys.database import Cause, Database, DatabaseUnavailable, trusts

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

NAMES = select(organisations.c.name)
WHO = text("SELECT pg_backend_pid()")


@pytest.fixture
def single(database, database_url):  # noqa: ARG001 - the tables are there while it is open
    """A door with a single connection, so that what one transaction leaves behind meets the next."""
    opened = Database(database_url, connections=1)
    yield opened
    opened.close()


def backend(database):
    with database.begin() as connection:
        return connection.execute(WHO).scalar_one()


def end_backend(database, number):
    """The server ends a connection, and has ended it."""
    with database.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})


def alive(database, number):
    with database.read() as connection:
        there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :number")
        return bool(connection.execute(there, {"number": number}).scalar_one())


def test_writes_and_reads_go_over_the_one_that_was_used_last(database):
    with database.begin() as one, database.read() as other:
        first, last = (connection.execute(WHO).scalar_one() for connection in (one, other))
    assert first != last
    assert backend(database) == first  # taken back after the other
    with database.read() as connection:
        assert connection.execute(WHO).scalar_one() == first


def test_no_more_are_open_than_were_allowed_however_many_come(database_url):
    few = Database(database_url, connections=2)
    seen = set()

    def come():
        for _ in range(5):
            seen.add(backend(few))
            with few.read() as connection:
                seen.add(connection.execute(WHO).scalar_one())

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    few.close()
    assert len(seen) <= 2


def test_who_waits_has_the_connection_that_another_gives_back(single):
    began, served = threading.Event(), []

    def wait():
        began.set()
        served.append(backend(single))

    with single.begin() as connection:
        mine = connection.execute(WHO).scalar_one()
        thread = threading.Thread(target=wait)
        thread.start()
        assert began.wait(5)
    thread.join()
    assert served == [mine]


def test_one_that_was_lost_while_it_rested_is_replaced_and_its_user_is_answered(single, database, monkeypatch):
    lost = backend(single)
    end_backend(database, lost)
    monkeypatch.setattr(at_hand, "_RESTED_SECONDS", 0.0)
    assert backend(single) != lost


def test_one_that_rested_and_lives_is_used_again(single, monkeypatch):
    before = backend(single)
    monkeypatch.setattr(at_hand, "_RESTED_SECONDS", 0.0)
    assert backend(single) == before


def test_where_one_that_rested_is_silent_the_others_are_not_waited_for_too(database_url, monkeypatch):
    door, asked, lives = Database(database_url, connections=4), [], AtHand._lives
    with door.begin() as one, door.begin() as two, door.begin() as three:
        silent = [connection.execute(WHO).scalar_one() for connection in (one, two, three)]
    monkeypatch.setattr(at_hand, "_RESTED_SECONDS", 0.0)
    monkeypatch.setattr(AtHand, "_lives", lambda self, driver: asked.append(driver) or lives(self, driver))
    for number in silent:
        os.kill(number, signal.SIGSTOP)
    try:
        assert backend(door) not in silent
    finally:
        for number in silent:
            os.kill(number, signal.SIGCONT)
        door.close()
    assert len(asked) == 1


def test_one_that_is_lost_in_use_is_told_once_and_is_not_lent_again(single, database):
    def lose():
        with single.begin() as connection:
            end_backend(database, connection.execute(WHO).scalar_one())

    with pytest.raises(DatabaseUnavailable) as told:
        lose()
    assert told.value.cause is Cause.UNREACHABLE
    assert backend(single)


def test_what_is_written_over_one_that_took_the_place_of_a_lost_one_is_not_kept(single):
    """Whoever goes on after that would otherwise keep half of his work."""

    def goes_on():
        with single.begin() as connection:
            connection.connection  # noqa: B018 - it has one
            connection.invalidate()
            connection.execute(insert(organisations).values(name="half"))

    with pytest.raises(DatabaseUnavailable):
        goes_on()
    with single.read() as connection:
        assert connection.execute(NAMES).all() == []


def test_nothing_of_one_transaction_is_left_to_the_next(single):
    single.carry_out(lambda connection: connection.execute(NAMES).all())
    with single.read(at_leisure=True) as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        assert not trusts(connection)
        connection.execution_options(yield_per=10)  # by a cursor of the server's, which knows no INSERT

    def ends_badly():
        with single.begin() as connection:
            connection.execute(insert(organisations).values(name="never"))
            connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        ends_badly()
    with single.begin() as connection:
        assert not trusts(connection)
        assert connection.connection.driver_connection.left() is not None
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
        assert connection.execute(NAMES).all() == []
        connection.execute(insert(organisations).values(name="kept"))
    with single.read() as connection:
        assert connection.execute(NAMES).scalars().all() == ["kept"]


def test_closing_the_door_closes_what_nobody_uses_and_it_may_be_opened_again(single, database):
    number = backend(single)
    single.close()
    until = time.monotonic() + 5
    while alive(database, number):  # the server takes its moment
        assert time.monotonic() < until
    assert backend(single) != number
