"""One door to the database, SQLite or PostgreSQL, with the same promises on both.

The rule it keeps: nobody waits longer than `patience`, and whoever is turned away gets one error,
`DatabaseUnavailable`, whatever driver stood behind it. The tables live with their concepts; all of them
register on `metadata` here. Instants are stored in UTC, and come back aware.

>>> driver_url("postgresql://line:secret@one:5432,two/ledger").render_as_string()
'postgresql+psycopg://line:***@/ledger?host=one%3A5432&host=two&target_session_attrs=read-write'
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import BigInteger, DateTime, Engine, Integer, MetaData, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeDecorator

from keys.dialects import insert_into, tell_of
from keys.direct import TRUSTS
from keys.outage import Outage
from keys.unavailable import Cause, DatabaseUnavailable, translated

if TYPE_CHECKING:
    from keys.at_hand import AtHand

__all__ = [
    "Cause",
    "Database",
    "DatabaseUnavailable",
    "Instant",
    "NestedWrite",
    "RowNumber",
    "driver_url",
    "insert_into",
    "metadata",
    "trusts",
]

Done = TypeVar("Done")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

tell_of(metadata)

# SQLite counts rows up only in a column that is INTEGER to the letter.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")

_AT_ONCE = 0.01
"""Seconds: who has had SQLite's write lock sooner has not waited for it."""


class Instant(TypeDecorator[datetime]):
    """A moment: aware datetimes in, aware UTC datetimes out, microseconds kept on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime (ValueError): its moment is anybody's guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(value)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored moment back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class NestedWrite(RuntimeError):  # noqa: N818 - a slip in our own program, named by what happened
    """One thread asked for a second write while it was still inside the first: it would wait for itself."""


class _WriteLock:
    """SQLite knows one writer; threads of this process queue here instead of polling the file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def acquire(self, patience: float) -> None:
        me = threading.get_ident()
        if self._owner == me:
            raise NestedWrite
        if not self._lock.acquire(timeout=patience):
            raise DatabaseUnavailable(Cause.BUSY)
        self._owner = me

    def release(self) -> None:
        self._owner = None
        self._lock.release()


_write_locks: dict[str, _WriteLock] = {}
_write_locks_guard = threading.Lock()


def _write_lock(file: str) -> _WriteLock:
    with _write_locks_guard:
        return _write_locks.setdefault(str(Path(file).resolve()), _WriteLock())


def driver_url(url: str) -> URL:
    """Turn a DATABASE_URL as libpq or SQLAlchemy write it into the URL of the driver in use.

    Several PostgreSQL hosts may stand in it, `host:port,host:port`; then the one that can be written to is looked for.
    Raises ValueError for another kind of database, and for SQLite without a file (every connection would see its own).
    """
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not separator or kind not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError(kind)
    if kind == "sqlite":
        parsed = make_url(url)
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError(kind)
        return parsed
    authority, slash, path = rest.partition("/")
    login, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return make_url(f"postgresql+psycopg://{rest}")
    parsed = make_url(f"postgresql+psycopg://{login}{at}{slash}{path}").update_query_dict({"host": hosts.split(",")})
    if "target_session_attrs" in parsed.query:
        return parsed
    return parsed.update_query_dict({"target_session_attrs": "read-write"})


class Database:
    """A database, open for many threads.

    `url` is a DATABASE_URL; `patience` bounds, in seconds, the wait for a lock, a connection and the statements
    together; `connections` is how many PostgreSQL connections (and SQLite readers) may be open at once.
    """

    def __init__(self, url: str, *, patience: float = 10.0, connections: int = 10) -> None:
        self.url = driver_url(url)
        self.patience = patience
        self.dialect = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        self._lock: _WriteLock | None = None
        self._kept: Connection | None = None
        self._at_hand: AtHand | None = None
        self._outage = Outage()
        if self.dialect == "sqlite":
            self._lock = _write_lock(str(self.url.database))
            # One for `begin`, which keeps it, and one for whoever goes to the engine itself.
            self.engine = _sqlite_engine(self.url, patience, 2, writes=True)
            self._readers = _sqlite_engine(self.url, patience, connections, writes=False)
        else:
            from keys import at_hand, patient  # and the driver with them, which SQLite does without

            self.engine = self._readers = patient.engine(self.url, patience)
            wait = patient.pool_wait(patience)
            self._at_hand = at_hand.AtHand(self.engine, connections, wait=wait, in_haste=self._outage.in_haste)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open the write transaction: committed at the end of the block, rolled back if the block raises.

        Raises DatabaseUnavailable, also in place of what the driver raises inside the block for want of the database,
        and at once where it is away for everybody (`keys.outage`).
        """
        asked = time.monotonic()
        if self._at_hand is not None:
            with self._outage.attempt(), translated(), self._at_hand.writing(asked + self.patience) as connection:
                yield connection
            return
        assert self._lock is not None
        with self._outage.attempt():
            self._lock.acquire(self.patience)
            try:
                with translated():
                    connection = self._writer()
                    _wait_no_longer(connection, self.patience, time.monotonic() - asked)
                    with connection.begin():
                        yield connection
            finally:
                self._lock.release()

    def carry_out(self, work: Callable[[Connection], Done]) -> Done:
        """Do `work` in a write transaction, whose answer is known to hold once this returns. Raises as `begin` does.

        It changes nothing but the database: on PostgreSQL it may take for granted what it saw (`trusts`), and where a
        rule of the database says in the end that this does not hold, it is done once more, carefully, in that patience.
        """
        if self._at_hand is None:
            with self.begin() as connection:
                return work(connection)
        until = time.monotonic() + self.patience
        try:
            with self._outage.attempt(), translated(), self._at_hand.writing(until, trusting=True) as connection:
                return work(connection)
        except IntegrityError:  # a fault of our own is raised the second time too
            with self._outage.attempt(), translated(), self._at_hand.writing(until) as connection:
                return work(connection)

    def _writer(self) -> Connection:
        """SQLite's writing connection, kept by us: the pool takes as long to hand one out as a statement takes."""
        if self._kept is None or self._kept.closed or self._kept.in_transaction():
            self._kept = self.engine.connect()
        return self._kept

    @contextmanager
    def read(self, *, at_leisure: bool = False) -> Iterator[Connection]:
        """Open a read-only transaction that sees one moment of the database. Raises DatabaseUnavailable.

        `at_leisure`: it may take as long as it likes, for what looks at all there is; on SQLite any read may.
        """
        if self._at_hand is None:
            with translated(), self._readers.begin() as connection:
                yield connection
            return
        with translated(), self._at_hand.reading(at_leisure=at_leisure) as connection:
            yield connection

    def close(self) -> None:
        """Close every connection that is not in use."""
        if self._kept is not None and not self._kept.in_transaction():
            self._kept.close()
        if self._at_hand is not None:
            self._at_hand.close()
        self.engine.dispose()
        self._readers.dispose()


def trusts(connection: Connection) -> bool:
    """Whether what is done here is done anew where something that was taken for granted does not hold."""
    trusting: bool = connection.info.get(TRUSTS, False)
    return trusting


def _wait_no_longer(connection: Connection, patience: float, spent: float) -> None:
    """Another process may hold SQLite's file: what is left of the patience, in seconds, is for that."""
    # Mostly nobody stood in front of us; then what the connection was told at first still stands.
    left = patience if spent < _AT_ONCE else max(0.0, patience - spent)
    if connection.info.get("waits", patience) != left:
        _driver(connection).execute(f"PRAGMA busy_timeout={int(left * 1000)}")
        connection.info["waits"] = left


def _driver(connection: Connection) -> Any:
    """The driver's own connection: spares the layers between for statements that return nothing."""
    return connection.connection.driver_connection


def _sqlite_engine(url: URL, patience: float, connections: int, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience,
        connect_args={"isolation_level": None, "check_same_thread": False},
    )
    start = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
    def prepare(driver: Any, _record: Any) -> None:
        # busy_timeout stands first: switching to WAL may itself have to wait.
        driver.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        driver.execute("PRAGMA journal_mode=WAL")
        # NORMAL may lose the last commits at a power loss, and a spoken answer would be given twice.
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA foreign_keys=ON")
        # Without it, INSERT OR REPLACE would take a row away behind the back of a trigger that forbids DELETE.
        driver.execute("PRAGMA recursive_triggers=ON")
        if writes:
            # What a savepoint keeps, to go back to, stays in memory: sixteen pages of it become a file otherwise, and
            # an activation in a ledger of millions touches as many.
            driver.execute("PRAGMA temp_store=MEMORY")
        else:
            driver.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns into a write is refused under load; this one asks for the lock at once.
        _driver(connection).execute(start)

    return engine
