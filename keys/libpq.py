r"""PostgreSQL spoken to through libpq itself, on the driver's connection: for what every turn sends.

The rule it keeps: whatever fails is raised as the driver would have raised it. A statement is prepared once a
connection, under a name of ours, and stays so; the driver is told to prepare none of its own, since after a rollback
it forgets all of them, ours as well.

The driver's own cursor can wait in many ways, and pays for that with a generator around each step of the protocol. A
thread that does nothing but wait for its answer needs one way, at a third of the processor time.

>>> as_text(["é", 7, b"\x01\xff", None])
[b'\xc3\xa9', b'7', b'\\x01ff', None]
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

from psycopg import OperationalError, pq
from psycopg.adapt import Transformer
from psycopg.errors import FeatureNotSupported, InFailedSqlTransaction, InvalidSqlStatementName, error_from_result
from psycopg.pq.abc import PGconn, PGresult

from keys.patient import Patient

Fact = str | int | bytes | datetime | None

_DONE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
_BINARY = 1
_numbers = count(1)

_Command = tuple[bytes, Sequence[bytes | None] | None]
"""A command in words, with None, or the name of a prepared statement with its facts."""
_BEGIN: _Command = (b"BEGIN", None)
_COMMIT: _Command = (b"COMMIT", None)

OUT_OF_DATE = (FeatureNotSupported, InvalidSqlStatementName)
"""A prepared statement is to be prepared anew: its table was made anew, or somebody has said DEALLOCATE ALL."""


@lru_cache(maxsize=16)
def _moment(moment: datetime) -> bytes:
    return str(moment).encode()  # a turn writes its one moment many times


class _Ways(dict[type, Callable[[Any], bytes]]):
    """How a fact of each kind is written; what is a kind of these is written as they are."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        for known in kind.__mro__:
            if known in self:
                self[kind] = self[known]
                return self[known]
        raise TypeError(kind.__name__)


_WAYS = _Ways(
    {
        str: str.encode,
        int: b"%d".__mod__,
        bytes: lambda fact: b"\\x" + fact.hex().encode(),
        datetime: _moment,
    }
)


def as_text(facts: Iterable[Fact]) -> list[bytes | None]:
    """Facts as PostgreSQL reads them. Raises TypeError where one is of no known kind."""
    return [None if fact is None else _WAYS[type(fact)](fact) for fact in facts]


def _sound(answer: PGresult) -> PGresult:
    """The answer. Raises psycopg.Error where it is none."""
    if answer.status not in _DONE:
        raise error_from_result(answer)
    return answer


class Wire:
    """The way to the server of one connection of the driver's."""

    def __init__(self, driver: Patient) -> None:
        self.driver = driver
        self._connection: PGconn = driver.pgconn
        self._arrives = select.poll()
        self._arrives.register(self._connection.socket, select.POLLIN)
        self._waiting: list[tuple[Prepared, Sequence[bytes | None]]] = []

    def begin_reading(self) -> None:
        """Begin a transaction that sees one moment and cannot write. Raises psycopg.Error."""
        self._connection.send_query(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        _sound(self._answer())

    def end(self) -> None:
        """End what has begun, with all that was written; what waits goes along, a trip less. Raises psycopg.Error."""
        if self._waiting:
            # What is sent together is a transaction of its own, where none has begun.
            self._send_waiting(last=[_COMMIT] if self.begun else [])
        elif self._connection.transaction_status == pq.TransactionStatus.INERROR:
            raise InFailedSqlTransaction  # a COMMIT would roll back, and be answered as if all were well
        elif self.begun:
            self._connection.send_query(b"COMMIT")
            _sound(self._answer())

    def wait(self, prepared: Prepared, facts: Sequence[bytes | None]) -> None:
        """Let a statement whose answer nobody asks for wait for what is sent next."""
        self._waiting.append((prepared, facts))

    @property
    def may_wait(self) -> bool:
        """Whether a statement can wait: a transaction has begun, or one begins with it like any other."""
        return bool(self._waiting) or self.begun or self._plain

    def catch_up(self) -> None:
        """Send what waits, within the transaction or as its begin. Raises psycopg.Error."""
        if self._waiting:
            self._send_waiting(first=[] if self.begun else [_BEGIN])

    def forget(self) -> None:
        """Send none of what waits: its transaction is rolled back."""
        self._waiting.clear()

    @property
    def begun(self) -> bool:
        """Whether a transaction has begun."""
        return self._connection.transaction_status != pq.TransactionStatus.IDLE

    def prepare(self, name: bytes, text: bytes) -> None:
        """Prepare a statement under a name. Raises psycopg.Error."""
        self._connection.send_prepare(name, text)
        _sound(self._answer())

    def ask(self, name: bytes, facts: Sequence[bytes | None], *, alone: bool = False) -> PGresult:
        """Run a prepared statement, and take its answer in binary; the transaction begins with it, where none has.

        With one that may stand `alone` it does not. Raises psycopg.Error.
        """
        self.catch_up()
        if not self.begun:
            if not self._plain:
                self.driver.execute("")  # the driver knows how such a transaction begins
            elif not alone:
                return self._together([_BEGIN, (name, facts)])[-1]
        self._connection.send_query_prepared(name, facts, result_format=_BINARY)
        return _sound(self._answer())

    @property
    def _plain(self) -> bool:
        """Whether a transaction begins as the server is set, with no word more."""
        driver = self.driver
        plain = driver.isolation_level is None and driver.read_only is None and driver.deferrable is None
        return plain and not driver.autocommit

    def _send_waiting(self, *, first: Sequence[_Command] = (), last: Sequence[_Command] = ()) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._together([*first, *((prepared.name, facts) for prepared, facts in waiting), *last])
        except OUT_OF_DATE:
            for prepared, _ in waiting:
                prepared.forget()
            raise

    def _together(self, commands: Sequence[_Command]) -> list[PGresult]:
        """Send commands together, which is one trip, and take their answers.

        The first that is not sound is raised, and none after it was carried out.
        """
        connection = self._connection
        answers: list[PGresult] = []
        connection.enter_pipeline_mode()
        try:
            for said, facts in commands:
                if facts is None:
                    connection.send_query_params(said, None)
                else:
                    connection.send_query_prepared(said, facts, result_format=_BINARY)
            connection.pipeline_sync()
            for _ in commands:  # those before one that never comes are kept
                answer = self._next_result()
                assert answer is not None  # whatever is sent is answered
                answers.append(answer)
                connection.get_result()  # None, at once: within a pipeline a command has one answer
            ended = self._next_result()  # that the server has come to the end of what was sent
            if ended is not None and ended.status != pq.ExecStatus.PIPELINE_SYNC:
                answers.append(ended)  # there a transaction is committed that has no COMMIT of its own, and may fail
                connection.get_result()
                self._next_result()
            connection.exit_pipeline_mode()
        except BaseException:
            # Half of the answers may be under way still; whoever asked next would take them for his own.
            connection.finish()
            for answer in answers:
                _sound(answer)  # it says why the connection was lost after it
            raise
        return [_sound(answer) for answer in answers]

    def _answer(self) -> PGresult:
        """Wait for the answer to the next command that was sent; other threads run meanwhile."""
        answer: PGresult | None = None
        try:
            while (result := self._next_result()) is not None:
                # Of several the first says why: after it, the last could only say that the connection is gone.
                answer = answer or result
        except OperationalError:
            if answer is None:
                raise
        assert answer is not None  # whatever is sent is answered
        return answer

    def _next_result(self) -> PGresult | None:
        while self._connection.is_busy():
            left = self.driver.left()
            if not self._arrives.poll(None if left is None else left * 1000):
                raise self.driver.give_up()
            self._connection.consume_input()
        return self._connection.get_result()


class Prepared:
    """One statement on one connection; its facts stand in it as $1, $2 and so on."""

    def __init__(self, wire: Wire, text: str, *, alone: bool) -> None:
        self._wire = wire
        self._alone = alone
        self._text = text.encode()
        self._name: bytes | None = None
        self._reader = Transformer(wire.driver)

    def first(self, facts: Sequence[Fact]) -> tuple[Any, ...] | None:
        """Run it; the first row, None where there is none. Raises psycopg.Error, and TypeError for an unknown fact."""
        answer = self._ask(facts)
        if not answer.ntuples:
            return None
        self._reader.set_pgresult(answer)
        return self._reader.load_row(0, tuple)

    def all(self, facts: Sequence[Fact]) -> list[tuple[Any, ...]]:
        """Run it; every row. Raises as `first` does."""
        answer = self._ask(facts)
        if not answer.ntuples:
            return []
        self._reader.set_pgresult(answer)
        return self._reader.load_rows(0, answer.ntuples, tuple)

    def count(self, facts: Sequence[Fact]) -> int:
        """Run it; how many rows it found. Raises as `first` does."""
        return self._ask(facts).command_tuples or 0

    def later(self, facts: Sequence[Fact]) -> None:
        """Run it with what is sent next, the commit at the latest; what fails is raised there. Raises TypeError."""
        if self._wire.may_wait:
            written = as_text(facts)
            self._prepare()
            self._wire.wait(self, written)
        else:
            self._ask(facts)  # and so begin, as the driver is told to

    @property
    def name(self) -> bytes:
        """What it is called on its connection, once it is prepared."""
        assert self._name is not None
        return self._name

    def forget(self) -> None:
        """Prepare it anew the next time."""
        self._name = None

    def _prepare(self) -> None:
        if self._name is None:
            name = b"touchtone_%d" % next(_numbers)
            self._wire.prepare(name, self._text)
            self._name = name

    def _ask(self, facts: Sequence[Fact]) -> PGresult:
        written = as_text(facts)
        self._prepare()
        try:
            return self._wire.ask(self.name, written, alone=self._alone)
        except OUT_OF_DATE:
            self.forget()
            raise
