"""Statements sent through the driver: the same rows, moments and errors as by the long way, at once or later."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    event,
    false,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from keys import direct
from keys.database import Cause, Database, DatabaseUnavailable, Instant
from keys.direct import Statement

only_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

_OWN = MetaData()
notes = Table(
    "direct_notes",
    _OWN,
    Column("id", Integer, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("words", Text),
    Column("at", Instant),
)
_READ = select(notes.c.words, notes.c.at, notes.c.id).where(notes.c.id == bindparam("which"))
READ = Statement(_READ)
WRITE = Statement(
    update(notes)
    .where(
        notes.c.id == bindparam("which"),
        or_(notes.c.state != "closed", notes.c.words == bindparam("new_words")),
    )
    .values(words=bindparam("new_words"), at=bindparam("now"), state=bindparam("new_state"))
)
LOCK = Statement(select(notes.c.words).where(notes.c.id == bindparam("which")).with_for_update())
THE_LONG_WAY = text("SELECT words FROM direct_notes WHERE id = 1")
NOON = datetime(2026, 11, 5, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))


@pytest.fixture
def noted(database):
    with database.begin() as connection:
        _OWN.create_all(connection)
        connection.execute(insert(notes).values(id=1, state="open", words="first", at=NOON))
    yield database
    with database.begin() as connection:
        _OWN.drop_all(connection)


def write(connection, words, *, state="open", which=1):
    return WRITE.count(connection, {"which": which, "new_words": words, "now": NOON, "new_state": state})


def test_a_row_comes_back_as_it_does_by_the_long_way(noted):
    with noted.begin() as connection:
        for words in ("é ☎ 'quoted' %s $1", None, ""):
            assert write(connection, words) == 1
            found = READ.first(connection, {"which": 1})
            assert found == (words, NOON, 1)
            assert found[1].tzinfo is UTC
            assert found == tuple(connection.execute(_READ, {"which": 1}).one())


def test_every_row_comes_back_as_it_does_by_the_long_way(noted):
    said = union_all(
        select(notes.c.words, notes.c.at.label("at"), true()).where(notes.c.id >= bindparam("least")),
        select(literal("none"), null().cast(Instant), false()),
    )
    every = Statement(said)
    with noted.begin() as connection:
        connection.execute(insert(notes).values(id=2, state="open", words=None, at=None))
        found = sorted(every.all(connection, {"least": 1}), key=repr)
        assert len(found) == 3
        assert found == sorted(map(tuple, connection.execute(said, {"least": 1})), key=repr)
        assert every.all(connection, {"least": 3}) == [("none", None, False)]


def test_a_statement_that_many_want_at_once_is_written_out_once(noted, monkeypatch):
    written = []

    def slowly(*given):
        written.append(given)
        time.sleep(0.05)
        return write_out(*given)

    write_out = direct._write
    monkeypatch.setattr(direct, "_write", slowly)
    new = Statement(_READ)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: new._for(noted.engine.dialect), range(4)))
    assert len(written) == 1
    assert all(one is found[0] for one in found)


def test_no_row_is_none_and_no_row_found_counts_nothing(noted):
    with noted.begin() as connection:
        assert READ.first(connection, {"which": 2}) is None
        assert write(connection, "nowhere", which=2) == 0


def test_what_stands_in_the_statement_itself_is_kept_to(noted):
    with noted.begin() as connection:
        assert write(connection, "last", state="closed") == 1
        assert write(connection, "another") == 0
        assert write(connection, "last") == 1


def test_it_is_part_of_the_transaction_that_is_open(noted):
    def ends_badly():
        with noted.begin() as connection:
            write(connection, "never")
            raise KeyError

    with pytest.raises(KeyError):
        ends_badly()
    with noted.begin() as connection:
        assert READ.first(connection, {"which": 1})[0] == "first"


def test_it_is_part_of_a_transaction_that_was_begun_by_the_long_way(noted):
    with noted.engine.connect() as connection:
        begun = connection.begin()
        write(connection, "never")
        begun.rollback()
    with noted.begin() as connection:
        assert READ.first(connection, {"which": 1})[0] == "first"


def test_whoever_reads_sees_one_moment(noted):
    with noted.read() as reading:
        assert READ.first(reading, {"which": 1})[0] == "first"
        with noted.begin() as connection:
            write(connection, "second")
        assert READ.first(reading, {"which": 1})[0] == "first"
    with noted.read() as reading:
        assert READ.first(reading, {"which": 1})[0] == "second"


def test_a_moment_without_a_zone_and_a_missing_fact_are_refused(noted):
    with noted.begin() as connection:
        with pytest.raises(ValueError, match="2026"):
            WRITE.count(connection, {"which": 1, "new_words": "", "now": datetime(2026, 1, 1), "new_state": ""})  # noqa: DTZ001 - the slip itself
        with pytest.raises(KeyError):
            READ.first(connection, {})


def test_a_rule_of_the_table_speaks_as_it_does_by_the_long_way(noted):
    with pytest.raises(IntegrityError), noted.begin() as connection:
        write(connection, "stateless", state=None)


def test_whoever_listens_to_the_statements_hears_these_too(noted):
    heard = []
    with noted.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *facts: heard.append(facts[2]))
        READ.first(connection, {"which": 1})
    assert [" ".join(one.split())[:6] for one in heard] == ["SELECT"]


@only_postgresql
def test_a_row_that_another_holds_is_unavailable_when_the_patience_ends(noted, database_url):
    impatient = Database(database_url, patience=0.5)
    with noted.begin() as connection:
        assert LOCK.first(connection, {"which": 1}) == ("first",)
        with pytest.raises(DatabaseUnavailable) as refused, impatient.begin() as other:
            LOCK.first(other, {"which": 1})
    with impatient.begin() as other:
        assert LOCK.first(other, {"which": 1}) == ("first",)
    impatient.close()
    assert refused.value.cause in {Cause.BUSY, Cause.SLOW}


@only_postgresql
def test_a_connection_that_the_server_ended_is_unreachable_once_and_then_replaced(noted, database_url):
    with noted.begin() as connection:
        READ.first(connection, {"which": 1})
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = Database(database_url)
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    other.close()
    with pytest.raises(DatabaseUnavailable) as lost, noted.begin() as connection:
        READ.first(connection, {"which": 1})
    assert lost.value.cause is Cause.UNREACHABLE
    with noted.begin() as connection:
        assert READ.first(connection, {"which": 1}) == ("first", NOON, 1)


def test_a_table_that_was_made_anew_is_read_anew(noted):
    """A prepared statement outlives the plan it was made for."""
    for width in (40, 80):
        with noted.begin() as connection:
            for _ in range(8):
                assert READ.first(connection, {"which": 1})[2] == 1
        with noted.begin() as connection:
            connection.execute(text(f"ALTER TABLE direct_notes ADD COLUMN more{width} VARCHAR({width})"))


@only_postgresql
def test_a_transaction_begins_with_its_first_statement_and_ends_with_a_mistake_in_it(noted):
    """Both go to the server together; a mistake in the statement is told as ever, and the next is answered."""
    divided = Statement(select(notes.c.id // bindparam("by", type_=Integer)).where(notes.c.id == 1))
    for _ in range(2):
        with pytest.raises(DBAPIError, match="division by zero"), noted.begin() as connection:
            divided.first(connection, {"by": 0})
        with noted.begin() as connection:
            assert divided.first(connection, {"by": 1}) == (1,)
            write(connection, "kept")
        with noted.begin() as connection:
            assert READ.first(connection, {"which": 1})[0] == "kept"


@only_postgresql
def test_a_transaction_whose_last_mistake_nobody_minded_is_not_taken_for_kept(noted):
    def careless():
        with noted.begin() as connection:
            write(connection, "as good as kept")
            with suppress(DBAPIError):
                connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        careless()
    assert words_in(noted) == "first"


@only_postgresql
def test_a_transaction_without_a_statement_ends_without_one(noted, caplog):
    with noted.begin():
        pass
    assert not caplog.records


def prepared(connection):
    """How many statements of ours the server keeps for this connection."""
    counted = text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'touchtone%'")
    return connection.execute(counted).scalar_one()


@only_postgresql
@pytest.mark.usefixtures("noted")
def test_a_statement_is_prepared_once_and_stays_so_after_a_rollback(database_url):
    once = Database(database_url, connections=1)

    def ends_badly():
        with once.begin() as connection:
            for _ in range(8):
                READ.first(connection, {"which": 1})
                connection.execute(text("SELECT 1"))
            raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            ends_badly()
    with once.begin() as connection:
        assert prepared(connection) == 1
    once.close()


@only_postgresql
@pytest.mark.usefixtures("noted")
def test_a_statement_that_somebody_took_away_is_missed_once_and_then_prepared_anew(database_url):
    once = Database(database_url, connections=1)
    with once.begin() as connection:
        READ.first(connection, {"which": 1})
        connection.execute(text("DEALLOCATE ALL"))
    with pytest.raises(DBAPIError), once.begin() as connection:
        READ.first(connection, {"which": 1})
    with once.begin() as connection:
        assert READ.first(connection, {"which": 1}) == ("first", NOON, 1)
    once.close()


def test_a_fact_of_no_known_kind_is_refused_and_nothing_is_written(noted):
    with pytest.raises((TypeError, DBAPIError)), noted.begin() as connection:
        write(connection, object())
    with noted.begin() as connection:
        assert READ.first(connection, {"which": 1}) == ("first", NOON, 1)


@pytest.fixture
def once(noted, database_url):  # noqa: ARG001 - the table is there while it is open
    """The same database over a single connection, so that what one transaction leaves behind meets the next."""
    opened = Database(database_url, connections=1)
    yield opened
    opened.close()


def write_later(connection, words, *, state="open"):
    READ.first(connection, {"which": 1})  # it begins with an answer, as a turn does
    WRITE.later(connection, {"which": 1, "new_words": words, "now": NOON, "new_state": state})


def words_in(database):
    with database.begin() as connection:
        return READ.first(connection, {"which": 1})[0]


def test_it_is_written_with_the_commit(once, noted):
    with once.begin() as connection:
        write_later(connection, "second")
    assert words_in(noted) == "second"


def test_it_is_written_where_it_is_all_that_is_done(once, noted):
    with once.begin() as connection:
        WRITE.later(connection, {"which": 1, "new_words": "alone", "now": NOON, "new_state": "open"})
    assert words_in(noted) == "alone"


@only_postgresql
def test_a_look_that_stands_alone_begins_nothing_and_what_follows_stands_or_falls_together(once):
    """Until there is something to write, no transaction is open while our program thinks."""
    alone = Statement(_READ, alone=True)

    def written(*states):
        with once.begin() as connection:
            assert alone.first(connection, {"which": 1}) == ("first", NOON, 1)
            assert connection.connection.driver_connection.info.transaction_status == TransactionStatus.IDLE
            for state in states:
                WRITE.later(connection, {"which": 1, "new_words": "second", "now": NOON, "new_state": state})

    with pytest.raises(IntegrityError):
        written("open", None)
    assert words_in(once) == "first"
    written("open")
    assert words_in(once) == "second"


@only_postgresql
def test_what_the_commit_itself_refuses_is_raised_and_nothing_is_kept(once):
    with once.begin() as connection:
        connection.execute(text("ALTER TABLE direct_notes ADD UNIQUE (words) DEFERRABLE INITIALLY DEFERRED"))
        connection.execute(insert(notes).values(id=2, state="open", words="second", at=NOON))
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with pytest.raises(IntegrityError), once.begin() as connection:
        write_later(connection, "second")
    with pytest.raises(IntegrityError), once.begin() as connection:  # now without a COMMIT of its own
        WRITE.later(connection, {"which": 1, "new_words": "second", "now": NOON, "new_state": "open"})
    with once.begin() as connection:
        assert READ.first(connection, {"which": 1})[0] == "first"
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == mine  # as good as before


def test_whoever_asks_after_it_sees_it_either_way(once):
    with once.begin() as connection:
        write_later(connection, "second")
        assert READ.first(connection, {"which": 1})[0] == "second"
        write_later(connection, "third")
        assert connection.execute(THE_LONG_WAY).scalar_one() == "third"


def test_two_that_wait_go_in_their_order(once, noted):
    with once.begin() as connection:
        for words in ("second", "third", "fourth"):
            write_later(connection, words)
    assert words_in(noted) == "fourth"


def test_a_transaction_that_fails_takes_it_along_and_the_next_knows_nothing_of_it(once):
    def ends_badly():
        with once.begin() as connection:
            write_later(connection, "never")
            raise KeyError

    with pytest.raises(KeyError):
        ends_badly()
    assert words_in(once) == "first"


def test_a_transaction_of_the_long_way_keeps_it_or_takes_it_back(once):
    with once.engine.connect() as connection:
        begun = connection.begin()
        write_later(connection, "never")
        begun.rollback()
        with connection.begin():
            assert READ.first(connection, {"which": 1})[0] == "first"
            write_later(connection, "second")
    assert words_in(once) == "second"


def test_what_came_before_a_savepoint_outlives_its_end(once):
    with once.begin() as connection:
        write_later(connection, "before")
        savepoint = connection.begin_nested()
        write_later(connection, "within")
        savepoint.rollback()
    assert words_in(once) == "before"


def test_what_a_rule_of_the_table_forbids_is_raised_at_the_commit_and_nothing_is_kept(once):
    def ends_badly():
        with once.begin() as connection:
            write(connection, "with it")
            write_later(connection, "stateless", state=None)

    with pytest.raises(IntegrityError):
        ends_badly()
    assert words_in(once) == "first"


@only_postgresql
def test_a_connection_that_broke_before_the_commit_is_unreachable_and_nothing_is_written(once, noted):
    def breaks():
        with once.begin() as connection:
            write_later(connection, "never")
            mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            write_later(connection, "never either")
            with noted.begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})

    with pytest.raises(DatabaseUnavailable) as lost:
        breaks()
    assert lost.value.cause is Cause.UNREACHABLE
    assert words_in(once) == "first"


@only_postgresql
def test_one_that_somebody_took_away_is_missed_once_and_then_prepared_anew(once):
    with once.begin() as connection:
        write_later(connection, "second")
    with once.begin() as connection:
        connection.execute(text("DEALLOCATE ALL"))
    for _ in range(2):  # READ is missed first, then WRITE
        with pytest.raises(DBAPIError), once.begin() as connection:
            write_later(connection, "never")
    with once.begin() as connection:
        write_later(connection, "third")
    assert words_in(once) == "third"
