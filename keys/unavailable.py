"""When the database cannot be used: one error for every driver, and the one cause that explains it.

The rule it keeps: what the database refuses for want of itself is `DatabaseUnavailable`; what it refuses because our
own statement is wrong stays what it was. SQLite's driver is known by its name, so that a line on PostgreSQL does not
load it.
"""

from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Cause(StrEnum):
    """Why the database could not be used."""

    BUSY = "busy"  #: a lock was not had in time, or two writers stood in each other's way
    POOL = "pool"  #: every connection was in use for too long
    SLOW = "slow"  #: a statement took too long
    UNREACHABLE = "unreachable"  #: no connection, or it was lost
    STORAGE = "storage"  #: the disk is full, read-only or damaged


class DatabaseUnavailable(RuntimeError):  # noqa: N818 - the name says what is so, as the caller of it will
    """The database could not do it now, and `cause` says why.

    Nothing was kept, unless the connection fell just while committing.
    """

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class _Translated:
    """A `with` block whose errors are translated; written out, since a turn would wait for a generator to be made."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise DatabaseUnavailable where that is what the error means."""
        if isinstance(error, DBAPIError | PoolTimeout) or (isinstance(error, Exception) and _is_sqlite(error)):
            cause = cause_of(error)
            if cause is not None:
                raise DatabaseUnavailable(cause) from error


_TRANSLATED = _Translated()


def translated() -> AbstractContextManager[None]:
    """Raise DatabaseUnavailable in place of a driver's error that means it; let every other error through."""
    return _TRANSLATED


_BY_SQLSTATE = {
    "57014": Cause.SLOW,
    "25P04": Cause.SLOW,
    "55P03": Cause.BUSY,
    "40P01": Cause.BUSY,
    "40001": Cause.BUSY,
    "25006": Cause.STORAGE,
    "53100": Cause.STORAGE,
    "53200": Cause.UNREACHABLE,
    "53300": Cause.UNREACHABLE,
    "25P03": Cause.UNREACHABLE,
}
_BY_SQLSTATE_CLASS = {"08": Cause.UNREACHABLE, "57": Cause.UNREACHABLE, "58": Cause.STORAGE, "XX": Cause.STORAGE}
_BY_SQLITE_CODE = {
    5: Cause.BUSY,  # SQLITE_BUSY
    6: Cause.BUSY,  # SQLITE_LOCKED
    8: Cause.STORAGE,  # SQLITE_READONLY
    10: Cause.STORAGE,  # SQLITE_IOERR
    11: Cause.STORAGE,  # SQLITE_CORRUPT
    13: Cause.STORAGE,  # SQLITE_FULL
    14: Cause.UNREACHABLE,  # SQLITE_CANTOPEN
    26: Cause.STORAGE,  # SQLITE_NOTADB
}


def cause_of(error: Exception) -> Cause | None:
    """Tell whether an error means that the database is unavailable; None for a fault of our own statement.

    By PostgreSQL's SQLSTATE (appendix A of its manual) or SQLite's primary result code.
    """
    if isinstance(error, PoolTimeout):
        return Cause.POOL
    origin = error.orig if isinstance(error, DBAPIError) else error
    if _is_sqlite(origin):
        # The extended code's low byte is the primary one.
        return _BY_SQLITE_CODE.get(getattr(origin, "sqlite_errorcode", 0) & 0xFF)
    state = getattr(origin, "sqlstate", None)
    if state is None:
        # A PostgreSQL error without a state never came from the server: there was no server to speak to.
        lost = isinstance(error, DBAPIError) and (
            error.connection_invalidated or type(origin).__name__ in {"OperationalError", "ConnectionTimeout"}
        )
        return Cause.UNREACHABLE if lost else None
    return _BY_SQLSTATE.get(state) or _BY_SQLSTATE_CLASS.get(state[:2])


def _is_sqlite(error: object) -> bool:
    return type(error).__module__ == "sqlite3"
