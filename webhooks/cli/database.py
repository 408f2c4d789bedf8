"""`touchtone db`: bring the database to this version, check that it is sound, and copy it.

One rule: only `upgrade` changes a schema. What the commands of the ledger share stands here too: opening the database
and the secrets of the settings, and saying plainly why that failed.
"""

from __future__ import annotations

import getpass
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from keys.database import Database
    from keys.secrets_file import Secrets
    from webhooks.settings import Settings

# Every module that defines tables; a test holds this list against the migrations.
TABLE_MODULES = (
    "keys.alarms",
    "keys.catalog",
    "keys.issued",
    "keys.products",
    "keys.reactivation",
    "keys.returning",
    "keys.allowance",
    "keys.reservations",
    "keys.entries",
    "keys.hosts",
    "keys.schema",
    "keys.seals",
    "ivr.askers",
    "ivr.browser_phones",
    "ivr.call_backs",
    "ivr.caller_locales",
    "ivr.calls",
    "ivr.cases",
    "ivr.consents",
    "ivr.desk_entries",
    "ivr.dialled",
    "ivr.grant_requests",
    "ivr.guesses",
    "ivr.idempotency",
    "ivr.logins",
    "ivr.notices",
    "ivr.online_reviews",
    "ivr.operators",
    "ivr.opt_outs",
    "ivr.outbox",
    "ivr.queue",
    "ivr.rates",
    "ivr.reviews",
    "ivr.rings",
    "ivr.sightings",
    "ivr.statistics",
    "ivr.text_limits",
    "ivr.threads",
    "ivr.tokens",
)

# A command may wait for long statements and for a busy line.
_PATIENCE = 60.0

_UNAVAILABLE = {
    "busy": "The database is busy; try again in a moment.",
    "pool": "The database is busy; try again in a moment.",
    "slow": "The database took too long to answer.",
    "unreachable": "The database cannot be reached; check DATABASE_URL.",
    "storage": "The database cannot be written: its disk is full, read-only or damaged.",
}


_TOO_NEW = "The database is too new for this version; install a newer one. Nothing was changed."
_NOT_THIS = {
    "BEHIND": "not at this version: run `touchtone db upgrade`",
    "TOO_NEW": "too new for this version: install a newer one",
}
_NO_COPY = {
    "FILE_EXISTS": "{file} is there already and is not overwritten.",
    "NOT_WRITABLE": "{file} cannot be written: {said}.",
    "DATABASE_MISSING": "There is no database yet; run `touchtone db upgrade`.",
    "PG_DUMP_MISSING": "pg_dump is not on the PATH; install PostgreSQL's client programs, of the server's version.",
    "PG_DUMP_FAILED": "pg_dump failed: {said}",
    "COPY_UNSOUND": "The copy is not sound, and neither, then, is the database; run `touchtone db check`.",
}


@contextmanager
def opened(settings: Settings, *, as_json: bool = False) -> Iterator[Database]:
    """The database of the settings, closed after the block. Ends the command, with one sentence, if there is none."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from keys.database import Database, DatabaseUnavailable
    from keys.unavailable import translated

    try:
        database = Database(settings.database_url, patience=_PATIENCE, connections=2)
    except ValueError:
        refuse("DATABASE_URL_WRONG", "DATABASE_URL must name a SQLite file or a PostgreSQL database.", as_json)
    try:
        with translated():  # migrations use the engine itself
            yield database
    except DatabaseUnavailable as error:
        refuse("DATABASE_UNAVAILABLE", _UNAVAILABLE[error.cause], as_json)
    except (OperationalError, ProgrammingError):
        # What remains of these once the database is there: tables or columns that this version knows and it does not.
        refuse("DATABASE_NOT_CURRENT", "The database is not at this version; run `touchtone db upgrade`.", as_json)
    finally:
        database.close()


def secrets_of(settings: Settings, *, as_json: bool = False) -> Secrets:
    """The secrets of the settings; ends the command with one sentence if they cannot be used."""
    from keys import secrets_file

    try:
        return secrets_file.load(settings.secrets_file)
    except secrets_file.SecretsFileError as error:
        refuse("SECRETS_UNUSABLE", secrets_sentence(error), as_json)


def secrets_sentence(error: Any) -> str:
    """Why a secrets file cannot be used, in one sentence without any of its content."""
    from keys import secrets_file

    if isinstance(error, secrets_file.SecretsFileTooOpenError):
        return f"{error.path} may be read by others (mode {error.mode:04o}); give it mode 0600."
    if isinstance(error, secrets_file.SecretsFileMalformedError):
        return f"{error.path} is malformed" + (f" at {error.field}." if error.field else ".")
    if isinstance(error, secrets_file.SecretsFileExistsError):
        return f"{error.path} exists already and is not overwritten."
    return f"{error.path} cannot be read; run `touchtone init`, or set TOUCHTONE_SECRETS_FILE."


def login_name() -> str:
    """Who is at the terminal, for the entries."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@click.group()
def db() -> None:
    """Upgrade, check and copy the database."""


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def upgrade(as_json: bool) -> None:
    """Bring the database to this version, calls or no calls; does nothing where it is there already, or newer."""
    from keys import schema
    from keys.migrations import running
    from webhooks.settings import load

    with opened(load(), as_json=as_json) as database:
        before = running.current(database.engine)
        running.upgrade(database.engine)
        after, standing = schema.found(database)
    if standing is schema.Standing.TOO_NEW:
        refuse("DATABASE_TOO_NEW", _TOO_NEW, as_json)
    outcome = "upgraded" if before != after else standing.name.lower()
    show({"outcome": outcome, "before": before, "revision": after}, as_json)


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(as_json: bool) -> None:
    """Check the schema, the append-only guards and the database's own integrity."""
    from keys import schema
    from webhooks.settings import load

    wanted = schema.newest()
    with opened(load(), as_json=as_json) as database:
        revision, standing = schema.found(database)
        problems = [_NOT_THIS[standing.name]] if standing.name in _NOT_THIS else _problems(database, revision == wanted)
    found = {"outcome": "unsound" if problems else "sound", "revision": revision, "wanted": wanted}
    show({**found, "problems": problems if as_json else "; ".join(problems) or "none"}, as_json)
    if problems:
        raise click.exceptions.Exit(1)


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def backup(file: Path, as_json: bool) -> None:
    """Copy the database into a new FILE while the line serves; how it is restored: docs/operations.md."""
    from keys.database import driver_url
    from webhooks.cli.backup import BackupError
    from webhooks.cli.backup import backup as copy
    from webhooks.settings import load

    settings = load()
    try:
        size = copy(driver_url(settings.database_url), file)
    except BackupError as error:
        refuse(error.fault, _NO_COPY[error.fault].format(file=file, said=error.said), as_json)
    shown = {"outcome": "copied", "file": str(file), "bytes": size}
    show(shown if as_json else {**shown, "not_in_it": f"secrets and signed roots: {settings.roots_file}"}, as_json)


def _problems(database: Database, compared: bool) -> list[str]:
    from sqlalchemy import text

    from keys import append_only
    from keys.database import metadata
    from keys.migrations import running

    for module in TABLE_MODULES:
        importlib.import_module(module)
    differences = running.differences(database.engine, metadata) if compared else []
    found = [f"schema differs: {difference[0]}" for difference in differences]
    with database.read() as connection:
        found += [f"table {name} is not append-only any more" for name in append_only.missing(connection)]
        if database.dialect == "sqlite":
            said = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
            found += [line for line in said if line != "ok"]
            found += [
                f"row of {row[0]} refers to nothing" for row in connection.execute(text("PRAGMA foreign_key_check"))
            ]
    return found
