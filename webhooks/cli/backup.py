"""A copy of the database while the line serves: one moment of it, whole, or none at all.

Rule: the copy stands under its name only when it is complete and on the disk; it is readable by its owner alone, and a
file that is there is never overwritten. Calls and texts go on meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from sqlalchemy.engine import URL


class BackupFault(StrEnum):
    """Why there is no copy."""

    FILE_EXISTS = "FILE_EXISTS"
    NOT_WRITABLE = "NOT_WRITABLE"
    DATABASE_MISSING = "DATABASE_MISSING"
    PG_DUMP_MISSING = "PG_DUMP_MISSING"
    PG_DUMP_FAILED = "PG_DUMP_FAILED"
    COPY_UNSOUND = "COPY_UNSOUND"


class BackupError(Exception):
    """There is no copy, for this reason; `said` is what the program that failed said, if one did."""

    def __init__(self, fault: BackupFault, said: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.said = said


def backup(url: URL, file: Path) -> int:
    """Copy the database of a URL (`keys.database.driver_url`) into a new file; its size in bytes.

    Raises BackupError.
    """
    part = file.with_name(f"{file.name}.part")
    if file.exists():
        raise BackupError(BackupFault.FILE_EXISTS)
    try:
        # Made first, so that its mode is right before a byte of a number is in it.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        try:
            if url.get_backend_name() == "sqlite":
                _copy_file(Path(str(url.database)), part)
            else:
                _dump(url, part)
            _on_the_disk(part)
            os.link(part, file)  # unlike a rename it takes no other's place
            _on_the_disk(file.parent)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise BackupError(BackupFault.FILE_EXISTS) from error
    except OSError as error:
        raise BackupError(BackupFault.NOT_WRITABLE, str(error.strerror)) from error
    return file.stat().st_size


def _copy_file(source: Path, part: Path) -> None:
    """By SQLite's own backup, in one step: writers go on beside it, and the copy is of the moment it began."""
    if not source.exists():
        raise BackupError(BackupFault.DATABASE_MISSING)
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30)) as live, closing(sqlite3.connect(part)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    if not sound:
        raise BackupError(BackupFault.COPY_UNSOUND)


def _dump(url: URL, part: Path) -> None:
    """By PostgreSQL's own pg_dump, in its own format, which `pg_restore` reads."""
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError(BackupFault.PG_DUMP_MISSING)
    hosts = url.query.get("host", ())
    plain = url.set(drivername="postgresql", password=None, query={})
    named = [hosts] if isinstance(hosts, str) else list(hosts)
    where = plain.render_as_string() if not named else f"{plain.render_as_string()}?host={','.join(named)}"
    # The password goes by the environment: a command line is everybody's to read.
    environment = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    done = subprocess.run(  # noqa: S603 - our own words, and no shell
        [program, "--format=custom", "--no-owner", "--no-privileges", f"--file={part}", f"--dbname={where}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(BackupFault.PG_DUMP_FAILED, done.stderr.strip().splitlines()[-1] if done.stderr else "")


def _on_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
