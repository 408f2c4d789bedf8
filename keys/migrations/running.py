"""Bringing a database to the schema of this version, one revision after another.

The rule it keeps: serving never runs this; `touchtone db upgrade` does, once, before the first line of the new version
is started, while those of the old one may go on. There is no alembic.ini and no env.py: Alembic is set up here, in
code, so that it works from an installed wheel.
"""

import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError

from keys.migrations.steps import LOCK_MILLISECONDS
from keys.unavailable import Cause, cause_of

# Any fixed number will do, as long as every node takes the same.
_UPGRADE_LOCK = 5_446_187
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0


def _scripts() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(files("keys.migrations")).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing up to `revision`; nothing where the database is there already, or newer than this version.

    Two nodes that upgrade at once follow one another. On SQLite all is one transaction. On PostgreSQL, where calls may
    go on meanwhile, each revision is one, and waits half a second for a table that is in use: then it stands back, lets
    the turns behind it by, and tries again for five minutes. `engine` is `keys.database.Database.engine`. Raises
    sqlalchemy.exc.DBAPIError where a table was not to be had.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            try:
                _take_turns(connection)
                _patiently(connection, revision)
            finally:
                connection.invalidate()  # it has limits of its own, and the turn of those who upgrade
        else:
            with connection.begin():
                _run(connection, revision)


def _take_turns(connection: Connection) -> None:
    """Take all limits off a connection, and wait for whoever upgrades already."""
    from keys.patient import limits  # and the driver with it, which SQLite does without

    driver: Any = connection.connection.driver_connection
    driver.each = None
    for limit in limits(driver):
        connection.execute(text(f"SET {limit} = 0"))
    connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _UPGRADE_LOCK})
    connection.commit()


def _patiently(connection: Connection, revision: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute(text(f"SET lock_timeout = {LOCK_MILLISECONDS}"))
            connection.commit()
            _run(connection, revision)
        except DBAPIError as error:
            connection.rollback()
            if cause_of(error) is not Cause.BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _run(connection: Connection, revision: str) -> None:
    config, scripts = _scripts()

    def steps(at: Any, _context: MigrationContext) -> Sequence[Any]:
        if any(each > str(scripts.get_current_head()) for each in at):
            return []
        return scripts._upgrade_revs(revision, at)  # noqa: SLF001 - Alembic has no public name for it

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()


def current(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this version of the program wants."""
    revision = _scripts()[1].get_current_head()
    assert revision is not None
    return revision


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """What Alembic would still change to bring the database to `metadata`; nothing is what a sound one gives."""
    with engine.connect() as connection:
        return list(compare_metadata(_comparing(connection), metadata))


def _comparing(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
