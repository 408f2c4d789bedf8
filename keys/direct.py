"""Statements of the busiest turns, sent through the driver itself on the connection that is open.

The rule it keeps: the statement is written in SQLAlchemy's language, and its types decide what goes in and what comes
out, as everywhere; only the way to the driver is shorter. It is written out once a dialect, its place in the
transaction is the connection's, and what the driver raises is what SQLAlchemy would have raised in its place.

A turn sends the same three statements every time, and finding that out again costs more than sending them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Connection, Executable, Insert, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from keys.libpq import Prepared, Wire

Change = Callable[[Any], Any]
Said = Select[Any] | CompoundSelect[Any] | Insert | Update

_writing = threading.Lock()

TRUSTS = "trusts"
"""What a connection knows of its transaction (`Connection.info`): see `keys.database.trusts`."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A statement as one dialect spells it.

    `names` are its facts in the order the driver wants them, `fixed` those that stand in the statement itself; `into`
    changes a fact on its way in, by its place, `out` a column of a row on its way out.
    """

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    into: tuple[tuple[int, Change], ...]
    out: tuple[tuple[int, Change], ...]

    def as_read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row as it came from the driver, its columns in our types."""
        if not self.out:
            return row
        columns = list(row)
        for place, change in self.out:
            columns[place] = change(columns[place])
        return tuple(columns)


class _OnSqlite:
    """A statement on one SQLite connection, whose driver keeps it prepared by itself."""

    def __init__(self, driver: Any, text: str) -> None:
        self._driver, self._text = driver, text

    def first(self, facts: list[Any]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._driver.execute(self._text, facts).fetchone()
        return row

    def all(self, facts: list[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._driver.execute(self._text, facts).fetchall()
        return rows

    def count(self, facts: list[Any]) -> int:
        found: int = self._driver.execute(self._text, facts).rowcount
        return found

    def later(self, facts: list[Any]) -> None:
        self._driver.execute(self._text, facts)


class Statement:
    """A SELECT, INSERT or UPDATE to be run many times; what differs from time to time stands in it as a `bindparam`.

    What the dialects say each in its own words is made from the dialect's name, once it is needed.
    One that may stand `alone`, since it locks nothing, begins no transaction on PostgreSQL: what follows does.
    """

    def __init__(self, said: Said | Callable[[str], Said], *, alone: bool = False) -> None:
        self.said = said
        self._alone = alone
        self._written: dict[str, _Written] = {}

    def first(self, connection: Connection, facts: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row, None where there is none. Raises what SQLAlchemy raises, and KeyError for a missing fact."""
        written = self._for(connection.dialect)
        given = _given(connection, written, facts)
        try:
            row = self._door(connection, written).first(given)
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_ever(connection, written.text, error) from error
        return None if row is None else written.as_read(row)

    def all(self, connection: Connection, facts: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Every row. Raises as `first` does."""
        written = self._for(connection.dialect)
        given = _given(connection, written, facts)
        try:
            rows = self._door(connection, written).all(given)
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_ever(connection, written.text, error) from error
        return [written.as_read(row) for row in rows]

    def count(self, connection: Connection, facts: Mapping[str, Any]) -> int:
        """How many rows an INSERT or UPDATE wrote. Raises as `first` does."""
        written = self._for(connection.dialect)
        given = _given(connection, written, facts)
        try:
            return self._door(connection, written).count(given)
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_ever(connection, written.text, error) from error

    def later(self, connection: Connection, facts: Mapping[str, Any]) -> None:
        """Run it, nobody asking what it found; over a wire together with what is said next on the connection.

        What fails then is raised there, at the commit at the latest. Raises as `first` does.
        """
        written = self._for(connection.dialect)
        given = _given(connection, written, facts)
        try:
            self._door(connection, written).later(given)
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_ever(connection, written.text, error) from error

    def _door(self, connection: Connection, written: _Written) -> Prepared | _OnSqlite:
        """The statement on the driver's connection, kept with that."""
        pooled = connection.connection
        door: Prepared | _OnSqlite | None = pooled.info.get(self)
        if door is None:
            if connection.dialect.name == "sqlite":
                door = _OnSqlite(pooled.driver_connection, written.text)
            else:
                from keys.libpq import Prepared

                door = Prepared(wire_of(connection), written.text, alone=self._alone)
            pooled.info[self] = door
        return door

    def _for(self, dialect: Dialect) -> _Written:
        written = self._written.get(dialect.name)
        if written is None:
            with _writing:  # those who want the same at the same time would all take the processor for it
                written = self._written.get(dialect.name) or _write(self.said, dialect)
                self._written[dialect.name] = written
        return written


def begin_reading(connection: Connection, wire: Wire) -> None:
    """Begin a transaction on PostgreSQL that sees one moment and cannot write. Raises what SQLAlchemy raises."""
    try:
        wire.begin_reading()
    except connection.dialect.loaded_dbapi.Error as error:
        raise as_ever(connection, "BEGIN", error) from error


def end(connection: Connection, wire: Wire) -> None:
    """End the transaction on PostgreSQL, with all that was written in it. Raises what SQLAlchemy raises.

    `wire` is the connection's own from the beginning: were that lost and replaced meanwhile, nothing is kept.
    """
    try:
        wire.end()
    except connection.dialect.loaded_dbapi.Error as error:
        raise as_ever(connection, "COMMIT", error) from error


def wire_of(connection: Connection) -> Wire:
    """The wire of a PostgreSQL connection, kept with the driver's, which knows what waits on it."""
    driver: Any = connection.connection.driver_connection
    if driver.wire is None:
        from keys.libpq import Wire

        driver.wire = Wire(driver)
    wire: Wire = driver.wire
    return wire


def as_ever(connection: Connection, text: str, error: Any) -> Exception:
    """What SQLAlchemy would raise for a driver's error; the connection is given up where it was lost."""
    dialect = connection.dialect
    driver: Any = connection.connection.driver_connection
    lost = dialect.is_disconnect(error, driver, None)
    if lost:
        connection.invalidate(error)
    raised: Exception = DBAPIError.instance(
        text, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
    )
    return raised


def _given(connection: Connection, written: _Written, facts: Mapping[str, Any]) -> list[Any]:
    """What goes to the driver, in its order."""
    known = {**written.fixed, **facts} if written.fixed else facts
    given = [known[name] for name in written.names]
    for place, change in written.into:
        given[place] = change(given[place])
    # To look for listeners where there are none takes as long as all the rest here.
    if connection._has_events or connection.engine._has_events:  # noqa: SLF001 - as SQLAlchemy itself asks
        for hear in connection.dispatch.before_cursor_execute:  # whoever counts statements counts these
            hear(connection, None, written.text, given, None, False)
    return given


def _write(said: Said | Callable[[str], Said], dialect: Dialect) -> _Written:
    if not isinstance(said, Executable):
        said = said(dialect.name)
    # $1, $2 are what PostgreSQL reads; psycopg would have to find its own marks first.
    if dialect.name != "sqlite":
        spell: Callable[..., Dialect] = type(dialect)
        dialect = spell(paramstyle="numeric_dollar")
    compiled: Any = said.compile(dialect=dialect)
    names = tuple(compiled.positiontup)
    fixed = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
    into = _changes([compiled.binds[name].type for name in names], lambda kind: kind.bind_processor(dialect), dialect)
    columns = [column.type for column in said.exported_columns]
    out = _changes(columns, lambda kind: kind.result_processor(dialect, None), dialect)
    return _Written(compiled.string, names, fixed, into, out)


def _changes(
    kinds: list[TypeEngine[Any]], change: Callable[[TypeEngine[Any]], Change | None], dialect: Dialect
) -> tuple[tuple[int, Change], ...]:
    found = ((place, change(kind.dialect_impl(dialect))) for place, kind in enumerate(kinds))
    return tuple((place, each) for place, each in found if each is not None)
